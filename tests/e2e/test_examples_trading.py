"""The examples that trade: what they leave at the exchange, on the disk and with those who are told."""
import json
import time

import deployment
import engine
import venue_signing
from deployment import ExampleCase, until

SLACK, TELEGRAM = "/services/T0/B0/slack-secret", "1234:telegram-secret"


def setUpModule():
    deployment.start("trade-bot", "delta-trader")


class TradeBot(ExampleCase):
    NAME = "trade-bot"
    SECRETS = {"slack": f"http://alerts:8083{SLACK}", "telegram": TELEGRAM}
    FOLDERS = ("data", "models")
    ENV = {"EXCHANGE_URL": "http://exchange:8081", "TELEGRAM_CHAT_ID": "-100", "TELEGRAM_URL": "http://alerts:8083"}
    JOURNAL = "data/.tinysup"
    STEPS = ("cancel", "close", "stop", "cancel-again", "save")

    def trade(self, *services, **options):
        self.up(*services, **options)
        bot = self.service("bot")
        until(lambda: self.open() == (3, 1), "the bot trades")
        return bot

    def test_compose_stop(self):
        bot = self.trade()
        until(lambda: bot.probe()[0] == 0, "it is healthy")
        self.assertEqual(bot.rehearsed(), "")
        self.compose("stop")
        self.assertEqual((bot.inspect("State.ExitCode"), self.open()), (0, (0, 0)), bot.log())
        self.assertEqual(self.service("dashboard").inspect("State.ExitCode"), 0)
        self.in_order((*self.STEPS, "alert/slack"), self.steps(self.history(self.JOURNAL)))
        for told in (self.alerts(SLACK), self.alerts(f"/bot{TELEGRAM}")):
            self.assertEqual(len(told), 1)
            self.assertIn("stop (SIGTERM)", told[0]["text"])
        for secret in ("slack-secret", "telegram-secret"):
            self.assertNotIn(secret, bot.log())

    def test_ten_seconds_are_too_few_and_the_next_start_makes_good(self):
        """The bot is in a long call, and the exchange does not answer to a close: Docker's SIGKILL comes first."""
        bot = self.trade("bot", environment={"bot": {"MODEL_SECONDS": "30"}})
        self.exchange("POST", "/faults", {"path": "/positions/close-all", "kind": "hang"})
        self.compose("stop", "--timeout", "10")
        self.assertEqual((bot.inspect("State.ExitCode"), self.open()), (137, (0, 1)), bot.log())
        self.exchange("DELETE", "/faults")
        begun = time.time()
        bot.start()
        bot.until_log("recovery")
        self.assertRegex(bot.execute("/sbin/tinysup", "--check").stdout, "warning: the platform killed an earlier run")      # it has learned how long Docker waits
        cut = until(lambda: [e for e in self.history(self.JOURNAL) if e["event"] == "cut_off"], "it tells of the cut-off")[0]
        self.assertTrue(9000 < cut["after_ms"] < 11500, cut)
        until(lambda: "stop_grace_period" in bot.log(), "it says what to raise")
        until(lambda: self.alerts(SLACK), "somebody is told")
        self.assertIn("recovery", self.alerts(SLACK)[-1]["text"])
        log = [entry for entry in self.exchange("GET", "/log") if entry["wall"] > begun]
        self.assertEqual(log[0]["path"], "/positions/close-all", log)       # the first cancel had succeeded
        self.assertEqual(log[0]["status"], 200)

    def test_kill(self):
        bot = self.trade("bot")
        bot.kill("KILL")
        self.assertEqual((bot.code(), self.open()), (137, (3, 1)))
        begun = time.time()
        bot.start()
        until(lambda: self.alerts(SLACK), "somebody is told")
        self.assertIn("recovery", self.alerts(SLACK)[0]["text"])
        log = [entry["path"] for entry in self.exchange("GET", "/log") if entry["wall"] > begun]
        self.assertEqual(log[:2], ["/orders/cancel-all", "/positions/close-all"])       # before it trades again
        until(lambda: self.open() == (3, 1), "it trades again")

    def test_without_the_dashboard_it_is_degraded(self):
        bot = self.trade()
        self.compose("stop", "dashboard")
        until(lambda: bot.check("dashboard")["state"] == "fail", "the dashboard is missed")
        self.assertEqual(bot.probe()[0], 0, bot.probe())
        (self.folder / "data/kill_switch").touch()
        self.compose("start", "dashboard")
        until(lambda: bot.check("dashboard")["status"] == 503, "the kill switch is on")
        self.assertEqual((bot.probe()[0], bot.status()["app"]["restarts"]), (0, 0))
        self.assertEqual(self.service("dashboard").status()["app"]["restarts"], 0)

    def test_a_hung_bot_is_unhealthy(self):
        bot = self.trade("bot").healthy()
        begun = time.monotonic()
        bot.signal_app("STOP")
        until(lambda: bot.inspect("State.Health.Status") == "unhealthy", "Docker sees it", 60)
        print(f"a hung bot is unhealthy after {time.monotonic() - begun:.0f} s")
        until(lambda: "loop" in bot.inspect("State.Health.Log")[-1]["Output"], "the probe says why")
        self.assertEqual(len(self.alerts(SLACK)), 1)


