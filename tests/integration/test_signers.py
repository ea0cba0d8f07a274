"""Signed requests, at paper exchanges that verify them by themselves: every preset in a chain, refusals, and that no secret shows."""
import re
import subprocess
from pathlib import Path

from binaries import tinysup
from harness import children, until

from signed import STOP, SignersTest
from venue_signing import KEY, PASSPHRASE, SECRET
from venues import PLAIN, VENUES

BINARIES = ("plain", "sealed", "sanitized")
# the same as the preset, in words of the configuration
OWN_BYBIT = """message = "{ms}{key}{recv}{query}{body}"; output = "hex"; body = "json";
  headers: { X-BAPI-API-KEY = "{key}"; X-BAPI-TIMESTAMP = "{ms}"; X-BAPI-RECV-WINDOW = "{recv}"; X-BAPI-SIGN = "{sign}"; };
  success = ( { pointer = "/retCode"; equals = 0; } ); clock = ( { pointer = "/retCode"; equals = 10002; } );"""
OWN_KRAKEN_FUTURES = """digest = "sha512"; secret_encoding = "base64"; output = "base64"; strip = "/derivatives"; body = "form";
  hash: { digest = "sha256"; of = "{query}{body}{nonce}{path}"; as = "raw"; }; message = "{hash}";
  headers: { APIKey = "{key}"; Authent = "{sign}"; Nonce = "{nonce}"; }; success = ( { pointer = "/result"; equals = "success"; } );"""
# BitMEX is closed: only its signature in the query differs from what others do
OWN_BINANCE_BASE64 = """add_query = "timestamp={ms}&recvWindow={recv}"; message = "{query}{body}"; output = "base64"; sign_query = "signature";
  headers: { X-MBX-APIKEY = "{key}"; };"""


class Presets(SignersTest):
    def test_every_preset_cancels_and_looks(self):
        for scheme in VENUES:
            with self.subTest(scheme):
                self.stop(self.signer(scheme), self.cancel(scheme), self.look(scheme))
                self.assertEqual(self.open(), 0)
                seen = [r for r in self.requests() if r["venue"] == scheme]
                self.assertEqual(["ok", "ok"], [r["verdict"] for r in seen], seen)

    def test_an_answer_of_200_may_be_a_refusal(self):
        for scheme, venue in VENUES.items():
            for what in (word for word in venue.words if word.startswith("refused")):
                with self.subTest(scheme, what=what):
                    self.ask("/say", {"what": what, "times": 1})
                    s = self.stop(self.signer(scheme), self.cancel(scheme, "retry: { attempts = 3; };"), code=75)
                    self.assertRegex(s.log(), "cancel: failed.*refused: ")

    def test_refusals_have_names(self):
        named = {"sign": "key: the exchange refused the key", "clock": "clock skew: the exchange refused the timestamp",
                 "nonce": "nonce: the exchange refused it", "rate": "rate limit: the exchange refused the request|status 429",
                 "busy": "busy: the exchange refused the request", "unknown": "timeout after.*unknown outcome: the exchange does not say",
                 "doubt": "nothing to do, or the request names the wrong side, mode or symbol"}
        for scheme, venue in VENUES.items():
            for what in venue.words.keys() & named.keys():
                if scheme == "deribit" and what in ("clock", "nonce"):
                    continue  # it has one code for all of them
                with self.subTest(scheme, what=what):
                    self.ask("/say", {"what": what, "times": 1})
                    s = self.stop(self.signer(scheme), self.cancel(scheme), code=75)
                    self.assertRegex(s.log(), named[what])

    def test_the_words_of_the_exchange_are_in_the_message(self):
        said = {("okx", "sign"): "refused: 50113 Invalid Sign", ("okx", "refused"): "refused: 1 51000 Parameter error",
                ("okx", "refused-batch"): "refused: 51400 Cancellation failed", ("kraken", "busy"): "refused: EService:Unavailable",
                ("binance", "refused-batch"): "refused: -2011 Unknown order sent.", ("binance", "refused"): "refused: -4000 Invalid.",
                ("bybit", "sign"): r"refused: 10004 error sign! origin_string\[\*+5000{}\]",
                ("kucoin", "doubt"): "refused: 300009 No open positions to close.", ("gate", "refused-empty"): "refused: json: malformed"}
        for (scheme, what), words in said.items():
            with self.subTest(scheme, what=what):
                self.ask("/say", {"what": what, "times": 1})
                s = self.stop(self.signer(scheme), self.cancel(scheme), code=75)
                self.assertRegex(s.log(), words)
                self.assertNotIn(KEY, s.log())

    def test_nothing_to_do_is_a_success_where_it_leaves_no_doubt(self):
        for scheme, call in PLAIN.items():
            with self.subTest(scheme):
                self.ask("/say", {"what": "nothing" if scheme == "binance" else "doubt", "times": 1})
                self.stop(self.signer(scheme), f'{{ name = "close"; timeout = "8s"; required = true; {self.http(call)} }}')

    def test_nothing_to_do_on_a_side_that_was_named_is_none(self):
        method, target, body = PLAIN["bitget"]
        call = (method, target, body.replace("}", ', "holdSide" : "long"}'))
        self.ask("/say", {"what": "doubt", "times": 1})
        self.stop(self.signer("bitget"), f'{{ name = "close"; timeout = "8s"; required = true; {self.http(call)} }}', code=75)

    def test_nothing_to_do_is_no_answer_to_a_question(self):
        for scheme, call in PLAIN.items():
            with self.subTest(scheme):
                question = self.http(call, 'json = ( { pointer = "/no/such/member"; exists = true; } );')
                self.ask("/say", {"what": "nothing" if scheme == "binance" else "doubt", "times": 1})
                self.stop(self.signer(scheme), f'{{ name = "ask"; timeout = "8s"; required = true; {question} }}', code=75)

    def test_what_is_not_empty_but_of_another_shape_is_not_flat(self):
        for scheme, venue in VENUES.items():
            for what in (word for word in venue.words if word.startswith("refused")):
                with self.subTest(scheme, what=what):
                    self.ask("/say", {"what": what, "times": 1})
                    s = self.stop(self.signer(scheme), self.cancel(scheme).replace("required = true;", "").replace(venue.cancel[1], "/gone"),
                                  self.look(scheme).replace("5s", "300ms").replace("50ms", "5s"), code=75)
                    self.assertRegex(s.log(), "flat: timeout")


