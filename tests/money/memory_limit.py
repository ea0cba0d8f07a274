"""A cgroup with a memory limit, of whichever version this machine has.

    with MemoryLimit(megabytes) as limit: ...   limit.enter() puts the caller into it: between fork and exec
"""

import os
import time
from pathlib import Path

from harness import until

ROOTS = {1: Path("/sys/fs/cgroup/memory"), 2: Path("/sys/fs/cgroup")}


def version():
    if (ROOTS[1] / "memory.limit_in_bytes").exists():
        return 1
    controllers = ROOTS[2] / "cgroup.subtree_control"
    if controllers.exists() and "memory" in controllers.read_text().split():
        return 2
    raise AssertionError("no memory controller under /sys/fs/cgroup: what an out-of-memory kill leaves is not tested")


class MemoryLimit:
    def __init__(self, megabytes):
        self.folder = ROOTS[version()] / f"tinysup-money-{os.getpid()}-{time.monotonic_ns()}"
        self.settings = {1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), 2: ("memory.max", "memory.swap.max")}[version()]
        self.bytes = megabytes * 1048576

    def __enter__(self):
        self.folder.mkdir()
        limit, with_swap = (self.folder / name for name in self.settings)
        limit.write_text(f"{self.bytes}\n")
        if with_swap.exists():
            with_swap.write_text("0\n" if with_swap.name == "memory.swap.max" else f"{self.bytes}\n")
        return self

    def enter(self):
        (self.folder / "cgroup.procs").write_text("0\n")

    def kills(self):
        """How many processes the kernel has killed."""
        text = (self.folder / {1: "memory.oom_control", 2: "memory.events"}[version()]).read_text()
        return int(dict(line.split() for line in text.splitlines())["oom_kill"])

    def __exit__(self, *_):
        until(self.is_removed, "the cgroup is empty")

    def is_removed(self):
        try:
            self.folder.rmdir()
        except OSError:
            return False
        return True
