"""One row of `make money`: a paper exchange, a sink for alerts, and runs of tinysup with the paper bot on one volume.

    with Scene() as scene:
        run = scene.begin(cancel=...)       a container that trades: ORDERS and POSITIONS are open; the words replace parts of CHAIN
        code = scene.stop(run)              SIGTERM, and the exit code
        scene.result(code, 0)               what exchange and sink say of it, beside the exit code and what it has to be

Every process dies with the thread that runs the row.
"""

import contextlib
import itertools
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from binaries import ROOT
from harness import Supervised, children, until
from httpd import ask
from paper import HERE as PAPER
from paper import ExchangeTest
from ports import free_port
from signed import SignersTest
from venue_signing import KEY, PASSPHRASE, SECRET
from venue_switches import SWITCHES
from venues import VENUES

ORDERS, POSITIONS = 20, 5
DEADLINE = 30.0
PYTHON = [sys.executable, "-S", "-E"]
ALWAYS = 'when = [ "stop", "exit", "crash", "unhealthy", "restart", "recovery" ];'
FLAT = 'when = [ "stop", "exit", "crash", "unhealthy", "recovery" ];'
RETRY = 'retry: { attempts = 3; backoff = "100ms"; };'

CONFIG = """
state_dir = "%(state)s";
recovery: { deadline = "20s"; on_failure = "refuse"; };
app: { name = "bot"; directory = "%(folder)s"; %(app)s };
heartbeats = ( { name = "switch"; period = "%(beat)s"; %(gate)s timeout = "%(beat)s";
    http: { url = "%(url)s/cancel-all-after"; method = "POST"; body = "{\\"timeout_ms\\": %(fires_ms)d}"; };
    disarm: { http: { url = "%(url)s/cancel-all-after"; method = "POST"; body = "{\\"timeout_ms\\": 0}"; }; }; } %(lease)s );
checks = ( { name = "live"; http: { url = "http://127.0.0.1:%(port)d/health/live"; }; timeout = "1s"; } );
probes: { startup: { checks = ( "live" ); period = "100ms"; failure_threshold = 300; };
          liveness: { checks = ( "live" ); period = "300ms"; failure_threshold = 4; on_failure = "shutdown"; }; };
alerts: { ops: { type = "webhook"; url = "%(sink)s/ops"; }; };
start: { deadline = "30s"; chain = (
  %(start)s
  { name = "session"; http: { url = "%(url)s/sessions"; method = "POST"; }; required = true; } ); };
shutdown: { deadline = "%(deadline)gs"; platform_grace = "60s"; chain = (
  %(pause)s
  { name = "cancel"; %(cancel)s; required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(always)s },
  ( { name = "close"; http: { url = "%(chain_url)s/positions/close-all"; method = "POST"; }; idempotency_key = true;
      required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(flat)s },
    { name = "sell"; http: { url = "%(chain_url)s/trades"; method = "POST"; status = "200-299,409";
        body = "{\\"symbol\\": \\"BTC/EUR\\", \\"side\\": \\"sell\\", \\"qty\\": 1, \\"client_order_id\\": \\"${idempotency_key}\\"}"; };
      idempotency_key = true; required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(flat)s } ),
  %(between)s
  { name = "stop"; stop: { timeout = "2s"; }; },
  { name = "cancel-again"; http: { url = "%(chain_url)s/orders/cancel-all"; method = "POST"; }; idempotency_key = true;
    required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(always)s },
  { name = "wait-flat"; required = true; timeout = "4s"; reserve = "3s"; %(flat)s
    wait: { period = "100ms"; timeout = "1s"; http: { url = "%(chain_url)s/summary";
      json = ( { pointer = "/open_orders"; equals = 0; }, { pointer = "/open_positions"; equals = 0; } ); }; }; },
  { name = "save"; %(save)s; timeout = "3s"; },
  { name = "tell"; alert = [ "ops" ]; timeout = "3s"; reserve = "2s"; %(flat)s } ); };
"""


@dataclass
class Result:
    codes: str
    orders: int
    positions: int
    twice: int
    alert: str
    took: str = "-"
    wrong: list = field(default_factory=list)


