#!/usr/bin/env python3
"""A paper exchange: orders and positions over HTTP/1.1 and JSON, with faults to order.

    exchange.py --port-file FILE [--die-with-parent]

Binds 127.0.0.1 on a free port, which FILE holds once the exchange listens.

    GET    /orders               [{id, symbol, side, qty, price, placed_at}, ...]
    POST   /orders               {symbol, side: buy|sell, qty, price} -> 201 {id}
    DELETE /orders/ID            -> {"cancelled": 1}, 404 when there is no such order
    POST   /orders/cancel-all    -> {"cancelled": N}
    GET    /positions            [{id, symbol, qty}, ...]
    POST   /positions            {symbol, qty} -> 201 {id}
    POST   /positions/close-all  -> {"closed": N}
    POST   /sessions             a bot is about to trade -> 201 {id, orders, positions}: what is open then
    GET    /sessions             all of them
    POST   /trades               {symbol, side, qty, client_order_id} -> 201 {id, session, ...}: a market order, done at once, in the latest
                                 session; one whose client_order_id is known is refused with 409
    GET    /trades               all of them
    POST   /cancel-all-after     {"timeout_ms": N} -> {"fires_in_ms": N}: all orders are cancelled once that time is over,
                                 unless it is sent anew; 0 disarms

Idempotency-Key is honoured on these POSTs: the same key and path answer the stored reply once more, with the
header `Idempotent-Replay: true`, and nothing is done again. Only replies to work done are stored: 2xx.

For the tests, never faulted (and /faults, /log: see faults.py):

    GET  /summary   {"open_orders": N, "open_positions": N}
    GET  /switch    {"armed": bool, "fired": N}
    POST /seed      {"orders": 7, "positions": 2}: so many more -> 201 and the summary
    POST /reset     an exchange as new: nothing open, no faults, an empty log
"""

import itertools
import threading
import time

from faults import Faulty
from httpd import Reply, serve_as_program

NOT_FOUND = Reply(404, {"error": "no such thing here"})


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def problem_with_order(order):
    if not isinstance(order, dict) or not isinstance(order.get("symbol"), str):
        return "symbol is a string"
    if order.get("side") not in ("buy", "sell"):
        return "side is buy or sell"
    if not all(is_number(order.get(name)) and order[name] > 0 for name in ("qty", "price")):
        return "qty and price are numbers above 0"
    return None


def problem_with_position(position):
    if not isinstance(position, dict) or not isinstance(position.get("symbol"), str):
        return "symbol is a string"
    if not is_number(position.get("qty")) or position["qty"] == 0:
        return "qty is a number, and not 0"
    return None


def problem_with_trade(order):
    if not isinstance(order, dict) or not isinstance(order.get("client_order_id"), str):
        return "client_order_id is a string"
    return problem_with_order({**order, "price": 1})


