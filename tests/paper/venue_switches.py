"""The dead man's switches of the paper exchanges in venues.py, with real timers.

    SWITCHES[venue]                   how it is armed and disarmed: calls as in venues.py, and its limits
    switches = Switches(fire)         fire(symbol): what is cancelled when a timer is over; symbol None: all
    switches.told(venue, call)        -> seconds that are left, 0: disarmed; ValueError: what the venue refuses

A venue's second takes `scale` seconds. With 0, the default, a switch fires as it is armed: that is what cancels at OKX.
"""

import json
import threading
import urllib.parse
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    arm: tuple              # method, target, body, for the time in the middle of the venue's range
    disarm: tuple
    name: str               # of the parameter that holds the time
    least: float            # seconds
    most: float
    reply: object           # seconds left -> reply
    kind: type = str        # of the time in a JSON body
    unit: float = 1.0       # seconds
    off: int = 0            # the time that disarms
    symbol: str | None = None       # parameter that names the one symbol whose orders it cancels
    create: tuple | None = None     # sent once before


def one(method, target, body, **options):
    """target and body with TIME in them."""
    on, off = options.pop("time"), options.get("off", 0)
    arm, disarm = ((method, target.replace("TIME", str(value)), body.replace("TIME", str(value))) for value in (on, off))
    return Switch(arm, options.pop("disarm", disarm), **options)


SWITCHES = {
    "binance": one("POST", "/fapi/v1/countdownCancelAll?symbol=BTCUSDT&countdownTime=TIME", "", name="countdownTime", time=60000,
                   unit=0.001, least=0.001, most=86400, symbol="symbol",
                   reply=lambda left: {"symbol": "BTCUSDT", "countdownTime": str(int(left * 1000))}),
    "okx": one("POST", "/api/v5/trade/cancel-all-after", '{"timeOut":"TIME"}', name="timeOut", time=60, least=10, most=120,
               reply=lambda left: {"code": "0", "data": [{"triggerTime": str(int(left)), "sCode": "0"}]}),
    "bitget": one("POST", "/api/v3/trade/countdown-cancel-all", '{"countdown":"TIME"}', name="countdown", time=60, least=5, most=60,
                  reply=lambda left: {"code": "00000", "data": "success"}),
    "bingx": one("POST", "/openApi/swap/v2/trade/cancelAllAfter?type=ACTIVATE&timeOut=TIME", "", name="timeOut", time=60, least=10, most=120,
                 disarm=("POST", "/openApi/swap/v2/trade/cancelAllAfter?type=CLOSE&timeOut=0", ""),
                 reply=lambda left: {"code": 0, "data": {"status": "ACTIVATED" if left else "CLOSED"}}),
    "delta": one("POST", "/v2/heartbeat", '{"heartbeat_id":"bot","ttl":TIME}', name="ttl", time=60000, kind=int, unit=0.001, least=0.001, most=86400,
                 create=("POST", "/v2/heartbeat/create", '{"heartbeat_id":"bot","impact":"contracts","contract_types":["perpetual_futures"],'
                         '"config":[{"action":"cancel_orders","unhealthy_count":1}]}'),
                 reply=lambda left: {"success": True}),
    "kraken": one("POST", "/0/private/CancelAllOrdersAfter", "timeout=TIME", name="timeout", time=60, least=1, most=86399,
                  reply=lambda left: {"error": [], "result": {"triggerTime": str(int(left))}}),
    "krakenfutures": one("POST", "/derivatives/api/v3/cancelallordersafter", "timeout=TIME", name="timeout", time=60, least=1, most=86400,
                         reply=lambda left: {"result": "success", "status": {"triggerTime": str(int(left))}}),
    "gate": one("POST", "/api/v4/futures/usdt/countdown_cancel_all", '{"timeout":TIME}', name="timeout", time=60, kind=int, least=5, most=86400,
                reply=lambda left: {"triggerTime": int(left)}),
    "kucoin": one("POST", "/api/v1/hf/orders/dead-cancel-all", '{"timeout":TIME}', name="timeout", time=60, kind=int, least=5, most=86400, off=-1,
                  reply=lambda left: {"code": "200000", "data": {"triggerTime": int(left)}}),
}


def given_in(call):
    """Its parameters, of query and body."""
    given = dict(urllib.parse.parse_qsl(call.query))
    if call.body.startswith("{"):
        return given | json.loads(call.body)
    return given | dict(urllib.parse.parse_qsl(call.body))


def seconds(switch, call, given):
    """What is asked for; 0: disarm. A time of another type, or out of range, is refused."""
    value = given[switch.name]
    if type(value) is not (switch.kind if call.body.startswith("{") else str):
        raise ValueError(f"{switch.name} is no {switch.kind.__name__}")
    if given.get("type") == "CLOSE" or int(value) == switch.off:
        return 0
    if not switch.least <= int(value) * switch.unit <= switch.most or given.get("type", "ACTIVATE") != "ACTIVATE":
        raise ValueError(f"{switch.name} is out of range")
    return int(value) * switch.unit


class Switches:
    """Not safe by itself: all calls, and those of `fire`, are under the lock."""

    def __init__(self, fire, lock):
        self.fire, self.lock, self.scale = fire, lock, 0.0
        self.armed = {}             # (venue, symbol) -> Timer
        self.fired = Counter()      # by venue
        self.created = set()        # ids of Delta's heartbeats

    def create(self, call):
        self.created.add(given_in(call)["heartbeat_id"])

    def told(self, venue, call):
        switch, given = SWITCHES[venue], given_in(call)
        if switch.create and given["heartbeat_id"] not in self.created:
            raise ValueError("no such heartbeat")
        left, slot = seconds(switch, call, given), (venue, given[switch.symbol] if switch.symbol else None)
        if slot in self.armed:
            self.armed.pop(slot).cancel()
        if left and not self.scale:
            self.over(slot)
        elif left:
            timer = self.armed[slot] = threading.Timer(left * self.scale, self.run_out, [slot])
            timer.daemon = True
            timer.start()
        return left

    def run_out(self, slot):
        with self.lock:
            if self.armed.get(slot) is threading.current_thread():      # not one that was renewed just now
                del self.armed[slot]
                self.over(slot)

    def over(self, slot):
        self.fired[slot[0]] += 1
        self.fire(slot[1])

    def state(self):
        return {"armed": [list(slot) for slot in self.armed], "fired": dict(self.fired)}
