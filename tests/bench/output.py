#!/usr/bin/env python3
"""What app.output costs: lines that `cat` writes, through tinysup's relay to a file and to the container's stdout, beside cat alone.

    output.py [--json FILE] [--rounds N] [--mb N] --tools DIRECTORY TINYSUP

Each row and its peer move the same bytes to the same places on tmpfs, in turn. The peer of a stdout that is a pipe is tee.
"""
import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

LINE = b"%089d of lines\n"
CONFIG = """app: {{ output: {{ file = "{folder}/copy"; max_size = "100GB"; }}; }};
log: {{ level = "error"; }}; shutdown: {{ platform_grace = "60s"; }};
"""
ROWS = {"/dev/null": ("{run} >/dev/null", "cat {lines} | cat >{folder}/copy"),
        "a pipe": ("{run} | cat >/dev/null", "cat {lines} | tee {folder}/copy | cat >/dev/null")}


def seconds(command, folder):
    begun = time.monotonic()
    subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", command + "; exit 0"], check=True, timeout=120)
    taken = time.monotonic() - begun
    size = (folder / "copy").stat().st_size
    (folder / "copy").unlink()
    return taken, size


def measure(tinysup, rounds, size):
    with tempfile.TemporaryDirectory(prefix="tinysup-output-", dir="/dev/shm") as name:
        folder = Path(name)
        (folder / "conf").write_text(CONFIG.format(folder=folder))
        block = b"".join(LINE % n for n in range(10486))
        with open(folder / "lines", "wb") as lines:
            for _ in range(size):
                lines.write(block)
        given = {"run": f"{tinysup} --config {folder}/conf -- cat {folder}/lines", "lines": folder / "lines", "folder": folder}
        whole = (folder / "lines").stat().st_size
        found = {}
        for row, commands in ROWS.items():
            taken = ([], [])
            for _ in range(rounds):
                for times, command in zip(taken, commands):
                    time_taken, size_seen = seconds(command.format(**given), folder)
                    assert size_seen == whole, f"{command}: {size_seen} of {whole} bytes"
                    times.append(time_taken)
            ours, peer = map(statistics.median, taken)
            found[row] = {"bytes": whole, "seconds": ours, "peer_seconds": peer, "of_peers_rate": peer / ours}
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--tools")
    parser.add_argument("tinysup", type=Path)
    args = parser.parse_args()
    found = measure(args.tinysup.resolve(), args.rounds, args.mb)
    print(f"| stdout of the container ({args.mb} MB, median of {args.rounds}) | tinysup, MB/s | peer, MB/s | of the peer's rate |")
    print("| --- | ---: | ---: | ---: |")
    for row, it in found.items():
        rate = it["bytes"] / 1e6
        print(f"| {row} | {rate / it['seconds']:.0f} | {rate / it['peer_seconds']:.0f} | {it['of_peers_rate']:.2f} |")
    if args.json:
        args.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
