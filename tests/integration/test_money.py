"""docs/money.md: its reference chain is a configuration that --check finds nothing wrong with, but what the container would bring."""
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import ROOT, tinysup


class Money(unittest.TestCase):
    def test_the_reference_chain(self):
        text = (ROOT / "docs/money.md").read_text()
        config = re.search(r"<!-- reference -->\n```\n(.*?)```", text, re.S)[1]
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "conf").write_text(config)
            done = subprocess.run([tinysup(), "--config", f"{directory}/conf", "--check"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env={"PATH": os.environ["PATH"]}, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in done.stderr.splitlines():
            self.assertRegex(line, "/run/secrets/|python: not found|no CA certificates", done.stderr)
        stop, crash = done.stdout.split("worst case")[1].split("an exit or a crash runs: ")[:2]
        for step in ("pause", "cancel", "close/BTC-USDT-SWAP", "stop", "cancel-again", "no-orders", "no-positions", "save", "tell"):
            self.assertIn(step, stop)
        self.assertEqual(crash.split(".")[0], "cancel, close/BTC-USDT-SWAP, close/ETH-USDT-SWAP, stop, cancel-again, no-orders, no-positions, save, tell")
        self.assertIn("recovery, before the app starts, runs: cancel, close/BTC-USDT-SWAP, close/ETH-USDT-SWAP, cancel-again, no-orders, no-positions, tell", done.stdout)
