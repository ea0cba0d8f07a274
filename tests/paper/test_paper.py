"""Tests of the paper exchange, bot and sink themselves; tinysup has no part in them. About 10 s.

    python3 tests/paper/test_paper.py [-v] [TestName[.test_name]]
    python3 -m unittest discover -s tests/paper -v
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

from paper import HERE, WAIT_SECONDS, ExchangeTest, PaperTest, answers, read, wait_until
from httpd import ask


class Trading(ExchangeTest):
    def test_orders_are_placed_and_cancelled(self):
        order = {"symbol": "BTC/EUR", "side": "sell", "qty": 1, "price": 2.5}
        first, second = (self.ask("POST", "/orders", order) for _ in range(2))
        self.assertEqual(201, first.status)
        self.assertNotEqual(first.data["id"], second.data["id"])
        self.assertEqual(order, {name: self.ask("GET", "/orders").data[0][name] for name in order})
        self.assertEqual(200, self.ask("DELETE", f"/orders/{first.data['id']}").status)
        self.assertEqual(404, self.ask("DELETE", f"/orders/{first.data['id']}").status)
        self.assertEqual({"cancelled": 1}, self.cancel_all().data)
        self.assertEqual((0, 0), self.summary())

    def test_positions_are_opened_and_closed(self):
        self.assertEqual(201, self.ask("POST", "/positions", {"symbol": "ETH/EUR", "qty": -3}).status)
        self.assertEqual(-3, self.ask("GET", "/positions").data[0]["qty"])
        self.assertEqual({"closed": 1}, self.ask("POST", "/positions/close-all").data)
        self.assertEqual((0, 0), self.summary())

    def test_nonsense_is_refused(self):
        self.assertEqual(400, self.ask("POST", "/orders", {"symbol": "BTC/EUR"}).status)
        self.assertEqual(400, self.ask("POST", "/positions", "not json").status)
        self.assertEqual(404, self.ask("GET", "/nowhere").status)
        self.assertEqual(400, self.ask("POST", "/faults", {"kind": "earthquake"}).status)

    def test_seed_and_reset(self):
        self.assertEqual({"open_orders": 7, "open_positions": 2},
                         self.ask("POST", "/seed", {"orders": 7, "positions": 2}).data)
        self.fault("500")
        self.ask("POST", "/reset")
        self.assertEqual((0, 0), self.summary())
        self.assertEqual([], self.ask("GET", "/faults").data)
        self.assertEqual(["/summary", "/faults", "/log"], [entry["path"] for entry in self.ask("GET", "/log").data])

    def test_a_client_order_id_trades_once(self):
        order = {"symbol": "BTC/EUR", "side": "sell", "qty": 1, "client_order_id": "a"}
        self.ask("POST", "/seed", {"orders": 2, "positions": 1})
        self.assertEqual({"id": 1, "orders": 2, "positions": 1}, self.ask("POST", "/sessions").data)
        self.assertEqual([201, 409, 201], [self.ask("POST", "/trades", {**order, "client_order_id": i}).status for i in ("a", "a", "b")])
        self.assertEqual([("a", 1), ("b", 1)], [(t["client_order_id"], t["session"]) for t in self.ask("GET", "/trades").data])
        self.assertEqual(400, self.ask("POST", "/trades", {"symbol": "BTC/EUR"}).status)

    def test_same_key_works_once(self):
        self.ask("POST", "/seed", {"orders": 7})
        first = self.cancel_all(key="k-1")
        self.ask("POST", "/seed", {"orders": 1})
        again = self.cancel_all(key="k-1")
        self.assertEqual((200, {"cancelled": 7}), (again.status, again.data))
        self.assertEqual((None, "true"), tuple(reply.headers.get("Idempotent-Replay") for reply in (first, again)))
        self.assertEqual((1, 0), self.summary())
        self.assertEqual({"closed": 0}, self.ask("POST", "/positions/close-all", key="k-1").data)
        self.assertEqual({"cancelled": 1}, self.cancel_all(key="k-2").data)
        self.assertEqual([("k-1", False), ("k-1", True), ("k-2", False)],
                         [(entry["idempotency_key"], entry["replayed"]) for entry in self.log_of("/orders/cancel-all")])


class Faults(ExchangeTest):
    def setUp(self):
        super().setUp()
        self.ask("POST", "/seed", {"orders": 7, "positions": 2})

    def assert_untouched_then_fine(self):
        self.assertEqual((7, 2), self.summary())
        self.assertEqual({"cancelled": 7}, self.cancel_all().data)

    def test_429(self):
        self.fault("429", times=1, seconds=2)
        reply = self.cancel_all()
        self.assertEqual((429, "2"), (reply.status, reply.headers["Retry-After"]))
        self.assert_untouched_then_fine()

    def test_500(self):
        self.fault("500", times=2)
        self.fault("500", times=1, status=502)
        self.assertEqual([500, 500, 502], [self.cancel_all().status for _ in range(3)])
        self.assert_untouched_then_fine()

    def test_hang(self):
        self.fault("hang", times=1)
        with self.assertRaises(TimeoutError):
            self.cancel_all(timeout=0.2)
        wait_until(lambda: self.log_of("/orders/cancel-all"), "the exchange has read the request")
        self.assert_untouched_then_fine()
        self.assertEqual([(None, "hang"), (200, None)],
                         [(entry["status"], entry["fault"]) for entry in self.log_of("/orders/cancel-all")])

    def test_slow(self):
        self.fault("slow", times=1, seconds=0.3)
        begin = time.monotonic()
        self.assertEqual({"cancelled": 7}, self.cancel_all().data)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)

    def test_reset(self):
        self.fault("reset", times=1)
        with self.assertRaises(ConnectionResetError):
            self.cancel_all()
        self.assert_untouched_then_fine()

    def test_wrong_json(self):
        self.fault("wrong-json", times=1)
        reply = self.cancel_all()
        self.assertEqual((200, str), (reply.status, type(reply.data)))
        self.assert_untouched_then_fine()

    def test_lost_reply_and_the_same_key_again(self):
        self.fault("lost-reply", times=1)
        with self.assertRaises(ConnectionError):
            self.cancel_all(key="k")
        self.assertEqual((0, 2), self.summary())
        again = self.cancel_all(key="k")
        self.assertEqual(({"cancelled": 7}, "true"), (again.data, again.headers["Idempotent-Replay"]))

    def test_down_until_cleared(self):
        self.fault("down", path="/ignored")
        for method, path in (("GET", "/orders"), ("POST", "/orders/cancel-all"), ("POST", "/positions/close-all")):
            self.assertEqual(503, self.ask(method, path).status)
        self.ask("DELETE", "/faults")
        self.assert_untouched_then_fine()

    def test_only_the_path_and_method_named(self):
        self.fault("500", path="/orders", method="POST")
        self.assertEqual((200, 500), (self.ask("GET", "/orders").status, self.ask("POST", "/orders").status))
        self.assert_untouched_then_fine()


class BotTest(ExchangeTest):
    def start_bot(self, *arguments):
        """A bot that is fully invested."""
        bot, url = self.server("bot", "run", "--exchange", self.url, "--state", self.state_file, *arguments)
        wait_until(lambda: self.summary() == (7, 2) and self.state(), "7 orders and 2 positions are open")
        return bot, url

    def state(self):
        return json.loads(read(self.state_file) or "null")

    def placed(self):
        return sum(entry["method"] == "POST" for entry in self.log_of("/orders"))

    def signals(self):
        return read(self.state_file + ".signals").split()


class BotSignals(BotTest):
    def test_first_term_saves_and_cancels_nothing(self):
        bot, _ = self.start_bot()
        self.assertFalse(self.state()["clean"])
        bot.send_signal(signal.SIGTERM)
        self.assertEqual(0, bot.wait(WAIT_SECONDS))
        self.assertTrue(self.state()["clean"])
        self.assertEqual(["SIGTERM"], self.signals())
        self.assertGreaterEqual(self.summary()[0], 6)
        self.assertEqual(2, self.summary()[1])

    def test_second_term_aborts_unsaved(self):
        bot, _ = self.start_bot("--stop-seconds", "60")
        bot.send_signal(signal.SIGTERM)
        wait_until(lambda: self.signals() == ["SIGTERM"], "the first SIGTERM is noted")
        bot.send_signal(signal.SIGTERM)
        self.assertEqual(143, bot.wait(WAIT_SECONDS))
        self.assertFalse(self.state()["clean"])
        self.assertEqual(["SIGTERM", "SIGTERM"], self.signals())

    def test_ignore_term_and_others_are_only_noted(self):
        bot, url = self.start_bot("--ignore-term")
        sent = ["SIGTERM", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGRTMIN+3"]
        for count, number in enumerate((15, 15, 1, signal.SIGUSR1, signal.SIGRTMIN + 3), 1):
            bot.send_signal(number)
            wait_until(lambda count=count: len(self.signals()) == count, f"{sent[count - 1]} is noted")
        self.assertEqual(sent, self.signals())
        self.assertEqual("alive", ask("GET", url + "/health/live").data["status"])
        bot.send_signal(signal.SIGINT)
        self.assertEqual(0, bot.wait(WAIT_SECONDS))


class BotTrading(BotTest):
    def test_keeps_replacing_and_refills_what_others_cancel(self):
        _, url = self.start_bot()
        before = {order["id"] for order in self.ask("GET", "/orders").data}
        wait_until(lambda: before.isdisjoint({order["id"] for order in self.ask("GET", "/orders").data}),
                   "every order was replaced")
        self.cancel_all()
        wait_until(lambda: self.summary() == (7, 2), "the bot, not paused, has placed 7 anew")
        health = ask("GET", url + "/health").data
        self.assertEqual("healthy", health["status"])
        self.assertLess(time.time() - health["last_loop"], 5)

    def test_paused_places_nothing_more(self):
        _, url = self.start_bot()
        self.assertEqual({"paused": True}, ask("POST", url + "/pause").data)
        placed = self.placed()
        self.cancel_all()
        seen = len(self.log_of("/positions"))
        wait_until(lambda: len(self.log_of("/positions")) > seen + 2, "the bot went on looking for some loops")
        self.assertEqual(placed, self.placed())
        self.assertEqual("paused", ask("GET", url + "/health").data["status"])
        self.assertEqual("paused", ask("GET", url + "/health/ready").data["status"])

    def test_ready_is_degraded_while_the_exchange_is_silent(self):
        _, url = self.start_bot()
        wait_until(lambda: ask("GET", url + "/health/ready").data["status"] == "ready", "the bot is ready")
        self.fault("hang", path="/orders")
        reply = ask("GET", url + "/health/ready")
        self.assertEqual((200, {"status": "degraded"}), (reply.status, reply.data))
        wait_until(lambda: ask("GET", url + "/health").data["status"] == "degraded", "the loop noticed too")
        self.ask("DELETE", "/faults")
        wait_until(lambda: ask("GET", url + "/health").data["status"] == "healthy", "the bot has recovered")
        wait_until(lambda: ask("GET", url + "/health/ready").data["status"] == "ready", "it is ready again")

    def test_state_is_never_half_written(self):
        bot, _ = self.start_bot()
        seen, ending = set(), threading.Event()

        def keep_reading():
            while not ending.is_set():
                seen.add(self.state()["saved_at"])      # fails on a part

        reader = threading.Thread(target=keep_reading)
        reader.start()
        wait_until(lambda: len(seen) >= 5 or not reader.is_alive(), "5 versions were read")
        ending.set()
        reader.join()
        self.assertGreaterEqual(len(seen), 5)
        bot.kill()
        self.assertEqual({"saved_at", "clean", "orders", "positions"}, set(self.state()))
        self.assertFalse(self.state()["clean"])


class Hooks(ExchangeTest):
    def test_flat_in_the_end(self):
        self.ask("POST", "/seed", {"orders": 7, "positions": 2})
        here = ("--exchange", self.url)
        self.assertEqual(1, self.hook("assert-flat", *here)[0])
        self.assertEqual((0, "cancelled 7 orders"), self.hook("cancel-orders", *here, key="k"))
        self.assertEqual((0, "closed 2 positions"), self.hook("close-positions", *here))
        self.assertEqual((0, "flat: nothing open"), self.hook("assert-flat", *here))
        self.assertEqual(0, self.hook("save-state", *here, "--state", self.state_file)[0])
        state = json.loads(read(self.state_file))
        self.assertEqual((True, [], []), (state["clean"], state["orders"], state["positions"]))
        self.assertEqual(["k"], [entry["idempotency_key"] for entry in self.log_of("/orders/cancel-all")])

    def test_failures_are_1(self):
        for kind in ("429", "reset", "wrong-json", "lost-reply"):
            with self.subTest(kind):
                self.fault(kind, times=1)
                self.assertEqual((1, ""), self.hook("cancel-orders", "--exchange", self.url))


class SinkAndParent(PaperTest):
    def test_sink_records_and_shares_the_faults(self):
        _, url = self.server("sink")
        ask("POST", url + "/faults", {"path": "/slack", "kind": "429", "times": 1})
        self.assertEqual([429, 200], [ask("POST", url + "/slack", {"text": "hi"}).status for _ in range(2)])
        self.assertEqual("ok", ask("POST", url + "/webhook", "plain").data)
        slack, webhook = ask("GET", url + "/received").data
        self.assertEqual(("/slack", {"text": "hi"}, '{"text": "hi"}'), (slack["path"], slack["json"], slack["body"]))
        self.assertEqual(("/webhook", None, "plain"), (webhook["path"], webhook["json"], webhook["body"]))
        self.assertEqual("application/json", slack["headers"]["Content-Type"])

    def test_a_server_dies_with_its_parent(self):
        port_file = self.path("port")
        parent = subprocess.Popen(["sh", "-c", '"$@" & wait', "sh", sys.executable, os.path.join(HERE, "exchange.py"),
                                   "--port-file", port_file, "--die-with-parent"])
        port = wait_until(lambda: read(port_file).strip(), "the exchange listens")
        parent.kill()
        parent.wait()
        wait_until(lambda: not answers(f"http://127.0.0.1:{port}/summary"), "the exchange is gone")
