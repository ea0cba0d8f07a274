"""That the benchmark of app.output runs and copies every byte. What it measures is nobody's to judge here."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import ROOT, tinysup


class OutputRate(unittest.TestCase):
    def test_it_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "json")
            subprocess.run([ROOT / "tests/bench/output.py", "--mb", "5", "--rounds", "1", "--json", file, tinysup()], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=100)
            found = json.loads(file.read_text())
        self.assertEqual({*found}, {"/dev/null", "a pipe"})
        for row in found.values():
            self.assertGreater(row["of_peers_rate"], 0)
