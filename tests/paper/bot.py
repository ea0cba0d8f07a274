#!/usr/bin/env python3
"""A paper trading bot that stops as real ones do, and the hooks that clean up around it.

    bot.py run --exchange URL --state FILE [--port PORT | --port-file FILE] [--orders 7] [--positions 2]
               [--stop-seconds 0.3] [--ignore-term] [--die-with-parent]

Fills the exchange up to so many orders and positions, then replaces one order every 200 ms. What others cancel it
places anew; positions it opens once. On 127.0.0.1:

    GET  /health        {"status": "healthy"|"degraded"|"paused", "last_loop": Unix time, "open_orders": N}
    GET  /health/live   {"status": "alive"}
    GET  /health/ready  {"status": "ready"|"degraded"|"paused"}, always 200; degraded: no good answer from the
                        exchange in 0.5 s
    POST /pause         {"paused": true}: for good, and no order is on its way any more once the reply is out
    POST /leak          {"megabytes": N}: so much memory more is in use

FILE is JSON: saved_at, clean, orders, positions; written whole or not at all. The first SIGTERM or SIGINT stops the
loop, takes the stop seconds for cleaning up, saves with clean = true and exits 0; orders and positions stay open, as
freqtrade leaves them. The second exits 128+N at once and saves nothing, as freqtrade and OctoBot do. Every signal that
can be caught (but job control and crashes) is appended to FILE.signals, one name a line; the others do nothing else.
--ignore-term: SIGTERM is noted and otherwise ignored.

The hooks print one line and exit 0, or 1 when it did not work. TINYSUP_IDEMPOTENCY_KEY, where set, is their key.

    bot.py cancel-orders   --exchange URL
    bot.py close-positions --exchange URL
    bot.py save-state      --exchange URL --state FILE      what the exchange has open now, with clean = true
    bot.py assert-flat     --exchange URL                   0 only when no order and no position is open
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time

from httpd import Reply, ask, die_with_parent, listen, publish_port, write_atomically

LOOP_SECONDS = 0.2
ORDER_SECONDS = 1.0         # how long the bot waits for the exchange in its loop
READY_SECONDS = 0.5         # and when it is asked whether it is ready
HOOK_SECONDS = 5.0

ORDER = {"symbol": "BTC/EUR", "side": "buy", "qty": 0.01, "price": 50000}
POSITION = {"symbol": "BTC/EUR", "qty": 0.01}

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
LEFT_ALONE = {signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD,
              signal.SIGPIPE, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT,
              signal.SIGTRAP, signal.SIGSYS}


class Refused(OSError):
    """The exchange answered, but not what it promised."""


class Exchange:
    """The trading side of the exchange; anything but the promised answer is an OSError."""

    def __init__(self, url, timeout, key=None):
        self.url, self.timeout, self.key = url.rstrip("/"), timeout, key

    def ask(self, method, path, kind, body=None, timeout=None, also_fine=None):
        key = self.key if method == "POST" else None
        reply = ask(method, self.url + path, body, key, timeout or self.timeout)
        if not 200 <= reply.status < 300 and reply.status != also_fine:
            raise Refused(f"{method} {path}: status {reply.status}")
        if not isinstance(reply.data, kind):
            raise Refused(f"{method} {path}: not the JSON it promises")
        return reply.data

    def orders(self, timeout=None):
        return self.ask("GET", "/orders", list, timeout=timeout)

    def positions(self):
        return self.ask("GET", "/positions", list)

    def place(self, order):
        self.ask("POST", "/orders", dict, order)

    def open(self, position):
        self.ask("POST", "/positions", dict, position)

    def cancel(self, order):
        self.ask("DELETE", f"/orders/{order['id']}", dict, also_fine=404)     # filled or cancelled by now

    def cancel_all(self):
        return self.ask("POST", "/orders/cancel-all", dict)["cancelled"]

    def close_all(self):
        return self.ask("POST", "/positions/close-all", dict)["closed"]


def save(path, clean, orders, positions):
    state = {"saved_at": time.time(), "clean": clean, "orders": orders, "positions": positions}
    write_atomically(path, json.dumps(state) + "\n")


class Bot:
    """The main thread trades, one thread takes signals, one a request serves HTTP."""

    def __init__(self, options):
        self.options = options
        self.exchange = Exchange(options.exchange, ORDER_SECONDS)
        self.placing = threading.Lock()         # held while an order is on its way
        self.stopping = threading.Event()
        self.paused = False
        self.degraded = False
        self.opened = False
        self.orders, self.positions = [], []
        self.last_loop = time.time()
        self.leaked = []

    # --- trading

    def run(self):
        while not self.stopping.is_set():
            try:
                self.trade()
                self.degraded = False
            except OSError:
                self.degraded = True
            self.last_loop = time.time()
            self.save(clean=False)
            self.stopping.wait(LOOP_SECONDS)
        time.sleep(self.options.stop_seconds)   # what real ones do here: close sockets, end threads, say good-bye
        self.save(clean=True)

    def trade(self):
        self.look()
        if self.paused:
            return
        if self.orders and len(self.orders) >= self.options.orders:
            self.exchange.cancel(self.orders.pop(0))
        for _ in range(self.options.orders - len(self.orders)):
            self.place(self.exchange.place, ORDER)
        if not self.opened:
            for _ in range(self.options.positions - len(self.positions)):
                self.place(self.exchange.open, POSITION)
            self.opened = True
        self.look()

    def look(self):
        self.orders, self.positions = self.exchange.orders(), self.exchange.positions()

    def place(self, how, what):
        with self.placing:
            if not self.paused and not self.stopping.is_set():
                how(what)

    def pause(self):
        self.paused = True
        with self.placing:      # an order that was on its way has arrived, or failed
            return Reply(200, {"paused": True})

    def save(self, clean):
        save(self.options.state, clean, self.orders, self.positions)

    # --- health

    def answer(self, request):
        match request.method, request.path:
            case "GET", "/health":
                status = "paused" if self.paused else "degraded" if self.degraded else "healthy"
                return Reply(200, {"status": status, "last_loop": self.last_loop, "open_orders": len(self.orders)})
            case "GET", "/health/live":
                return Reply(200, {"status": "alive"})
            case "GET", "/health/ready":
                return Reply(200, {"status": "paused" if self.paused else self.readiness()})
            case "POST", "/pause":
                return self.pause()
            case "POST", "/leak":
                self.leaked += [bytearray(b"x" * 1048576) for _ in range(request.data["megabytes"])]
                return Reply(200, {"leaked": len(self.leaked)})
        return Reply(404, {"error": "no such thing here"})

    def readiness(self):
        try:
            self.exchange.orders(READY_SECONDS)
        except OSError:
            return "degraded"
        return "ready"

    # --- signals

    def take_signals(self):
        """Through the wake-up descriptor: each delivery is a byte there, however busy the main thread is."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in signal.valid_signals() - LEFT_ALONE:
            with contextlib.suppress(OSError, ValueError):      # kept by the C library
                signal.signal(number, lambda *_: None)
        threading.Thread(target=self.on_signals, args=(reading,), daemon=True).start()

    def on_signals(self, reading):
        while byte := os.read(reading, 1):
            number = byte[0]
            with open(self.options.state + ".signals", "a", encoding="ascii") as file:
                file.write(signal_name(number) + "\n")
            if number not in STOP_SIGNALS or (number == signal.SIGTERM and self.options.ignore_term):
                continue
            if self.stopping.is_set():
                os._exit(128 + number)          # the clean-up is cut short, nothing is saved
            self.stopping.set()


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"


