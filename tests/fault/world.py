"""Lives of a trader, life after life on one state_dir, each killed at a moment of its own; and replicas of it.

    World(test, number).live(moments) -> None, or what went wrong; `test` has the programs, see test_memory.py
"""
import collections
import concurrent.futures
import os
import random
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import journal
from binaries import tinysup
from harness import LIBC, PATIENCE, PR_SET_PDEATHSIG, blocks_signals, children, until
from httpd import ask
from trader import Books, config, numbers, story_of

SEED = int(os.environ.get("MEMORY_SEED", "1"))
PHASES = ("start",) * 4 + ("chain",) * 2 + ("restart",) * 2 + ("run",)
KILLS = ("first", "first", "all", "writer", "writer, stop")
STEP_KILLED = 75  # a required step was among the first to be killed, and process 1 lived on for long enough to say so
UNSHARE_KILLED = 1  # what unshare makes of SIGKILL: it cannot unblock that to die of it, too


def comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def tree(pid):
    return [pid] + [p for child in children(pid) for p in tree(child)]


def connections(port):
    """How many there are to a server here that it has not done with: the client may be dead, and what it sent unread."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(words[1].endswith(f":{port:04X}") and words[3] in ("01", "08") for words in lines)  # established, close-wait


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Life:
    """A run of tinysup as process 1 of a namespace. What the app prints comes through a pipe, which ends with the last process."""

    def __init__(self, config, log, environment):
        self.out, write = os.pipe()
        with open(log, "ab") as err:
            self.process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", tinysup(), "--config", config],
                                            stdin=subprocess.DEVNULL, stdout=write, stderr=err, env=environment,
                                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        os.close(write)
        self.words = []
        self.pid = until(lambda: children(self.process.pid), "tinysup was cloned")[0]
        self.over = os.pidfd_open(self.pid)

    def said(self):
        """The next word of the app; "" at the end of everything."""
        if not select.select([self.out], [], [], PATIENCE)[0]:
            raise AssertionError("the app was not started")
        self.words.append(os.read(self.out, 6).decode())
        return self.words[-1]

    def is_over(self, seconds):
        return bool(select.select([self.over], [], [], seconds)[0])

    def kill(self, how, chance):
        if how == "all":
            victims = tree(self.pid)[1:]
            chance.shuffle(victims)
            for pid in victims:
                kill(pid)
        kill(self.pid)

    def kill_writer(self):
        for pid in children(self.pid):
            if comm(pid) == "tinysup-journal":
                kill(pid)

    def app(self):
        return next((pid for pid in children(self.pid) if comm(pid) == "trader"), None)

    def wait(self):
        """The exit code of tinysup, everything in its namespace being gone."""
        if not self.is_over(PATIENCE):
            raise AssertionError("it does not end")
        while self.said():
            pass
        code = self.process.wait(PATIENCE)
        return code if code >= 0 else 128 - code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        kill(self.pid)  # unshare reaps it and ends
        self.process.wait()
        os.close(self.over)
        os.close(self.out)


class World:
    def __init__(self, test, number, harm=None):
        self.chance, self.harm = random.Random(f"{SEED} {number}"), harm
        self.number = number
        self.folder = Path(tempfile.mkdtemp(prefix=f"world-{number}-", dir=test.folder))
        self.config, self.log, self.state = self.folder / "conf", self.folder / "log", self.folder / "state/slot-1.journal"
        self.test = test
        self.slow = number % 2 == 1 and test.slowdisk
        self.environment = {**os.environ, "LD_PRELOAD": test.slowdisk} if self.slow else None
        self.lasts = {"run": 0.02}  # seconds, of each phase
        self.books = Books()
        self.story = []
        self.runs = 0  # on record
        self.places = collections.Counter()  # where lives were killed

    def open_exchange(self):
        port_file = self.folder / "port"
        self.exchange = self.test.program("exchange", "--port-file", str(port_file), "--die-with-parent")
        self.port = int(until(lambda: port_file.exists() and port_file.read_text().strip(), "the exchange listens"))
        self.url = f"http://127.0.0.1:{self.port}"
        self.config.write_text(config(self.test.trader, self.port, self.state.parent, self.folder))

    # --- lives

    def until_ready(self, life):
        if not life.said():
            raise AssertionError("it ended before the app was ready")

    def enter(self, life, phase):
        if phase == "start":
            return
        self.until_ready(life)
        if phase == "chain":
            kill(life.pid, signal.SIGTERM)
        elif phase == "restart":
            kill(until(life.app, "the app runs"))

    def cut_life(self, phase, how, delays):
        """A life that is killed at its moment, if it does not end in order just before."""
        with Life(self.config, self.log, self.environment) as life:
            self.enter(life, phase)
            life.is_over(delays[0])
            if how.startswith("writer"):
                life.kill_writer()
                life.is_over(delays[1])
            if how.endswith("stop"):
                until(lambda: blocks_signals(life.pid) or life.is_over(0), "it takes signals")  # until then the kernel drops them
                kill(life.pid, signal.SIGTERM)
            else:
                life.kill(how, self.chance)
            code = life.wait()
        self.hear(life)
        expected = {0, 137} if how.endswith("stop") else {UNSHARE_KILLED, 137}
        if phase == "chain":
            expected.add(0)
        if how == "all":
            expected.add(STEP_KILLED)
        if code not in expected:
            raise AssertionError(f"exit code {code}")

    def whole_life(self):
        with Life(self.config, self.log, self.environment) as life:
            for phase in ("start", "restart", "chain"):
                begun = time.monotonic()
                if phase != "start":
                    kill(life.pid, signal.SIGTERM) if phase == "chain" else kill(until(life.app, "the app runs"))
                if phase == "chain":
                    code = life.wait()
                else:
                    self.until_ready(life)
                self.lasts[phase] = time.monotonic() - begun
        self.hear(life)
        self.lasts["start"] += self.lasts["chain"]  # with a recovery
        if code != 0:
            raise AssertionError(f"exit code {code} after a stop in order")

    # --- what came of it

    def hear(self, life):
        if "dirty\n" in life.words:
            raise AssertionError("the app was started while something of the life before was open at the exchange")

    def ask(self, path):
        return ask("GET", self.url + path).data

    def requests(self):
        """The exchange's log once it is at rest: what was sent before a kill may be worked on after it."""
        before = None
        while True:
            until(lambda: connections(self.port) == 0, "the exchange has read what it was sent")
            now = [r for r in self.ask("/log") if r["method"] == "POST"]
            if now == before and all(r["status"] for r in now):
                return now
            before = now

    def notes(self):
        file = self.folder / "notes"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def judge(self):
        records, damaged = journal.read(self.state) if self.state.exists() else ([], [])
        problems = self.books.judge(records, self.requests(), self.notes(), torn=bool(self.slow))
        if len(damaged) > (2 * len(self.story) if self.slow else 0):
            problems.append(f"damaged: {damaged}")
        if problems:
            raise AssertionError("\n".join(problems[:5]))
        return records

    def flip(self):
        """A bit of one of the last lines, which the disk has got wrong."""
        lines = self.state.read_bytes().splitlines(keepends=True) if self.state.exists() else []
        if lines:
            at = self.chance.randrange(max(0, len(lines) - 12), len(lines))
            line = bytearray(lines[at])
            line[self.chance.randrange(max(1, len(line) - 1))] ^= 1 << self.chance.randrange(7)     # of a torn one, one byte may be left
            self.story[-1] += f", harmed: {lines[at].decode()}"
            lines[at] = bytes(line)
            self.state.write_bytes(b"".join(lines))

    def place(self, records):
        """Where the last life ended: what it was in the midst of, by its records."""
        runs = {r.run: True for r in records}
        known, self.runs = self.runs, len(runs)
        if len(runs) == known:
            return "before its first record"
        place = "before the app"
        for r in records:
            if r.run != list(runs)[-1]:
                continue
            if r.kind in ("chain_start", "end"):
                place = r["reason"] if r.kind == "chain_start" else "after its end"
            elif r.kind in ("chain_end", "app_start"):
                place = "run" if r.kind == "app_start" else f"after {r['reason']}"
        return place

    def report(self, error):
        lines = [f"MEMORY_SEED={SEED}, world {self.number}, life {len(self.story)} ({' | '.join(self.story[-2:])}): {error}"]
        for file in (*sorted(self.state.parent.glob("*.journal")), self.log):
            lines += [f"--- {file.name}", *file.read_text(errors="replace").splitlines()[-60:]]
        return "\n".join(lines)

    def any_life(self, chance):
        phase, how = chance.choice(PHASES), chance.choice(KILLS)
        delays = [chance.uniform(0, most) * self.lasts[phase] for most in (0.8, 0.5)]
        self.story.append(f"{phase}, {how}, " + " and ".join(f"{delay * 1000:.1f} ms" for delay in delays))
        self.cut_life(phase, how, delays)

    def live(self, moments):
        """None, or what went wrong."""
        self.open_exchange()
        try:
            self.live_on(moments)
        except AssertionError as error:
            return self.report(error)
        finally:
            self.exchange.kill()
            self.exchange.wait()
        return None

    def live_on(self, moments):
        self.whole_life()
        for _ in range(moments):
            self.any_life(self.chance)
            if self.harm:
                self.requests()
                self.harm(self)
            else:
                self.places[self.place(self.judge())] += 1
        self.story.append("the last one, stopped in order")
        self.whole_life()
        if not self.harm:
            self.judge()
        told = subprocess.run([tinysup(), "--history=9999", "--state", self.state.parent], capture_output=True, text=True, check=False)
        if told.returncode != 0 or (told.stderr and not self.slow and not self.harm):
            raise AssertionError(f"--history: {told.returncode}: {told.stderr}")
        if any((left := self.ask("/summary")).values()):
            raise AssertionError(f"left open at the end: {left}")


