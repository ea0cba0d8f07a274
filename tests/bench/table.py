#!/usr/bin/env python3
"""Runs the benchmark and prints it as Markdown tables: the inits side by side, and what health checks cost (cost.py).

    table.py [--json FILE] [--rounds N] [--any-cpu] --tools DIRECTORY TINYSUP      DIRECTORY holds bench, helper and noop

It reports and never judges: the exit status is not 0 only where nothing could be measured.
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cost

HERE = Path(__file__).resolve().parent
PEERS = ("tini-static", "tini", "dumb-init", "catatonit")
SECONDS_A_ROUND, SECONDS_MORE = 5, 60  # then the driver is ended, and all of its processes with it

MEASURES = (  # what, title, divisor, digits, is a p90 of interest
    ("start_ns", "no-op, clone to exit, ms", 1e6, 2, True),
    ("added_ns", "added to no init, ms", 1e6, 2, False),
    ("to_floor", "in what the floor adds", 1, 2, False),
    ("to_tini_static", "in what tini-static adds", 1, 2, False),
    ("main_ns", "clone to the app's `main`, ms", 1e6, 2, True),
    ("start_cpu_us", "CPU time, clone to exit, µs", 1, 0, False),
    ("start_faults", "page faults, clone to exit", 1, 0, False),
    ("signal_ns", "SIGUSR1 to the app, µs", 1e3, 1, True),
    ("stop_ns", "SIGTERM to exit, ms", 1e6, 2, True),
    ("orphan_ns", "CPU time an orphan, µs", 1e3, 1, True),
    ("rss_kb", "resident when idle, kB", 1, 0, False),
    ("private_kb", "of it private and dirty, kB", 1, 0, False),
    ("wakeups", "wake-ups in 3 s idle", 1, 0, False),
    ("file_kb", "file, kB", 1, 0, False),
)


def is_dynamic(path):
    """Has it an ELF program header that names a loader?"""
    data = Path(path).read_bytes()
    at, size, count = (int.from_bytes(data[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
    return any(int.from_bytes(data[at + i * size:][:4], "little") == 3 for i in range(count))


def measure(tinysup, tools, rounds, cpu):
    """The driver's lines: {name: file}, {name: {what: [values]}}."""
    with tempfile.TemporaryDirectory() as directory:
        alias = Path(directory, "tini")
        alias.symlink_to(tinysup)
        command = [tools / "bench", "--tinysup", tinysup, "--alias", alias, "--config", HERE / "full.conf", "--floor", tools / "floor", "--noop", tools / "noop",
                   "--helper", tools / "helper", "--rounds", rounds, *(["--cpu", cpu] if cpu is not None else [])]
        # on a time-out it is killed, and with it all that it has started
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              timeout=SECONDS_MORE + SECONDS_A_ROUND * rounds)
    files, samples = {}, {}
    for line in done.stdout.splitlines():
        item = json.loads(line)
        if "contestant" in item:
            files[item["contestant"]] = str(tinysup) if item["file"] == str(alias) else item["file"]
        else:
            samples.setdefault(item["who"], {}).setdefault(item["what"], []).append(item["value"])
    if done.returncode != 0 or not samples:
        sys.exit(f"the driver ended with {done.returncode}")
    return files, samples


def add_derived(results, files):
    """The file's size, and what an init adds to none, in ms and in what tini-static adds: differences of medians."""
    base = results["no init"]["start_ns"]["median"]
    floor = results["floor"]["start_ns"]["median"]
    tini = results.get("tini-static", {}).get("start_ns", {}).get("median")
    for name, measures in results.items():
        if not files[name]:
            continue
        extra = measures["start_ns"]["median"] - base
        measures["added_ns"] = {"median": extra}
        measures["to_floor"] = {"median": extra / (floor - base)}
        if tini is not None:
            measures["to_tini_static"] = {"median": extra / (tini - base)}
        measures["file_kb"] = {"median": os.stat(files[name]).st_size / 1000}


def ratios_to_best_peer(results):
    """{name: {what: [ratio, peer]}} for tinysup's ways: below 1 is better than the best peer."""
    ratios = {}
    for name in (n for n in results if n.startswith("tinysup")):
        for what, *_ in MEASURES:
            peers = [(results[p][what]["median"], p) for p in PEERS if what in results.get(p, {})]
            if peers and what in results[name] and min(peers)[0] > 0:
                ratios.setdefault(name, {})[what] = [results[name][what]["median"] / min(peers)[0], min(peers)[1]]
    return ratios


def print_table(results, ratios, kinds):
    def row(cells):
        print("| " + " | ".join(cells) + " |")

    row(["median / p90", *(f"{n} ({kinds[n]})" if n in kinds else n for n in results), "tinysup ÷ best peer"])
    row(["---", *["---:"] * (len(results) + 1)])
    for what, title, unit, digits, p90 in MEASURES:
        cells = []
        for measures in results.values():
            values = [measures[what][k] for k in ("median", "p90")[:1 + p90]] if what in measures else []
            cells.append(" / ".join(f"{v / unit:.{digits}f}" for v in values) or "-")
        ratio = ratios.get("tinysup", {}).get(what)
        row([title, *cells, f"{ratio[0]:.2f} ({ratio[1]})" if ratio else "-"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--any-cpu", action="store_true")
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    begun, tinysup, load = time.monotonic(), arguments.tinysup.resolve(), os.getloadavg()[0]
    if Path("/etc/tinysup.conf").exists():
        print("there is an /etc/tinysup.conf: no figure below is of tinysup without a configuration", file=sys.stderr)
    cpu = None if arguments.any_cpu else max(os.sched_getaffinity(0))
    files, samples = measure(tinysup, arguments.tools.resolve(), arguments.rounds, cpu)
    results = {name: {what: cost.summary(values) for what, values in samples[name].items()} for name in files}
    add_derived(results, files)
    ratios = ratios_to_best_peer(results)
    kinds = {name: "dynamic" if is_dynamic(file) else "static" for name, file in files.items() if file}
    version = subprocess.run([tinysup, "--version"], stdout=subprocess.PIPE, text=True, timeout=5).stdout.splitlines()
    version = ", ".join(version[:2])
    about = {"tinysup": str(arguments.tinysup), "version": version, "rounds": arguments.rounds, "kernel": platform.release(),
             "machine": platform.machine(), "cpus": os.cpu_count(), "one_cpu": cpu is not None, "load": load}
    print(f"{arguments.tinysup} ({kinds['tinysup']}; {version}), {about['rounds']} rounds in turn on "
          f"{'any of' if cpu is None else 'one of'} {about['cpus']} CPUs, {about['machine']}, Linux {about['kernel']}, load {load:.1f}\n")
    print_table(results, ratios, kinds)
    print("\nWith the full configuration SIGTERM starts a chain of 7 steps: 5 programs one after the other, 2 alerts nobody takes.\n")
    costs = cost.measure(tinysup, arguments.tools.resolve(), arguments.rounds, cpu)
    cost.print_tables(costs)
    print(f"\nin {time.monotonic() - begun:.0f} s")
    if arguments.json:
        everything = {"about": about, "linked": kinds, "results": results, "to_best_peer": ratios, "checks": costs}
        Path(arguments.json).write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
