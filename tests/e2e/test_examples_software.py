"""The examples of software that many run: each is stopped in its own way, and finishes what it has begun."""
import json
from concurrent.futures import ThreadPoolExecutor

import deployment
import venue_signing
from deployment import BASE, ExampleCase, until

SLACK, TELEGRAM = "/services/T0/B0/slack-secret", "1234:telegram-secret"


def setUpModule():
    deployment.start("freqtrade", "node-ccxt", "nginx", "gunicorn", "postgresql")


class Drain(ExampleCase):
    """A request that is under way when the stop comes is answered."""

    def check_slow_request(self, server, port, asked):
        """`asked`: whose log tells that the request is under way."""
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(server.ask, "GET", port, "/slow", timeout=60)
            asked.until_log("slow: asked")
            self.compose("stop", server.id.split("_")[1])
            self.assertEqual((slow.result().status, slow.result().data), (200, "done\n"))
        self.assertEqual(server.inspect("State.ExitCode"), 0, server.log())
        self.assertIn("drain: ok", server.log())


class Nginx(Drain):
    NAME = "nginx"

    def test_a_request_under_way(self):
        self.up(more={"backend": {"image": BASE}})
        nginx, backend = self.service("nginx"), self.service("backend")
        nginx.until_answer(8080, "/")
        until(lambda: nginx.probe()[0] == 0, "it is ready")
        self.assertEqual(nginx.rehearsed(), "")
        self.check_slow_request(nginx, 8080, backend)
        self.assertIn('"GET /slow HTTP/1.1" 200', nginx.log())

    def test_without_a_backend_it_stays(self):
        self.up(more={"backend": {"image": BASE}})
        nginx = self.service("nginx")
        until(lambda: nginx.probe()[0] == 0, "it is ready")
        self.compose("stop", "--timeout", "0", "backend")
        until(lambda: nginx.check("backend")["state"] == "fail", "the backend is missed")
        self.assertEqual((nginx.probe()[0], nginx.ask("GET", 9180, "/readyz").status, nginx.status()["app"]["restarts"]), (0, 200, 0))


class Gunicorn(Drain):
    NAME = "gunicorn"

    def test_a_request_under_way(self):
        self.up(more={"web": {"read_only": True, "cap_drop": ["ALL"]}})     # as kubernetes.yaml has it
        web = self.service("web")
        until(lambda: web.probe()[0] == 0, "it is ready")
        self.assertEqual(web.rehearsed(), "")
        self.check_slow_request(web, 8000, web)


class PostgreSql(ExampleCase):
    NAME = "postgresql"
    SECRETS = {"postgres": "pg-secret"}

    def ready(self):
        db = self.service("db")
        until(lambda: db.probe()[0] == 0, f"it is ready; {db.log()}")
        return db

    def test_a_client_that_does_not_leave(self):
        self.up()
        db = self.ready()
        self.assertEqual(db.rehearsed(), "")
        db.execute("psql", "-c", "CREATE TABLE t AS SELECT 1")
        db.execute("psql", "-c", "BEGIN; INSERT INTO t VALUES (2); SELECT pg_sleep(600)", options=["--detach"])
        until(lambda: "pg_sleep" in db.execute("psql", "-Atc", "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()").stdout,
              "a client is connected")
        self.compose("stop")
        log = db.log()
        self.assertEqual(db.inspect("State.ExitCode"), 0, log)
        self.in_order(("received fast shutdown request", "database system is shut down"),
                      [line.partition("LOG:  ")[2] for line in log.splitlines()])
        self.assertIn("checkpoint: ok", log)
        db.start()
        self.ready()
        self.assertNotIn("not properly shut down", db.log())
        self.assertEqual(db.execute("psql", "-Atc", "SELECT count(*) FROM t").stdout, "1\n")
        self.assertNotIn("pg-secret", db.log())


