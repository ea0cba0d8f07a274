#!/usr/bin/env python3
"""What it costs to have a container engine start a health check: docker exec, as HEALTHCHECK and kubelet's exec probes do.

    docker.py [--json FILE] [--rounds N] --tools DIRECTORY TINYSUP      root and dockerd are needed; TINYSUP is a static binary

The engine is a throw-away one (tests/e2e/engine.py). Its CPU time, that of dockerd, containerd, its shim and runc together, is told
where there is a cpuacct hierarchy (cgroup v1) to count it in; the client, which a HEALTHCHECK does without, is told apart.
"""
import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cost

TESTS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS / folder) for folder in ("", "e2e", "integration", "paper", "probes")]
import engine  # noqa: E402

CPUACCT = Path("/sys/fs/cgroup/cpuacct")
IMAGE = "bench:checks"


@contextlib.contextmanager
def counted():
    """A group of ours and of all that we start but containers, which the engine moves to groups of their own; None: none to be had."""
    group = CPUACCT / f"tinysup-bench-{os.getpid()}"
    if not os.access(CPUACCT / "cgroup.procs", os.W_OK):
        yield None
        return
    group.mkdir()
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield group
    finally:
        (CPUACCT / "cgroup.procs").write_text(str(os.getpid()))
        with contextlib.suppress(OSError):
            group.rmdir()


def seconds_of(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def engine_seconds(group):
    return int((group / "cpuacct.usage").read_text()) / 1e9 - seconds_of(resource.RUSAGE_SELF) if group else 0


def measure(docker, group, container, words, samples):
    before, client = engine_seconds(group), seconds_of(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    docker.docker("exec", container, *words)
    samples.setdefault("wall_ms", []).append((time.monotonic() - begun) * 1e3)
    client = seconds_of(resource.RUSAGE_CHILDREN) - client
    samples.setdefault("client_ms", []).append(client * 1e3)
    time.sleep(0.1)  # what the engine does after the answer belongs to it
    if group:
        samples.setdefault("engine_ms", []).append((engine_seconds(group) - before - client) * 1e3)


def idle(docker, group, samples):
    """The engine does something by itself too."""
    before = engine_seconds(group)
    time.sleep(0.2)
    samples.setdefault("engine_ms", []).append((engine_seconds(group) - before) * 1e3)


def run(tinysup, tools, rounds):
    contestants = {"docker exec C true (static)": ["/sbin/noop"], "docker exec C tinysup --probe": ["/sbin/tinysup", "--probe"]}
    samples = {name: {} for name in (*contestants, "nothing")}
    with counted() as group:
        docker = engine.Engine()
        try:
            config = docker.root / "conf"
            config.write_text(cost.RESIDENT)
            docker.image(IMAGE, 'FROM scratch\nCOPY . /sbin/\nCOPY conf /etc/tinysup.conf\nENTRYPOINT ["/sbin/tinysup", "--", '
                         '"/sbin/helper", "answer"]\n', tinysup=tinysup, noop=tools / "noop", helper=tools / "helper", conf=config)
            container = docker.docker("run", "--detach", "--network", "host", IMAGE).stdout.split()[-1]
            for number in range(rounds + 1):
                for name, words in contestants.items():
                    measure(docker, group, container, words, samples[name] if number > 0 else {})
                idle(docker, group, samples["nothing"])
            docker.docker("rm", "--force", container)
        finally:
            docker.close()
    if group is None:
        for found in samples.values():
            found.pop("engine_ms", None)
    return {name: {what: cost.summary(values) for what, values in found.items()} for name, found in samples.items()}


def print_table(results):
    print("| a check, median / p90 | wall, ms | CPU of the engine, ms | CPU of the client, ms |")
    print("| --- | ---: | ---: | ---: |")
    for name, found in results.items():
        cells = [f"{found[what]['median']:.1f} / {found[what]['p90']:.1f}" if what in found else "-"
                 for what in ("wall_ms", "engine_ms", "client_ms")]
        print(f"| {name} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    if shutil.which("docker") is None:
        sys.exit("no docker client")
    version = subprocess.run(["docker", "--version"], stdout=subprocess.PIPE, text=True, timeout=10).stdout.strip()
    print(f"{version}, {arguments.rounds} rounds in turn, load {os.getloadavg()[0]:.1f}\n")
    results = run(arguments.tinysup.resolve(), arguments.tools.resolve(), arguments.rounds)
    print_table(results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"docker": version, "checks": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
