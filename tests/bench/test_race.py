"""SIGTERM at random moments of the start: none lost, none doubled, the right exit code. `make race N=100000` is the long run.

And that the driver would notice: inits that lose a signal, give it twice or change the exit code are found out.
"""
import re
import subprocess
import unittest

from binaries import ROOT, tinysup

TOOLS = ROOT / "build/bench"
MOMENTS = "2000"


class Race(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "bench-tools"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300)

    def race(self, binary, *more):
        """(lost, doubled, wrong) of a contestant."""
        # all of it dies with us: unshare by setpriv's doing, the rest by --kill-child's
        done = subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                               TOOLS / "race", "--config", ROOT / "tests/bench/race.conf", "--helper", TOOLS / "helper", *more, binary],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=200)
        found = re.search(r"race: \d+ moments, (\d+) lost, (\d+) doubled, (\d+) wrong", done.stdout)
        self.assertTrue(found, done.stdout)
        return [int(n) for n in found.groups()], done.stdout

    def test_none_lost_none_doubled(self):
        counts, out = self.race(tinysup(), "--moments", MOMENTS)
        self.assertEqual(counts, [0, 0, 0], out)

    def test_the_driver_notices(self):
        for name, at in (("lose", 0), ("twice", 1), ("wrong", 2)):
            with self.subTest(name=name):
                wrong = TOOLS / name
                if not wrong.is_symlink():
                    wrong.symlink_to(TOOLS / "helper")
                counts, out = self.race(wrong, "--moments", "40", "--patience", "200", "--way", "queued")
                self.assertGreater(counts[at], 0, out)
