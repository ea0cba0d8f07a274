"""A run that is killed, and the one after it: what is told, what is done, what is not done twice."""
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import journal
from binaries import tinysup
from harness import APP, Case, children, until
from ports import free_port

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'
BOTH = 'when = [ "stop", "crash", "recovery" ];'


def step(name, script, more=BOTH):
    """Notes its name, reason and key in the state directory, then runs the script."""
    script = f"echo {name} $TINYSUP_REASON $TINYSUP_SHUTDOWN_ID $TINYSUP_IDEMPOTENCY_KEY >> $STATE/ran; {script}"
    return '{{ name = "{}"; exec = [ "sh", "-c", "{}" ]; {} }}'.format(name, script.replace('"', '\\"'), more)


class Memory(Case):
    def setUp(self):
        self.state = Path(tempfile.mkdtemp(prefix="tinysup-state-"))
        self.addCleanup(shutil.rmtree, self.state, True)

    def begin(self, *steps, app=("plain",), more="", deadline="6s", **options):
        chain = ", ".join([*steps, STOP])
        config = (f'state_dir = "{self.state}/journal"; {more} '
                  f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {chain} ); }};')
        return self.start("--", *APP, *app, config=config, env={"STATE": str(self.state), **options.pop("env", {})}, **options)

    def running(self, *steps, **options):
        s = self.begin(*steps, **options)
        s.until_file("ready")
        return s

    def kill(self, s):
        """As the platform does: everything dies at once."""
        os.kill(s.pid, 9)
        s.process.wait()

    def ran(self):
        path = self.state / "ran"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def names(self, reason):
        return [line[0] for line in self.ran() if line[1] == reason]

    def history(self):
        done = subprocess.run([tinysup(), "--history", "--json", "--state", self.state / "journal"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=20, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def until_on_record(self, text):
        until(lambda: any(text in path.read_text() for path in (self.state / "journal").glob("*.journal")), f"{text} is on record")


class Recovery(Memory):
    def test_killed_while_it_runs(self):
        steps = [step("cancel", "true"), step("save", "true", 'when = [ "stop" ];')]
        self.kill(self.running(*steps))
        s = self.running(*steps)
        self.assertEqual(self.names("recovery"), ["cancel"])
        self.assertIn("killed without a stop signal", s.log())
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(self.names("stop"), ["cancel", "save"])
        ids = {line[2] for line in self.ran()}
        self.assertEqual(len(ids), 2)  # a recovery of its own, and a stop
        self.running(*steps)
        self.assertEqual(self.names("recovery"), ["cancel"])  # that one ended in order

    def test_what_damage_does_not_hide(self):
        """The app's name, the newline before its start, all there is, or what comes before it."""
        steps = [step("cancel", "true")]
        for harm, damaged in ((lambda lines: b"".join([lines[0].replace(b"deadline", b"deadlhne"), *lines[1:]]), 1),
                              (lambda lines: lines[0].replace(b"\n", b"*") + b"".join(lines[1:]), 0),
                              (lambda lines: b"\0" * sum(map(len, lines)), 1),
                              (lambda lines: b"".join([b"\xa5\r" * 2500, *lines]), 1),
                              (lambda lines: b"".join(lines) + b"\0" * (9 << 20), 1)):
            shutil.rmtree(self.state / "journal", True)
            (self.state / "ran").unlink(True)
            self.kill(self.running(*steps))
            path, = (self.state / "journal").glob("*.journal")
            path.write_bytes(harm(path.read_bytes().splitlines(True)))
            s = self.running(*steps)
            self.assertEqual(self.names("recovery"), ["cancel"], s.log())
            self.assertEqual(s.log().count(f"damaged lines in the journal: {damaged};"), min(damaged, 1), s.log())
            self.assertEqual([p.name for p in (self.state / "journal").glob("*.journal")], [path.name])
            s.signal("TERM")
            s.wait()
            s = self.running(*steps)
            self.assertEqual(self.names("recovery"), ["cancel"], s.log())
            self.kill(s)

    def test_killed_in_the_chain(self):
        steps = [step("cancel", "true"), step("close", "test -e $STATE/go || sleep 60"), step("later", "true")]
        s = self.running(*steps)
        s.signal("TERM")
        until(lambda: "close" in self.names("stop"), "close runs")
        self.until_on_record("name=close")
        time.sleep(0.6)  # so that there is a time on record
        self.kill(s)
        (self.state / "go").touch()
        s = self.running(*steps)
        self.assertEqual(self.names("recovery"), ["close", "later"])  # not what has succeeded
        self.assertEqual(len({line[2] for line in self.ran()}), 1)    # under the same id
        keys = {line[3] for line in self.ran() if line[0] == "close"}
        self.assertEqual(len(keys), 1)
        self.assertIn("cancel: skipped: it succeeded before tinysup was killed", s.log())
        after = re.search(r"killed ([\d.]+) (m?s) after SIGTERM.*at least 8 s", s.log())
        self.assertTrue(after, s.log())
        self.assertGreater(float(after[1]) * (0.001 if after[2] == "ms" else 1), 0.4)
        events = self.history()
        cut = [e for e in events if e["event"] == "cut_off"]
        self.assertEqual((len(cut), cut[0]["signal"], cut[0]["step"]), (1, "SIGTERM", "close"), events)

    def test_killed_in_the_recovery(self):
        steps = [step("cancel", "true"), step("close", "test -e $STATE/go || sleep 60"), step("later", "true")]
        self.kill(self.running(*steps))
        s = self.begin(*steps)
        until(lambda: "close" in self.names("recovery"), "close runs")
        self.until_on_record("name=cancel state=ok")
        self.kill(s)
        (self.state / "go").touch()
        self.running(*steps)
        self.assertEqual(self.names("recovery"), ["cancel", "close", "close", "later"])
        self.assertEqual(len({line[2] for line in self.ran()}), 1)

    def test_killed_after_the_recovery_before_the_app(self):
        steps = [step("cancel", "true")]
        start = 'start: { chain = ( { name = "db"; exec = [ "sh", "-c", "test -e $STATE/go || sleep 60" ]; } ); };'
        (self.state / "go").touch()
        self.kill(self.running(*steps, more=start))
        (self.state / "go").unlink()
        s = self.begin(*steps, more=start)
        s.until_log("db: started")
        self.until_on_record("name=cancel state=ok")
        self.kill(s)
        (self.state / "go").touch()
        self.running(*steps, more=start)
        self.assertEqual(self.names("recovery"), ["cancel"])

    def test_a_required_step_that_failed_is_tried_again_at_the_next_start(self):
        steps = [step("cancel", "true"), step("close", "test -e $STATE/go", BOTH + "required = true;")]
        s = self.running(*steps)
        s.signal("TERM")
        self.assertEqual(s.wait(), 75)
        (self.state / "go").touch()
        self.running(*steps)
        self.assertEqual(self.names("recovery"), ["close"])
        self.assertEqual(len({line[2] for line in self.ran()}), 1)

    def test_on_failure(self):
        steps = [step("close", "test -e $STATE/go", BOTH + "required = true;")]
        self.kill(self.running(*steps))
        s = self.begin(*steps, more='recovery: { on_failure = "refuse"; };', ready=False)
        self.assertEqual(s.wait(), 75)
        self.assertIn("not starting", s.log())
        self.assertEqual(s.file("ready"), "")
        s = self.running(*steps)  # continue
        self.assertEqual(self.names("recovery"), ["close", "close"])
        self.assertEqual(len({line[2] for line in self.ran()}), 1)
        self.kill(s)
        (self.state / "go").touch()
        self.running(*steps, more='recovery: { on_failure = "refuse"; };')
        self.assertEqual(len({line[2] for line in self.ran()}), 2)  # the app had run again

    def test_a_stop_lets_it_go_on_within_the_deadline(self):
        steps = [step("cancel", "sleep 0.3; test -e $STATE/go || sleep 60", BOTH + "required = true;"), step("later", "true")]
        self.kill(self.running(*steps))
        s = self.begin(*steps, deadline="4s")
        s.until_log("cancel: started")
        s.signal("TERM")
        s.until_log("finishing recovery")
        self.assertEqual(s.wait(), 75)
        self.assertLess(s.lasted(), 4)
        self.assertEqual(s.file("ready"), "")
        (self.state / "go").touch()
        s = self.begin(*steps)
        until(lambda: self.names("recovery").count("cancel") == 2, "it goes on")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(s.file("ready"), "")
        self.running(*steps)  # nothing is left
        self.assertEqual(self.names("recovery").count("cancel"), 2)
        self.assertEqual(len({line[2] for line in self.ran()}), 1)

    def test_a_kill_between_the_chain_and_the_end(self):
        """Leftover processes take their time; what the platform gave is all the time until its SIGKILL."""
        s = self.running(app=("orphans", "3", "ignore"), deadline="20s")
        s.signal("TERM")
        s.until_log("sending SIGTERM to leftover processes")
        until(lambda: any(r.kind == "tick" and r["after"] > 800 for r in journal.read(self.state / "journal/slot-1.journal")[0]), "it ticks")
        self.kill(s)
        last = self.history()[-1]
        self.assertEqual((last["event"], last["signal"]), ("cut_off", "SIGTERM"))
        self.assertGreater(last["after_ms"], 800)

    def test_status_shows_the_last_chain_of_the_run_before(self):
        steps = [step("cancel", "true", 'when = [ "stop" ];'), step("close", "sleep 60", 'when = [ "stop" ];')]
        s = self.running(*steps)
        s.signal("TERM")
        self.until_on_record("name=close")
        self.kill(s)
        port = free_port()
        s = self.running(*steps, more=f'listen = "127.0.0.1:{port}";')
        chain = json.loads(s.probe("--json", how="status")[1])["chain"]
        self.assertEqual((chain["running"], chain["earlier_run"], chain["cut_off"], chain["signal"]), (False, True, True, "SIGTERM"))
        self.assertEqual([(e["name"], e["state"]) for e in chain["steps"]], [("cancel", "ok"), ("close", "running"), ("stop", "pending")])

        def metrics():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return answer.read().decode()
            except urllib.error.URLError:
                return None
        self.assertIn('\ntinysup_last_chain_success{reason="stop"} 0\n', until(metrics, "the listener answers"))


class Others(Memory):
    def test_what_another_app_left_is_not_touched(self):
        mine, other = 'app: { name = "mine"; };', 'app: { name = "other"; };'
        self.kill(self.running(step("cancel", "true"), more=mine))
        s = self.running(step("other-cancel", "true"), more=other)
        self.assertEqual(self.ran(), [])
        self.kill(s)
        self.running(step("cancel", "true"), more=mine)
        self.assertEqual(self.names("recovery"), ["cancel"])
        self.running(step("other-cancel", "true"), more=other)
        self.assertEqual(self.names("recovery"), ["cancel", "other-cancel"])


class Budget(Memory):
    LIMIT = 'app: { restart: { max = 2; within = "10m"; exhausted = "%s"; }; };'

    def crash(self, exhausted):
        s = self.begin(app=("die", "9"), more=self.LIMIT % exhausted, ready=False)
        return s, s.wait()

    def test_restarts_of_the_container_count(self):
        for _ in range(3):
            self.assertEqual(self.crash("hold")[1], 137)
        s = self.begin(app=("plain",), more=self.LIMIT % "hold")
        s.until_log("holding: tinysup stays up")
        self.assertEqual(s.file("ready"), "")
        s.until_probe(0, "live")
        self.assertEqual(s.probe("ready")[0], 1)
        s.signal("TERM")
        self.assertEqual(s.wait(), 69)
        self.running(more=self.LIMIT % "hold")  # somebody has acted

    def test_a_stop_does_not_count(self):
        for _ in range(4):
            s = self.running(more=self.LIMIT % "hold")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
        self.running(more=self.LIMIT % "hold")

    def test_kills_count(self):
        for _ in range(3):
            self.kill(self.running(more=self.LIMIT % "hold"))
        s = self.begin(more=self.LIMIT % "hold")
        s.until_log("holding: tinysup stays up")

    def test_restarts_in_the_container_do_not_begin_anew(self):
        more = 'app: { restart: { policy = "on-failure"; max = 2; within = "10m"; backoff = "10ms"; }; };'
        s = self.begin(app=("die", "9"), more=more, ready=False)
        self.assertEqual(s.wait(), 137)
        self.assertEqual(s.log().count("app_start") + s.log().count("(restart "), 2)
        s = self.begin(app=("die", "9"), more=more, ready=False)
        self.assertEqual(s.wait(), 137)
        self.assertEqual(s.log().count("(restart "), 0, s.log())


class Idle(Memory):
    def test_nobody_wakes(self):
        s = self.running()
        self.until_on_record("app_start")
        ours = [s.pid, *(c for c in children(s.pid) if "tinysup" in Path(f"/proc/{c}/comm").read_text())]

        def switches():
            return [re.findall("^(?:non)?voluntary.*", Path(f"/proc/{pid}/status").read_text(), re.M)[:1] for pid in ours]
        self.assertGreater(len(ours), 1)
        time.sleep(0.3)
        before = switches()
        time.sleep(1)
        self.assertEqual(switches(), before)


class Trouble(Memory):
    def test_a_directory_that_cannot_be_made(self):
        (self.state / "journal").write_text("a file")
        s = self.running(step("cancel", "true"))
        self.assertEqual(s.log().count("warn: cannot"), 1, s.log())
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(self.names("stop"), ["cancel"])

    def disk(self):
        """A file system of its own under the state directory, which fsfreeze can stop."""
        image, mount = self.state / "image", self.state / "journal"
        with open(image, "wb") as f:
            f.truncate(16 << 20)
        mount.mkdir()
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(mount)], check=False)
        return mount

    def freeze(self, mount):
        subprocess.run(["fsfreeze", "-f", str(mount)], check=True)
        self.addCleanup(subprocess.run, ["fsfreeze", "-u", str(mount)], stderr=subprocess.DEVNULL, check=False)

    def thaw(self, mount):
        subprocess.run(["fsfreeze", "-u", str(mount)], check=True)

    def test_a_disk_that_hangs_does_not_hold_the_shutdown_up(self):
        mount = self.disk()
        s = self.running(step("cancel", "sleep 2.2"), step("close", "true", BOTH + "idempotency_key = true;"), deadline="6s")
        self.freeze(mount)
        s.signal("TERM")
        s.until_log("exit code 0")
        self.assertLess(time.monotonic() - s.begun, 6)
        self.assertEqual(s.log().count("disk hangs"), 1)
        self.assertEqual(self.names("stop"), ["cancel", "close"])
        self.thaw(mount)  # the kernel keeps the PID namespace until the writer's system call ends
        self.assertEqual(s.wait(), 0)

    def test_a_disk_that_hangs_is_waited_for_once(self):
        mount = self.disk()
        s = self.running(*[step(f"s{n}", "true") for n in range(4)], deadline="20s")
        self.freeze(mount)
        s.signal("TERM")
        s.until_log("exit code 0")
        self.assertLess(time.monotonic() - s.begun, 6)  # 2 s for each would be 8
        self.thaw(mount)
        self.assertEqual(s.wait(), 0)

    def test_a_journal_that_is_removed_is_made_again(self):
        s = self.running(step("cancel", "true"))
        self.until_on_record("app_start")
        shutil.rmtree(self.state / "journal")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertIn("cannot find", s.log())
        self.assertTrue(list((self.state / "journal").glob("*.journal")))

    def test_a_disk_that_hangs_at_the_start(self):
        mount, steps = self.disk(), [step("cancel", "true")]
        self.kill(self.running(*steps))
        self.freeze(mount)
        s = self.begin(*steps, more='recovery: { deadline = "20s"; };')
        s.until_probe(0, "live")
        time.sleep(0.5)
        self.assertEqual((s.file("ready"), s.probe("ready")[0]), ("", 1))
        self.thaw(mount)
        s.until_file("ready")  # late, but with the recovery
        self.assertEqual(self.names("recovery"), ["cancel"])

    def hold(self):
        """As another instance of this name would hold the journal."""
        (self.state / "journal").mkdir(exist_ok=True)
        lock = os.open(self.state / "journal/bot.lock", os.O_RDWR | os.O_CREAT)
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        return lock

    def test_a_journal_that_cannot_be_had(self):
        steps, named = [step("cancel", "true")], 'instance = "bot"; recovery: { deadline = "1s"; %s };'
        lock = self.hold()
        s = self.running(*steps, more=named % "")
        self.assertIn("the journal of instance bot is in use", s.log())
        self.assertIn("the journal could not be read", s.log())
        os.close(lock)
        self.until_on_record("app_start")  # it is had late
        self.kill(s)
        lock = self.hold()
        s = self.begin(*steps, more=named % 'on_failure = "refuse";', ready=False)
        self.assertEqual((s.wait(), s.file("ready")), (75, ""))
        os.close(lock)
        self.running(*steps, more=named % 'on_failure = "refuse";')
        self.assertEqual(self.names("recovery"), ["cancel"])

    def test_a_stop_while_the_journal_is_waited_for(self):
        steps, named = [step("cancel", "true")], 'instance = "bot";'
        self.kill(self.running(*steps, more=named))
        lock = self.hold()
        s = self.begin(*steps, more=named)
        s.until_log("is in use")
        s.signal("TERM")
        self.assertEqual((s.wait(), s.file("ready")), (0, ""))
        self.assertLess(s.seconds, 3)
        os.close(lock)
        self.running(*steps, more=named)
        self.assertEqual(self.names("recovery"), ["cancel"])

    def test_a_full_and_a_read_only_disk(self):
        mount, steps = self.disk(), [step("cancel", "true")]
        self.kill(self.running(*steps))
        with open(mount / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 65536):
                    pass
            except OSError:
                pass
        s = self.running(*steps)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual((self.names("recovery"), self.names("stop")), (["cancel"], ["cancel"]))
        (mount / "filler").unlink()
        self.kill(self.running(*steps))
        subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
        s = self.running(*steps)
        self.assertEqual(s.log().count("warn: cannot"), 1, s.log())
        self.assertEqual(len(self.names("recovery")), 2)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_history_of_the_run_without_a_journal(self):
        s = self.start("--", *APP, "plain", config=f'shutdown: {{ chain = ( {STOP} ); }};')
        s.until_file("ready")
        code, out = s.probe(how="history")
        self.assertEqual(code, 0)
        self.assertIn("app started", out)
