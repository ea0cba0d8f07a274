"""Each venue's own dead man's switch as a signed heartbeat: armed before the app starts, renewed, fired by a kill, disarmed by a stop."""
import os
import signal
import subprocess

from binaries import tinysup
from harness import APP, Supervised, until

from signed import STOP, SignersTest
from venue_switches import SWITCHES

SCALE = 0.02        # the 60 s of every venue are 1.2 s here
BEATS = 8           # at 200 ms: longer than that
ORDERS = 3


class Switches(SignersTest):
    def beat(self, scheme, arm=None):
        switch = SWITCHES[scheme]
        return ('heartbeats = ( { name = "dms"; period = "200ms"; while = "running"; start = true; '
                f'{self.http(arm or switch.arm)} disarm: {{ {self.http(switch.disarm)} }}; }} ); ')

    def config(self, scheme, arm=None):
        return self.signer(scheme) + self.beat(scheme, arm) + f'shutdown: {{ deadline = "6s"; platform_grace = "60s"; chain = ( {STOP} ); }};'

    def switch(self):
        return self.ask("/switch")

    def beats(self, scheme, since=0):
        path = SWITCHES[scheme].arm[1].partition("?")[0]
        return [r for r in self.requests()[since:] if r["path"] == path]

    def create(self, scheme):
        """What Delta wants once before the first beat."""
        if SWITCHES[scheme].create:
            conf = self.path("conf")
            with open(conf, "w", encoding="utf-8") as file:
                file.write(self.signer(scheme))
            method, target, body = SWITCHES[scheme].create
            subprocess.run([tinysup(), "--config", conf, "--request", "--sign", "main", "-X", method, "-d", body, self.url + target],
                           check=True, stdout=subprocess.DEVNULL, timeout=30)

    def begin(self, scheme):
        before = len(self.requests())
        s = Supervised("--", *APP, "plain", config=self.config(scheme))
        self.addCleanup(s.__exit__)
        s.until_file("ready")
        slot = [scheme, "BTCUSDT" if SWITCHES[scheme].symbol else None]
        self.assertEqual(self.switch()["armed"], [slot])    # before the app started
        return s, before

    def fires_after_a_kill(self, scheme):
        s, before = self.begin(scheme)
        fired = self.switch()["fired"].get(scheme, 0)
        others = self.open()    # of another symbol, where the switch before was for one
        self.ask("/seed", {"orders": ORDERS, "symbol": "BTCUSDT"})
        self.ask("/seed", {"orders": 1, "symbol": "ETHUSDT"})
        until(lambda: len(self.beats(scheme, before)) >= BEATS, "it is renewed")
        self.assertEqual(self.switch()["fired"].get(scheme, 0), fired, s.log())
        self.assertEqual(self.open(), others + ORDERS + 1)
        self.assertEqual({"ok"}, {r["verdict"] for r in self.requests()[before:]})
        os.kill(s.pid, signal.SIGKILL)
        until(lambda: self.switch()["fired"].get(scheme, 0) == fired + 1, "it fires")
        self.assertEqual(self.open(), 1 if SWITCHES[scheme].symbol else 0)  # a switch for one symbol leaves the others open
        self.assertEqual(self.switch()["armed"], [])

    def is_disarmed_by_a_stop(self, scheme):
        s, before = self.begin(scheme)
        fired = self.switch()["fired"].get(scheme, 0)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0, s.log())
        self.assertEqual((self.switch()["armed"], self.switch()["fired"].get(scheme, 0)), ([], fired), s.log())
        last, (method, target, body) = self.requests()[-1], SWITCHES[scheme].disarm
        self.assertEqual((last["method"], last["path"], last["verdict"]), (method, target.partition("?")[0], "ok"))
        self.assertIn(target.partition("?")[2], last["query"])
        self.assertIn(body, last["body"])
        self.assertGreater(len(self.beats(scheme, before)), 1)

    def test_of_every_venue(self):
        self.ask("/scale", {"seconds": SCALE})
        for scheme in SWITCHES:
            with self.subTest(scheme):
                self.create(scheme)
                self.fires_after_a_kill(scheme)
                self.is_disarmed_by_a_stop(scheme)

    def check(self, config):
        conf = self.path("conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(config)
        done = subprocess.run([tinysup(), "--config", conf, "--check"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=30, check=False)
        return done.returncode, done.stderr

    def test_a_beat_that_disarms_is_refused(self):
        for scheme, switch in SWITCHES.items():
            with self.subTest(scheme):
                code, said = self.check(self.config(scheme))
                self.assertEqual(code, 0, said)
                code, said = self.check(self.config(scheme, arm=switch.disarm))
                self.assertEqual(code, 78, said)
                self.assertIn("disarms the exchange's dead man's switch: that belongs into `disarm`", said)

    def test_an_unknown_heartbeat_keeps_the_app_from_starting(self):
        """Delta's, before it is created: start = true holds the app back, and says why."""
        self.ask("/scale", {"seconds": SCALE})
        s = Supervised("--", *APP, "plain", config=self.config("delta"))
        self.addCleanup(s.__exit__)
        s.until_log("the app starts once it succeeds")
        self.assertEqual(s.file("ready"), "")
        self.create("delta")
        s.until_file("ready")
