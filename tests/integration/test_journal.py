"""The journal's files under everything that may happen to them, to its process and to process 1."""
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from harness import until
from journal_rig import JournalCase, line_of, now, numbers, records

BINARIES = ("plain", "sealed", "sanitized")
SHORT = 0.5  # seconds: more than any call to the journal takes on a busy machine, and much less than a disk hangs
OLD_RUN = "00000000000000aa"


class Slots(JournalCase):
    def test_two_instances_never_share_one(self):
        one, two = self.driver(), self.driver()
        one.written(one.send("run", "name=one"))
        two.written(two.send("run", "name=two"))
        first, second = (one, two) if numbers(self.journal(1), one.run) else (two, one)
        self.assertEqual([r.run for r in records(self.journal(1))], [first.run])
        self.assertEqual([r.run for r in records(self.journal(2))], [second.run])
        self.assertEqual(oct(os.stat(self.state).st_mode & 0o777), "0o700")
        self.assertEqual({oct(p.stat().st_mode & 0o777) for p in self.state.iterdir()}, {"0o600"})

    def test_the_first_with_unfinished_work(self):
        one, two = self.driver(), None
        one.written(one.send("run"))
        two = self.driver()
        two.send("run")
        two.written(two.send("app_start", "count=0"))
        one.finish()
        two.kill()
        three = self.driver()
        account = three.account()
        self.assertEqual((account["owed"], account["run"]), ("everything", two.run))
        four = self.driver()
        self.assertEqual((four.account()["owed"], four.account()["run"]), ("nothing", one.run))
        self.assertEqual(sorted(p.name for p in self.state.glob("*.journal")), ["slot-1.journal", "slot-2.journal"])

    def test_many_at_once(self):
        for _ in range(3):
            drivers = [self.driver() for _ in range(8)]
            for d in drivers:
                d.send("run")
            for d in drivers:
                d.written(1)
            last = {p.name: records(p)[-1].run for p in self.state.glob("*.journal")}
            self.assertEqual(sorted(last.values()), sorted(d.run for d in drivers))
            self.assertEqual(sorted(last), sorted(f"slot-{n}.journal" for n in range(1, 9)))
            for d in drivers:
                d.finish()

    def test_who_looks_at_a_slot_does_not_use_it(self):
        """But holds its lock while it reads, for long if the journal is."""
        self.state.mkdir()
        end = line_of(OLD_RUN, 1000, "end", reason="stop")
        self.journal(1).write_text(end)
        self.journal(2).write_text("".join([line_of(OLD_RUN, n, "app_exit", code=0) for n in range(1, 1000)] * 100 + [end]))
        one, two = self.driver(), self.driver()
        one.account()
        two.account()
        self.assertEqual(sorted(p.name for p in self.state.glob("*.journal")), ["slot-1.journal", "slot-2.journal"])

    def test_an_instance_that_is_in_use_is_waited_for(self):
        one = self.driver("bot")
        one.send("run")
        one.written(one.send("app_start", "count=0"))
        two = self.driver("bot")
        self.assertEqual(two.trouble(), (11, "the journal of instance bot is in use"))
        two.send("run")
        last = two.send("app_start", "count=0")
        self.assertEqual(two.state()[2], 1)
        self.assertLess(int(two.ask(f"wait {last} 20000", "waited")[0]), 1000)
        self.assertEqual(two.has("account"), [])
        one.kill()
        self.assertEqual(two.account()["run"], one.run)
        two.written(last)
        self.assertEqual([(r.run, r.number) for r in records(self.state / "bot.journal")],
                         [(one.run, 1), (one.run, 2), (two.run, 1), (two.run, 2)])
        self.assertEqual(two.state()[2], 0)
        self.assertEqual(two.troubles(), [11])