class Each(SignersTest):
    SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")

    def close(self, more=""):
        method, target, _ = VENUES["binance"].cancel
        request = (method, target.partition("=")[0] + "=${each}", "")
        each = ", ".join(f'"{symbol}"' for symbol in self.SYMBOLS)
        return f'{{ name = "close"; each = [ {each} ]; timeout = "8s"; required = true; {more} {self.http(request)} }}'

    def symbols(self, *verdicts):
        return [r["query"].partition("&")[0] for r in self.requests() if r["verdict"] in verdicts]

    def test_one_request_for_each_and_each_is_retried_alone(self):
        self.ask("/say", {"what": "rate", "times": 2})
        s = self.stop(self.signer("binance"), self.close('retry: { attempts = 5; backoff = "20ms"; };'))
        wanted = sorted(f"symbol={symbol}" for symbol in self.SYMBOLS)
        self.assertEqual(wanted, sorted(self.symbols("ok")))
        self.assertEqual(2, len(self.symbols("rate")))
        for symbol in self.SYMBOLS:
            self.assertIn(f"close/{symbol}: ok", s.log())

    def test_all_must_succeed(self):
        self.ask("/say", {"what": "refused", "times": 1})
        self.stop(self.signer("binance"), self.close(), code=75)
        self.assertEqual((2, 1), (len(self.symbols("ok")), len(self.symbols("refused"))))

    def test_one_that_hangs_delays_no_other(self):
        self.ask("/faults", {"path": "/fapi/v1/allOpenOrders", "kind": "hang", "times": 1})
        s = self.stop(self.signer("binance"), self.close().replace("8s", "1s"), code=75)
        self.assertEqual(2, s.log().count(": ok after") - s.log().count("stop: ok after"), s.log())

    def test_by_the_panic_button(self):
        s = self.start(self.signer("binance"), self.close())
        conf = s.directory / "conf"
        for names, count in (("close/ETHUSDT", 1), ("close", 3)):
            done = subprocess.run([tinysup(), "--step", names, "--config", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=30, check=False)
            self.assertEqual((0, count), (done.returncode, done.stdout.count(": ok after")), done.stdout)

    def test_check_draws_them_side_by_side_and_warns_once(self):
        config = Path(self.path("conf"))
        step = '{ name = "close"; each = [ "A", "B", "C" ]; exec = [ "/nonexistent/close", "${each}" ]; timeout = "2s"; }'
        config.write_text("shutdown: { chain = ( %s, %s ); };" % (step, STOP), encoding="utf-8")
        done = subprocess.run([tinysup(), "--check", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=20, check=False)
        self.assertEqual(1, done.stdout.count("/nonexistent/close"), done.stdout)
        self.assertRegex(done.stdout, r"/ close/A .*\n. close/B .*\n\\ close/C .*")


class Schemes(SignersTest):
    def test_schemes_of_ones_own(self):
        for scheme, row in (("bybit", OWN_BYBIT), ("krakenfutures", OWN_KRAKEN_FUTURES)):
            with self.subTest(scheme):
                self.stop(self.signer(None, row), self.cancel(scheme), self.look(scheme))
        self.assertTrue(all(r["nonce"] for r in self.requests() if r["venue"] == "krakenfutures"))

    def test_the_signature_in_the_query_is_encoded(self):
        self.stop(self.signer(None, OWN_BINANCE_BASE64), self.cancel("binance"), code=75)
        signature = self.requests()[0]["query"].partition("&signature=")[2]
        self.assertRegex(signature, "^([A-Za-z0-9]|%2[BbFf])+%3[Dd]$")

    def test_a_check_can_be_signed(self):
        config = Path(self.path("conf"))
        config.write_text(self.signer("bybit") + 'checks = ( { name = "api"; timeout = "5s"; %s } );' % self.http(VENUES["bybit"].look),
                          encoding="utf-8")

        def probe():
            done = subprocess.run([tinysup(), "--config", config, "--probe", "--direct", "api"], stdout=subprocess.PIPE, text=True,
                                  timeout=20, check=False)
            return done.returncode, done.stdout

        self.assertEqual(probe()[0], 0, probe()[1])
        self.ask("/clock", {"ahead": 90})
        code, out = probe()
        self.assertEqual(code, 1)
        self.assertIn("clock skew: the exchange refused the timestamp", out)


class Secrets(SignersTest):
    def must_not_show(self, text, where):
        for secret in (KEY, SECRET, PASSPHRASE):
            self.assertNotIn(secret, text, where)

    def family(self, pid):
        return [pid] + [below for child in children(pid) for below in self.family(child)]

    @staticmethod
    def cannot_dump(pid):
        return re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text(), re.M)

    def test_a_worker_of_another_user_signs_and_cannot_be_looked_into(self):
        """It cannot read the files, which are root's: what they held at the start counts."""
        self.ask("/faults", {"path": VENUES["okx"].cancel[1], "kind": "slow", "times": 1, "seconds": 0.5})
        s = self.start(self.signer("okx"), self.cancel("okx", 'user = "65534";'))
        s.signal("TERM")
        worker = until(lambda: [pid for pid in children(s.pid) if self.cannot_dump(pid)], "a worker signs")[0]
        self.assertIn("Uid:\t65534\t", Path(f"/proc/{worker}/status").read_text())
        self.assertEqual(0, Path(f"/proc/{worker}/mem").stat().st_uid)  # the kernel's sign that it is not dumpable
        self.assertEqual(s.wait(), 0, s.log())

    def test_a_secret_that_was_replaced_and_cannot_be_read_is_an_error(self):
        """The step's user is not root: the old key must not be used in its place."""
        directory = Path(self.path("secret")).parent
        directory.chmod(0o755)
        s = self.start(self.signer("okx"), self.cancel("okx", 'user = "65534";', timeout="700ms"))
        s.until_file("ready")   # a file system's clock runs in steps of some milliseconds: not at the moment of the start
        Path(self.path("secret")).unlink()
        Path(self.path("secret")).write_text("rotated", encoding="utf-8")
        Path(self.path("secret")).chmod(0o600)
        s.signal("TERM")
        self.assertEqual(s.wait(), 75, s.log())
        self.assertIn(f"sign: {self.path('secret')} has changed, and this user cannot read it", s.log())
        self.assertEqual([], self.requests())

    def test_a_secret_that_the_chosen_steps_do_not_need_may_be_missing(self):
        config = Path(self.path("conf"))
        config.write_text(self.signer("bybit").replace("signers: {", 'signers: { other: { scheme = "gate"; key = "k"; secret = "${file:/nonexistent/s}"; };')
                          + 'alerts: { ops: { type = "slack"; url = "${file:/nonexistent/slack}"; }; };'
                          + 'checks = ( { name = "c"; http: { url = "http://x"; bearer = "${NOT_SET}"; }; } );'
                          + "shutdown: { chain = ( %s, %s, %s, %s ); };" % (
                              self.cancel("bybit"), self.cancel("gate", name="more").replace('"main"', '"other"'),
                              '{ name = "tell"; alert = [ "ops" ]; }', STOP), encoding="utf-8")

        def step(names):
            done = subprocess.run([tinysup(), "--step", names, "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=20, check=False)
            return done.returncode, done.stdout

        self.assertEqual(0, step("cancel")[0], step("cancel")[1])
        for names, missing in (("more", "signers.other.secret: cannot read /nonexistent/s"), ("cancel,tell", "alerts.ops.url: cannot read /nonexistent/slack")):
            code, out = step(names)
            self.assertEqual(78, code, out)
            self.assertIn(missing, out)

    def test_no_secret_shows_anywhere(self):
        for scheme in ("okx", "binance", "kraken"):
            with self.subTest(scheme):
                self.ask("/faults", {"path": VENUES[scheme].cancel[1].partition("?")[0], "kind": "hang", "times": 1})
                s = self.start("log: { level = \"trace\"; format = \"json\"; };" + self.signer(scheme), self.cancel(scheme, timeout="2s"))
                before = len(self.family(s.pid))
                s.signal("TERM")
                until(lambda: any(e["path"] in VENUES[scheme].cancel[1] and e["fault"] for e in self.ask("/log")), "the request hangs")
                family = self.family(s.pid)
                self.assertGreater(len(family), before)
                for pid in family:
                    for name in ("cmdline", "environ", "comm"):
                        self.must_not_show(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"), f"{pid} {name}")
                self.assertEqual(1, len([pid for pid in children(s.pid) if self.cannot_dump(pid)]))
                for words in (("--status",), ("--status=json",)):
                    status = subprocess.run(["nsenter", "-t", str(s.pid), "-p", "-m", tinysup(), *words], stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
                    self.assertIn("cancel", status.stdout)
                    self.must_not_show(status.stdout, "--status")
                self.assertEqual(s.wait(), 75)
                self.must_not_show(s.log() + s.out(), "the log")
                check = subprocess.run([tinysup(), "--check", "--config", s.directory / "conf"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
                self.assertEqual(0, check.returncode, check.stdout)
                said = {"okx": "okx", "binance": "binance, requests valid for 5 s", "kraken": "kraken, nonces in ms"}
                self.assertIn(f"main: {said[scheme]}\n", check.stdout)
                self.must_not_show(check.stdout, "--check")

    def test_literal_secrets_show_neither(self):
        config = Path(self.path("conf"))
        config.write_text(f'signers: {{ main: {{ scheme = "okx"; key = "{KEY}"; secret = "{SECRET}"; passphrase = "{PASSPHRASE}"; }}; }};',
                          encoding="utf-8")
        check = subprocess.run([tinysup(), "--check", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=20, check=False)
        self.assertEqual(0, check.returncode, check.stdout)
        self.must_not_show(check.stdout, "--check")

    def test_a_missing_secret_is_a_warning_of_check(self):
        config = Path(self.path("conf"))
        config.write_text(self.signer("kraken", secret="${file:/nonexistent/secret}"), encoding="utf-8")
        check = subprocess.run([tinysup(), "--check", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=20, check=False)
        self.assertEqual(0, check.returncode, check.stdout)
        self.assertIn("warning: signers.main.secret: cannot read /nonexistent/secret", check.stdout)
