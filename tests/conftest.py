"""What pytest has to know about these tests: three builds of tinysup, unit tests in C, what runs in CI alone, and the last line.

A skipped test counts as failed: a missing part must be heard of. What wants Docker, and the linters, whose word depends on
their version, run where CI is set or where they are asked for: `make e2e`, `make lint`, `make test T=lint`.
"""
import ctypes
import os
import re
import signal
import subprocess
import unittest

import pytest
from xdist.scheduler import LoadScopeScheduling

import binaries

ROOT = binaries.ROOT
IN_CI = os.environ.get("CI", "") not in ("", "false")
IN_CI_ALONE = ("tests/e2e", "tests/lint")
E2E_SECONDS = 1500  # images and releases are made
PR_SET_PDEATHSIG = 1
# seconds that a file takes, of those that take long: they begin first
LONG = {"tests/e2e/test_examples_trading.py": 180, "tests/e2e/test_examples_software.py": 150, "tests/e2e/test_examples_services.py": 140,
        "tests/money/test_make_money.py": 120, "tests/bench/test_race.py": 60, "tests/unit/test_plans.c": 60, "tests/fault/test_chaos.py": 50, "tests/bench/test_cost.py": 40,
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
    only = config.getoption("--only")
    unwanted = [item for item in items if only not in item.nodeid]
    items[:] = [item for item in items if only in item.nodeid]
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


# --- side by side: a file's tests stay together, linters go each alone, long files first


class LongOnesFirst(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid if nodeid.startswith("tests/lint") else nodeid.split("::")[0]

    def _assign_work_unit(self, node):
        self.workqueue.move_to_end(max(self.workqueue, key=lambda scope: (LONG.get(scope.split("::")[0], 0), scope)), last=False)
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
    """`N passed, N failed`, whatever else there is to say."""

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

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session):
        yield
        passed = len(self.passed - self.failed)
        failed = len(self.failed) or int(session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED))
        if not IN_CI and not session.config.getoption("--only"):
            print("left out here: make e2e, make lint")
        print(f"{passed} passed, {failed} failed", flush=True)