class DeltaTrader(ExampleCase):
    NAME = "delta-trader"
    SECRETS = {"delta_key": venue_signing.KEY, "delta_secret": venue_signing.SECRET, "ntfy_token": "tk_secret"}
    FOLDERS = ("data", "logs")
    ENV = {"DATABASE_URL": "sqlite:////app/data/delta_trader.db", "BACKEND_LOG_PATH": "/app/logs/backend.log",
           "BACKEND_LOG_POLL_INTERVAL": "0.1", "BACKEND_LOG_BATCH_SIZE": "100", "BACKEND_LOG_RETENTION_DAYS": "14",
           "DELTA_URL": "http://venues:8082", "NTFY_URL": "http://alerts:8083"}
    CREATE = {"heartbeat_id": "delta-trader", "impact": "contracts", "contract_types": ["perpetual_futures"],
              "config": [{"action": "cancel_orders", "unhealthy_count": 1}]}
    TTL = 0.4       # what a second of Delta's heartbeat takes here

    def trade(self, **options):
        self.prepare(**options)
        self.peer("venues", "POST", "/scale", {"seconds": self.TTL})
        made = self.compose("run", "--rm", "-T", "trader", "--request", "--sign", "delta", "-X", "POST", "-d", json.dumps(self.CREATE),
                            "http://venues:8082/v2/heartbeat/create")
        self.assertIn('"success"', made.stdout)
        return self.deployed()

    def deployed(self):
        self.compose("up", "--detach", "--no-build")
        trader = self.service("trader")
        until(lambda: trader.probe()[0] == 0, f"it is healthy; {trader.log()}")
        self.peer("venues", "POST", "/seed", {"orders": 3})
        return trader

    def orders(self):
        return self.peer("venues", "GET", "/summary")["open_orders"]

    def asked(self):
        """Delta's heartbeat: the times to live; else the path."""
        return [json.loads(r["body"])["ttl"] if r["path"] == "/v2/heartbeat" else r["path"] for r in self.peer("venues", "GET", "/requests")]

    def wal(self):
        return [path.stat().st_size for path in (self.folder / "data").glob("*-wal")]

    def test_deploys(self):
        trader = self.trade()
        self.assertGreater(sum(self.wal()), 0)
        self.assertEqual(trader.rehearsed(), "")
        until(lambda: "started" in str(trader.ask("GET", 8001, "/logs").data), "the log's lines are in the database")
        trader.kill("TERM")     # not yet `down`, which removes the log
        self.assertEqual((trader.code(), self.orders()), (0, 0), trader.log())
        self.check_the_log(trader)
        self.assertEqual([size for size in self.wal() if size], [])
        backups = list((self.folder / "data/backup").iterdir())
        self.assertEqual(len(backups), 1)
        self.assertRegex(backups[0].name, r"^\d{4}-\d\d-\d\dT\d{6}Z\.db$")
        asked = self.asked()
        self.assertEqual((asked[-1], asked.count(0)), (0, 1))       # after the cancel, and after it was seen that nothing is open
        self.assertEqual(asked[-4:-1], ["/v2/orders/all", "/v2/orders/all", "/v2/orders"])
        self.assertEqual(self.peer("venues", "GET", "/switch")["armed"], [])
        self.compose("down", "--remove-orphans")
        self.deployed()
        self.compose("down", "--remove-orphans")
        told = self.alerts()
        self.assertEqual([size for size in self.wal() if size], [])
        self.assertEqual([(alert["topic"], alert["priority"]) for alert in told], [("delta-trader", 2)] * 2, told)     # 2: info

    def check_the_log(self, trader):
        def stream(wanted):
            with open(self.shared / "out", "wb") as out, open(self.shared / "err", "wb") as err:
                engine.subprocess.run(engine.the_engine.command("logs", trader.id), env=engine.the_engine.environment, stdout=out, stderr=err, check=True)
            return (self.shared / wanted).read_bytes()

        self.assertEqual(stream("out"), (self.folder / "logs/backend.log").read_bytes())
        lines = [json.loads(line) for line in stream("err").splitlines()]
        self.assertTrue({"tinysup"} == {line["logger"] for line in lines} and len(lines) > 5)
        for secret in (venue_signing.SECRET, venue_signing.KEY, "tk_secret"):
            self.assertNotIn(secret, str(lines))

    def test_a_hung_trader_is_not_vouched_for(self):
        trader = self.trade()
        until(lambda: self.asked().count(30000) >= 2, "the heartbeat is renewed")
        self.assertEqual(self.orders(), 3)
        trader.signal_app("STOP")
        until(lambda: not trader.status()["heartbeats"][0]["wanted"], "the heartbeat stops")
        sent = self.asked().count(30000)
        until(lambda: self.orders() == 0, "Delta has cancelled all orders")
        self.assertEqual((self.asked().count(30000), 0 in self.asked()), (sent, False))

    def test_a_crash(self):
        """The app cannot tidy up its database any more."""
        trader = self.trade(more={"trader": {"restart": "no"}})
        self.assertGreater(sum(self.wal()), 0)
        trader.signal_app("KILL")
        self.assertEqual((trader.code(), self.orders()), (137, 0), trader.log())
        self.assertEqual([size for size in self.wal() if size], [])
        self.assertEqual(self.alerts()[-1]["priority"], 5)

    def test_a_stop_that_fails_leaves_the_heartbeat_armed(self):
        trader = self.trade()
        self.peer("venues", "POST", "/say", {"what": "refused", "times": 1000})
        trader.kill("TERM")
        self.assertEqual(trader.code(), 75, trader.log())
        self.assertNotIn(0, self.asked())
        self.assertEqual(self.alerts()[-1]["priority"], 5)
        self.peer("venues", "POST", "/say", {"what": "refused", "times": 0})
        until(lambda: self.orders() == 0, "Delta has cancelled all orders")