class Killed(JournalCase):
    def test_no_record_is_lost_or_doubled_and_the_lock_never_free(self):
        d = self.driver()
        d.account()
        rival = self.driver("slot-1")  # waits for the lock, and gets it in the moment in which it is free
        rival.trouble()
        d.send("run")
        kills, chance = 0, random.Random(1)
        d.tell("flood 2000 500")
        while not d.has("flooded"):
            d.kill_writer()
            kills += 1
            time.sleep(chance.random() * 0.03)
            if kills % 20 == 19:
                time.sleep(0.15)  # a longer life, for it to be replaced without end
        last, lost = map(int, d.until("flooded"))
        self.assertGreater(kills, 20)
        d.written(d.send("app_start", "count=0"))
        self.assertEqual(lost, 0)
        self.assertEqual(numbers(self.journal(), d.run), list(range(1, last + 2)))
        self.assertEqual({r.run for r in records(self.journal())}, {d.run})
        self.assertEqual(rival.has("account"), [])
        self.assertEqual(len(d.has("account")), 1)
        self.assertLess(d.state()[3], SHORT)
        d.finish()
        self.assertEqual(rival.account()["run"], d.run)

    def test_it_tells_the_account_whenever_it_is_killed(self):
        run = self.ran("run", "app_start count=0")
        for n in range(20):
            d = self.driver()
            time.sleep(n * 0.0005)
            d.kill_writer()
            self.assertEqual(d.account()["run"], run)
            self.assertEqual(len(d.has("account")), 1)
            d.kill()
            until(lambda: not self.locked(1), "its lock is free")

    def test_one_that_always_dies_is_given_up_until_the_next_record(self):
        d = self.driver()
        d.account()
        end = now() + 60
        while d.state()[0] != 0 and now() < end:
            d.kill_writer()
        self.assertEqual(d.state()[:3], (0, 0, 1))
        number = d.send("run")
        d.written(number)
        self.assertEqual(d.state()[2], 0)

    def test_process_1_is_killed(self):
        """What it had sent is written, and the slot is free then."""
        d = self.driver()
        d.account()
        writer = d.writer()
        os.kill(writer, signal.SIGSTOP)
        for kind in ("run", "app_start count=0", "chain_start id=A reason=stop signal=15 count=1"):
            d.send(*kind.split())
        d.kill()  # and its output ends: the writer holds no pipe of the container's
        self.assertTrue(self.locked(1))
        os.kill(writer, signal.SIGCONT)
        until(lambda: not self.locked(1), "its lock is free")
        self.assertEqual(numbers(self.journal(), d.run), [1, 2, 3])
        account = self.driver().account()
        self.assertEqual((account["owed"], account["id"]), ("rest", "A"))

    def test_what_the_writer_holds(self):
        d = self.driver()
        d.account()
        links = {int(p.name): os.readlink(p) for p in Path(f"/proc/{d.writer()}/fd").iterdir()}
        self.assertEqual((links.pop(1), links.pop(2)), ("/dev/null", "/dev/null"))
        self.assertEqual(sorted(link.split(":")[0] for link in links.values()),
                         sorted([str(self.state), str(self.journal()), str(self.state / "slot-1.lock"), *["socket"] * 3]))
        self.assertEqual(Path(f"/proc/{d.writer()}/comm").read_text(), "tinysup-journal\n"[:15] + "\n")


