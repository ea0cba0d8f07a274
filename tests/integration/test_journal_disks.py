"""The journal on disks that are full, read-only, not ours, or that hang; and how much of them it takes."""
import subprocess
import time

from harness import until
from journal_rig import JournalCase, line_of, now, numbers, records

BINARIES = ("plain", "sealed", "sanitized")
SHORT = 0.5  # seconds: more than any call to the journal takes on a busy machine, and much less than a disk hangs
NOBODY = 65534
OLD_RUN = "00000000000000aa"


class Disks(JournalCase):
    def test_a_full_disk(self):
        self.mount("-t", "tmpfs", "-o", "size=256k,mode=755", "tinysup")
        d = self.driver()
        d.written(d.send("run"))
        with open(self.state / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        last, lost = d.flood(100)
        self.assertEqual((last, lost), (101, 0))
        d.written(last)  # in room that was asked for ahead
        while d.state()[2] == 0:
            last, lost = d.flood(100)
            self.assertEqual(lost, 0)
            until(lambda: d.state()[1] >= last or d.state()[2] == 1, "it is written, or fails")
        self.assertEqual(d.trouble(), (28, f"cannot write {self.journal()}"))
        self.assertLess(int(d.ask(f"wait {last} 20000", "waited")[0]), 1000)
        d.send("held")
        (self.state / "filler").unlink()
        number = d.send("app_start", "count=0")
        d.written(number)
        self.assertEqual(d.state()[2], 0)
        self.assertEqual(d.troubles(), [28])
        there = [r for r in records(self.journal()) if r is not None]
        gone = sum(r["count"] for r in there if r.kind == "lost")
        self.assertGreater(gone, 0)
        self.assertEqual(gone + len([r for r in there if r.kind != "lost"]), number)
        self.assertEqual([r.number for r in there], sorted({r.number for r in there}))
        self.assertEqual(there[-1].kind, "app_start")

    def test_a_read_only_file_system(self):
        self.mount("-t", "tmpfs", "-o", "mode=755", "tinysup")
        run = self.ran("run", "app_start count=0")
        subprocess.run(["mount", "-o", "remount,ro", str(self.state)], check=True)
        d = self.driver()
        self.assertEqual((d.account()["owed"], d.account()["run"]), ("everything", run))
        self.assertEqual(d.trouble()[0], 30)
        d.send("run")
        self.assertEqual(d.state()[1:3], (0, 1))
        missing = self.driver(directory=self.state / "missing")
        self.assertEqual(missing.account()["owed"], "nothing")
        self.assertEqual(missing.trouble()[0], 30)
        d.finish()
        missing.finish()

    def test_a_directory_that_cannot_be_made(self):
        (self.directory / "file").touch()
        for name, error in (("file/state", 20), ("no/such", 2)):
            d = self.driver(directory=self.directory / name)
            self.assertEqual(d.account()["runs"], "0")
            self.assertEqual(d.trouble(), (error, f"cannot make {self.directory / name}"))
            number = d.send("run")
            self.assertLess(int(d.ask(f"wait {number} 20000", "waited")[0]), 1000)
            d.finish()

    def test_a_directory_that_can_be_made_later(self):
        later = self.directory / "later/state"
        d = self.driver(directory=later)
        self.assertEqual(d.trouble(), (2, f"cannot make {later}"))
        for n in range(3):
            d.kill_writer()  # the next one knows what this one could not write
            d.flood(10)
            until(lambda: d.state()[2] == 1, "it fails")
        later.parent.mkdir()

        def written():
            number = d.send("held")
            time.sleep(0.3)
            return d.state()[1] == number and number
        number = until(written, "it is made at one of the next records")
        there = records(later / "slot-1.journal")
        self.assertEqual(there[-1].kind, "held")
        if there[0].kind == "lost":  # a writer may have been killed before it took any
            self.assertEqual(there[0]["count"], there[1].number - 1)
            del there[0]
        else:
            self.assertEqual(there[0].number, 1)
        self.assertEqual([r.number for r in there], list(range(there[0].number, number + 1)))
        self.assertEqual(d.troubles(), [2])

    def test_what_another_user_may_not_do(self):
        self.ran("run", "app_start count=0")
        d = self.driver(user=NOBODY, group=NOBODY)  # 0700
        self.assertEqual(d.trouble(), (13, f"cannot open {self.state}"))
        d.send("run")
        d.finish()
        self.assertEqual(d.has("account"), [])
        self.state.chmod(0o777)
        d = self.driver(user=NOBODY, group=NOBODY)  # slot-1 is root's: what it owes is not known
        self.assertEqual(d.trouble()[0], 13)
        d.written(d.send("run"))
        self.assertEqual([r.run for r in records(self.journal(2))], [d.run])
        self.assertEqual(d.has("account"), [])
        empty = self.directory / "empty"
        empty.mkdir()
        d = self.driver(directory=empty, user=NOBODY, group=NOBODY)
        self.assertEqual(d.account()["owed"], "nothing")
        self.assertEqual(d.trouble()[0], 13)

    def test_a_disk_that_hangs(self):
        image = self.directory / "image"
        with open(image, "wb") as f:
            f.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        self.mount("-o", "loop", str(image))
        d = self.driver()
        d.written(d.send("run"))
        subprocess.run(["fsfreeze", "-f", str(self.state)], check=True)
        try:
            self.assertEqual(d.send("app_start", "count=0"), 2)
            last, lost = d.flood(3000)
            self.assertGreater(lost, 0)
            self.assertGreater(last, 100)
            begun = now()
            self.assertGreaterEqual(int(d.ask("wait 2 300", "waited")[0]), 300)
            self.assertLess(now() - begun, 300 / 1000 + SHORT)
            self.assertLess(d.state()[3], SHORT)
            self.assertLess(d.finish(400), 0.4 + SHORT)
        finally:
            subprocess.run(["fsfreeze", "-u", str(self.state)], check=True)
        until(lambda: not self.locked(1), "the writer has ended")
        self.assertEqual(numbers(self.journal(), d.run), list(range(1, last + 1)))
        subprocess.run(["fsfreeze", "-f", str(self.state)], check=True)
        try:
            late = self.driver("late")
            self.assertEqual(late.send("run"), 1)
            late.kill_writer()
            self.assertGreaterEqual(int(late.ask("wait 1 300", "waited")[0]), 300)
            self.assertLess(late.state()[3], SHORT)
            self.assertEqual(late.has("account"), [])
        finally:
            subprocess.run(["fsfreeze", "-u", str(self.state)], check=True)
        self.assertEqual(late.account()["owed"], "nothing")
        late.written(1)


class Size(JournalCase):
    def seed(self, lines):
        self.state.mkdir(exist_ok=True)
        self.journal().write_text("".join(lines))

    def test_what_is_kept_at_start(self):
        lines = [line_of(OLD_RUN, n, "probe" if n % 2 else "app_start", count=n, name="x" * 40) for n in range(1, 9001)]
        lines += [line_of(OLD_RUN, 9000 + n // 4, "tick" if n % 4 else "step_start", id=f"c{n // 40}", after=n) for n in range(4000)]
        lines.insert(100, "damaged\n")
        self.seed(lines)
        d = self.driver()
        self.assertEqual(d.account()["damaged"], "1")
        d.written(d.send("run"))
        there = records(self.journal())
        self.assertNotIn(None, there)
        old = [r for r in there if r.kind == "app_start"]
        self.assertEqual([r.number for r in old], list(range(5002, 9001, 2)))  # 2000 of them, and no probe
        self.assertEqual(len([r for r in there if r.kind == "step_start"]), 1000)
        ticks = [r for r in there if r.kind == "tick"]
        self.assertEqual([r["after"] for r in ticks], list(range(39, 4000, 40)))  # the last of each chain
        self.assertEqual(len([r for r in there if r.kind == "probe"]), 0)
        self.assertFalse((self.state / "slot-1.tmp").exists())

    def test_it_stays_small_while_it_runs(self):
        """Long records, so that the last 1000 and older ones would be more than 1 MiB."""
        self.mount("-t", "tmpfs", "-o", "mode=755", "tinysup")
        d = self.driver()
        last, largest = 0, 0
        text = "text=" + "%FF" * 111
        for n in range(7000):
            d.tell(f"send app_start count={n} name={'%FF' * 63} {text}")
            if n % 200 == 199:
                last = int(d.until("sent", n + 1)[0])
                d.written(last)
                largest = max(largest, self.journal().stat().st_size)
        self.assertEqual(last, 7000)
        self.assertLess(largest, 1400 << 10)
        there = numbers(self.journal(), d.run)
        self.assertGreaterEqual(len(there), 1000)
        self.assertEqual(there, list(range(7000 - len(there) + 1, 7001)))

    def test_it_is_bounded_even_if_it_cannot_be_compacted(self):
        self.seed([line_of(OLD_RUN, n, "probe", name="x" * 60, text="y" * 100) for n in range(1, 20000)])
        (self.state / "slot-1.tmp").mkdir()
        self.assertGreater(self.journal().stat().st_size, 4 << 20)
        before = self.journal().read_bytes()
        d = self.driver()
        self.assertEqual(d.trouble(), (17, f"cannot compact {self.journal()}"))
        last, _ = d.flood(100)
        until(lambda: d.state()[2] == 1, "it fails")
        until(lambda: 27 in d.troubles(), "it tells")
        self.assertEqual(d.troubles(), [17, 27])
        self.assertEqual(self.journal().read_bytes(), before)
        (self.state / "slot-1.tmp").rmdir()

        def compacts():
            number = d.send("held")
            time.sleep(0.3)
            return d.state()[1] == number
        until(compacts, "it compacts at one of the next records")
        self.assertLess(self.journal().stat().st_size, 1 << 20)
        there = [r for r in records(self.journal()) if r.run == d.run]
        kinds = [r.kind for r in there]
        self.assertEqual((kinds[0], kinds[-1]), ("lost", "held"))
        self.assertEqual(there[0]["count"], there[1].number - 1)
        self.assertGreater(last, 0)
