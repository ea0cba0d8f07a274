#!/usr/bin/env python3
"""Paper exchanges that want signed requests: eleven venues on one server, each with its own way to sign, told by the path.

    venues.py --port-file FILE [--die-with-parent]

What a signature must be is computed by venue_signing.py, which shares no code with tinysup. A request is
refused, in the venue's own words, if its signature is wrong, its time is not that of the venue's clock, or its nonce has been seen.

Every venue has the same book of open orders. CANCEL is what cancels them there, LOOK what tells how many there are. At OKX one can
trade, too: a limit order stays open, a market order opens a position, close-position closes it. Nine have a dead man's switch
with a real timer: venue_switches.py. Binance's is for one symbol, the others' for the whole book.

For the tests, never faulted (and /faults, /log: see faults.py):

    GET  /summary    {"open_orders": N, "open_positions": N}
    GET  /switch     {"armed": [[venue, symbol or null], ...], "fired": {venue: N}}
    POST /scale      {"seconds": 0.02}: what a second of a dead man's switch takes; 0, the default: it fires as it is armed
    POST /seed       {"orders": 3, "symbol": "BTCUSDT"}: so many more
    POST /secret     {"secret": "..."}: the key has another secret from now on
    POST /clock      {"ahead": SECONDS}: the venues' clock
    POST /say        {"what": "rate", "times": N}: the next N requests that are signed well are answered so: a key of a venue's
                     `words`, or "redirect"
    GET  /requests   [{venue, method, path, query, body, headers, time, nonce, verdict}, ...], oldest first
"""

import json
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, replace
from email.utils import formatdate

import venue_signing
from faults import Faulty
from httpd import Reply, serve_as_program
from venue_signing import KEY, SECRET, Call, Refused
from venue_switches import SWITCHES, Switches

# --- what each of them is asked, and what it says


@dataclass(frozen=True)
class Venue:
    verify: object
    cancel: tuple           # method, target, body
    look: tuple
    flat: str               # libconfig: the assertion that nothing is open
    done: object            # number of orders -> reply to cancel
    found: object           # the same to look
    words: dict             # refusals and other answers: status, body. refused...: whatever else is no success


def orders(count):
    return [{"id": number} for number in range(count)]


EMPTY = "pointer = \"%s\"; empty = true;"

