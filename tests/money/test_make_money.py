"""`make money` with few moments, and that its judge notices: chains that leave something open, do it twice, lie or are silent."""
import re
import subprocess
import sys
import unittest

import pytest

from binaries import ROOT, tinysup
from rows import ROWS
from scene import Scene

MOMENTS = "20"
SELL = '{ name = "sell-again"; http: { url = "%s/trades"; method = "POST"; body = "{\\"symbol\\": \\"B\\", \\"side\\": \\"sell\\", \\"qty\\": 1, ' \
       '\\"client_order_id\\": \\"${idempotency_key}\\"}"; }; idempotency_key = true; }, { name = "save";'
# row: pattern, what takes its place (%s: the exchange), what the judge says
BROKEN = {
    "the bot places new orders during the stop": (r'http: { url = "[^"]*/orders/cancel-all"', 'http: { url = "%s/sessions"', "orders left"),
    "stop, SIGKILL after 10 s of grace; restart": ('"recovery" ]', '"restart" ]', "a bot was started while this was open"),
    "stop, 35 s of grace": (r'{ name = "save";', SELL, "1 done twice"),
    "the alert's channel is down": (r'alert = \[ "ops" \]', 'exec = [ "true" ]', "alerts: [], not ['stop']"),
    "a required hook hangs": ("required = true;", "", "exit code [0], not [75]"),
    "app crash": (r'"crash", ', "", "alerts: [], not ['crash']"),
    # what docs/money.md warns of: OKX's one timer, and a standby that renews the switch of the one that trades
    "a bot on ccxt at OKX, signed; stop": ('period = "500ms"; start = true;', 'period = "200ms"; start = true; while = "running";', "20 orders left"),
    "two instances with a lease; SIGKILL of the one that trades": ('while = "live";', 'while = "running"; start = true;', "open when the second began"),
}


class Broken:
    pattern, instead = None, None

    def config(self, *arguments, **parts):
        instead = self.instead.replace("%s", self.url)
        text, count = re.subn(self.pattern, lambda _: instead, super().config(*arguments, **parts))
        assert count
        return text


def money(*words):
    """What `make money` starts; all of it dies with us."""
    return subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, ROOT / "tests/money/money.py", *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=390, check=False)


class Money(unittest.TestCase):
    @pytest.mark.timeout(400)
    def test_nothing_is_left_open(self):
        done = money("--moments", MOMENTS, tinysup())
        print(done.stdout)
        self.assertRegex(done.stdout, r"\n\d+ rows, 0 wrong", done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_wrong_row_is_an_exit_code(self):
        done = money("--row", "SIGTERM t", "/bin/false")
        self.assertIn("\n2 rows, 2 wrong", done.stdout)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(money("--row", "no such row").returncode, 1)

    def test_the_judge_notices(self):
        rows = {name: (function, kind) for name, function, kind in ROWS}
        for name, (pattern, instead, said) in BROKEN.items():
            function, kind = rows[name]
            broken = type("Broken", (Broken, kind), {"pattern": pattern, "instead": instead})
            with self.subTest(name), broken() as scene:
                self.assertIn(said, "; ".join(function(scene, 1).wrong))

    def test_the_judge_looks_at_the_clock(self):
        with Scene() as scene:
            self.assertIn("the deadline is not kept", scene.result(scene.stop(scene.begin()), 0, deadline=0.01).wrong)
