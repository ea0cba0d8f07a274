#!/usr/bin/env python3
"""Runs every test and ends with the line `N passed, N failed`.

    tests/run.py [NAME]      all, or those whose `file::test` contains NAME

Unit tests (cmocka programs, built by make), Python test files and commands such as the linters are one list here. A test that
is skipped counts as failed: a missing part must be heard of. What wants Docker, and the linters, whose word depends on their
version, run where CI is set or where NAME asks for them: `make e2e`, `make lint`. What a Python file needs to know comes by environment variables,
TINYSUP (the binary) before all.
"""
import concurrent.futures
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_SECONDS = 900  # the longest a file of tests may take
AT_ONCE = 3  # files; most of their time is waiting
DOCKER = "e2e"  # these want an engine of their own
LINTERS = ("analyze", "tidy", "cppcheck", "shellcheck", "format", "docs")
IN_CI = os.environ.get("CI", "") not in ("", "false")


class Report(unittest.TestResult):
    """Tells each result as a line of JSON, as soon as it is there."""

    def __init__(self, to):
        super().__init__()
        self.to, self.begun = to, 0.0

    def startTest(self, test):
        super().startTest(test)
        self.begun = time.monotonic()

    def tell(self, test, good, why=""):
        name = test.id() if isinstance(test, unittest.TestCase) else str(test)
        print(json.dumps({"name": name.split(".", 1)[-1], "good": good, "why": why,
                          "seconds": time.monotonic() - self.begun}), file=self.to, flush=True)

    def addSuccess(self, test):
        self.tell(test, True)

    def addFailure(self, test, err):
        self.tell(test, False, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self.tell(test, False, f"skipped: {reason}")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.tell(subtest, False, self._exc_info_to_string(err, test))


def selected(suite, pattern, prefix):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from selected(test, pattern, prefix)
        elif pattern in f"{prefix}::{test.id()}":
            yield test


def run_one_file(path, pattern):
    """In a process of its own: `run.py --file PATH PATTERN`."""
    sys.path.insert(0, str(path.parent))
    to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tests print is no report
    suite = unittest.defaultTestLoader.discover(str(path.parent), pattern=path.name)
    unittest.TestSuite(selected(suite, pattern, path.relative_to(ROOT))).run(Report(to))


class Tally:
    """What came of it all. Files run side by side; a file's lines are printed together."""

    def __init__(self):
        self.passed, self.failures, self.lock = 0, [], threading.Lock()

    def add(self, results):
        with self.lock:
            for name, good, seconds, why in results:
                print(f"{'ok  ' if good else 'FAIL'} {name} ({seconds:.2f} s)")
                if good:
                    self.passed += 1
                else:
                    print("     " + why.strip().replace("\n", "\n     "))
                    self.failures.append(name)
            sys.stdout.flush()


def bounded(command, seconds, **options):
    return subprocess.run(["timeout", "-k", "5", str(seconds), *command], stdout=subprocess.PIPE, text=True, errors="replace",
                          cwd=ROOT, stdin=subprocess.DEVNULL, check=False, **options)


def run_python(path, pattern, environment, label):
    name = f"{path.relative_to(ROOT)}{label}"
    done = bounded([sys.executable, __file__, "--file", str(path), pattern], FILE_SECONDS,
                   env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"})
    for line in done.stdout.splitlines():
        result = json.loads(line)
        yield f"{name}::{result['name']}", result["good"], result["seconds"], result["why"]
    if done.returncode != 0:
        yield name, False, 0, f"the file ended with {done.returncode}"


def run_unit(program, pattern):
    name = f"tests/unit/{program.name}.c"
    done = bounded([str(program)], FILE_SECONDS, stderr=subprocess.STDOUT)
    seen = 0
    for line in done.stdout.split("[  PASSED  ]")[0].splitlines():
        for mark, good in (("[       OK ] ", True), ("[  FAILED  ] ", False)):
            if line.startswith(mark) and pattern in f"{name}::{line.removeprefix(mark)}":
                seen += 1
                yield f"{name}::{line.removeprefix(mark)}", good, 0, "" if good else done.stdout
    if done.returncode < 0 or (seen == 0 and pattern == ""):
        yield name, False, 0, done.stdout


def run_command(name, command):
    begun = time.monotonic()
    done = bounded(command, 900, stderr=subprocess.STDOUT)
    yield name, done.returncode == 0, time.monotonic() - begun, done.stdout[-4000:]


def default_signals():
    """What started us may ignore or block signals, those of the C library's own included; what we test must not inherit that."""
    number = {"x86_64": 13, "aarch64": 134}[os.uname().machine]  # rt_sigaction: the C library's call refuses 32 and 33
    default = ctypes.create_string_buffer(64)
    for n in range(1, 65):
        if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGPIPE):
            ctypes.CDLL(None).syscall(number, n, default, None, 8)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def list_of_work(pattern):
    """What there is to run: a function and its arguments each, the long ones first."""
    build = ROOT / os.environ.get("BUILD", "build")
    files = [p for p in sorted((ROOT / "tests").glob("*/test_*.py"), key=lambda p: (p.parent.name != DOCKER, p))
             if IN_CI or p.parent.name != DOCKER or pattern in str(p.relative_to(ROOT)) and pattern]
    for path in files:
        text = path.read_text()
        yield run_python, path, pattern, {"TINYSUP": str(build / "tinysup")}, ""
        # process 1 once more, in the build whose malloc() ends it after the seal
        if "# also sealed" in text:
            yield run_python, path, pattern, {"TINYSUP": str(ROOT / "build-seal/tinysup")}, " (sealed)"
        if "# also sanitized" in text:
            sanitized = {"TINYSUP": str(ROOT / "build-asan/tinysup"), "ASAN_OPTIONS": "detect_leaks=0"}
            yield run_python, path, pattern, sanitized, " (sanitized)"
    for program in sorted((ROOT / "build-asan/unit").glob("test_*")):
        yield run_unit, program, pattern
    for goal in LINTERS if IN_CI or "lint" in pattern else ():
        if pattern in f"lint::{goal}":
            yield run_command, f"lint::{goal}", ["make", "-s", f"lint-{goal}"]


def main():
    if sys.argv[1:2] == ["--file"]:
        run_one_file(Path(sys.argv[2]), sys.argv[3])
        return 0
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    default_signals()
    begun, tally = time.monotonic(), Tally()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for work in list_of_work(pattern):
            pool.submit(lambda w: tally.add(list(w[0](*w[1:]))), work).add_done_callback(
                lambda f, w=work: f.exception() and tally.add([(str(w[1]), False, 0, repr(f.exception()))]))
    for name in tally.failures:
        print(f"failed: {name}")
    print(f"in {time.monotonic() - begun:.0f} s" + ("" if IN_CI or pattern else "; left out here: make e2e, make lint"))
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    return 1 if tally.failures or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
