"""tinysup --history over journals that a writer of our own has written (tests/journal.py), and the grace that --check learns."""
import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import journal
from binaries import tinysup
from harness import Case as SupervisedCase, until
from journal import Journal

BINARIES = ("plain", "sanitized")
ID = "4be1c0ffee4be1c0ffee4be1c0ffee00"
NOBODY = 65534


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-test-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.state = self.directory / "state"
        self.state.mkdir()

    def journal(self, name="slot-1", **options):
        return Journal(self.state / f"{name}.journal", **options)

    def tinysup(self, *words, **options):
        """(exit code, stdout, stderr)"""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TINYSUP_")}
        done = subprocess.run([tinysup(), *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=environment, timeout=30, **options)
        return done.returncode, done.stdout, done.stderr

    def history(self, *words, code=0):
        """Lines of stdout; nothing else is said."""
        got, out, err = self.tinysup("--history", "--state", self.state, *words)
        self.assertEqual((got, err), (code, ""))
        return out.splitlines()

    def objects(self, *words):
        return [json.loads(line) for line in self.history("--json", *words)]


def night(j):
    """A run that the platform killed in the midst of its chain, and the one after it, which does the rest."""
    j.add("run", name="bot", text="1.2.3", deadline=28000, grace=30000).add("app_start", count=0)
    j.add("chain_start", id=ID, reason="stop", signal=15, deadline=28000, count=3)
    j.add("step_start", id=ID, name="cancel").add("step_end", id=ID, name="cancel", state="ok", attempt=1, took=312, after=320)
    j.add("step_start", id=ID, name="close")
    for after in range(570, 9900, 250):
        j.add("tick", later=250, id=ID, after=after)
    j.add("run", name="bot", text="1.2.3", deadline=28000, grace=30000)
    j.add("chain_start", id=ID, reason="recovery", deadline=30000, count=3)
    j.add("step_end", id=ID, name="cancel", state="skipped", text="it succeeded before")
    j.add("step_start", id=ID, name="close").add("step_end", id=ID, name="close", state="ok", attempt=2, took=1500, after=1500)
    j.add("chain_end", id=ID, reason="recovery", after=1510).add("app_start", count=0)
    return j


class History(Case):
    def test_a_cut_off_and_its_recovery(self):
        night(self.journal()).add("end", reason="exit", code=0)
        text = self.history()
        self.assertEqual(text[:7], [
            "2025-11-21T03:00:01Z  tinysup 1.2.3 started for bot, deadline 28 s, platform's grace period 30 s",
            "2025-11-21T03:00:02Z  app started",
            "2025-11-21T03:00:03Z  stop by SIGTERM: chain of 3 steps, deadline 28 s",
            "2025-11-21T03:00:05Z    cancel: ok after 312 ms",
            "2025-11-21T03:00:06Z    close: started, no result",
            "2025-11-21T03:00:15Z  cut off 9.8 s after SIGTERM, during step close: SIGKILL came before the deadline of 28 s; raise the "
            "platform's grace period (stop_grace_period, --stop-timeout, terminationGracePeriodSeconds) to at least 30 s",
            "2025-11-21T03:00:16Z  tinysup 1.2.3 started for bot, deadline 28 s, platform's grace period 30 s"])
        self.assertEqual([line.split("  ", 1)[1] for line in text[7:]], [
            "recovery: chain of 3 steps, deadline 30 s", "  cancel: skipped: it succeeded before", "  close: ok after 1.5 s, attempt 2",
            "chain ended after 1.5 s", "app started", "tinysup exited with code 0 (exit)"])
        events = self.objects()
        self.assertEqual([e["event"] for e in events], ["start", "app_start", "chain_start", "step_end", "step_start", "cut_off", "start",
                                                        "chain_start", "step_end", "step_end", "chain_end", "app_start", "exit"])
        self.assertEqual(events[5], {"time": "2025-11-21T03:00:15.500Z", "event": "cut_off", "journal": "slot-1", "run": "0" * 15 + "1",
                                     "shutdown_id": ID, "reason": "stop", "signal": "SIGTERM", "step": "close", "after_ms": 9820,
                                     "deadline_ms": 28000})
        self.assertEqual(events[9]["took_ms"], 1500)
        self.assertEqual([json.loads(line) for line in self.tinysup("--json", "--history", "--state", self.state)[1].splitlines()], events)

    def test_how_many(self):
        j = self.journal()
        for code in range(5):
            j.add("run", name="bot").add("end", reason="stop", code=code)
        self.assertEqual([e["exit_code"] for e in self.objects() if e["event"] == "exit"], [2, 3, 4])
        self.assertEqual(len(self.objects("--history=9")), 9)
        self.assertEqual(self.history("--history=1")[0].split("  ")[1], "tinysup exited with code 4 (stop)")
        self.assertEqual(len(self.history("--history=1000")), 10)

    def test_several_journals_are_one_story(self):
        one, two = self.journal(step=2000), self.journal("slot-10", time=journal.START + 1000, step=2000)
        self.journal("bot-a")  # empty
        for j in one, two:
            j.add("run", name="bot").add("app_start").add("end", reason="stop", code=0)
        self.assertEqual([line.split("  ")[1] for line in self.history()], ["slot-1", "slot-10"] * 3)
        self.assertEqual([e["journal"] for e in self.objects()], ["slot-1", "slot-10"] * 3)

    def test_a_run_whose_journal_is_locked_is_alive(self):
        self.journal().add("run", name="bot").add("app_start")
        self.assertIn("killed without a stop signal", self.history()[-1])
        with open(self.state / "slot-1.lock", "w") as lock:
            fcntl.fcntl(lock, 37, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
            self.assertEqual(self.history()[-1].split("  ")[1], "app started")
            # and asking takes it from nobody
            fcntl.fcntl(lock, 37, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        self.assertIn("killed without a stop signal", self.history()[-1])

    def test_damage_is_passed_over_and_said(self):
        j = self.journal().add("run", name="bot").add("app_start").add("app_exit", code=3)
        lines = j.path.read_bytes().splitlines(keepends=True)
        j.path.write_bytes(lines[0] + lines[1].replace(b"app_start", b"app_stalt") + b"\n\0\0\0\n" + lines[2] + lines[1][:20])
        code, out, err = self.tinysup("--history", "--state", self.state)
        self.assertEqual((code, err), (0, f"tinysup: {self.state}/slot-1.journal: 3 damaged lines passed over\n"))
        self.assertEqual([line.split("  ")[1][:10] for line in out.splitlines()], ["tinysup st", "app exited", "killed wit"])
        j.path.write_bytes(b"x\n")
        self.assertEqual(self.tinysup("--history", "--state", self.state),
                         (0, "no events\n", f"tinysup: {self.state}/slot-1.journal: 1 damaged line passed over\n"))

    def test_any_damage(self):
        """Bits that flip, pieces that are missing, there twice or torn: what is left is told."""
        chance = random.Random(1)
        j = night(self.journal()).add("end", reason="exit", code=0)
        good, lines = j.path.read_bytes(), len(self.history("--history=999"))
        for n in range(150):
            data = bytearray(good)
            for _ in range(chance.randint(1, 4)):
                at, length = chance.randrange(len(data)), chance.randrange(200)
                kind = chance.randrange(4)
                if kind == 0:
                    data[at] ^= 1 << chance.randrange(8)
                elif kind == 1:
                    del data[at:at + length]
                elif kind == 2:
                    data[at:at] = data[at - length:at]
                else:
                    data[at:at + length] = bytes(length)
            j.path.write_bytes(data)
            for words in ((), ("--json",)):
                code, out, err = self.tinysup("--history=999", "--state", self.state, *words)
                self.assertEqual(code, 0, (n, err))
                self.assertRegex(err, "^$|^tinysup: .*: [0-9]+ damaged lines? passed over\n$")
                self.assertLess(out.count("\n"), 3 * lines)
                self.assertTrue(not words or [json.loads(line) for line in out.splitlines()])

    def test_it_writes_nothing(self):
        night(self.journal())
        before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in self.state.iterdir()}
        self.history()
        self.assertEqual({p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in self.state.iterdir()}, before)

    def test_only_the_end_of_a_huge_file_is_read(self):
        j = self.journal()
        with j.path.open("wb") as file:
            file.write(b"x" * (9 << 20))
        j.raw(b"\n").add("run", name="bot")
        self.assertEqual(len(self.history()), 2)

    def test_no_events(self):
        self.journal()
        self.assertEqual(self.history(), ["no events"])
        self.assertEqual(self.history("--json"), [])

    def test_what_cannot_be_read(self):
        self.assertEqual(self.tinysup("--history", "--state", self.state),
                         (1, "", f"tinysup: {self.state}: there is no journal (*.journal) in it\n"))
        self.assertEqual(self.tinysup("--history", "--state", "/no/such"), (1, "", "tinysup: cannot read /no/such: No such file or directory\n"))
        night(self.journal())
        (self.state / "slot-2.journal").mkdir()
        code, out, err = self.tinysup("--history", "--state", self.state)
        self.assertEqual((code, err), (1, f"tinysup: cannot read {self.state}/slot-2.journal: it is not a regular file\n"))
        self.assertIn("cut off 9.8 s", out)

    def test_another_user_is_told(self):
        night(self.journal()).path.chmod(0o600)
        self.directory.chmod(0o755)
        program = self.directory / "tinysup"
        shutil.copy(tinysup(), program)
        for mode, what in ((0o755, "/slot-1.journal"), (0o700, "")):
            self.state.chmod(mode)
            done = subprocess.run([program, "--history", "--state", self.state], capture_output=True, text=True, user=NOBODY, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", f"tinysup: cannot read {self.state}{what}: "
                             "Permission denied: run this as the user that tinysup runs as\n"))

    def test_command_line(self):
        for words, message in ((["--history=0"], "--history=20"), (["--history=x"], "--history=20"), (["--history="], "--history=20"),
                               (["--history", "--status"], "choose one of"), (["--state", "/x", "true"], "goes with --history"),
                               (["--history", "x"], "unexpected argument")):
            code, out, err = self.tinysup(*words)
            self.assertEqual((code, out, err.count("\n")), (64, "", 1), words)
            self.assertIn(message, err)


class Configured(Case):
    def configure(self, text=""):
        conf = self.directory / "conf"
        conf.write_text(f'state_dir = "{self.state}"; app: {{ command = [ "sleep", "1" ]; }}; {text}')
        return conf

    def test_state_dir(self):
        night(self.journal())
        conf = self.configure('alerts: { ops: { type = "slack"; url = "${file:/no/such/secret}"; }; };')
        code, out, err = self.tinysup("--history", "--config", conf)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("cut off 9.8 s", out)

    def test_an_invalid_configuration(self):
        conf = self.configure("nonsense = 1;")
        code, out, err = self.tinysup("--history", "--config", conf)
        self.assertEqual((code, out), (78, ""))
        self.assertIn("nonsense", err)
        self.assertIn(f"invalid configuration {conf}: correct it, or give --state DIR", err)

    def test_check_says_what_grace_was_learned(self):
        night(self.journal())
        conf = self.configure('shutdown: { deadline = "28s"; };')
        code, out, err = self.tinysup("--check", "--config", conf)
        self.assertEqual(code, 0)
        self.assertIn("learned grace  9.8 s: killed 9.8 s after a stop signal on 2025-11-21T03:00:15Z; the deadline is 28 s\n", out)
        self.assertIn("warning: the platform killed an earlier run 9.8 s after a stop signal, before the deadline of 28 s: raise its grace "
                      "period (stop_grace_period, --stop-timeout, terminationGracePeriodSeconds) to at least 30 s\n", err)
        conf = self.configure('shutdown: { deadline = "9s"; };')
        code, out, err = self.tinysup("--check", "--config", conf)
        self.assertIn("learned grace  9.8 s", out)
        self.assertNotIn("killed an earlier run", err)
        conf = self.configure('instance = "a";')  # another's
        self.assertNotIn("learned", self.tinysup("--check", "--config", conf)[1])
        shutil.rmtree(self.state)
        code, out, err = self.tinysup("--check", "--config", conf)
        self.assertEqual((code, "learned" in out, "journal" in err), (0, False, False))
        self.state.mkdir()


class Running(SupervisedCase):
    CHAIN = ('shutdown: { deadline = "20s"; platform_grace = "60s"; chain = ( { name = "first"; exec = [ "false" ]; }, '
             '{ name = "stop"; stop: { signal = "SIGTERM"; }; }, { name = "last"; exec = [ "sleep", "99" ]; } ); };')

    def test_the_last_events_of_the_supervisor(self):
        s = self.app("code_on_term", "3", config=self.CHAIN)
        self.assertRegex(s.until_probe(0, how="history", config=True), r"^\S+Z  tinysup \S+ started for \S+, deadline 20 s, .*\n\S+Z  app started\n$")
        s.signal("TERM")
        until(lambda: "last" in s.probe(how="history")[1], "the last step has started")
        lines = [line.split("  ", 1)[1] for line in s.probe(how="history")[1].splitlines()[2:]]
        self.assertEqual(lines[0], "stop by SIGTERM: chain of 3 steps, deadline 20 s")
        self.assertRegex(lines[1], r"^  first: failed after .*: exit code 1$")
        self.assertEqual(lines[2], "app exited with code 3")
        self.assertRegex(lines[3], "^  stop: ok after ")
        self.assertEqual(lines[4:], ["  last: started, no result"])
        code, out = s.probe("--json", how="history=2")
        self.assertEqual((code, [json.loads(line)["event"] for line in out.splitlines()]), (0, ["step_end", "step_start"]))

    def test_no_more_than_64(self):
        restart = 'app: { restart: { policy = "always"; max = 100; backoff = "0s"; within = "1s"; }; };'
        s = self.start("--", "sleep", "0.02", config=restart)
        until(lambda: s.probe("--json", how="history")[1].count("\n") == 64, "64 events")
        restarts = [e["restarts"] for e in map(json.loads, s.probe("--json", how="history")[1].splitlines()) if e["event"] == "app_start"]
        self.assertEqual(restarts, list(range(restarts[0], restarts[0] + len(restarts))))

    def test_nothing_to_read_from(self):
        with tempfile.NamedTemporaryFile("w") as conf:
            conf.write('app: { command = [ "true" ]; };')
            conf.flush()
            done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", tinysup(), "--history", "--config", conf.name],
                                  capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", "tinysup: no state_dir in the configuration, and no running "
                         "tinysup that this user may inspect: give --state DIR, the directory of a journal\n"))
