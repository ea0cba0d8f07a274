"""What a test needs to use the paper servers: start them, wait for conditions, run hooks.

    from paper import ExchangeTest, PaperTest, wait_until

    class MyTest(ExchangeTest):
        def test_it(self):
            bot, url = self.server("bot", "run", "--exchange", self.url, "--state", self.state_file)   # or "sink"
            wait_until(lambda: self.summary() == (7, 2), "7 orders and 2 positions are open")

Every server is a process of its own on a free port, started for one test and gone with it, or with the program that
runs the test. Nothing sleeps for a guessed time: `wait_until` polls a condition, and gives up after WAIT_SECONDS.
"""

import os
import subprocess
import sys
import tempfile
import time
import unittest

from httpd import ask

HERE = os.path.dirname(os.path.abspath(__file__))
WAIT_SECONDS = 60


def wait_until(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {WAIT_SECONDS} s in vain until {what}")
        time.sleep(0.01)
    return value


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def answers(url):
    try:
        return ask("GET", url).status == 200
    except OSError:
        return False


class PaperTest(unittest.TestCase):
    """Starts servers in a folder of its own, and ends them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state_file = self.path("state.json")

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name, *arguments, **options):
        return subprocess.Popen([sys.executable, os.path.join(HERE, name + ".py"), *arguments],
                                stdout=subprocess.DEVNULL, **options)

    def server(self, name, *arguments):
        """-> process, URL"""
        port_file = self.path(name + ".port")
        process = self.program(name, *arguments, "--port-file", port_file, "--die-with-parent")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        port = wait_until(lambda: read(port_file).strip(), f"{name} listens")
        return process, f"http://127.0.0.1:{port}"

    def hook(self, *arguments, key=None):
        """-> exit code, the line it printed on stdout"""
        environment = {**os.environ, "TINYSUP_IDEMPOTENCY_KEY": key} if key else os.environ
        done = subprocess.run([sys.executable, os.path.join(HERE, "bot.py"), *arguments], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=WAIT_SECONDS, check=False)
        return done.returncode, done.stdout.strip()


class ExchangeTest(PaperTest):
    """With an exchange to itself, at self.url."""

    def setUp(self):
        super().setUp()
        _, self.url = self.server("exchange")

    def ask(self, method, path, body=None, key=None, timeout=WAIT_SECONDS):
        return ask(method, self.url + path, body, key, timeout)

    def summary(self):
        data = self.ask("GET", "/summary").data
        return data["open_orders"], data["open_positions"]

    def fault(self, kind, path="/orders/cancel-all", **settings):
        self.assertEqual(201, self.ask("POST", "/faults", {"path": path, "kind": kind, **settings}).status)

    def cancel_all(self, **options):
        return self.ask("POST", "/orders/cancel-all", **options)

    def log_of(self, path):
        return [entry for entry in self.ask("GET", "/log").data if entry["path"] == path]