class Exchange:
    """The books. Every request is worked on under one lock, so that a reply and its key are stored as one."""

    def __init__(self):
        self.lock = threading.Lock()
        self.switch = None
        self.forget()
        self.app = Faulty(self.work, {"/summary": self.on_summary, "/switch": self.on_switch, "/seed": self.on_seed, "/reset": self.on_reset})

    def forget(self):
        self.orders = {}
        self.positions = {}
        self.sessions = []
        self.trades = {}                # by client_order_id
        self.stored_replies = {}        # (key, path) -> Reply
        self.ids = itertools.count(1)
        self.disarm()
        self.fired = 0

    def disarm(self):
        if self.switch:
            self.switch.cancel()
        self.switch = None

    def arm(self, body):
        wanted = body.get("timeout_ms") if isinstance(body, dict) else None
        if not isinstance(wanted, int) or wanted < 0:
            return Reply(400, {"error": "timeout_ms is a number of milliseconds"})
        self.disarm()
        if wanted > 0:
            self.switch = threading.Timer(wanted / 1000, self.fire)
            self.switch.daemon = True
            self.switch.start()
        return Reply(200, {"fires_in_ms": wanted})

    def fire(self):
        with self.lock:
            if threading.current_thread() is self.switch:    # not one that was disarmed just now
                self.switch = None
                self.fired += 1
                self.orders.clear()

    def work(self, request):
        with self.lock:
            if request.method != "POST" or not request.idempotency_key:
                return self.route(request)
            slot = (request.idempotency_key, request.path)
            if slot in self.stored_replies:
                stored = self.stored_replies[slot]
                return Reply(stored.status, stored.data, {"Idempotent-Replay": "true"})
            reply = self.route(request)
            if 200 <= reply.status < 300:
                self.stored_replies[slot] = reply
            return reply

    def route(self, request):
        match request.method, request.path.split("/")[1:]:
            case "GET", ["orders"]:
                return Reply(200, list(self.orders.values()))
            case "POST", ["orders"]:
                return self.place(request.data)
            case "POST", ["orders", "cancel-all"]:
                return Reply(200, {"cancelled": self.empty(self.orders)})
            case "DELETE", ["orders", order_id]:
                return self.cancel(order_id)
            case "POST", ["cancel-all-after"]:
                return self.arm(request.data)
            case "GET", ["positions"]:
                return Reply(200, list(self.positions.values()))
            case "POST", ["positions"]:
                return self.open(request.data)
            case "POST", ["positions", "close-all"]:
                return Reply(200, {"closed": self.empty(self.positions)})
            case "POST", ["sessions"]:
                return self.begin()
            case "GET", ["sessions"]:
                return Reply(200, list(self.sessions))
            case "POST", ["trades"]:
                return self.trade(request.data)
            case "GET", ["trades"]:
                return Reply(200, list(self.trades.values()))
        return NOT_FOUND

    def begin(self):
        self.sessions.append({"id": len(self.sessions) + 1, "orders": len(self.orders), "positions": len(self.positions)})
        return Reply(201, self.sessions[-1])

    def trade(self, order):
        if problem := problem_with_trade(order):
            return Reply(400, {"error": problem})
        known = order["client_order_id"]
        if known in self.trades:
            return Reply(409, {"error": "duplicate client order id"})
        self.trades[known] = {"id": next(self.ids), "session": len(self.sessions), "client_order_id": known}
        return Reply(201, self.trades[known])

    def place(self, order):
        if problem := problem_with_order(order):
            return Reply(400, {"error": problem})
        order_id = next(self.ids)
        kept = {name: order[name] for name in ("symbol", "side", "qty", "price")}
        self.orders[order_id] = {"id": order_id, **kept, "placed_at": time.time()}
        return Reply(201, {"id": order_id})

    def cancel(self, order_id):
        known = order_id.isdecimal() and self.orders.pop(int(order_id), None)
        return Reply(200, {"cancelled": 1}) if known else NOT_FOUND

    def open(self, position):
        if problem := problem_with_position(position):
            return Reply(400, {"error": problem})
        position_id = next(self.ids)
        self.positions[position_id] = {"id": position_id, "symbol": position["symbol"], "qty": position["qty"]}
        return Reply(201, {"id": position_id})

    @staticmethod
    def empty(book):
        count = len(book)
        book.clear()
        return count

    def on_summary(self, _request=None):
        with self.lock:
            return Reply(200, {"open_orders": len(self.orders), "open_positions": len(self.positions)})

    def on_switch(self, _request):
        with self.lock:
            return Reply(200, {"armed": self.switch is not None, "fired": self.fired})

    def on_seed(self, request):
        wanted = request.data if isinstance(request.data, dict) else {}
        with self.lock:
            for _ in range(wanted.get("orders", 0)):
                self.place({"symbol": "BTC/EUR", "side": "buy", "qty": 0.01, "price": 50000})
            for _ in range(wanted.get("positions", 0)):
                self.open({"symbol": "BTC/EUR", "qty": 0.01})
        return Reply(201, self.on_summary().data)

    def on_reset(self, _request):
        with self.lock:
            self.forget()
        self.app.forget()
        return self.on_summary()


if __name__ == "__main__":
    serve_as_program("A paper exchange.", Exchange().app)
