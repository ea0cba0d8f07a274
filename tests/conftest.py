"""What pytest has to know about these tests: three builds of tinysup, unit tests in C, what runs in CI alone, and the last line.

A skipped test counts as failed: a missing part must be heard of. What wants Docker, and the linters, whose word depends on
their version, run where CI is set or where they are asked for: `make e2e`, `make lint`, `make test T=lint`.
"""
import contextlib
import ctypes
import fcntl
import os
import re
import signal
import subprocess
import sys
import unittest

import pytest
from xdist.scheduler import LoadScopeScheduling

import binaries

ROOT = binaries.ROOT
IN_CI = os.environ.get("CI", "") not in ("", "false")
IN_CI_ALONE = ("tests/e2e", "tests/lint")
AGAIN_MAX = 12
NOT_AGAIN = ("tests/unit", "tests/lint", "tests/fuzz")
E2E_SECONDS = 2400  # images and releases are made
PR_SET_PDEATHSIG = 1
# they take all processors: what ran beside them would be late
ALONE = ("test_chaos", "test_thousands_of_orphans", "test_forks_during_shutdown", "test_a_storm_of_forks")
# seconds that a file takes, of those that take long: they begin first
LONG = {"tests/e2e/test_examples_trading.py": 180, "tests/e2e/test_examples_software.py": 150, "tests/e2e/test_examples_services.py": 140,
        "tests/money/test_make_money.py": 120, "tests/bench/test_race.py": 60, "tests/unit/test_plans.c": 60, "tests/bench/test_cost.py": 40,
        "tests/fault/test_memory.py": 25, "tests/integration/test_people_browser.py": 30,
        "tests/probes/test_listener_page.py": 35, "tests/probes/test_listener_page.py[sanitized]": 35,
        **{f"tests/integration/test_{name}.py{binary}": 30
           for name in ("hostile", "health", "chain", "process", "config", "journal", "journal_disks", "signers", "signed_attempts")
           for binary in ("", "[sealed]", "[sanitized]")}}


def default_signals():
    """What started us may ignore or block signals, those of the C library's own included; what we test must not inherit that."""
    number = {"x86_64": 13, "aarch64": 134}[os.uname().machine]  # rt_sigaction: the C library's call refuses 32 and 33
    default = ctypes.create_string_buffer(64)
    for n in range(1, 65):
        if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGPIPE):
            ctypes.CDLL(None).syscall(number, n, default, None, 8)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and Python leaves it at that


def pytest_addoption(parser):
    parser.addoption("--only", default="", metavar="NAME", help="the tests whose `file::test` contains NAME")
    parser.addoption("--exactly", action="append", default=[], metavar="ID", help="this test, and others that are named so")


def pytest_configure(config):
    default_signals()
    if hasattr(config, "workerinput"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # and what a test starts dies with its worker
    else:
        config.pluginmanager.register(LastLine(), "last-line")


# --- what there is to run


def pytest_ignore_collect(collection_path, config):
    path = str(collection_path.relative_to(ROOT))
    only = config.getoption("--only")
    if IN_CI or not path.startswith(IN_CI_ALONE) or any(name in " ".join(config.args) for name in IN_CI_ALONE):
        return None
    return not (only and (path in IN_CI_ALONE or only in path or only.startswith(path)))


def pytest_collect_file(file_path, parent):
    """Unit tests, and a file of Python tests once more for each build that it names beside the plain one."""
    if file_path.parent.name == "unit" and file_path.match("test_*.c"):
        return UnitProgram.from_parent(parent, path=file_path)
    if not file_path.match("test_*.py"):
        return None
    return OtherBinaries.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config, items):
    only, exactly = config.getoption("--only"), config.getoption("--exactly")
    chosen = {item.nodeid for item in items if only in item.nodeid and (not exactly or item.nodeid in exactly)}
    unwanted = [item for item in items if item.nodeid not in chosen]
    items[:] = [item for item in items if item.nodeid in chosen]
    config.hook.pytest_deselected(items=unwanted)
    for item in items:
        if item.nodeid.startswith(IN_CI_ALONE):
            item.add_marker(pytest.mark.timeout(E2E_SECONDS))


class OtherBinaries(pytest.File):
    def collect(self):
        named = re.search(r"^BINARIES = \((.*)\)$", self.path.read_text(), re.M)
        for binary in re.findall(r"\w+", named[1] if named else ""):
            if binary != "plain":
                yield WithBinary.from_parent(self, path=self.path, name=f"{self.path.name}[{binary}]",
                                             nodeid=f"{self.nodeid}[{binary}]", binary=binary)


