#!/usr/bin/env python3
"""What process 1 asks of the kernel, from its exec to its app's and to its end: how often, and for tinysup each call.

    profile.py --tools DIRECTORY TINYSUP

strace costs more than what it shows, so there are no times here: table.py has them.
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 30
LOADER_SHOWN = 20  # longer lists are counted only: a dynamic loader's
PHASES = ("before main()", "main() to fork", "child, fork to exec", "after the fork")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SLACK_URL": "http://127.0.0.1:9/", "HOOK_URL": "http://127.0.0.1:9/",
               "EXCHANGE_KEY": "0123456789abcdef"}


def trace(command, log):
    """strace's lines as (pid, call) with calls that were interrupted put together again."""
    subprocess.run(["strace", "-f", "-s", "60", "-o", log, "setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork",
                    "--kill-child", *map(str, command)], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=True, timeout=SECONDS)
    begun, lines = {}, []
    for line in Path(log).read_text().splitlines():
        pid, call = line.split(None, 1)
        if call.endswith("<unfinished ...>"):
            begun[pid] = len(lines)
            lines.append([pid, call.removesuffix("<unfinished ...>").rstrip()])
        elif call.startswith("<..."):
            lines[begun.pop(pid)][1] += call.split("resumed>", 1)[1]
        elif not call.startswith(("+++", "---")):
            lines.append([pid, call])
    return lines


def executed(lines, path):
    """The pid that executed a program, and where."""
    return next((pid, i) for i, (pid, call) in enumerate(lines) if call.startswith(f'execve("{path}"') and call.endswith("= 0"))


def phases(binary, words, app):
    """{phase: [call, ...]} of process 1 and its child."""
    with tempfile.TemporaryDirectory() as directory:
        lines = trace([binary, *words, "--", app], os.path.join(directory, "trace"))
    first, start = executed(lines, binary)
    child, _ = executed(lines, app)
    found = {phase: [] for phase in PHASES}
    phase = 0
    for pid, call in lines[start + 1:]:
        if pid == child:
            if phase != -1:
                found[PHASES[2]].append(call)
            if call.startswith(f'execve("{app}"'):
                child = None
        elif pid == first:
            # main() of all of them begins with blocking signals; the C libraries' start does not
            if phase == 0 and re.match(r"rt_sig(procmask|action)\(", call):
                phase = 1
            found[PHASES[phase]].append(call)
            if phase == 1 and re.match(r"(clone3?|v?fork)\(", call):
                phase = 3
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    tinysup, app = arguments.tinysup.resolve(), arguments.tools.resolve() / "noop"
    ways = [("tinysup", tinysup, []), ("tinysup, full configuration", tinysup, ["--config", HERE / "full.conf"])]
    ways += [(Path(p).name, p, []) for p in ("/usr/bin/tini-static", "/usr/bin/dumb-init", "/usr/bin/catatonit") if os.path.exists(p)]
    found = {name: phases(binary, words, app) for name, binary, words in ways}

    print(f"System calls with {arguments.tinysup} and a no-op\n\n| | " + " | ".join(PHASES) + " | all |")
    print("| --- " + "| ---: " * (len(PHASES) + 1) + "|")
    for name, calls in found.items():
        print(f"| {name} | " + " | ".join(str(len(calls[p])) for p in PHASES) + f" | {sum(map(len, calls.values()))} |")
    for name in [n for n in found if n.startswith("tinysup")]:
        for phase, calls in found[name].items():
            print(f"\n{name}, {phase}: {len(calls)}")
            if phase == PHASES[0] and len(calls) > LOADER_SHOWN:
                counted = collections.Counter(call.split("(")[0] for call in calls)
                print("    " + ", ".join(f"{count} {call}" for call, count in counted.most_common()))
            else:
                print("\n".join(f"    {call}" for call in calls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
