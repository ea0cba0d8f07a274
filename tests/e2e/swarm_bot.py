"""A bot that notes when it trades, in a file that all of its lives share: swarm_bot.py FILE."""
import os
import signal
import sys
import time

ME = os.environ["HOSTNAME"]


def note(what):
    fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(fd, f"{time.monotonic():.6f} {ME} {what}\n".encode())
    os.close(fd)


signal.signal(signal.SIGTERM, lambda *_: (note("told"), sys.exit(0)))
note("trades")
while True:
    time.sleep(0.05)
    note("trades")