class Replicas(World):
    """Two at a time on one directory, each with lives of its own. They trade at one exchange: it says nothing about either."""

    def hear(self, life):
        pass

    def lives_of(self, one, moments):
        chance = random.Random(f"{SEED} {self.number} {one}")
        for _ in range(moments):
            self.any_life(chance)
        self.whole_life()

    def live_on(self, moments):
        self.whole_life()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(self.lives_of, one, moments // 2) for one in range(2)]:
                done.result()
        self.judge()

    def judge(self):
        runs, ids = set(), set()
        names = sorted(file.name for file in self.state.parent.glob("*.journal"))
        problems = [f"{names} for two"] if names != ["slot-1.journal", "slot-2.journal"] else []
        for name in names:
            records, damaged = journal.read(self.state.parent / name)
            known, _, owed, story = story_of(records, bool(self.slow))
            here = {r.run for r in records}
            problems += [f"{name}: {p}" for p in story + numbers(records) + ([] if self.slow else damaged)]
            if runs & here or ids & known:
                problems.append(f"{name} has what another has: {runs & here} {ids & known}")
            if records[-1].kind != "end" or owed:
                problems.append(f"{name} ends with {records[-1]}, and {sorted(owed)} has not succeeded")
            runs, ids = runs | here, ids | known
        if problems:
            raise AssertionError("\n".join(problems[:5]))