# --- what the command line offers; each returns the line to print, or raises OSError

def run(options):
    if options.die_with_parent:
        die_with_parent()
    bot = Bot(options)
    bot.take_signals()
    server = listen(bot.answer, options.port)
    if options.port_file:
        publish_port(server, options.port_file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"paper bot: health on http://127.0.0.1:{server.port}", flush=True)
    bot.run()
    return f"paper bot: stopped; last seen open: {len(bot.orders)} orders, {len(bot.positions)} positions"


def for_hook(options):
    return Exchange(options.exchange, HOOK_SECONDS, os.environ.get("TINYSUP_IDEMPOTENCY_KEY"))


def cancel_orders(options):
    return f"cancelled {for_hook(options).cancel_all()} orders"


def close_positions(options):
    return f"closed {for_hook(options).close_all()} positions"


def save_state(options):
    exchange = for_hook(options)
    orders, positions = exchange.orders(), exchange.positions()
    save(options.state, True, orders, positions)
    return f"saved the state: {len(orders)} orders and {len(positions)} positions open"


def assert_flat(options):
    exchange = for_hook(options)
    orders, positions = exchange.orders(), exchange.positions()
    if orders or positions:
        raise Refused(f"not flat: {len(orders)} orders and {len(positions)} positions open")
    return "flat: nothing open"


def read_command_line():
    parser = argparse.ArgumentParser(description="A paper trading bot and its clean-up hooks.")
    commands = parser.add_subparsers(required=True)
    for command in (run, cancel_orders, close_positions, save_state, assert_flat):
        one = commands.add_parser(command.__name__.replace("_", "-"))
        one.set_defaults(command=command)
        one.add_argument("--exchange", required=True, metavar="URL")
        if command in (run, save_state):
            one.add_argument("--state", required=True, metavar="FILE")
        if command is run:
            where = one.add_mutually_exclusive_group()
            where.add_argument("--port", type=int, default=0)
            where.add_argument("--port-file", metavar="FILE")
            one.add_argument("--orders", type=int, default=7)
            one.add_argument("--positions", type=int, default=2)
            one.add_argument("--stop-seconds", type=float, default=0.3)
            one.add_argument("--ignore-term", action="store_true")
            one.add_argument("--die-with-parent", action="store_true")
    return parser.parse_args()


def main():
    options = read_command_line()
    try:
        print(options.command(options), flush=True)
    except (OSError, KeyError) as error:
        sys.exit(f"{options.command.__name__.replace('_', '-')}: {error}")


if __name__ == "__main__":
    main()
