"""Apps that write: output_app.py SUBCOMMAND [ARGUMENTS]."""
import os
import signal
import sys
import time


def numbers(count, pause="0"):
    """numbers COUNT [PAUSE]: so many numbered lines; 7 if any write fails."""
    try:
        for n in range(int(count)):
            os.write(1, b"%d\n" % n)
            if float(pause):
                time.sleep(float(pause))
    except OSError:
        os._exit(7)


def for_ever(width="1"):
    """for_ever [WIDTH]: numbered lines of that many digits at least until SIGTERM, and then how many there were."""
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    n = 0
    while not over:
        os.write(1, b"%0*d\n" % (int(width), n))
        n += 1
        time.sleep(0.0005)
    with open(os.environ["TEST_DIR"] + "/count", "w", encoding="ascii") as file:
        file.write(str(n))


def both(count):
    """both COUNT: whole lines to both, by turns."""
    for n in range(int(count)):
        os.write(1, b"out %d %s\n" % (n, b"o" * 200))
        os.write(2, b"err %d %s\n" % (n, b"e" * 200))


globals()[sys.argv[1]](*sys.argv[2:])
