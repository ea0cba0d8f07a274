"""SIGKILL at random moments of start, recovery, run, chain and restart, life after life on one state_dir: what money needs holds.

A world is a paper exchange and a state_dir with some twenty lives of a trader on it. Each life is killed at a moment of its own: process 1
(and with it the whole PID namespace), every process one by one, or the journal's writer first. The last one is stopped in order. After
each, our own reader (tests/journal.py) reads the journal, and Books.judge() looks for
 - a line that is damaged (torn ones apart, see below), a number that is missing or there twice;
 - a step that ran again although its success was on record under that id, or that was left out although it was not;
 - an idempotency key that is not that of its shutdown, or whose id was not on record before it was sent;
 - the app started before the work was done: orders or positions of the life before were still open at the exchange;
 - a key under which the exchange did the work twice.
Every other world has a slow disk (slowdisk.c): there each kill may tear a record.
MEMORY_MOMENTS and MEMORY_SEED lengthen or repeat a run; the seed of its world is in every failure. Delays are fractions of what a start, a
chain and a restart take here, so that a seed gives the same plan of kills, at nearly the same places.
"""
import collections
import concurrent.futures
import os
import tempfile

from binaries import is_sanitized, path_of, tinysup
from paper import PaperTest
from trader import build
from world import SEED, Replicas, World

BINARIES = ("plain", "sealed", "sanitized")
MOMENTS = int(os.environ.get("MEMORY_MOMENTS", "500"))
LIVES = 20  # of a world: fewer records than the journal keeps
AT_ONCE = 2
PLACES = ("recovery", "run", "stop", "restart")  # a good part of all lives ends in each


class Memory(PaperTest):
    @classmethod
    def setUpClass(cls):
        tools = tempfile.TemporaryDirectory(prefix="tinysup-memory-")
        cls.addClassCleanup(tools.cleanup)
        cls.trader = f"{tools.name}/trader"
        build(cls.trader)
        cls.slowdisk = None if is_sanitized() else f"{tools.name}/slowdisk.so"  # AddressSanitizer has to be the first library
        if cls.slowdisk:
            build(cls.slowdisk, "-shared", "-fPIC", source="slowdisk.c")

    def live(self, moments, kind=World, **options):
        """The worlds, and what went wrong."""
        worlds = [kind(self, n, **options) for n in range((moments + LIVES - 1) // LIVES)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return worlds, [p for p in pool.map(lambda world: world.live(min(LIVES, moments - world.number * LIVES)), worlds) if p]

    def test_killed_at_any_moment(self):
        moments = MOMENTS if tinysup() == path_of("plain") else MOMENTS // 5
        worlds, problems = self.live(moments)
        places = sum((world.places for world in worlds), collections.Counter())
        print(f"MEMORY_SEED={SEED}, {moments} moments: {dict(places.most_common())}, "
              f"{sum(world.books.replayed for world in worlds)} requests were repeated under their key")
        self.assertFalse(problems, "\n\n".join(problems[:3]))
        if moments >= 200:
            for place in PLACES:
                self.assertGreater(places[place], moments / 50, places)

    def test_flipped_bits_leave_nothing_open(self):
        """What is not on record any more is done again: the exchange is empty when the app starts, whichever line is lost."""
        _, problems = self.live(MOMENTS // 5, harm=World.flip)
        self.assertFalse(problems, "\n\n".join(problems[:3]))

    def test_two_replicas_on_one_directory(self):
        """Two never mix, and what one leaves unfinished is finished."""
        _, problems = self.live(MOMENTS // 5, Replicas)
        self.assertFalse(problems, "\n\n".join(problems[:3]))
