#!/usr/bin/env python3
"""Money: nothing is left open, in whatever way the container dies. A table, a row for each way; exit code 1 if any row is wrong.

    money.py [--moments 200] [--row WORD] [TINYSUP]

The judge is the paper exchange, by its log and books; tinysup's own words count for one thing: that an alert which was not sent has been
logged. Columns: what is open in the end; what was done twice (a trade of one session, the work of one key); exit codes, one for each run
that ended by itself; time from the first stop signal; the alert.
"""

import argparse
import concurrent.futures
import os
import sys
import time
import traceback
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS / folder) for folder in ("", "integration", "paper", "fault", "money")]

import binaries  # noqa: E402
from rows import ROWS  # noqa: E402
from scene import Result  # noqa: E402

AT_ONCE = 2
LINE = "{:<57} {:>6} {:>9} {:>5}  {:<9} {:<14} {:<14} {}"


def judge(function, kind, moments):
    """A row that could not be played out is wrong, and says where."""
    with kind() as scene:
        try:
            return function(scene, moments)
        except Exception as error:  # pylint: disable=broad-except
            last = traceback.extract_tb(error.__traceback__)
            where = next((f"{Path(f.filename).name}:{f.lineno}" for f in reversed(last) if "money" in f.filename), "")
            return Result("?", "?", "?", "?", "?", wrong=[*scene.wrong, f"{where}: {type(error).__name__}: {error}"])
        finally:
            if os.environ.get("MONEY_LOGS"):
                print(*(run.log() for run in scene.runs), sep="\n", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--moments", type=int, default=200, help="of the row with SIGKILL at random moments")
    parser.add_argument("--row", default="", help="only rows whose name contains this")
    parser.add_argument("tinysup", nargs="?")
    options = parser.parse_args()
    binaries.choose("plain")
    if options.tinysup:
        os.environ["TINYSUP"] = os.path.abspath(options.tinysup)
    rows = [row for row in ROWS if options.row in row[0]]
    print(LINE.format("how it ends", "orders", "positions", "twice", "exit code", "took", "alert", ""), flush=True)
    begun, wrong = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for (name, *_), done in zip(rows, [pool.submit(judge, function, kind, options.moments) for _, function, kind in rows]):
            r = done.result()
            verdict = "WRONG: " + "; ".join(r.wrong) if r.wrong else "ok"
            print(LINE.format(name, r.orders, r.positions, r.twice, r.codes, r.took, r.alert, verdict), flush=True)
            wrong += bool(r.wrong)
    print(f"{len(rows)} rows, {wrong} wrong ({time.monotonic() - begun:.0f} s)")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
