"""Apps with an appetite: `apps.py SUBCOMMAND`, a function each. All end with 0 on SIGTERM."""
import os
import signal
import sys
import time


def ready():
    with open("/test/ready", "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def wait():
    ready()
    while True:
        signal.pause()


def fill():
    """fill: takes every process there is to be had, and lets go of them on SIGUSR1."""
    held = []

    def let_go(*_):
        for pid in held:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        held.clear()

    signal.signal(signal.SIGUSR1, let_go)
    refused = 0
    while refused < 50:     # places of the runtime's own processes become free a moment after these have ended
        try:
            pid = os.fork()
        except BlockingIOError:
            refused += 1
            time.sleep(0.005)
            continue
        refused = 0
        if pid == 0:
            while True:
                signal.pause()
        held.append(pid)
    wait()


def eat(pair=""):
    """eat [pair]: takes memory, a MiB at a time, until somebody minds; begins with SIGUSR1. pair: two do, so neither has most of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    ready()
    signal.sigwait([signal.SIGUSR1])
    if pair:
        os.fork()
    held = []
    while True:
        held.append(b"x" * (1 << 20))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    globals()[sys.argv[1]](*sys.argv[2:])