VENUES = {
    "binance": Venue(
        venue_signing.binance, ("DELETE", "/fapi/v1/allOpenOrders?symbol=%E5%B8%81USDT", ""), ("GET", "/fapi/v1/openOrders", ""), EMPTY % "",
        lambda n: {"code": 200, "msg": "The operation of cancel all open order is done."}, orders,
        {"sign": (400, {"code": -1022, "msg": "Signature for this request is not valid."}), "clock": (400, {"code": -1021}),
         "key": (401, {"code": -2015}), "nothing": (400, {"code": -2011}), "rate": (429, {"code": -1003}), "busy": (503, {"code": -1008}),
         "unknown": (400, {"code": -1007}), "unknown-503": (503, {}), "refused": (200, {"code": -4000, "msg": "Invalid."}),
         "refused-batch": (200, [{"orderId": 1}, {"code": -2011, "msg": "Unknown order sent."}])}),
    "bybit": Venue(
        venue_signing.bybit, ("POST", "/v5/order/cancel-all", '{"category":"linear","settleCoin":"USDT"}'),
        ("GET", "/v5/order/realtime?category=linear&settleCoin=USDT", ""), EMPTY % "/result/list",
        lambda n: {"retCode": 0, "result": {"list": orders(n), "success": "1"}},
        lambda n: {"retCode": 0, "result": {"list": orders(n)}},
        {"sign": (200, {"retCode": 10004, "retMsg": f"error sign! origin_string[{KEY}5000{{}}]"}), "clock": (200, {"retCode": 10002}),
         "key": (200, {"retCode": 10003}), "doubt": (200, {"retCode": 110017, "retMsg": "current position is zero"}),
         "rate": (200, {"retCode": 10006}), "busy": (200, {"retCode": 10016}), "unknown": (200, {"retCode": 10000}),
         "refused": (200, {"retCode": 110001, "retMsg": "order not exists"}),
         "refused-batch": (200, {"retCode": 0, "retMsg": "OK", "result": {"list": [{}, {}]},
                                 "retExtInfo": {"list": [{"code": 0, "msg": "OK"}, {"code": 170213, "msg": "Order does not exist."}]}})}),
    "okx": Venue(
        venue_signing.okx, ("POST", "/api/v5/trade/cancel-all-after", '{"timeOut":"10"}'),
        ("GET", "/api/v5/trade/orders-pending?instType=SWAP&uly=%E5%B8%81-USDT", ""), EMPTY % "/data",
        lambda n: {"code": "0", "data": [{"triggerTime": "1", "sCode": "0"}]}, lambda n: {"code": "0", "data": orders(n)},
        {"sign": (401, {"code": "50113", "msg": "Invalid Sign"}), "clock": (401, {"code": "50102"}), "key": (401, {"code": "50111"}),
         "doubt": (200, {"code": "51023", "msg": "Position does not exist"}), "rate": (429, {"code": "50011"}),
         "rate-200": (200, {"code": "50061"}), "busy": (200, {"code": "50026"}), "busy-2": (200, {"code": "50013"}),
         "unknown": (200, {"code": "50004"}), "refused": (200, {"code": "1", "data": [{"sCode": "51000", "sMsg": "Parameter error"}]}),
         "refused-batch": (200, {"code": "0", "data": [{"sCode": "0"}, {"sCode": "51400", "sMsg": "Cancellation failed"}]})}),
    "bitget": Venue(
        venue_signing.bitget, ("POST", "/api/v3/trade/cancel-symbol-order", '{"category":"USDT-FUTURES"}'),
        ("GET", "/api/v3/trade/unfilled-orders?category=USDT%2DFUTURES", ""), EMPTY % "/data/list",
        lambda n: {"code": "00000", "data": {"list": orders(n)}}, lambda n: {"code": "00000", "data": {"list": orders(n)}},
        {"sign": (400, {"code": "40009", "msg": "sign signature error"}), "clock": (400, {"code": "40008"}),
         "key": (400, {"code": "40006"}), "doubt": (400, {"code": "22002", "msg": "No position to close"}), "rate": (429, {"code": "429"}),
         "busy": (200, {"code": "40604"}), "unknown": (200, {"code": "40010"}),
         "refused": (200, {"code": "00000", "data": {"failureList": [{"orderId": "1", "errorCode": "45110", "errorMsg": "too small"}]}})}),
    "bingx": Venue(
        venue_signing.bingx, ("DELETE", "/openApi/swap/v2/trade/allOpenOrders?symbol=BTC%2DUSDT", ""),
        ("GET", "/openApi/swap/v2/trade/openOrders", ""), EMPTY % "/data/orders",
        lambda n: {"code": 0, "data": {"success": orders(n), "failed": None}}, lambda n: {"code": 0, "data": {"orders": orders(n)}},
        {"sign": (200, {"code": 100001, "msg": "Signature verification failed"}), "clock": (200, {"code": 100421}),
         "key": (200, {"code": 100413}), "doubt": (200, {"code": 80017, "msg": "position is not exist"}), "rate": (200, {"code": 100410}),
         "unknown": (200, {"code": 100500}), "refused": (200, {"code": 0, "data": {"failed": [{"orderId": 1, "errorCode": 80018}]}}),
         "refused-2": (200, {"code": 80018, "msg": "order is already filled"})}),
    "delta": Venue(
        venue_signing.delta, ("DELETE", "/v2/orders/all", '{"contract_types":"perpetual_futures"}'), ("GET", "/v2/orders?state=open", ""),
        EMPTY % "/result", lambda n: {"success": True}, lambda n: {"success": True, "result": orders(n)},
        {"sign": (401, {"success": False, "error": {"code": "Signature Mismatch"}}),
         "clock": (401, {"success": False, "error": {"code": "SignatureExpired"}}),
         "key": (401, {"success": False, "error": {"code": "Signature Mismatch"}}), "rate": (429, {}),
         "busy": (200, {"success": False, "error": {"code": "unavailable"}}),
         "refused": (200, {"success": False, "error": {"code": "bad_schema"}})}),
    "kraken": Venue(
        venue_signing.kraken, ("POST", "/0/private/CancelAll", ""), ("POST", "/0/private/OpenOrders", "trades=true"),
        'pointer = "/result/count"; equals = 0;', lambda n: {"error": [], "result": {"count": n}},
        lambda n: {"error": [], "result": {"count": n}},
        {"sign": (200, {"error": ["EAPI:Invalid signature"]}), "nonce": (200, {"error": ["EAPI:Invalid nonce"]}),
         "key": (200, {"error": ["EAPI:Invalid key"]}), "rate": (200, {"error": ["EAPI:Rate limit exceeded"]}),
         "busy": (200, {"error": ["EService:Unavailable"]}), "busy-2": (200, {"error": ["EService:Busy"]}),
         "unknown": (200, {"error": ["EService:Timeout"]}), "refused": (200, {"error": ["EOrder:Unknown order"]}),
         "refused-batch": (200, {"error": [], "result": {"orders": [{"txid": "1"}, {"error": "EOrder:Insufficient margin"}]}})}),
    "krakenfutures": Venue(
        venue_signing.krakenfutures, ("POST", "/derivatives/api/v3/cancelallorders", "symbol=PF_XBTUSD"),
        ("GET", "/derivatives/api/v3/openorders", ""), EMPTY % "/openOrders",
        lambda n: {"result": "success", "cancelStatus": {"status": "cancelled" if n else "noOrdersToCancel"}},
        lambda n: {"result": "success", "openOrders": orders(n)},
        {"sign": (200, {"result": "error", "error": "authenticationError"}),
         "nonce": (200, {"result": "error", "error": "nonceBelowThreshold"}),
         "key": (200, {"result": "error", "error": "authenticationError"}),
         "rate": (200, {"result": "error", "error": "apiLimitExceeded"}), "busy": (200, {"result": "error", "error": "unavailable"}),
         "unknown": (200, {"result": "error", "error": "Server Error"}),
         "refused": (200, {"result": "success", "cancelStatus": {"status": "failed"}}),
         "refused-send": (200, {"result": "success", "sendStatus": {"status": "insufficientAvailableFunds"}}),
         "refused-batch": (200, {"result": "success", "batchStatus": [{"status": "placed"}, {"status": "notFound"}]})}),
    "gate": Venue(
        venue_signing.gate, ("DELETE", "/api/v4/futures/usdt/orders?contract=BTC_USDT", ""),
        ("GET", "/api/v4/futures/usdt/orders?contract=BTC_USDT&status=%6Fpen", ""), EMPTY % "", orders, orders,
        {"sign": (401, {"label": "INVALID_SIGNATURE", "message": "Signature mismatch"}), "clock": (403, {"label": "REQUEST_EXPIRED"}),
         "key": (401, {"label": "INVALID_KEY"}), "doubt": (400, {"label": "POSITION_EMPTY", "message": "empty position"}),
         "rate": (400, {"label": "TOO_FAST"}), "busy": (400, {"label": "TOO_BUSY"}), "unknown": (500, {"label": "INTERNAL"}),
         "refused": (400, {"label": "CONTRACT_NOT_FOUND"}), "refused-empty": (200, b""), "refused-page": (200, b"<html>maintenance</html>"),
         "refused-batch": (200, [{"succeeded": True}, {"succeeded": False, "label": "ORDER_NOT_FOUND", "message": "no such order"}])}),
    "kucoin": Venue(
        venue_signing.kucoin, ("DELETE", "/api/v1/hf/orders/cancelAll", ""), ("GET", "/api/v1/hf/orders/active?symbol=BTC-USDT", ""),
        EMPTY % "/data", lambda n: {"code": "200000", "data": {"succeedSymbols": [], "failedSymbols": []}},
        lambda n: {"code": "200000", "data": orders(n)},
        {"sign": (401, {"code": "400005", "msg": "Invalid KC-API-SIGN"}), "clock": (400, {"code": "400002"}),
         "key": (401, {"code": "400003"}), "doubt": (200, {"code": "300009", "msg": "No open positions to close."}),
         "rate": (200, {"code": "429000"}), "unknown": (200, {"code": "500000"}),
         "refused": (200, {"code": "200000", "data": {"failedSymbols": [{"symbol": "BTC-USDT", "error": "timeout"}]}}),
         "refused-batch": (200, {"code": "200000", "data": {"cancelledOrderIds": ["1"], "cancelFailedOrders": [{"orderId": "2"}]}}),
         "refused-orders": (200, {"code": "200000", "data": [{"success": True}, {"success": False, "failMsg": "balance"}]})}),
    "deribit": Venue(
        venue_signing.deribit, ("GET", "/api/v2/private/cancel_all", ""), ("GET", "/api/v2/private/get_open_orders?currency=BTC", ""),
        EMPTY % "/result", lambda n: {"result": n}, lambda n: {"result": orders(n)},
        {"sign": (400, {"error": {"code": 13004, "message": "invalid_credentials"}}), "clock": (400, {"error": {"code": 13009}}),
         "key": (400, {"error": {"code": 13009}}), "nonce": (400, {"error": {"code": 13004}}), "rate": (400, {"error": {"code": 10028}}),
         "busy": (400, {"error": {"code": 10040}}), "unknown": (400, {"error": {"code": 13888}}), "refused": (200, {"jsonrpc": "2.0"}),
         "refused-order": (200, {"result": {"order": {"order_state": "rejected"}}})}),
}

