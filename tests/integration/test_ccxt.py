"""A real client beside tinysup: ccxt signs the same calls, and a bot on ccxt trades under it. `make setup` installs ccxt (.ci/node)."""
import json
import os
import subprocess

from binaries import ROOT, tinysup
from harness import Supervised, until

from signed import STOP, SignersTest
from venue_signing import KEY, PASSPHRASE, SECRET
from venues import VENUES

BINARIES = ("plain", "sealed", "sanitized")
NODE = str(ROOT / "build/node")
PAPER = ROOT / "tests/paper"
# what ccxt is asked to sign, so that it makes the calls of VENUES: exchange, api, paths and parameters of cancel and of look
CALLS = {
    "binance": ("binance", "fapiPrivate", ("allOpenOrders", {"symbol": "\u5e01USDT"}), ("openOrders", {})),
    "bybit": ("bybit", "private", ("v5/order/cancel-all", {"category": "linear", "settleCoin": "USDT"}),
              ("v5/order/realtime", {"category": "linear", "settleCoin": "USDT"})),
    "okx": ("okx", "private", ("trade/cancel-all-after", {"timeOut": "10"}), ("trade/orders-pending", {"instType": "SWAP", "uly": "\u5e01-USDT"})),
    "bitget": ("bitget", ["private", "uta"], ("v3/trade/cancel-symbol-order", {"category": "USDT-FUTURES"}),
               ("v3/trade/unfilled-orders", {"category": "USDT-FUTURES"})),
    "bingx": ("bingx", ["swap", "v2", "private"], ("trade/allOpenOrders", {"symbol": "BTC-USDT"}), ("trade/openOrders", {})),
    "delta": ("delta", "private", ("orders/all", {"contract_types": "perpetual_futures"}), ("orders", {"state": "open"})),
    "kraken": ("kraken", "private", ("CancelAll", {}), ("OpenOrders", {"trades": "true"})),
    "krakenfutures": ("krakenfutures", "private", ("cancelallorders", {"symbol": "PF_XBTUSD"}), ("openorders", {})),
    "gate": ("gate", ["private", "futures"], ("{settle}/orders", {"settle": "usdt", "contract": "BTC_USDT"}),
             ("{settle}/orders", {"settle": "usdt", "contract": "BTC_USDT", "status": "open"})),
    "kucoin": ("kucoin", "private", ("hf/orders/cancelAll", {}), ("hf/orders/active", {"symbol": "BTC-USDT"})),
    "deribit": ("deribit", "private", ("cancel_all", {}), ("get_open_orders", {"currency": "BTC"})),
}
SYMBOLS = ("BTC", "ETH")


class Ccxt(SignersTest):
    ENVIRONMENT = {**os.environ, "KEY": KEY, "SECRET": SECRET, "PASSPHRASE": PASSPHRASE}

    def by_ccxt(self, scheme):
        exchange, api, *asked = CALLS[scheme]
        calls = [{"exchange": exchange, "api": api, "path": path, "params": params, "method": call[0]}
                 for call, (path, params) in zip((VENUES[scheme].cancel, VENUES[scheme].look), asked)]
        done = subprocess.run(["node", PAPER / "ccxt_calls.mjs", NODE, self.url, json.dumps(calls)], env=self.ENVIRONMENT, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def by_tinysup(self, scheme):
        config = self.path("conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.signer(scheme))
        for method, target, body in (VENUES[scheme].cancel, VENUES[scheme].look):
            words = ["--request", "--sign", "main", "-X", method, *(["-d", body] if body else []), self.url + target]
            done = subprocess.run([tinysup(), "--config", config, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
            self.assertEqual((0, ""), (done.returncode, done.stderr), scheme)

    def test_both_sign_the_same_calls(self):
        self.assertEqual(set(VENUES), set(CALLS))
        for scheme in VENUES:
            with self.subTest(scheme):
                before = len(self.requests())
                self.by_tinysup(scheme)
                answers = self.by_ccxt(scheme)
                self.assertEqual([200, 200], [answer["status"] for answer in answers], answers)
                seen = self.requests()[before:]
                self.assertEqual([(scheme, "ok")] * 4, [(r["venue"], r["verdict"]) for r in seen], seen)
                self.assertEqual([(r["method"], r["path"]) for r in seen[:2]], [(r["method"], r["path"]) for r in seen[2:]])

    def step(self, name, call, more, wait=None):
        request = self.http(call, f"json = ( {{ {wait} }} );" if wait else "")
        request = f'wait: {{ period = "50ms"; {request} }};' if wait else request
        return f'{{ name = "{name}"; timeout = "5s"; {more} {request} }}'

    def test_a_bot_on_ccxt_is_cancelled_and_closed(self):
        cancel = VENUES["okx"].cancel
        close = ("POST", "/api/v5/trade/close-position", '{"instId":"${each}-USDT-SWAP","mgnMode":"cross","autoCxl":true}')
        each = "each = [ %s ];" % ", ".join(f'"{symbol}"' for symbol in SYMBOLS)
        chain = [
            self.step("cancel", cancel, "required = true;"), self.step("close", close, each + "required = true;"), STOP,
            self.step("cancel-again", cancel, "required = true;"),
            self.step("no-orders", ("GET", "/api/v5/trade/orders-pending?instType=SWAP", ""), "required = true;", 'pointer = "/data"; empty = true;'),
            self.step("no-positions", ("GET", "/api/v5/account/positions?instType=SWAP", ""), "required = true;",
                      'pointer = "/data/*/pos"; one_of = [ "0", "" ];')]
        config = self.signer("okx") + 'shutdown: { deadline = "25s"; platform_grace = "60s"; chain = ( ' + ", ".join(chain) + " ); };"
        s = Supervised("--", "node", str(PAPER / "ccxt_bot.mjs"), NODE, self.url, *(f"{symbol}/USDT:USDT" for symbol in SYMBOLS),
                       config=config, env=self.ENVIRONMENT)
        self.addCleanup(s.__exit__)
        until(lambda: self.ask("/summary") == {"open_orders": 4, "open_positions": 2}, "the bot trades")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        self.assertEqual({"open_orders": 0, "open_positions": 0}, self.ask("/summary"), s.log())
        for symbol in SYMBOLS:
            self.assertIn(f"close/{symbol}: ok", s.log())
        self.assertEqual({"ok"}, {r["verdict"] for r in self.requests()})