class Damage(JournalCase):
    def test_a_torn_tail(self):
        self.ran("run", "app_start count=0", "chain_start id=A reason=stop count=1", "step_end id=A name=cancel state=ok")
        whole = self.journal().read_bytes()
        last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
        for torn in (1, 9, 30, len(whole) - last - 2):
            self.journal().write_bytes(whole[:last + torn])
            d = self.driver("-", "cancel")
            account = d.account()
            self.assertEqual([account[n] for n in ("owed", "id", "done", "damaged")], ["rest", "A", "0", "0"])
            d.written(d.send("run"))
            self.assertEqual(records(self.journal())[-1].run, d.run)
            d.kill()
            until(lambda: not self.locked(1), "its lock is free")
        self.journal().write_bytes(whole[:-1])  # all but the newline
        d = self.driver("-", "cancel")
        self.assertEqual([d.account()[n] for n in ("done", "damaged")], ["1", "0"])
        d.written(d.send("run"))
        self.assertNotIn(None, records(self.journal()))

    def test_flipped_bits(self):
        self.ran("run", "app_start count=0", "chain_start id=A reason=stop count=2",
                 "step_end id=A name=cancel state=ok", "step_end id=A name=stop state=ok")
        whole = self.journal().read_bytes()
        at = whole.index(b"name=cancel")
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at + 5] ^= 1 << bit
            self.journal().write_bytes(damaged)
            d = self.driver("-", "cancel", "stop")
            self.assertEqual([d.account()[n] for n in ("id", "done", "damaged")], ["A", "2", "1"])
            d.kill()
            until(lambda: not self.locked(1), "its lock is free")

    def test_what_others_put_there(self):
        for put in (lambda p: p.symlink_to("/etc/passwd"), os.mkfifo, lambda p: p.mkdir()):
            subprocess.run(["rm", "-rf", str(self.state)], check=True)
            self.state.mkdir()
            put(self.journal())
            d = self.driver("slot-1")
            self.assertIn(d.trouble()[0], (40, 21, 22))
            d.send("run")
            until(lambda: d.state()[2] == 1, "it fails")
            d.finish()
            until(lambda: "unreadable" in d.lines, "it is told that it cannot be read")
        self.assertEqual(d.has("account"), [])


class Lost(JournalCase):
    def test_what_did_not_fit_is_counted(self):
        d = self.driver()
        d.account()
        writer = d.writer()
        os.kill(writer, signal.SIGSTOP)
        last, lost = d.flood(4000)
        self.assertGreater(lost, 0)
        os.kill(writer, signal.SIGCONT)
        d.written(last)
        number = d.send("held")
        d.written(number)
        there = records(self.journal())
        self.assertEqual([(r.kind, r.number, r.get("count")) for r in there[-2:]],
                         [("lost", last + 1, lost), ("held", last + 2, None)])
        self.assertEqual([r.number for r in there], list(range(1, number + 1)))


class Ticks(JournalCase):
    def ticks(self):
        return [r["after"] for r in records(self.journal()) if r is not None and r.kind == "tick"]

    def test_while_a_chain_runs(self):
        d = self.driver()
        d.written(d.send("run"))
        d.send("chain_start", "id=A", "reason=stop", "signal=15", "count=1", "after=100")
        until(lambda: len(self.ticks()) >= 4, "there are ticks")
        d.kill_writer()
        count = len(self.ticks())
        until(lambda: len(self.ticks()) >= count + 3, "the next writer goes on")
        d.written(d.send("chain_end", "id=A"))
        ticks = self.ticks()
        time.sleep(0.6)
        self.assertEqual(self.ticks(), ticks)
        self.assertEqual(ticks, sorted(ticks))
        self.assertGreaterEqual(ticks[0], 350)
        for earlier, later in zip(ticks, ticks[1:]):
            self.assertGreaterEqual(later - earlier, 100)
        tick = next(r for r in records(self.journal()) if r.kind == "tick")
        self.assertEqual((tick.run, tick.number, tick["id"]), (d.run, 2, "A"))

    def test_the_next_run_knows_how_long_it_had(self):
        d = self.driver()
        d.send("run")
        d.send("app_start", "count=0")
        d.send("chain_start", "reason=stop", "signal=15", "count=0", "after=0")
        until(lambda: self.journal().exists() and len(self.ticks()) >= 3, "there are ticks")
        d.kill()
        until(lambda: not self.locked(1), "its lock is free")
        account = self.driver().account()
        self.assertEqual(account["learned"], account["after"])
        self.assertGreaterEqual(int(account["after"]), 750)
        self.assertEqual(account["owed"], "everything")