ROUTES = {(call[0], call[1].partition("?")[0]): (name, doing)
          for name, venue in VENUES.items() for doing, call in (("cancel", venue.cancel), ("look", venue.look))}
# calls where "nothing to do" leaves no doubt
PLAIN = {"binance": ("DELETE", "/api/v3/openOrders?symbol=BTCUSDT", ""),
         "bitget": ("POST", "/api/v2/mix/order/close-positions", '{"productType":"USDT-FUTURES"}'),
         "bingx": ("POST", "/openApi/swap/v2/trade/closeAllPositions", "")}
ROUTES |= {("POST", "/fapi/v1/order"): ("binance", "cancel"), ("POST", "/api/v5/trade/batch-orders"): ("okx", "trade"),
           ("GET", "/api/v5/account/positions"): ("okx", "positions"), ("POST", "/api/v5/trade/close-position"): ("okx", "close")}
ROUTES |= {(call[0], call[1].partition("?")[0]): (name, "cancel") for name, call in PLAIN.items()}
ROUTES |= {("POST", switch.arm[1].partition("?")[0]): (name, "switch") for name, switch in SWITCHES.items()}
ROUTES |= {("POST", switch.create[1]): (name, "create") for name, switch in SWITCHES.items() if switch.create}


class Venues:
    def __init__(self):
        self.lock = threading.Lock()
        self.book = Counter()       # open orders by instrument
        self.positions = Counter()
        self.secret = SECRET
        self.ahead = 0.0
        self.saying, self.times = None, 0
        self.requests = []
        self.seen = {name: {} for name in VENUES}
        self.switches = Switches(self.fire, self.lock)
        self.app = Faulty(self.work, {"/summary": self.on_summary, "/seed": self.on_seed, "/secret": self.on_secret, "/scale": self.on_scale,
                                      "/switch": self.on_switch, "/clock": self.on_clock, "/say": self.on_say, "/requests": self.on_requests})

    def work(self, request):
        name, doing = ROUTES.get((request.method, request.path), (None, None))
        with self.lock:
            call = Call(request.method, request.path, request.query, request.text, request.headers, self.secret,
                        time.time() + self.ahead, self.seen.get(name))
            reply, verdict = self.answer(name, doing, call) if name else (Reply(404, {"error": "no such path"}), "lost")
            self.requests.append({"venue": name, "method": call.method, "path": call.path, "query": call.query, "body": call.body,
                                  "headers": call.headers, "time": call.time, "nonce": call.nonce, "verdict": verdict})
            date = formatdate(time.time() + self.ahead, usegmt=True)
            return replace(reply, headers={**reply.headers, "Date": date}) if self.ahead else reply

    def answer(self, name, doing, call):
        venue = VENUES[name]
        try:
            venue.verify(call)
        except Refused as refused:
            return self.word(venue, refused.args[0])
        except (KeyError, ValueError):
            return self.word(venue, "sign")
        if self.times:
            self.times -= 1
            return self.word(venue, self.saying)
        if doing in TRADES:
            return TRADES[doing](self, venue, call)
        given = dict(urllib.parse.parse_qsl(call.query))
        if doing == "look":
            return Reply(200, venue.found(self.book[given["instId"]] if "instId" in given else self.open)), "ok"
        count = self.open
        self.book.clear()
        return Reply(200, venue.done(count)), "ok"

    @property
    def open(self):
        return self.book.total()

    def trade(self, _venue, call):
        orders_ = json.loads(call.body)
        for order in orders_:
            where = self.positions if order["ordType"] == "market" else self.book
            where[order["instId"]] += int(order["sz"])
        return Reply(200, {"code": "0", "data": [{"ordId": "1", "sCode": "0", "clOrdId": order["clOrdId"]} for order in orders_]}), "ok"

    def look_at_positions(self, _venue, _call):
        held = [{"instId": name, "pos": str(size), "mgnMode": "cross"} for name, size in self.positions.items() if size]
        return Reply(200, {"code": "0", "data": held}), "ok"

    def close(self, venue, call):
        what = json.loads(call.body)
        if what["mgnMode"] != "cross" or not self.positions.pop(what["instId"], 0):
            return self.word(venue, "doubt")
        return Reply(200, {"code": "0", "data": [{"instId": what["instId"], "posSide": "net"}]}), "ok"

    def fire(self, symbol):
        if symbol:
            self.book.pop(symbol, None)
        else:
            self.book.clear()

    def switch(self, venue, call):
        name = next(name for name, known in VENUES.items() if known is venue)
        try:
            return Reply(200, SWITCHES[name].reply(self.switches.told(name, call))), "ok"
        except (KeyError, ValueError):
            return self.word(venue, "refused")

    def create(self, _venue, call):
        self.switches.create(call)
        return Reply(200, {"success": True}), "ok"

    @staticmethod
    def word(venue, what):
        if what == "redirect":
            return Reply(307, {}, {"Location": "/elsewhere"}), what
        status, body = venue.words[what]
        return Reply(status, body), what

    def on_summary(self, _request=None):
        return Reply(200, {"open_orders": self.open, "open_positions": self.positions.total()})

    def on_seed(self, request):
        with self.lock:
            self.book[request.data.get("symbol", "seeded")] += request.data["orders"]
        return self.on_summary()

    def on_scale(self, request):
        self.switches.scale = request.data["seconds"]
        return self.on_summary()

    def on_switch(self, _request):
        with self.lock:
            return Reply(200, self.switches.state())

    def on_secret(self, request):
        self.secret = request.data["secret"]
        return self.on_summary()

    def on_clock(self, request):
        self.ahead = request.data["ahead"]
        return self.on_summary()

    def on_say(self, request):
        self.saying, self.times = request.data["what"], request.data["times"]
        return self.on_summary()

    def on_requests(self, _request):
        with self.lock:
            return Reply(200, list(self.requests))


TRADES = {"switch": Venues.switch, "create": Venues.create, "trade": Venues.trade, "positions": Venues.look_at_positions, "close": Venues.close}

if __name__ == "__main__":
    serve_as_program("Paper exchanges that want signed requests.", Venues().app)
