"""tinysup as process 1 of a PID namespace of its own, from the outside.

    with Supervised("--", "app") as s: ...     the app is tests/integration/app.py's subcommand, or any program
    s.pid                                      process 1, as seen from here
    s.signal("TERM"); s.wait() -> exit code; s.seconds -> from the first signal to the exit; s.log() -> what stderr got

Everything dies with the test: unshare --kill-child and PDEATHSIG below.
"""
import ctypes
import math
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from datetime import datetime
from pathlib import Path

from binaries import path_of, tinysup

HERE = Path(__file__).resolve().parent
PLAIN = path_of("plain")
APP = [sys.executable, "-S", "-E", str(HERE / "app.py")]
LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def number(name):
    return name if isinstance(name, int) else getattr(signal, f"SIG{name}")


PATIENCE = 60.0  # on a machine that is busy: nothing is measured by it


def until(condition, what, seconds=PATIENCE):
    """Waits for a condition, and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.002)


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def stat_of(pid):
    """The fields of /proc/PID/stat that follow the name: state, parent, group, session, terminal, its group, flags ..."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def own_loopback():
    """An address by chance, for servers whose port is fixed."""
    return "127.%d.%d.%d" % tuple(random.SystemRandom().randrange(1, 255) for _ in range(3))


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def blocks_signals(pid):
    """main() has begun: before that the kernel drops what is sent to process 1. While it waits for them, /proc shows none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return int(status.split("SigBlk:")[1].split()[0], 16) & 1 << 14 or children(pid)


def kill_tree(pid):
    for child in children(pid):
        kill_tree(child)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Supervised:
    """One run of tinysup. first=False: not as process 1. name: started under another name. files: there before it is."""

    def __init__(self, *words, config=None, env=None, first=True, name=None, wrap=(), stdin=subprocess.DEVNULL,
                 stdout=None, stderr=None, setup=None, binary=None, ready=True, piped=False, files=()):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-test-"))
        self.directory.chmod(0o755)  # some run as somebody else
        self.stderr, self.stdout = self.directory / "stderr", self.directory / "stdout"
        binary = Path(binary or tinysup())
        if name:
            (self.directory / name).symlink_to(binary)
            binary = self.directory / name
        for there in files:
            self.touch(there)
        command = [str(binary)]
        if config is not None:
            (self.directory / "conf").write_text(config)
            command += ["--config", str(self.directory / "conf")]
        command += [str(w) for w in words]
        if first:
            command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *wrap, *command]
        else:
            command = [*wrap, *command]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TINYSUP", "TINI_", "DUMB_INIT"))}
        environment.update({"TEST_DIR": str(self.directory), **(env or {})})

        def before_exec():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if setup:
                setup()

        self.copier = None
        if piped:  # as an engine reads it: no process of tinysup's own writes the log then
            read, stderr = os.pipe()
            os.fchmod(stderr, 0o622)  # runc gives it to the container's user
            self.copier = threading.Thread(target=self.copy, args=(read,), daemon=True)
            self.copier.start()
        with open(self.stdout, "wb") as out, open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=out if stdout is None else stdout,
                                            stderr=err if stderr is None else stderr, env=environment, preexec_fn=before_exec)
        if piped:
            os.close(stderr)
        self.first, self.binary, self.words = first, str(binary).encode(), words
        self.begun = self.seconds = None
        self.pid = self.find(binary) if ready else None

    def copy(self, read):
        with open(read, "rb", buffering=0) as lines, open(self.stderr, "ab", buffering=0) as file:
            while data := lines.read(65536):
                file.write(data)

    def find(self, binary):
        def look():
            pid = self.process.pid
            while True:
                line = command_line(pid)
                if line and line[0] == str(binary).encode():
                    return blocks_signals(pid) and pid
                below = children(pid)
                if not below:
                    self.must_run()
                    return None
                pid = below[0]
        return until(look, "tinysup runs")

    def must_run(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it has ended with {self.process.returncode}: {self.log()}")

    def app(self):
        """The app's pid, once it has been executed."""
        def look():
            for pid in children(self.pid):
                line = command_line(pid)
                if line and line[0] and line[0] != self.binary:
                    return pid
            self.must_run()
            return None
        return until(look, "the app runs")

    def signal(self, name):
        if self.begun is None:
            self.begun = time.monotonic()
        assert self.pid > 1  # -1 would be everybody
        os.kill(self.pid, number(name))

    def lasted(self):
        """Seconds from the first stop event to the exit by tinysup's own clock: on a busy machine ours runs late, and the kernel
        takes its time to end a namespace of many processes. The line may be missing where a process of tinysup's writes the log."""
        begun = ended = None
        for line in self.log().splitlines():
            if any(word in line for word in (": stopping ", ": shutting down within ", "; finishing recovery within ")):
                begun = line
            elif " after the first stop event" in line:
                ended = line
        if begun is None or ended is None:
            return math.inf
        return (time_of(ended) - time_of(begun)).total_seconds()

    def wait(self, seconds=40):
        """The exit code; 128 + N where a signal ended it."""
        code = self.process.wait(seconds)
        if self.begun is not None:
            self.seconds = time.monotonic() - self.begun
        if self.copier:
            self.copier.join(5)
        return code if code >= 0 else 128 - code

    def log(self):
        return self.stderr.read_text(errors="replace")

    def out(self):
        return self.stdout.read_text(errors="replace")

    def file(self, name):
        path = self.directory / name
        return path.read_text() if path.exists() else ""

    def until_file(self, name, text=""):
        return until(lambda: (self.directory / name).exists() and text in self.file(name) and (self.file(name) or " "),
                     f"{name} has {text!r}")

    def probe(self, *words, how="probe", config=False, wrap=()):
        """`tinysup --probe WORDS` inside: (exit code, what it printed)."""
        command = ["nsenter", "-t", str(self.pid), "-p", "-m"] if self.first else []
        command += [*wrap, tinysup(), *(["--config", str(self.directory / "conf")] if config else []), f"--{how}", *words]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env={**os.environ, "TEST_DIR": str(self.directory)}, timeout=PATIENCE)
        return ran.returncode, ran.stdout

    def until_probe(self, code, *words, seconds=PATIENCE, **options):
        return until(lambda: (r := self.probe(*words, **options))[0] == code and r[1], f"--probe {words} is {code}", seconds)

    def touch(self, name):
        (self.directory / name).touch()

    def remove(self, name):
        (self.directory / name).unlink()

    def until_log(self, text):
        return until(lambda: text in self.log(), f"the log has {text!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        kill_tree(self.process.pid)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def run(*words, **options):
    """A run that ends by itself: (exit code, stdout, stderr)."""
    with Supervised(*words, ready=False, **options) as s:
        code = s.wait()
        return code, s.out(), s.log()


def time_of(line):
    return datetime.fromisoformat(line.split("Z ")[0])


class Case(unittest.TestCase):
    def start(self, *words, **options):
        s = Supervised(*words, **options)
        self.addCleanup(s.__exit__)
        return s

    def app(self, *words, **options):
        """A subcommand of app.py, which has said that it is ready."""
        before = options.pop("options", ())
        s = self.start(*before, "--", *APP, *words, **options)
        s.until_file("ready")
        return s


class Terminal:
    """A pseudo-terminal whose session belongs to what runs on it: what a `docker run -it` looks like from the inside."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.execvp(command[0], [str(c) for c in command])
        os.set_blocking(self.fd, False)
        self.text, self.ended = "", False

    def read(self):
        try:
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        except BlockingIOError:
            pass
        except OSError:     # nobody has the terminal open any more
            self.ended = True
        return self.text

    def all_read(self):
        self.read()
        return self.ended

    def until(self, text):
        until(lambda: text in self.read(), f"the terminal shows {text!r}, not {self.text!r}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        pid, status = until(lambda: (r := os.waitpid(self.pid, os.WNOHANG))[0] and r, "it ends")
        self.pid = 0
        until(self.all_read, "the terminal is closed")  # what was written comes later than the end of who wrote it
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            kill_tree(self.pid)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