class WithBinary(pytest.Module):
    def __init__(self, *, binary, **options):
        super().__init__(**options)
        self.binary = binary


@pytest.fixture(scope="module", autouse=True)
def _binary(request):
    binaries.choose(getattr(request.node, "binary", "plain"))
    yield
    unittest.case.doModuleCleanups()  # pytest calls setUpModule() and not these


class UnitProgram(pytest.File):
    """A cmocka program of the sanitized build: it is run once, and each of its tests is an item."""

    done = None

    def collect(self):
        for name in re.findall(r"\bcmocka_unit_test\w*\((\w+)", self.path.read_text()):
            yield UnitTest.from_parent(self, name=name)

    def result(self):
        """(what it printed, the tests that passed); none did where it ended by itself in the midst of it."""
        if self.done is None:
            program = ROOT / "build-asan/unit" / self.path.stem
            self.done = subprocess.run(["timeout", "-k", "5", "170", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        text = self.done.stdout
        failed = re.findall(r"^\[  FAILED  \] (\w+)$", text, re.M)
        good = set(re.findall(r"^\[       OK \] (\w+)$", text, re.M)) - set(failed)
        return text, good if (self.done.returncode == 0) == (not failed) else set()


class UnitTest(pytest.Item):
    def runtest(self):
        text, good = self.parent.result()
        if self.name not in good:
            raise Failed(text)

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(Failed) else super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, None, self.name


class Failed(Exception):
    """With what the program printed."""


# --- side by side: a file's tests stay together, linters go each alone; first those that nothing may run beside, then long files


def is_alone(nodeid):
    return any(name in nodeid for name in ALONE)


@contextlib.contextmanager
def turn(alone):
    """Shared with others that are not `alone`. Who waits for one of its own lets nobody else pass: that is the door's lock."""
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with open(ROOT / "Makefile", "rb") as door, open(ROOT / "pytest.ini", "rb") as room:
        fcntl.flock(door, how)
        fcntl.flock(room, how)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # what the test has forked may have it open still


@pytest.hookimpl(hookwrapper=True, tryfirst=True)  # before the test's time is counted
def pytest_runtest_protocol(item):
    with turn(is_alone(item.nodeid)):
        yield


class LongOnesFirst(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid if nodeid.startswith("tests/lint") or is_alone(nodeid) else nodeid.split("::")[0]

    def _assign_work_unit(self, node):
        self.workqueue.move_to_end(max(self.workqueue, key=lambda scope: (is_alone(scope), LONG.get(scope.split("::")[0], 0), scope)), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config, log):
    return LongOnesFirst(config, log)


# --- what came of it


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped: {report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr}"


class LastLine:
    """`N passed, N failed`, whatever else there is to say.

    CI's host is shared, and may stand still for a second. What failed there runs again, alone, once all are through: named, with what
    was wrong, whatever comes of it. Not if there are many, nor where the host has no part in it.
    """

    def __init__(self):
        self.passed, self.failed = set(), set()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)

    def may_run_again(self, session):
        by_tests = session.exitstatus == pytest.ExitCode.TESTS_FAILED and all("::" in name for name in self.failed)
        return IN_CI and by_tests and len(self.failed) <= AGAIN_MAX and not session.config.getoption("--exactly") and \
            not any(name.startswith(NOT_AGAIN) for name in self.failed)

    def run_again(self, session):
        print("\nfailed, and run again alone:", *sorted(self.failed), sep="\n  ", flush=True)
        files = sorted({re.split(r"\[|::", name)[0] for name in self.failed})
        exactly = [word for name in self.failed for word in ("--exactly", name)]
        done = subprocess.run([sys.executable, "-m", "pytest", "-n", "0", *exactly, *files], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if done.stdout.endswith(f"\n{len(self.failed)} passed, 0 failed\n"):
            print("they passed then; at first:")
            tell_first_failures(session.config.pluginmanager.get_plugin("terminalreporter"))
            self.passed |= self.failed
            self.failed.clear()
            session.exitstatus = pytest.ExitCode.OK
        else:
            print(done.stdout)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session):
        if self.may_run_again(session):
            self.run_again(session)
        yield
        passed = len(self.passed - self.failed)
        failed = len(self.failed) or int(session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
        if not IN_CI and not session.config.getoption("--only"):
            print("left out here: make e2e, make lint")
        print(f"{passed} passed, {failed} failed", flush=True)


def tell_first_failures(terminal):
    """And leave them out of pytest's own list of what failed."""
    for report in terminal.stats.pop("failed", []) + terminal.stats.pop("error", []):
        terminal.write_sep("_", report.head_line)
        report.toterminal(terminal._tw)
