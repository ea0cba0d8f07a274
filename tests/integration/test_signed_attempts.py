"""Each attempt of a signed request: its time and nonce, what is tried again, secrets that change, nonces that rise whatever happens."""
import json
import subprocess
from pathlib import Path

from binaries import tinysup
from harness import APP, Supervised, until

from signed import QUOTES, SignersTest
from venue_signing import KEY
from venues import VENUES

BINARIES = ("plain", "sealed", "sanitized")


class Attempts(SignersTest):
    RETRY = 'idempotency_key = true; retry: { attempts = 4; backoff = "20ms"; };'

    def verdicts(self):
        return [r["verdict"] for r in self.requests()]

    def test_after_a_lost_reply_the_next_has_its_own_time_and_nonce(self):
        for scheme in ("okx", "binance", "kraken", "deribit"):
            with self.subTest(scheme):
                path = VENUES[scheme].cancel[1].partition("?")[0]
                self.ask("/faults", {"path": path, "kind": "lost-reply", "times": 1})
                self.stop(self.signer(scheme), self.cancel(scheme, self.RETRY))
                first, second = [r for r in self.requests() if r["venue"] == scheme]
                self.assertEqual(("ok", "ok"), (first["verdict"], second["verdict"]))
                if scheme in ("kraken", "deribit"):
                    self.assertLess(first["nonce"], second["nonce"])
                if scheme != "kraken":
                    self.assertLess(first["time"], second["time"])

    def test_what_was_refused_for_now_is_tried_again(self):
        for scheme, what in (("kraken", "rate"), ("bybit", "rate"), ("kraken", "nonce"), ("okx", "clock"), ("kraken", "busy"),
                             ("kraken", "busy-2"), ("okx", "busy"), ("okx", "busy-2"), ("okx", "rate-200"), ("bybit", "busy"), ("binance", "busy")):
            with self.subTest(scheme, what=what):
                self.ask("/say", {"what": what, "times": 2})
                self.stop(self.signer(scheme), self.cancel(scheme, 'retry: { attempts = 4; backoff = "20ms"; };'))
                self.assertEqual([what, what, "ok"], self.verdicts()[-3:])

    def test_what_was_refused_for_now_is_tried_again_only_if_retry_says_so(self):
        for what, words in (("rate", "timeout,5xx"), ("busy", "timeout,429")):
            with self.subTest(what):
                on = ", ".join(f'"{word}"' for word in words.split(","))
                self.ask("/say", {"what": what, "times": 1})
                self.stop(self.signer("kraken"), self.cancel("kraken", f"retry: {{ attempts = 4; on = [ {on} ]; }};"), code=75)
                self.assertEqual(what, self.verdicts()[-1])

    def test_after_an_unknown_outcome_only_what_does_no_harm_is_tried_again(self):
        for scheme, what in (("okx", "unknown"), ("kraken", "unknown"), ("bybit", "unknown")):
            with self.subTest(scheme):
                self.ask("/say", {"what": what, "times": 1})
                s = self.stop(self.signer(scheme), self.cancel(scheme, 'retry: { attempts = 4; backoff = "20ms"; };'), code=75)
                self.assertEqual(what, self.verdicts()[-1])
                self.assertRegex(s.log(), "cancel: timeout")
                self.ask("/say", {"what": what, "times": 1})
                self.stop(self.signer(scheme), self.cancel(scheme, self.RETRY))
                self.assertEqual([what, "ok"], self.verdicts()[-2:])

    def test_a_status_of_503_says_nothing_of_what_binance_has_done(self):
        post = self.cancel("binance").replace('"DELETE"', '"POST"').replace(VENUES["binance"].cancel[1], "/fapi/v1/order")
        self.ask("/say", {"what": "unknown-503", "times": 1})
        s = self.stop(self.signer("binance"), post.replace("timeout =", 'retry: { attempts = 4; backoff = "20ms"; }; timeout ='), code=75)
        self.assertRegex(s.log(), "cancel: timeout.*unknown outcome: status 503")
        self.assertEqual(["unknown-503"], self.verdicts())

    def test_the_client_order_id_is_the_same_in_every_attempt(self):
        body = '{"timeOut":"10","ids":"${idempotency_key},${idempotency_key}"}'
        steps = [self.cancel("okx", self.RETRY, name=name).replace('{\\"timeOut\\":\\"10\\"}', body.translate(QUOTES)).replace("cancel-all-after", "cancel-all-after?id=${idempotency_key}")
                 for name in ("one", "two")]
        self.ask("/say", {"what": "rate", "times": 1})
        self.stop(self.signer("okx"), *steps)
        self.assertEqual(["rate", "ok", "ok"], self.verdicts())
        first, again, other = [(r["query"].partition("=")[2], json.loads(r["body"])["ids"]) for r in self.requests()]
        self.assertRegex(first[0], "^[0-9a-f]{32}$")
        self.assertEqual((first, first[1]), (again, f"{first[0]},{first[0]}"))
        self.assertNotEqual(first, other)

    def test_a_url_is_encoded_before_it_is_signed(self):
        step = self.cancel("binance").replace("%E5%B8%81", "\u5e01")
        self.stop(self.signer("binance"), step)
        self.assertEqual("symbol=%e5%b8%81usdt", self.requests()[0]["query"].partition("&")[0].lower())

    def test_a_bad_key_is_tried_once(self):
        s = self.stop(self.signer("bybit", key="another"), self.cancel("bybit", self.RETRY), code=75)
        self.assertEqual(["key"], self.verdicts())
        self.assertNotIn("another", s.log())

    def test_a_clock_that_differs_is_named(self):
        for scheme, ahead, said in (("gate", 90, "clock skew: the exchange refused the timestamp; its clock is (8[0-9]|90) s ahead"),
                                    ("okx", -90, "clock skew: the exchange refused the timestamp; its clock is 9[0-9] s behind"),
                                    ("deribit", 90, "key: the exchange refused .*; its clock is (8[0-9]|90) s ahead")):
            with self.subTest(scheme):
                self.ask("/clock", {"ahead": ahead})
                s = self.stop(self.signer(scheme), self.cancel(scheme), code=75)
                self.assertRegex(s.log(), said)
                self.assertEqual("clock", self.verdicts()[-1])

    def test_a_redirect_is_not_followed(self):
        self.ask("/say", {"what": "redirect", "times": 1})
        s = self.stop(self.signer("kucoin"), self.cancel("kucoin", self.RETRY), code=75)
        self.assertIn("status 307", s.log())
        self.assertEqual(["redirect"], self.verdicts())

    def test_nonces_are_not_repeated_side_by_side(self):
        steps = ", ".join(self.cancel("deribit", name=f"c{i}") for i in range(12))
        self.stop(self.signer("deribit"), f"( {steps} )")
        self.assertEqual(["ok"] * 12, self.verdicts())
        self.assertEqual(12, len({r["nonce"] for r in self.requests()}))

    def test_nonces_rise_over_restarts_and_in_their_unit(self):
        nonces = []
        for unit, digits in (("ms", 13), ("us", 16), ("ns", 19)):
            for _ in range(2):
                self.stop(self.signer("kraken", nonce=unit), self.cancel("kraken"))
                nonces.append(self.requests()[-1]["nonce"])
                self.assertEqual(digits, len(str(nonces[-1])))
        self.assertEqual(sorted(nonces), nonces)
        # and a bot in milliseconds is locked out, as the manual says
        self.stop(self.signer("kraken"), self.cancel("kraken"), code=75)
        self.assertEqual("nonce", self.verdicts()[-1])

    def test_nonces_rise_over_restarts_if_the_clock_is_set_back(self):
        """The clock of the first run was ahead: its nonces are on file."""
        state = Path(self.path("state"))
        remembering = f'state_dir = "{state}";' + self.signer("kraken")
        self.stop(remembering, self.cancel("kraken"))
        used = self.requests()[-1]["nonce"]
        text = (state / "nonces").read_text(encoding="utf-8")
        self.assertRegex(text, f"^[0-9a-f]{{16}} {used}\n$")
        self.assertNotIn(KEY, text)
        self.assertEqual(0o600, (state / "nonces").stat().st_mode & 0o777)
        (state / "nonces").write_text(text.replace(str(used), str(used + 10**9)), encoding="utf-8")
        self.stop(remembering, self.cancel("kraken"), self.cancel("kraken", name="again"))
        self.assertEqual([used + 10**9 + 1, used + 10**9 + 2], [r["nonce"] for r in self.requests()[-2:]])
        self.assertEqual(text.replace(str(used), str(used + 10**9 + 2)), (state / "nonces").read_text(encoding="utf-8"))

    def test_nonces_of_checks_are_kept_too(self):
        """No record tells of them."""
        state = Path(self.path("state"))
        check = 'checks = ( { name = "open"; timeout = "5s"; %s } ); probes: { liveness: { checks = ( "open" ); period = "1s"; }; };'
        config = f'state_dir = "{state}";' + self.signer("kraken") + check % self.http(VENUES["kraken"].look)
        s = Supervised("--", *APP, "code_on_term", "0", config=config)
        self.addCleanup(s.__exit__)
        until(lambda: (state / "nonces").exists(), "a nonce is on file")
        used = int((state / "nonces").read_text(encoding="utf-8").split()[1])
        until(lambda: int((state / "nonces").read_text(encoding="utf-8").split()[1]) > used, "so is the next one")
        self.assertIn(used, [r["nonce"] for r in self.requests()])

    def test_a_request_beside_a_supervisor_repeats_no_nonce(self):
        s = self.start(self.ahead(), self.cancel("deribit"))
        method, target, _ = VENUES["deribit"].cancel
        done = subprocess.run(["nsenter", "-t", str(s.pid), "-p", "-m", tinysup(), "--config", s.directory / "conf", "--request", "--sign", "main",
                               "-X", method, self.url + target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        first, *others = [r["nonce"] for r in self.requests()]
        self.assertEqual([first + 10**9 + n for n in (1, 2)], others)

    def test_damaged_nonces_on_file_are_passed_over(self):
        state = Path(self.path("state"))
        state.mkdir()
        (state / "nonces").write_bytes(b"0123456789abcdef 99999999999999999999x\nzz 1\n\n0 5\n" + b"\xff" * 20000)
        self.stop(f'state_dir = "{state}";' + self.signer("kraken"), self.cancel("kraken"))
        self.assertLess(self.requests()[-1]["nonce"], 10**13)

    def ahead(self, *signers):
        """Signers whose nonces are ahead of the clock, so that nothing but the table tells them apart."""
        state = Path(self.path("state"))
        self.stop(f'state_dir = "{state}";' + self.signer("deribit"), self.cancel("deribit"))
        key, used = (state / "nonces").read_text(encoding="utf-8").split()
        (state / "nonces").write_text(f"{key} {int(used) + 10**9}\n", encoding="utf-8")
        one = self.signer("deribit")
        return f'state_dir = "{state}";' + one.replace("signers: {", "signers: { %s" % " ".join(
            one.partition("signers: {")[2].rpartition("};")[0].replace("main:", f"{name}:") for name in signers))

    def test_two_signers_with_one_key_repeat_no_nonce(self):
        steps = ", ".join(self.cancel("deribit", name=f"c{i}").replace('"main"', f'"{("main", "other")[i % 2]}"') for i in range(8))
        self.stop(self.ahead("other"), f"( {steps} )")
        self.assertEqual(["ok"] * 9, self.verdicts())

    def test_the_panic_button_repeats_no_nonce(self):
        s = self.start(self.ahead(), self.cancel("deribit"))
        for _ in range(2):
            done = subprocess.run(["nsenter", "-t", str(s.pid), "-p", "-m", tinysup(), "--step", "cancel", "--config", s.directory / "conf"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
            self.assertEqual(0, done.returncode, done.stdout)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        first, *others = [r["nonce"] for r in self.requests()]
        self.assertEqual([first + 10**9 + n for n in (1, 2, 3)], others)

    def test_a_secret_is_read_for_each_request(self):
        self.ask("/seed", {"orders": 1})
        s = self.start(self.signer("okx"), self.cancel("okx"))
        self.ask("/secret", {"secret": "rotated"})
        Path(self.path("secret")).write_text("rotated", encoding="utf-8")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        self.assertEqual(self.open(), 0)

    def test_a_secret_that_is_gone_is_the_one_of_the_start(self):
        s = self.start(self.signer("okx"), self.cancel("okx", name="first"), self.cancel("okx", name="second"))
        Path(self.path("secret")).unlink()
        Path(self.path("key")).write_text("", encoding="utf-8")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        self.assertEqual(["ok", "ok"], self.verdicts())
