"""That the benchmark of health checks runs, and that everybody in it succeeds. What it measures is nobody's to judge here."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import ROOT, tinysup

TOOLS = ROOT / "build/bench"


class Cost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "bench-tools"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "json")
            subprocess.run([ROOT / "tests/bench/cost.py", "--tools", TOOLS, "--rounds", "2", "--ms", "1500", "--json", file, tinysup()],
                           check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=100)
            cls.costs = json.loads(file.read_text())

    def test_everybody_asked(self):
        once = self.costs["once"]
        self.assertEqual(len(once), 11, list(once))
        for name, found in once.items():
            with self.subTest(name=name):
                self.assertEqual({found[what]["n"] for what in ("wall_ns", "cpu_us", "faults", "rss_kb")}, {2 * 4})
                self.assertGreater(found["cpu_us"]["median"], 0)
                self.assertGreater(found["wall_ns"]["median"], 0)

    def test_every_kind_was_asked_again_and_again(self):
        standing = self.costs["standing"]
        self.assertEqual({*standing}, {"http", "http, JSON", "https", "grpc", "tcp", "file", "process", "exec, static", "exec /bin/true"})
        for kind, found in standing.items():
            with self.subTest(kind=kind):
                self.assertGreaterEqual(found["checks"], 5)
                self.assertEqual(found["bad"], 0)
                self.assertGreater(found["first_us"], 0)
                self.assertGreater(found["workers_us"], 0)

    def test_peers_checked_too(self):
        ours = self.costs["peers"]["tinysup"]
        self.assertGreaterEqual(ours["checks"], 1)
        self.assertGreater(ours["cpu_us_a_check"], 0)
        self.assertGreater(ours["private_dirty_kb"], 0)
