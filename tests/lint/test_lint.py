"""The linters, as `make lint` runs them."""
import subprocess

import pytest

from binaries import ROOT


@pytest.mark.parametrize("goal", ["layers", "analyze", "tidy", "cppcheck", "shellcheck", "format", "docs"])
def test_lint(goal):
    done = subprocess.run(["make", "-s", f"lint-{goal}"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def test_no_merge_is_left_half_done():
    """git grep exits with 1 where it finds nothing."""
    done = subprocess.run(["git", "grep", "-lE", "^(<{7}|>{7}) "], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
