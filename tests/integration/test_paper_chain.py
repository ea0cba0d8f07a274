"""The whole chain of the demo, a real bot on an exchange that misbehaves: what is open afterwards is the exchange's own word."""
import json
import os
import sys
from pathlib import Path

from binaries import ROOT, tinysup
from harness import Supervised, until

from httpd import ask
from paper import ExchangeTest
from ports import free_port

BINARIES = ("plain", "sealed")
PAPER = ROOT / "tests/paper"
CLOSE, CANCEL = "/positions/close-all", "/orders/cancel-all"


class DemoChain(ExchangeTest):
    def setUp(self):
        super().setUp()
        _, self.sink = self.server("sink")
        port = free_port()
        env = {"EXCHANGE_URL": self.url, "SINK_URL": self.sink, "BOT_URL": f"http://127.0.0.1:{port}", "STATE_FILE": self.state_file,
               "PAPER_DIR": str(PAPER), "PYTHONDONTWRITEBYTECODE": "1"}
        config = (PAPER / "demo.conf").read_text()
        self.s = Supervised("--", sys.executable, PAPER / "bot.py", "run", "--exchange", self.url, "--state", self.state_file,
                            "--port", str(port), config=config, env=env)
        self.addCleanup(self.s.__exit__)
        until(lambda: self.summary() == (7, 2), "7 orders and 2 positions are open")

    def stop(self, code=0):
        self.s.signal("TERM")
        got = self.s.wait(40)
        self.assertEqual(got, code, self.s.log())
        self.assertLess(self.s.seconds, 29.8)
        with open(self.state_file + ".signals", encoding="utf-8") as f:
            self.assertEqual(f.read().split(), ["SIGTERM"])  # a second one would have cost the state

    def received(self, path):
        return [r["json"] for r in ask("GET", self.sink + "/received").data if r["path"] == path]

    def flat(self):
        self.assertEqual(self.summary(), (0, 0))
        with open(self.state_file, encoding="utf-8") as f:
            self.assertTrue(json.load(f)["clean"])

    def test_all_is_well(self):
        self.stop()
        self.flat()
        self.assertIn("paper-bot", self.received("/slack")[0]["text"])
        webhook = self.received("/webhook")[0]
        self.assertEqual((webhook["reason"], webhook["signal"]), ("stop", "SIGTERM"))
        steps = {s["name"]: s["result"] for s in webhook["steps"]}
        self.assertEqual({k: v for k, v in steps.items() if not k.startswith("tell")},
                         {n: "ok" for n in ("pause", "cancel-orders", "close-positions", "stop", "flat", "save")})

    def test_retry_after_is_honoured(self):
        self.fault("429", CLOSE, times=1, seconds=1)
        self.stop()
        self.flat()
        first, second = self.log_of(CLOSE)
        self.assertGreaterEqual(second["monotonic"] - first["monotonic"], 1)
        self.assertEqual(first["idempotency_key"], second["idempotency_key"])
        self.assertTrue(first["idempotency_key"])

    def test_a_lost_reply_is_repeated_under_the_same_key_and_done_once(self):
        self.fault("lost-reply", CLOSE, times=1)
        self.stop()
        self.flat()
        first, second = self.log_of(CLOSE)
        self.assertEqual(first["idempotency_key"], second["idempotency_key"])
        self.assertTrue(second["replayed"])

    def test_server_errors_and_resets_are_tried_again(self):
        for kind in ("500", "reset"):
            self.fault(kind, CLOSE, times=1)
        self.stop()
        self.flat()
        self.assertEqual(len(self.log_of(CLOSE)), 3)

    def test_one_that_hangs_once_is_tried_again_in_its_time(self):
        self.fault("hang", CLOSE, times=1)
        self.stop()
        self.flat()
        self.assertLess(self.s.seconds, 8)

    def test_slow_is_not_dead(self):
        self.fault("slow", CLOSE, times=1, seconds=1)
        self.stop()
        self.flat()

    def test_an_exchange_that_is_gone_leaves_75_and_an_alert(self):
        self.fault("down", "*", times=0)
        self.stop(75)
        self.assertEqual(self.summary()[1], 2)
        text = self.received("/slack")[0]["text"]
        self.assertIn("close-positions failed", text)
        self.assertEqual(self.received("/webhook")[0]["severity"], "critical")

    def test_wrong_json_is_not_flat(self):
        self.fault("wrong-json", CANCEL, times=0)
        self.fault("wrong-json", CLOSE, times=0)
        self.stop(75)
        self.assertIn("flat: timeout", self.s.log())

    def test_a_crash_runs_it_too(self):
        os.kill(self.s.app(), 9)
        self.assertEqual(self.s.wait(), 137)
        self.assertEqual(self.summary(), (0, 0))
        self.assertEqual(self.received("/webhook")[0]["reason"], "crash")

    def test_probe_from_outside(self):
        import subprocess
        conf = Path(self.s.directory / "conf")
        env = {**os.environ, "EXCHANGE_URL": self.url, "SINK_URL": self.sink, "BOT_URL": self.bot_url(), "STATE_FILE": "", "PAPER_DIR": ""}

        def probe(*words):
            done = subprocess.run([tinysup(), "--config", conf, *words], env=env, stdout=subprocess.PIPE, text=True, timeout=20, check=False)
            return done.returncode, done.stdout

        self.assertEqual(probe("--probe=ready")[0], 0)
        self.assertEqual(probe("--probe", f"{self.bot_url()}/health/live")[0], 0)
        self.assertEqual(probe("--probe", f"{self.bot_url()}/nosuch")[0], 1)
        self.fault("down", "*", times=0)
        self.fault("hang", "*", times=0)
        code, out = until(lambda: probe("--probe=ready") if probe("--probe=ready")[0] else None, "it is degraded, though the answer is 200")
        self.assertEqual(code, 1)
        self.assertIn("unhealthy", out)
        self.assertEqual(probe("--probe", f"{self.bot_url()}/health/ready")[0], 0)

    def bot_url(self):
        return "http://127.0.0.1:" + self.s.words[self.s.words.index("--port") + 1]