class Freqtrade(ExampleCase):
    NAME = "freqtrade"
    SECRETS = {"freqtrade": "ft-secret", "telegram": TELEGRAM}
    FOLDERS = ("user_data",)
    ENV = {"FREQTRADE_USER": "freqtrader", "TELEGRAM_CHAT_ID": "-100"}
    LOGIN = "freqtrader:ft-secret"

    def trade(self, **environment):
        self.up(environment={"freqtrade": {"TELEGRAM_URL": "http://alerts:8083", **environment}})
        bot = self.service("freqtrade")
        until(lambda: bot.probe()[0] == 0, "it is ready")
        return bot

    def test_nothing_is_open_when_it_stops(self):
        bot = self.trade()
        self.assertEqual(bot.rehearsed(), "")
        bot.kill("TERM")
        bot.until_log("forceexit")
        bot.kill("TERM")        # the second does not reach freqtrade, and skips what is not required
        self.assertEqual(bot.code(), 0, bot.log())
        self.in_order(("exit filled, 0 open", "process died: 0 trades open"), bot.log().splitlines())

    def test_in_freqtrades_own_order(self):
        bot = self.trade()
        self.compose("stop")
        self.assertEqual(bot.inspect("State.ExitCode"), 0, bot.log())
        self.in_order(("stopentry: 200", "forceexit: 200", "exit filled, 0 open", "stop: 200", "process died: 0 trades open"),
                      bot.log().splitlines())
        self.assertEqual(len(self.alerts(f"/bot{TELEGRAM}")), 1)
        self.assertNotIn("ft-secret", bot.log())

    def test_a_trader_that_was_stopped_before(self):
        """forceexit is refused with 502: not asked again; positions that stay open are no success."""
        bot = self.trade(TRADES="1")
        self.assertEqual(bot.execute("/sbin/tinysup", "--step", "halt").returncode, 0)
        bot.kill("TERM")
        self.assertEqual(bot.code(), 75, bot.log())
        self.assertEqual(bot.log().count("forceexit: 502"), 1)
        self.assertIn("process died: 1 trades open", bot.log())
        self.assertIn("status 502", self.alerts(f"/bot{TELEGRAM}")[0]["text"])


class NodeCcxt(ExampleCase):
    NAME = "node-ccxt"
    SECRETS = {"okx_key": venue_signing.KEY, "okx_secret": venue_signing.SECRET, "okx_passphrase": venue_signing.PASSPHRASE,
               "slack": f"http://alerts:8083{SLACK}"}
    SWITCH, SCALE = "/api/v5/trade/cancel-all-after", 0.4

    def books(self):
        return tuple(self.peer("venues", "GET", "/summary").values())

    def asked(self):
        """Paths; of the dead man's switch the time."""
        return [json.loads(r["body"])["timeOut"] if r["path"] == self.SWITCH else r["path"].rpartition("/")[2]
                for r in self.peer("venues", "GET", "/requests")]

    def trade(self):
        self.prepare(environment={"bot": {"OKX_URL": "http://venues:8082"}})
        self.peer("venues", "POST", "/scale", {"seconds": self.SCALE})
        self.compose("up", "--detach", "--no-build")
        bot = self.service("bot")
        until(lambda: self.books() == (4, 2), f"the bot trades; {bot.log()}")
        return bot

    def test_stop(self):
        bot = self.trade()
        until(lambda: bot.probe()[0] == 0, "it is ready")
        self.assertEqual(bot.rehearsed(), "")
        self.compose("stop")
        self.assertEqual((bot.inspect("State.ExitCode"), self.books()), (0, (0, 0)), bot.log())
        self.assertEqual(self.asked()[-1], "0")         # disarmed, last of all
        self.assertEqual(len(self.alerts(SLACK)), 1)
        for secret in (venue_signing.SECRET, venue_signing.PASSPHRASE, "slack-secret"):
            self.assertNotIn(secret, bot.log())

    def test_kill(self):
        bot = self.trade()
        bot.kill("KILL")
        self.assertEqual((bot.code(), self.books()), (137, (4, 2)))
        before = len(self.asked())
        bot.start()
        until(lambda: "batch-orders" in self.asked()[before:], "it trades again")
        until(lambda: self.books() == (4, 2), "with as many orders and positions as before")
        asked = self.asked()[before:]
        self.assertEqual(asked[:4], ["60", "10", "close-position", "close-position"])       # armed, cancelled, closed before it trades
        self.assertIn("recovery", self.alerts(SLACK)[0]["text"])

    def test_crash(self):
        bot = self.trade()
        until(lambda: bot.probe()[0] == 0, "it is ready")
        before = len(self.asked())
        bot.signal_app("KILL")
        until(lambda: bot.status()["app"]["restarts"] == 1 and bot.probe()[0] == 0, "it is ready again")
        asked = self.asked()[before:]
        asked = asked[asked.index("10") + 1:]
        self.assertEqual(set(asked[:asked.index("60")]), {"orders-pending"})       # not set back before they are gone
        self.assertIn("no-orders: ok", bot.log())
