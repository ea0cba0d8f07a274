"""A FastAPI backend under tinysup: what goes wrong with it is noticed in time, and does what the configuration says."""

import os
import pathlib
import signal
import time
from datetime import datetime

from harness import Case, until
from ports import free_port
from rig import PYTHON

APP = pathlib.Path(__file__).parent / "fastapi_app.py"
PERIOD, TIMEOUT, THRESHOLD = 0.3, 0.2, 2
PROMISE = PERIOD * THRESHOLD + TIMEOUT + 0.1
BUSY = 0.5  # what this machine may be late by


def config(port, more="", app=""):
    check = (f'{{ name = "api"; http: {{ url = "http://127.0.0.1:{port}/mode"; '
             'json = ( { pointer = "/status"; equals = "ok"; }, { pointer = "/ts"; age_below = "30s"; } ); }; }')
    return (f'checks = ( {check} ); app: {{ {app} }}; probes: {{ startup: {{ checks = ( "api" ); period = "50ms"; failure_threshold = 1000; }}; '
            f'liveness: {{ checks = ( "api" ); period = "{PERIOD}s"; timeout = "{TIMEOUT}s"; failure_threshold = {THRESHOLD}; {more} }}; }}; '
            'shutdown: { deadline = "3s"; platform_grace = "60s"; };')


class Backend(Case):
    def backend(self, more="", app=""):
        s = self.start("--", PYTHON, str(APP), str(port := free_port()), config=config(port, more, app), ready=False)
        self.mode(s, "health")
        s.pid = s.find(s.binary.decode())
        s.until_probe(0, seconds=30)
        return s

    @staticmethod
    def mode(s, name):
        (s.directory / "mode.new").write_text(name)
        (s.directory / "mode.new").rename(s.directory / "mode")

    def noticed(self, s, begun):
        """Seconds until the log says that liveness has failed."""
        s.until_log("liveness: failed")
        line = next(line for line in s.log().splitlines() if "liveness: failed" in line)
        return datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")).timestamp() - begun, line

    def test_it_is_noticed(self):
        for name, words in (("hang", "timeout"), ("block", "timeout"), ("down", "status 503"), ("degraded", "json /status"), ("stale", "json /ts")):
            with self.subTest(name):
                s = self.backend()
                begun = time.time()
                self.mode(s, name)
                after, line = self.noticed(s, begun)
                self.assertIn(words, line)
                self.assertLess(after, PROMISE + BUSY)
                self.assertEqual(s.probe("live")[0], 1)
                self.assertNotIn("s3cret", s.log())

    def test_a_stopped_app_is_noticed(self):
        s = self.backend()
        begun = time.time()
        os.kill(s.app(), signal.SIGSTOP)
        self.assertLess(self.noticed(s, begun)[0], PROMISE + BUSY)

    def test_a_dead_app_is_noticed_at_once(self):
        s = self.backend(app='restart: { policy = "always"; backoff = "1h"; backoff_max = "1h"; };')
        os.kill(s.app(), signal.SIGKILL)
        self.assertEqual(s.until_probe(1, "live", seconds=PROMISE + BUSY), "unhealthy: the app is being restarted\n")

    def test_a_hanging_app_is_restarted_and_well_again(self):
        s = self.backend('on_failure = "restart";', 'restart: { backoff = "50ms"; };')
        first = s.app()
        self.mode(s, "block")
        s.until_log("(restart ")
        self.mode(s, "health")
        until(lambda: s.probe()[0] == 0, "it is well again")
        self.assertNotEqual(s.app(), first)
