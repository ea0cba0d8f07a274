"""Configurations with random damage, read by the sanitized build: a clear error or a plan, never a crash, and no secret in either.

FUZZ_ROUNDS and FUZZ_SEED repeat or lengthen a run; the seed is in every failure.
"""
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import ROOT, path_of

TINYSUP = path_of("sanitized")
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "300"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
SECRET = "hunter2-very-secret"
ENVIRONMENT = {"PATH": os.environ["PATH"], "ASAN_OPTIONS": "detect_leaks=0", "PAPER_DIR": "/x", "STATE_FILE": "/x", "BOT_URL": "http://a",
               "SINK_URL": f"http://{SECRET}", "EXCHANGE_URL": f"http://{SECRET}"}
WORDS = ["{", "}", "(", ")", "[", "]", ";", ",", '"', "=", ":", "${", "}", "${file:/etc/passwd}", "$$", "-1", "99999999999999999999", "0x7fffffff",
         "1e308", "true", "@include \"x\"", "\\x00", "\n", "stop", "wait", "retry", "chain", "\xff", "ms", "/*", "//", "#"]


def damaged(text, chance):
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(text)), chance.randint(1, 30)
        kind = chance.randrange(5)
        if kind == 0:
            text = text[:at] + text[at + length:]
        elif kind == 1:
            text = text[:at] + text[at:at + length] * chance.randint(2, 50) + text[at + length:]
        elif kind == 2:
            text = text[:at] + chance.choice(WORDS) + text[at:]
        elif kind == 3:
            text = text[:at] + chr(chance.randrange(1, 256)) + text[at + 1:]
        else:
            other = chance.randrange(len(text))
            text = text[:at] + text[other:other + length] + text[at + length:]
    return text or " "


class Config(unittest.TestCase):
    def test_a_chain(self):
        self.damage(ROOT / "tests/paper/demo.conf")

    def test_health(self):
        self.damage(Path(__file__).parent / "health.conf")

    def test_signers(self):
        self.damage(Path(__file__).parent / "signers.conf")

    def damage(self, configuration):
        chance = random.Random(SEED)
        whole = configuration.read_text()
        valid = 0
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "conf"
            for n in range(ROUNDS):
                text = damaged(whole, chance)
                path.write_text(text, encoding="latin-1")
                done = subprocess.run([TINYSUP, "--config", path, "--check"], env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=20,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                out = done.stdout.decode(errors="replace")
                where = f"seed {SEED}, round {n}\n{text}\n--- said:\n{out}"
                self.assertIn(done.returncode, (0, 78), where)
                self.assertNotIn("Sanitizer", out, where)
                self.assertNotIn("runtime error", out, where)
                self.assertNotIn(SECRET, out, where)
                if done.returncode == 78:
                    self.assertIn(str(path), out, where)
                valid += done.returncode == 0
        self.assertTrue(0 < valid < ROUNDS)  # both ways were taken
