#!/usr/bin/env python3
"""Runs the benchmark and prints it as Markdown.

    table.py [--json FILE] [--rounds N] --tools DIRECTORY TINYSUP      DIRECTORY holds bench, helper and noop

It reports and never judges: the exit status is not 0 only where nothing could be measured.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("tini-static", "tini", "dumb-init", "catatonit")
SECONDS_A_ROUND, SECONDS_MORE = 5, 60  # then the driver is ended, and all of its processes with it

# what -> (title, unit's size, digits)
TIMES = {
    "start_ns": ("no-op: clone to exit, ms", 1e6, 2),
    "main_ns": ("clone to the app's `main`, ms", 1e6, 2),
    "signal_ns": ("SIGUSR1 to the app, µs", 1e3, 1),
    "stop_ns": ("SIGTERM to exit, ms", 1e6, 2),
    "orphan_ns": ("CPU an orphan, µs", 1e3, 1),
}
SIZES = {
    "start_cpu_us": ("CPU of clone to exit, µs", 1, 0),
    "start_faults": ("page faults of it", 1, 0),
    "rss_kb": ("resident idle, kB", 1, 0),
    "private_kb": ("of it private and dirty, kB", 1, 0),
    "wakeups": ("wake-ups in 3 s idle", 1, 0),
    "file_kb": ("file, kB", 1, 0),
}
UNITS = {**TIMES, **SIZES}


def is_dynamic(path):
    """Has it an ELF program header that names a loader?"""
    data = Path(path).read_bytes()
    start, size, count = int.from_bytes(data[32:40], "little"), int.from_bytes(data[54:56], "little"), int.from_bytes(data[56:58], "little")
    return any(int.from_bytes(data[start + i * size:][:4], "little") == 3 for i in range(count))


def measure(tinysup, tools, rounds):
    """The driver's lines: {name: file}, {name: {what: [values]}}."""
    with tempfile.TemporaryDirectory() as directory:
        alias = Path(directory, "tini")
        alias.symlink_to(tinysup)
        command = [tools / "bench", "--tinysup", tinysup, "--alias", alias, "--config", HERE / "full.conf", "--noop", tools / "noop",
                   "--helper", tools / "helper", "--rounds", str(rounds)]
        done = subprocess.run(["timeout", "-k", "2", str(SECONDS_MORE + SECONDS_A_ROUND * rounds), *map(str, command)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    files, samples = {}, {}
    for line in done.stdout.splitlines():
        item = json.loads(line)
        if "contestant" in item:
            files[item["contestant"]] = item["file"]
        else:
            samples.setdefault(item["who"], {}).setdefault(item["what"], []).append(item["value"])
    if done.returncode != 0 or not samples:
        sys.exit(f"the driver ended with {done.returncode}")
    for name, file in files.items():
        if file:
            samples[name]["file_kb"] = [os.stat(os.path.realpath(file)).st_size / 1000]
    return files, samples


def summary(values):
    ordered = sorted(values)
    return {"median": statistics.median(ordered), "p90": ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))], "n": len(ordered)}


def added(results):
    """What an init adds to none: the difference of medians, and its ratio to what tini-static adds."""
    base, tini = results["no init"]["start_ns"]["median"], results.get("tini-static", {}).get("start_ns")
    for name, measures in results.items():
        if name != "no init":
            extra = measures["start_ns"]["median"] - base
            measures["added_ns"] = {"median": extra, "to_tini_static": extra / (tini["median"] - base) if tini else None}


def to_best_peer(results):
    """{name: {what: [ratio, peer]}} for tinysup's ways: below 1 is better than the best peer."""
    ratios = {}
    for name in (n for n in results if n.startswith("tinysup")):
        for what in UNITS:
            peers = [(results[p][what]["median"], p) for p in PEERS if what in results.get(p, {})]
            if peers and what in results[name] and min(peers)[0] > 0:
                ratios.setdefault(name, {})[what] = [results[name][what]["median"] / min(peers)[0], min(peers)[1]]
    return ratios


def row(cells):
    print("| " + " | ".join(cells) + " |")


def print_table(results, columns, p90):
    extra = ["added to none, ms", "in tini-static's"] if p90 else []
    titles = [UNITS[c][0] for c in columns]
    titles[1:1] = extra
    row(["", *titles])
    row(["---", *["---:"] * len(titles)])
    for name, measures in results.items():
        cells = []
        for what in columns:
            _, unit, digits = UNITS[what]
            if what not in measures:
                cells.append("-")
                continue
            values = [f"{measures[what][k] / unit:.{digits}f}" for k in (("median", "p90") if p90 else ("median",))]
            cells.append(" / ".join(values))
        if p90:
            more = measures.get("added_ns")
            ratio = more and more["to_tini_static"]
            cells[1:1] = [f"{more['median'] / 1e6:.2f}" if more else "-", f"{ratio:.2f} ×" if ratio else "-"]
        row([name, *cells])
    print()


def print_ratios(ratios):
    columns = [c for c in UNITS if any(c in r for r in ratios.values())]
    row(["median ÷ best peer's", *(UNITS[c][0].rsplit(",", 1)[0] for c in columns)])
    row(["---", *["---:"] * len(columns)])
    for name, ratio in ratios.items():
        row([name, *(f"{ratio[c][0]:.2f} ({ratio[c][1]})" if c in ratio else "-" for c in columns)])
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    begun, tinysup = time.monotonic(), arguments.tinysup.resolve()
    if Path("/etc/tinysup.conf").exists():
        print("there is an /etc/tinysup.conf: no figure below is of tinysup without configuration", file=sys.stderr)
    files, samples = measure(tinysup, arguments.tools.resolve(), arguments.rounds)
    results = {name: {what: summary(values) for what, values in measures.items()}
               for name, measures in ((n, samples[n]) for n in files if n in samples)}
    added(results)
    ratios = to_best_peer(results)
    kinds = {name: "dynamic" if is_dynamic(file) else "static" for name, file in files.items() if file}
    about = {"tinysup": str(arguments.tinysup), "linked": kinds["tinysup"], "kernel": platform.release(), "cpus": os.cpu_count(),
             "rounds": arguments.rounds, "load": os.getloadavg()[0], "seconds": time.monotonic() - begun}
    print(f"{arguments.tinysup} ({kinds['tinysup']}), {about['rounds']} rounds in turn, Linux {about['kernel']}, {about['cpus']} CPUs, "
          f"load {about['load']:.1f}; median / p90. " + ", ".join(f"{n}: {k}" for n, k in kinds.items() if n in PEERS) + ".\n")
    print_table(results, list(TIMES), True)
    print_table(results, list(SIZES), False)
    print_ratios(ratios)
    print(f"in {about['seconds']:.0f} s")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"about": about, "linked": kinds, "results": results, "to_best_peer": ratios}, indent=1))


if __name__ == "__main__":
    main()
