"""A journal without a supervisor: journal_driver.c, told by words, and the lines of its files.

    with Driver(directory) as d: d.send("app_start", "count=0")
    records(path) -> every line of a journal: Record, or None where it is damaged
"""
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

import journal
from binaries import tinysup
from harness import children, until

WAIT = 30


def line_of(run, number, kind, when=1763748137123, **fields):
    return journal.line_of(journal.Record(run, number, when, kind, fields)).decode()


def records(path):
    return [journal.parse(line) for line in Path(path).read_bytes().split(b"\n")[:-1]]


def numbers(path, run):
    """Of this run's records that process 1 has sent: all but ticks."""
    return [r.number for r in records(path) if r is not None and r.run == run and r.kind != "tick"]


class Driver:
    def __init__(self, directory, instance="-", *steps, **options):
        self.lines = []
        self.process = subprocess.Popen([Path(tinysup()).parent / "tests/journal_driver", str(directory), instance, *steps],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.run = self.until("run")[0]

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def has(self, word):
        return [line.split(" ")[1:] for line in list(self.lines) if line.startswith(word + " ")]

    def until(self, word, count=1):
        return until(lambda: len(self.has(word)) >= count and self.has(word)[count - 1], f"{word} is printed: {self.lines}")

    def ask(self, line, answer):
        count = len(self.has(answer))
        self.tell(line)
        return self.until(answer, count + 1)

    def send(self, kind, *fields):
        return int(self.ask(" ".join(["send", kind, *fields]), "sent")[0])

    def flood(self, count, pause=0):
        """(the last number, how many were lost)"""
        return tuple(map(int, self.ask(f"flood {count} {pause}", "flooded")))

    def state(self):
        """(the writer's pid, the last record on disk, whether it fails, the longest call in seconds)"""
        writer, written, failing, longest = map(int, self.ask("state", "state"))
        return writer, written, failing, longest / 1e6

    def written(self, number):
        until(lambda: self.state()[1] >= number, f"{number} is on disk: {self.lines[-20:]}")

    def account(self):
        names = "owed id done runs records damaged run counts held restarts after learned".split()
        return dict(zip(names, self.until("account")))

    def troubles(self):
        return [int(words[0]) for words in self.has("trouble")]

    def trouble(self):
        words = self.until("trouble")
        return int(words[0]), " ".join(words[1:])

    def writer(self):
        return until(lambda: children(self.process.pid), "it has a writer")[0]

    def kill_writer(self):
        """The one that there is now, if any."""
        for writer in children(self.process.pid):
            try:
                os.kill(writer, signal.SIGKILL)
            except ProcessLookupError:
                pass  # reaped since

    def finish(self, limit=10000):
        """Seconds that it took."""
        took = int(self.ask(f"finish {limit}", "finished")[0]) / 1000
        self.end()
        return took

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self):
        self.process.wait(WAIT)
        self.process.stdin.close()
        self.reader.join(WAIT)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.process.stdin.close()
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.reader.join(WAIT)
            self.process.stdout.close()


class JournalCase(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-journal-"))
        os.chmod(self.directory, 0o755)
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.directory)], check=True)
        self.state = self.directory / "state"

    def driver(self, instance="-", *steps, directory=None, **options):
        driver = Driver(directory or self.state, instance, *steps, **options)
        self.addCleanup(driver.__exit__)
        return driver

    def journal(self, slot=1, directory=None):
        return (directory or self.state) / f"slot-{slot}.journal"

    def mount(self, *options):
        """A file system of its own at self.state."""
        self.state.mkdir()
        subprocess.run(["mount", *options, str(self.state)], check=True)
        self.addCleanup(until, lambda: subprocess.run(["umount", str(self.state)], stderr=subprocess.DEVNULL).returncode == 0,
                        "it is unmounted")

    def ran(self, *kinds, slot=1):
        """A run that wrote these records, and was killed."""
        with self.driver() as d:
            d.account()
            for kind in kinds:
                last = d.send(*kind.split())
            d.written(last)
            d.kill()
        until(lambda: not self.locked(slot), "its lock is free")
        return d.run

    def locked(self, slot):
        """Whether anybody holds it: as lslocks finds it."""
        inode = os.stat(self.state / f"slot-{slot}.lock").st_ino
        return any(f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())


def now():
    return time.monotonic()
