#!/usr/bin/env python3
"""Many supervised apps on one machine: what all the supervisors take together, each as process 1 with an HTTP check every 10 s.

    density.py [--json FILE] [--apps N] [--seconds N] --tools DIRECTORY TINYSUP      DIRECTORY holds helper and serve

Given as measured and for 1,000 apps. An app is a process of its own, so that N apps are 2 N processes, PROCESSES_MAX at most. A
few more supervisors are ended when the window begins: what they had used until then is what each of the others had used, too.
"""
import argparse
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "integration", "bench")]
from harness import LIBC, PR_SET_PDEATHSIG, children, until  # noqa: E402
from peers import write_back  # noqa: E402

PROCESSES_MAX, SPARE = 1200, 60     # SPARE: workers under way, and what measures
SAMPLE, PERIOD, AT_ONCE = 20, 10, 25
SYS_CLONE = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
CLONE_NEWNS, CLONE_NEWPID, MS_REC_PRIVATE = 0x20000, 0x20000000, 0x44000

CONFIG = """probes: {{ liveness: {{ checks = ( {{ name = "web"; http: {{ url = "http://127.0.0.1:{port}/"; }}; }} ); period = "{period}s"; }}; }};
log: {{ level = "error"; }}; shutdown: {{ platform_grace = "1m"; }};
"""


def start(words):
    """Process 1 of namespaces of its own, with a /proc that is theirs."""
    pid = LIBC.syscall(SYS_CLONE, ctypes.c_ulong(CLONE_NEWPID | CLONE_NEWNS | signal.SIGCHLD), None, None, None, None)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")
    if pid == 0:
        try:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
            LIBC.mount(None, b"/", None, MS_REC_PRIVATE, None)
            LIBC.mount(b"proc", b"/proc", b"proc", 0, None)
            os.execv(words[0], words)
        finally:
            os._exit(127)
    return pid


def end(pid):
    """What it has used, with all that it had started, in us of CPU."""
    os.kill(pid, signal.SIGKILL)
    usage = os.wait4(pid, 0)[2]
    return (usage.ru_utime + usage.ru_stime) * 1e6


def memory_of(pid):
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    found = {line[0]: int(line[1]) for line in lines}
    return {"pss_kb": found["Pss:"], "private_dirty_kb": found["Private_Dirty:"], "rss_kb": found["Rss:"]}


def processes():
    return sum(name.isdigit() for name in os.listdir("/proc"))


def check_limits(apps):
    here, wanted = processes(), 2 * (apps + SAMPLE) + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    if wanted > PROCESSES_MAX:
        sys.exit(f"density: {apps} apps are {wanted} processes, more than {PROCESSES_MAX}: --apps {(PROCESSES_MAX - SPARE) // 2 - SAMPLE} at most")
    if soft != resource.RLIM_INFINITY and here + wanted > soft:
        sys.exit(f"density: ulimit -u is {soft}, too few for {wanted} more processes (hard limit: {hard})")
    if here + wanted > int(Path("/proc/sys/kernel/pid_max").read_text()):
        sys.exit(f"density: {wanted} more processes are too many for /proc/sys/kernel/pid_max")
    if os.geteuid() != 0:
        sys.exit("density: needs root for the namespaces")


def measure(tinysup, tools, apps, seconds):
    """Called in a PID namespace of its own, which takes all with it."""
    write_back(tinysup)
    serve = subprocess.Popen([tools / "serve"], stdout=subprocess.PIPE, text=True)
    with tempfile.NamedTemporaryFile("w", prefix="tinysup-density-") as config:
        config.write(CONFIG.format(port=int(serve.stdout.readline()), period=PERIOD))
        config.flush()
        words = [str(word) for word in (tinysup, "--config", config.name, "--", tools / "helper", "answer")]
        pids = []
        while len(pids) < apps + SAMPLE:
            pids.append(start(words))
            if len(pids) % AT_ONCE == 0:
                until(lambda: all(children(pid) for pid in pids[-AT_ONCE:]), "the apps run", 60)
        until(lambda: all(children(pid) for pid in pids), "the apps run", 60)
        time.sleep(2)   # each has checked once
        # evenly among all: those that began early have checked no more often than those that began late, or all of them twice
        sample = pids[::len(pids) // SAMPLE][:SAMPLE]
        pids = [pid for pid in pids if pid not in sample]
        before = sum(end(pid) for pid in sample) / len(sample)
        begun = time.monotonic()
        time.sleep(seconds)
        memory = [memory_of(pid) for pid in pids]
        lasted = time.monotonic() - begun
        cpu = sum(end(pid) for pid in pids) - before * len(pids)
    serve.kill()
    serve.wait()
    found = {"apps": len(pids), "seconds": lasted, "cpu_share": cpu / 1e6 / lasted}
    for what in memory[0]:
        found[what] = sum(m[what] for m in memory)
    return found


def print_table(found):
    print(f"| {found['apps']} apps, a check each {PERIOD} s, for {found['seconds']:.0f} s | measured | for 1,000 apps |")
    print("| --- | ---: | ---: |")
    scale = 1000 / found["apps"]
    for what, name in (("pss_kb", "memory of the supervisors, PSS"), ("private_dirty_kb", "of it private and dirty")):
        print(f"| {name} | {found[what] / 1024:.1f} MB | {found[what] / 1024 * scale:.1f} MB |")
    print(f"| CPU, share of a core | {found['cpu_share']:.1%} | {found['cpu_share'] * scale:.1%} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--apps", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    check_limits(arguments.apps)
    if os.getpid() != 1:
        alone = ["timeout", "-s", "KILL", "600", "setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        sys.exit(subprocess.run([*alone, sys.executable, *sys.argv], check=False).returncode)
    found = measure(arguments.tinysup.resolve(), arguments.tools.resolve(), arguments.apps, arguments.seconds)
    print_table(found)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
