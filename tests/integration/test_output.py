"""app.output: what the app writes reaches the container's stdout and stderr as before, and a file that is rotated."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Case, HERE, children, until
from services import Service
from test_alert_steps import channels

BINARIES = ("plain", "sealed", "sanitized")
WRITER = [sys.executable, "-S", "-E", str(HERE / "output_app.py")]
CHAIN = 'shutdown: { deadline = "6s"; platform_grace = "60s"; chain = ( { name = "stop"; stop: { timeout = "2s"; }; } ); }; '


def output(file="${TEST_DIR}/log", more=""):
    return f'output: {{ file = "{file}"; {more} }}; '


def config(file="${TEST_DIR}/log", more="", app="", top=""):
    return f'app: {{ name = "app"; {app} {output(file, more)} }}; {CHAIN} {top}'


class OutputCase(Case):
    def ended(self, *words, **options):
        s = self.start("--", *WRITER, *words, ready=False, **options)
        s.code = s.wait()
        return s

    def kept(self, s, name="log"):
        """The file and what was rotated, the oldest first."""
        numbers = sorted((int(p.suffix[1:]) for p in s.directory.glob(f"{name}.*")), reverse=True)
        return "".join((s.directory / f"{name}.{n}").read_text() for n in numbers) + s.file(name)

    def relay(self, s):
        for pid in children(s.pid):
            try:
                if Path(f"/proc/{pid}/comm").read_text() == "tinysup-output\n":
                    return pid
            except OSError:
                continue
        return None


class Copy(OutputCase):
    def test_both_streams_in_whole_lines(self):
        s = self.ended("both", "2000", config=config())
        out = "".join(f"out {n} {'o' * 200}\n" for n in range(2000))
        self.assertEqual((s.code, s.out()), (0, out))
        err = "".join(line for line in s.log().splitlines(True) if line.startswith("err"))
        self.assertEqual(err, out.replace("out", "err").replace("o" * 200, "e" * 200))
        lines = s.file("log").splitlines(True)
        self.assertEqual("".join(line for line in lines if line.startswith("out")), out)
        self.assertEqual(len(lines), 4000)
        self.assertNotIn("tinysup", s.file("log"))

    def test_off_the_app_has_the_containers_own(self):
        s = self.start("--", "sh", "-c", "link=$(readlink /proc/$$/fd/1); echo $link > $TEST_DIR/one", config=CHAIN, ready=False)
        s.wait()
        self.assertEqual(s.file("one").strip(), str(s.stdout))

    def test_an_app_of_another_user_opens_dev_stdout(self):
        s = self.start("--", "sh", "-c", "echo it works > /proc/self/fd/1", config=config(app='user = "65534:65534";'), ready=False)
        self.assertEqual((s.wait(), s.out(), s.file("log")), (0, "it works\n", "it works\n"), s.log())

    def test_what_the_app_said_last_before_it_was_killed(self):
        s = self.start("--", "sh", "-c", "seq 10000; kill -9 $$", config=config(), ready=False)
        self.assertEqual(s.wait(), 137)
        self.assertTrue(s.file("log").endswith("9999\n10000\n"))
        self.assertTrue(s.out().endswith("9999\n10000\n"))

    def test_a_restarted_app_goes_on_in_the_same_file(self):
        s = self.start("--", "sh", "-c", "echo life; exit 3", ready=False, config=config(
            app='restart: { policy = "on-failure"; max = 2; backoff = "10ms"; };'))
        self.assertEqual((s.wait(), s.file("log"), s.out()), (3, "life\n" * 3, "life\n" * 3))


class Rotation(OutputCase):
    def test_at_the_ends_of_lines_and_nothing_is_lost(self):
        s = self.ended("numbers", "40000", config=config(more='max_size = "64KB"; keep = 9;'))
        self.assertEqual(self.kept(s), "".join(f"{n}\n" for n in range(40000)))
        for file in s.directory.glob("log.*"):
            self.assertTrue(file.read_bytes().endswith(b"\n"))
            self.assertLessEqual(file.stat().st_size, 65536 + 8)

    def test_only_so_many_are_kept(self):
        s = self.ended("numbers", "60000", config=config(more="max_size = 65536; keep = 2;"))
        self.assertEqual(sorted(p.name for p in s.directory.glob("log*")), ["log", "log.1", "log.2"])
        self.assertTrue(self.kept(s).endswith("59998\n59999\n"))

    def test_a_line_longer_than_the_limit(self):
        s = self.start("--", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo", config=config(more="max_size = 65536; keep = 9;"), ready=False)
        self.assertEqual((s.wait(), len(self.kept(s)), len(s.out())), (0, 300001, 300001))

    def test_a_tailer_follows_it(self):
        s = self.start("--", *WRITER, "numbers", "30000", "0.00005", config=config(more='max_size = "64KB"; keep = 9;'), files=["log"])
        with open(s.directory / "seen", "wb") as seen:
            tail = subprocess.Popen(["tail", "-n", "+1", "-s", "0.02", "--follow=name", "--retry", str(s.directory / "log")], stdout=seen,
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)
        s.wait(60)
        until(lambda: s.file("seen").endswith("29999\n"), "it has seen the last line")
        self.assertEqual(s.file("seen"), "".join(f"{n}\n" for n in range(30000)))

    def test_moved_away_by_somebody_else(self):
        s = self.start("--", *WRITER, "for_ever", config=config())
        until(lambda: s.file("log"), "it has begun")
        (s.directory / "log").rename(s.directory / "away")
        until(lambda: s.file("log"), "a new file")
        s.signal("TERM")
        s.wait()
        self.assertEqual(s.file("away") + s.file("log"), "".join(f"{n}\n" for n in range(int(s.file("count")))))


class Trouble(OutputCase):
    def test_the_relay_is_killed_again_and_again(self):
        """No line is lost, and the app's writes never fail. What a relay is killed in writing may come twice."""
        s = self.start("--", *WRITER, "for_ever", config=config())
        until(lambda: s.file("log"), "it has begun")
        kills = 0
        for _ in range(12):
            pid = until(lambda: self.relay(s), "a relay")
            os.kill(pid, signal.SIGKILL)
            kills += 1
            until(lambda: self.relay(s) not in (None, pid), "another one")
            time.sleep(0.03)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        count = int(s.file("count"))
        for text in (s.file("log"), s.out()):
            numbers = [int(line) for line in text.splitlines()]
            self.assertEqual(sorted(set(numbers)), list(range(count)))
            self.assertEqual([n for n, m in zip(numbers, numbers[1:]) if m > n + 1], [])

    def test_a_full_disk(self):
        disk = tempfile.mkdtemp(prefix="tinysup-disk-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], check=True)
        try:
            s = self.start("--", *WRITER, "for_ever", "100", config=config(file=f"{disk}/log", more='max_size = "64KB"; keep = 1;'), piped=True)
            until(lambda: os.path.exists(f"{disk}/log.1"), "it has rotated")
            subprocess.run(["dd", "if=/dev/zero", f"of={disk}/full", "bs=4k"], stderr=subprocess.DEVNULL, check=False)
            s.until_log("No space left on device")
            written = len(s.out())
            until(lambda: len(s.out()) > written + 10000, "the container's stdout goes on")
            os.remove(f"{disk}/full")
            until(lambda: "could not be written here: No space left" in Path(f"{disk}/log").read_text() + Path(f"{disk}/log.1").read_text(), "it goes on")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertEqual(s.log().count("cannot write"), 1, s.log())
            self.assertEqual(len(s.out().splitlines()), int(s.file("count")))
        finally:
            s.__exit__()
            until(lambda: subprocess.run(["umount", disk], stderr=subprocess.DEVNULL).returncode == 0, "it is unmounted")
            os.rmdir(disk)

    def test_a_directory_that_goes(self):
        folder = tempfile.mkdtemp(prefix="tinysup-gone-")
        s = self.start("--", "sh", "-c", f"rmdir {folder}; seq 100", config=config(file=f"{folder}/log"), ready=False)
        self.assertEqual((s.wait(), s.out()), (0, "".join(f"{n}\n" for n in range(1, 101))))
        self.assertRegex(s.log(), "cannot write /.*/log: No such file or directory")

    def test_a_reader_that_stalls(self):
        """The app goes on, the file has it all, and the reader is told what it missed."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        s = self.start("--", *WRITER, "for_ever", "100", config=config(), stdout=write)
        os.close(write)
        until(lambda: len(s.file("log")) > 300000, "the app goes on")
        seen = bytearray()
        reader = threading.Thread(target=lambda: [seen.extend(some) for some in iter(lambda: os.read(read, 1 << 20), b"")], daemon=True)
        reader.start()
        until(lambda: b"too slow]\n" in seen and not seen.endswith(b"slow]\n"), "it is told")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        reader.join(10)
        seen = bytes(seen)
        dropped = int(re.search(rb"\n\[tinysup: dropped (\d+) bytes here: the reader was too slow\]\n\d+\n", seen)[1])
        before, after = seen.split(b"[tinysup")[0], seen.split(b"slow]\n")[1]
        first, second = int(before.split()[-1]), int(after.split()[0])
        self.assertEqual(dropped, 101 * (second - first - 1))
        self.assertEqual(s.file("log"), "".join(f"{n:0100}\n" for n in range(int(s.file("count")))))

    def test_what_comes_after_a_stall_is_whole(self):
        """The reader has caught up: the next line is the first that it gets, and not the first that is dropped."""
        read, write = os.pipe()
        s = self.start("--", "sh", "-c", "seq 60000; touch $TEST_DIR/written; until test -e $TEST_DIR/read; do sleep 0.05; done; echo last words; exit 3",
                       config=config(), stdout=write)
        os.close(write)
        s.until_file("written")
        until(lambda: s.file("log").endswith("\n60000\n"), "the file has it all")
        with open(read, "rb", buffering=0) as file:
            os.set_blocking(read, False)
            seen = b""
            while data := file.read(65536):
                seen += data
            self.assertLess(len(seen), 300000)
            s.touch("read")
            os.set_blocking(read, True)
            seen = file.readall()
        self.assertEqual(s.wait(), 3)
        self.assertRegex(seen, rb"\[tinysup: dropped \d+ bytes here: the reader was too slow\]\nlast words\n$")

    def test_what_the_reader_misses_at_the_end_is_told(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        s = self.start("--", "sh", "-c", "seq 60000; exit 3", config=config(), stdout=write, ready=False)
        os.close(write)
        self.assertEqual(s.wait(), 3)
        missed = int(re.search(r"the app's stdout misses its last (\d+) bytes: the reader was too slow", s.log())[1])
        self.assertEqual(len(os.read(read, 1 << 20)) + missed, len(s.file("log")))

    def test_a_file_that_cannot_be_renamed(self):
        """As a bind mount: max_size holds nevertheless."""
        s = self.start("--", "sh", "-c", "mkdir -p $TEST_DIR/log.1/full; seq 60000", config=config(more='max_size = "64KB"; keep = 1;'), ready=False)
        self.assertEqual(s.wait(), 0)
        self.assertRegex(s.log(), "cannot rotate /.*/log: .*; it is emptied at max_size")
        self.assertEqual(s.log().count("cannot rotate"), 1)
        self.assertLess((s.directory / "log").stat().st_size, 65536 + 65536)
        self.assertTrue(s.file("log").endswith("59999\n60000\n"))

    def test_a_reader_that_has_gone(self):
        read, write = os.pipe()
        s = self.start("--", *WRITER, "numbers", "20000", config=config(), stdout=write, ready=False)
        os.close(write)
        os.close(read)
        self.assertEqual(s.wait(), 0, s.log())
        self.assertTrue(s.file("log").endswith("19999\n"))

    def test_stdout_and_stderr_as_sockets(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            s = self.start("--", *WRITER, "numbers", "1000", config=config(), stdout=theirs, ready=False)
            theirs.close()
            seen = b"".join(iter(lambda: ours.recv(65536), b""))
        self.assertEqual((s.wait(), seen.decode()), (0, "".join(f"{n}\n" for n in range(1000))))


class Tail(OutputCase):
    def test_in_status(self):
        s = self.start("--", "sh", "-c", "seq 100; printf '\\033[31mred\\033[0m \\377\\001\\n'; touch $TEST_DIR/ready; exec sleep 100",
                       config=config(more="tail = 3;"))
        s.until_file("ready")
        until(lambda: (s.directory / "log").exists() and (s.directory / "log").read_bytes().endswith(b"\x01\n"), "it is copied")
        said = s.probe(how="status")[1]
        self.assertRegex(said, r"last output, in /\S+/log\n  99\n  100\n  red \?\?\n$")
        self.assertEqual(json.loads(s.probe(how="status=json")[1])["output"]["tail"], ["99", "100", "red ??"])

    def test_over_a_rotation(self):
        s = self.start("--", "sh", "-c", "seq 20000; touch $TEST_DIR/ready; exec sleep 100", config=config(more='tail = 100; max_size = "64KB";'))
        s.until_file("ready")
        until(lambda: s.file("log").endswith("20000\n"), "it is copied")
        self.assertEqual(json.loads(s.probe(how="status=json")[1])["output"]["tail"], [str(n) for n in range(19901, 20001)])

    def test_in_an_alert_about_a_crash(self):
        with Service("webhook") as sink:
            s = self.start("--", "sh", "-c", "echo all is well; echo 'Traceback: boom' >&2; exit 3", ready=False,
                           config=config(top=channels(a=("webhook", sink.url, "")) + 'notify_on = [ "crash" ];'))
            self.assertEqual(s.wait(), 3, s.log())
            got, = sink.taken
        self.assertIn("all is well\nTraceback: boom", got["text"])

    def test_not_of_an_earlier_run(self):
        with Service("webhook") as sink, tempfile.TemporaryDirectory() as folder:
            Path(folder, "log").write_text("of yesterday\n")
            s = self.start("--", "sh", "-c", "exit 3", ready=False, config=config(
                file=f"{folder}/log", top=channels(a=("webhook", sink.url, "")) + 'notify_on = [ "crash" ];'))
            self.assertEqual(s.wait(), 3, s.log())
            got, = sink.taken
        self.assertNotIn("yesterday", got["text"])


class History(OutputCase):
    def events(self, s, *words):
        done = subprocess.run([os.fsdecode(s.binary), *(words or ["--history"]), "--state", str(s.directory / "state")], timeout=30,
                              stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.splitlines()

    def config(self, app="", more=""):
        return f'state_dir = "${{TEST_DIR}}/state"; {more} {config(more="tail = 2;", app=app)}'

    def test_each_crash_has_its_last_lines(self):
        s = self.start("--", "sh", "-c", "echo began; n=$(ls $TEST_DIR/x* 2>/dev/null | wc -l); touch $TEST_DIR/x$n; echo life $n;"
                       " printf 'boom\\t%0200d\\n' $n >&2; exit 3", ready=False,
                       config=self.config(app='restart: { policy = "on-failure"; backoff = "10ms"; max = 2; };'))
        self.assertEqual(s.wait(), 3, s.log())
        told = [line.split("Z  ", 1)[1] for line in self.events(s)]
        for life in range(3):
            at = told.index(f"  | life {life}")
            self.assertEqual(told[at + 1], "  | boom\t" + "0" * (111 - len("boom ")))
            self.assertIn("app exited with code 3", told[:at])
            self.assertLess([line.startswith("app exited") for line in told[:at]].count(True), life + 2)
        self.assertNotIn("  | began", told)
        lines = [event["line"] for event in map(json.loads, self.events(s, "--history", "--json")) if event["event"] == "output"]
        self.assertEqual([line for line in lines if "life" in line], ["life 0", "life 1", "life 2"])
        self.assertEqual(self.events(s, "--history=5"), self.events(s)[-7:])  # the app's lines are not counted

    def test_the_end_that_was_asked_for_has_none(self):
        s = self.start("--", "sh", "-c", "trap 'echo bye; exit 4' TERM; echo here; touch $TEST_DIR/ready; while :; do sleep 0.01; done", config=self.config())
        s.until_file("ready")
        s.signal("TERM")
        s.wait()
        self.assertNotIn("  | ", "\n".join(self.events(s)))

    def test_an_app_that_hangs_has_them(self):
        s = self.start("--", "sh", "-c", "echo it hangs; exec sleep 100", ready=False, config=self.config() +
                       'probes: { liveness: { checks = ( { name = "no"; exec = [ "false" ]; } ); period = "50ms"; failure_threshold = 1; '
                       'initial_delay = "300ms"; on_failure = "shutdown"; }; };')
        s.wait()
        told = [line.split("Z  ", 1)[1] for line in self.events(s)]
        self.assertRegex(told[told.index("  | it hangs") - 1], "liveness: UNHEALTHY")

    def test_an_end_in_order_is_not_cut_off(self):
        """The lines may come after the end of the run."""
        for _ in range(4):
            s = self.start("--", "sh", "-c", "echo hello; exit 3", ready=False, config='state_dir = "${TEST_DIR}/state"; app: { %s };' % output())
            self.assertEqual(s.wait(), 3, s.log())
            told = "\n".join(self.events(s))
            self.assertIn("  | hello", told)
            self.assertNotIn("killed without", told)

    def test_they_may_come_late(self):
        """The relay does not run until 600 ms after the crash, as on a busy machine."""
        s = self.start("--", "sh", "-c", "until [ -e $TEST_DIR/go ]; do sleep 0.01; done; echo hello; exit 3", config=self.config(), first=False)
        relay = until(lambda: self.relay(s), "a relay")
        os.kill(relay, signal.SIGSTOP)
        (s.directory / "go").touch()
        s.until_log("exited with code 3")
        time.sleep(0.6)
        os.kill(relay, signal.SIGCONT)
        self.assertEqual(s.wait(), 3, s.log())
        self.assertIn("  | hello", "\n".join(self.events(s)))

    def test_not_those_of_a_file_that_cannot_be_written(self):
        folder = tempfile.mkdtemp(prefix="tinysup-gone-")
        s = self.start("--", "sh", "-c", f"echo before; until [ -s {folder}/log ]; do sleep 0.01; done; rm -r {folder}; sleep 1.2; echo after; exit 3",
                       ready=False, config=self.config().replace("${TEST_DIR}/log", f"{folder}/log"))
        self.assertEqual(s.wait(), 3, s.log())
        self.assertIn("  | [tinysup: the last lines are in the container's log only", "\n".join(self.events(s)))