class Judge:
    """What all scenes have, whatever their exchange."""

    def __enter__(self):
        self.setUp()
        _, self.sink = self.server("sink")
        self.state = self.path("volume")
        self.runs, self.wrong, self.slowest = [], [], None
        self.numbers = itertools.count()
        return self

    def __exit__(self, *_):
        self.doCleanups()

    # --- how it ends

    def end(self, run):
        """The exit code, its container being gone; what it took since the first signal counts against the deadline."""
        code = run.wait(60)
        if run.seconds is not None:
            self.slowest = max(self.slowest or 0, run.seconds)
        return code

    def stop(self, run, signals=1):
        for _ in range(signals):
            run.signal("TERM")
        return self.end(run)

    def kill(self, run):
        """SIGKILL for process 1, and so for everything."""
        os.kill(run.pid, signal.SIGKILL)
        run.process.wait()

    def bot(self, run):
        return until(lambda: next(iter(pid for pid in children(run.pid) if b"run" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")), None),
                     "the bot is there")

    def forget(self, run):
        """One of very many, of which there is no more to say."""
        self.runs.remove(run)
        run.__exit__()

    # --- what is said of it

    def expect(self, right, what):
        if not right:
            self.wrong.append(what)

    def alert(self, reasons):
        """received: exactly these, in this order; or that its failure is in the log."""
        heard = [item["json"]["reason"] for item in ask("GET", self.sink + "/received").data]
        if heard == list(reasons):
            return "received" if heard else "none is due"
        if any("tell: failed" in run.log() or "tell: timeout" in run.log() for run in self.runs):
            return "failure logged"
        self.wrong.append(f"alerts: {heard}, not {list(reasons)}")
        return "WRONG"

    def result(self, codes, expected, reasons=("stop",), orders=0, positions=0, deadline=DEADLINE, **options):
        """codes and expected: of one run, or of each that ended by itself. reasons: of the alerts. options: of books_are_right()."""
        codes, expected = ([c] if isinstance(c, int) else list(c) for c in (codes, expected))
        open_orders, open_positions = self.summary()
        self.expect(codes == expected, f"exit code {codes}, not {expected}")
        self.expect(open_orders == orders, f"{open_orders} orders left")
        self.expect(open_positions == positions, f"{open_positions} positions left")
        twice = self.duplicates(**options)
        self.expect(twice == 0, f"{twice} done twice")
        told = self.alert(reasons)
        if self.slowest is not None:
            self.expect(self.slowest <= deadline, "the deadline is not kept")
        took = "-" if self.slowest is None else f"{self.slowest:.1f} of {deadline:g} s"
        return Result(" ".join(map(str, codes)) or "-", open_orders, open_positions, twice, told, took, self.wrong)


class Scene(Judge, ExchangeTest):

    def bot_hook(self, command, *more):
        words = [*PYTHON, os.path.join(PAPER, "bot.py"), command, "--exchange", self.url, *more]
        return "exec = [ %s ]" % ", ".join(f'"{word}"' for word in words)

    def config(self, port, state_file, **parts):
        known = {"state": self.state, "folder": self.folder, "url": self.url, "chain_url": self.url, "sink": self.sink, "port": port,
                 "app": "", "beat": "400ms", "fires_ms": 60000, "gate": 'while = "running"; start = true;', "lease": "", "start": "", "between": "",
                 "deadline": DEADLINE,
                 "pause": '{ name = "pause"; http: { url = "http://127.0.0.1:%d/pause"; method = "POST"; }; needs_app = true; timeout = "1s"; },' % port,
                 "cancel": self.bot_hook("cancel-orders"), "save": self.bot_hook("save-state", "--state", state_file),
                 "retry": RETRY, "always": ALWAYS, "flat": FLAT}
        if unknown := set(parts) - set(known):
            raise KeyError(unknown)
        return CONFIG % {**known, **parts}

    def start(self, *bot, wrap=(), setup=None, ready=True, **parts):
        """A container, whatever comes of it."""
        port, state_file, session = free_port(), self.path(f"state-{next(self.numbers)}.json"), len(self.ask("GET", "/sessions").data)
        app = [*PYTHON, os.path.join(PAPER, "bot.py"), "run", "--exchange", self.url, "--state", state_file, "--port", str(port),
               "--orders", str(ORDERS), "--positions", str(POSITIONS), "--stop-seconds", "0.2", *bot]
        run = Supervised("--", *app, config=self.config(port, state_file, **parts), wrap=wrap, setup=setup, ready=ready, env={"PYTHONDONTWRITEBYTECODE": "1"})
        self.addCleanup(run.__exit__)
        run.port, run.state_file, run.session = port, state_file, session
        self.runs.append(run)
        return run

    def begin(self, *bot, **options):
        """A container whose bot trades."""
        run = self.start(*bot, **options)
        until(lambda: self.trades_of(run), f"the bot trades; {run.log()}", 60)
        return run

    def trades_of(self, run):
        """Its own session has begun, so recovery is over."""
        run.must_run()
        return len(self.ask("GET", "/sessions").data) > run.session and self.summary() == (ORDERS, POSITIONS)

    def duplicates(self, trades=None, clean=True):
        """Trades beyond those due, one of each session if nothing else is said, and work done twice under one key.
        clean: nothing was open when a bot began. No life of it had two stop signals."""
        sessions = [trade["session"] for trade in self.ask("GET", "/trades").data]
        done = [(e["path"], e["idempotency_key"]) for e in self.ask("GET", "/log").data
                if e["idempotency_key"] and not e["replayed"] and (e["status"] or 500) < 300]
        for session in self.ask("GET", "/sessions").data if clean else ():
            self.expect((session["orders"], session["positions"]) == (0, 0), f"a bot was started while this was open: {session}")
        for run in self.runs:
            signals = self.file(run.state_file + ".signals").split()
            self.expect(signals.count("SIGTERM") <= 1, f"the bot got {signals}")
        due = len(set(sessions)) if trades is None else trades
        return max(0, len(sessions) - due) + len(done) - len(set(done))

    @staticmethod
    def file(name):
        with contextlib.suppress(FileNotFoundError):
            return Path(name).read_text(encoding="utf-8")
        return ""

    def is_saved(self, run):
        return json.loads(self.file(run.state_file))["clean"]


VENUE_CONFIG = """
state_dir = "%(state)s";
recovery: { deadline = "20s"; on_failure = "refuse"; };
app: { name = "bot"; };
%(signer)s
heartbeats = ( { name = "switch"; period = "500ms"; start = true; %(arm)s disarm: { %(disarm)s }; } );
alerts: { ops: { type = "webhook"; url = "%(sink)s/ops"; }; };
shutdown: { deadline = "%(deadline)gs"; platform_grace = "60s"; chain = (
  { name = "cancel"; %(cancel)s required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(always)s },
  { name = "close"; each = [ %(symbols)s ]; %(close)s idempotency_key = true; timeout = "4s"; reserve = "2s"; %(retry)s %(flat)s },
  { name = "stop"; stop: { timeout = "2s"; }; },
  { name = "cancel-again"; %(cancel)s required = true; timeout = "4s"; reserve = "3s"; %(retry)s %(always)s },
  ( { name = "no-orders"; wait: { %(orders)s period = "100ms"; }; required = true; timeout = "4s"; reserve = "3s"; %(flat)s },
    { name = "no-positions"; wait: { %(positions)s period = "100ms"; }; required = true; timeout = "4s"; reserve = "3s"; %(flat)s } ),
  { name = "tell"; alert = [ "ops" ]; timeout = "3s"; reserve = "2s"; %(flat)s } ); };
"""
SYMBOLS = ("BTC", "ETH", "SOL", "XRP", "ADA")
SCALE = 0.05        # seconds that a second of OKX's switch takes: the 10 s of a cancel are half a second


class VenueScene(Judge, SignersTest):
    """The same with a bot on ccxt that trades at OKX, whose requests are signed."""

    def summary(self):
        said = self.ask("/summary")
        return said["open_orders"], said["open_positions"]

    def config(self):
        cancel, switch = VENUES["okx"].cancel, SWITCHES["okx"]
        close = ("POST", "/api/v5/trade/close-position", '{"instId":"${each}-USDT-SWAP","mgnMode":"cross","autoCxl":true}')
        orders, positions = (("GET", f"/api/v5/{path}?instType=SWAP", "") for path in ("trade/orders-pending", "account/positions"))
        parts = {"state": self.state, "sink": self.sink, "deadline": DEADLINE, "signer": self.signer("okx"),
                 "arm": self.http(switch.arm), "disarm": self.http(switch.disarm), "cancel": self.http(cancel), "close": self.http(close),
                 "orders": self.http(orders, 'json = ( { pointer = "/data"; empty = true; } );'),
                 "positions": self.http(positions, 'json = ( { pointer = "/data/*/pos"; one_of = [ "0", "" ]; } );'),
                 "symbols": ", ".join(f'"{symbol}"' for symbol in SYMBOLS), "retry": RETRY, "always": ALWAYS, "flat": FLAT}
        return VENUE_CONFIG % parts

    def begin(self):
        self.ask("/scale", {"seconds": SCALE})
        run = Supervised("--", "node", os.path.join(PAPER, "ccxt_bot.mjs"), str(ROOT / "build/node"), self.url,
                         *(f"{symbol}/USDT:USDT" for symbol in SYMBOLS), config=self.config(),
                         env={"KEY": KEY, "SECRET": SECRET, "PASSPHRASE": PASSPHRASE, "ORDERS": str(ORDERS // len(SYMBOLS))})
        self.addCleanup(run.__exit__)
        self.runs.append(run)
        until(lambda: run.must_run() or "trading" in run.out() and self.summary() == (ORDERS, POSITIONS), f"the bot trades; {run.log()}", 60)
        return run

    def duplicates(self):
        """Client order ids that the exchange has taken twice."""
        ids = [order.get("clOrdId") for r in self.requests() if r["path"] == "/api/v5/trade/batch-orders" and r["verdict"] == "ok"
               for order in json.loads(r["body"])]
        self.expect(ids, "the bot has placed no order")
        return len(ids) - len(set(ids))
