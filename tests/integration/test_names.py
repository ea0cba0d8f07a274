"""Started as tini or dumb-init: the same command lines give the same as the real ones, run side by side. And on a terminal."""
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from binaries import tinysup
from harness import LIBC, APP, Case, Terminal, stat_of, until

BINARIES = ("plain", "sealed")
REAL = {"tini": "/usr/bin/tini", "dumb-init": "/usr/bin/dumb-init"}


class Names(Case):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-test-"))
        for name in (*REAL, "docker-init", "tini-static"):
            (self.directory / name).symlink_to(tinysup())

    def tearDown(self):
        for path in self.directory.iterdir():
            path.unlink()
        self.directory.rmdir()

    def both(self, name, *words, env=None, first=False, setup=None):
        """(exit code, stdout, stderr) of ours and of the real one, with what differs by nature made alike."""
        results = []
        for program in (str(self.directory / name), REAL[name]):
            wrap = ["unshare", "--pid", "--fork", "--kill-child"] if first else []
            done = subprocess.run([*wrap, program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=20, check=False, env={**os.environ, **(env or {})}, preexec_fn=setup)
            alike = [re.sub(r"\((\d+)\)|pid=\d+", "(N)", text).replace(program, name) for text in (done.stdout, done.stderr)]
            results.append((done.returncode, *alike))
        return results

    def same(self, name, *words, **options):
        ours, real = self.both(name, *words, **options)
        self.assertEqual(ours, real)

    def test_tini(self):
        for words in (["-s", "--", "sh", "-c", "exit 3"], ["-s", "-e", "3", "--", "sh", "-c", "exit 3"], ["--", "true"],
                      ["-s", "-e", "999", "true"], ["-p", "FOO", "true"], ["-s", "nosuch"], ["-s", "/etc/passwd"], ["-s", "--", "--", "true"],
                      ["-s", "--", "sh", "-c", "kill -9 $$"], ["-s", "-e", "137", "--", "sh", "-c", "kill -9 $$"], ["-g", "-s", "true"],
                      ["-s", "--", "pwd"], ["-s", "--", "sh", "-c", "echo out; echo err >&2"]):
            with self.subTest(words=words):
                self.same("tini", *words)

    def test_tini_as_process_1(self):
        for words in (["--", "sh", "-c", "exit 3"], ["-w", "--", "sh", "-c", "(sh -c 'exit 1' &) ; sleep 0.2"], ["--", "sh", "-c", "echo $$"],
                      ["--", "sh", "-c", "sleep 60 & exit 5"]):
            with self.subTest(words=words):
                self.same("tini", *words, first=True)

    def test_tini_whose_launcher_is_a_subreaper(self):
        self.same("tini", "--", "sh", "-c", "exit 3", setup=lambda: LIBC.prctl(36, 1))  # PR_SET_CHILD_SUBREAPER

    def test_tini_environment(self):
        self.same("tini", "true", env={"TINI_SUBREAPER": ""})
        self.same("tini", "true", env={"TINI_VERBOSITY": "0"})
        self.same("tini", "-s", "nosuch", env={"TINI_VERBOSITY": "0"})

    def test_tini_usage(self):
        for words in (["-x"], [], ["-e"]):
            with self.subTest(words=words):
                ours, real = self.both("tini", *words)
                self.assertEqual(ours[0], real[0])
                self.assertIn("Usage: tini [OPTIONS] PROGRAM -- [ARGS]", ours[2])
        ours, real = self.both("tini", "-h")
        self.assertEqual((ours[0], ours[2]), (real[0], real[2]))
        ours, real = self.both("tini", "--version")
        self.assertEqual(ours[0], 0)
        self.assertTrue(ours[1].startswith("tini version 0."))

    def test_dumb_init(self):
        for words in (["sh", "-c", "exit 3"], ["nosuch"], [], ["-r", "99:1", "true"], ["-r", "x", "true"], ["-x", "true"],
                      ["sh", "-c", "kill -9 $$"], ["-c", "sh", "-c", "kill -TERM $$"], ["pwd"], ["--", "true"], ["/etc/passwd"],
                      ["sh", "-c", "kill -TERM $PPID; sleep 5"], ["-r", "15:2", "sh", "-c", "trap 'exit 9' INT; kill -TERM $PPID; sleep 5"]):
            with self.subTest(words=words):
                self.same("dumb-init", *words)

    def test_dumb_init_sessions(self):
        look = ["sh", "-c", "cut -d' ' -f1,5,6 /proc/$$/stat | awk '{ print ($1 == $2), ($1 == $3) }'"]
        self.same("dumb-init", *look)
        self.same("dumb-init", "-c", *look)
        self.same("dumb-init", *look, env={"DUMB_INIT_SETSID": "0"})

    def test_dumb_init_ends_the_group(self):
        s = self.start("sh", "-c", "sh -c 'trap \"echo told > $TEST_DIR/told; exit\" TERM; echo > $TEST_DIR/ready; while :; do sleep 0.05; done' & "
                       "while ! test -e $TEST_DIR/ready; do sleep 0.01; done; exit 4", first=False, name="dumb-init", ready=False)
        self.assertEqual(s.wait(), 4)
        s.until_file("told", "told")

    def test_every_signal_is_forwarded_as_they_do(self):
        for name, without in (("tini", {4, 5, 6, 7, 8, 11, 21, 22, 31}), ("dumb-init", {20, 21, 22})):
            with self.subTest(name=name):
                s = self.start("--", *APP, "signals", "0", name=name)
                s.until_file("ready")
                expected = [n for n in range(1, 32) if n not in (9, 15, 17, 19) and n not in without]
                for n in [n for n in range(1, 32) if n not in (9, 15, 17, 19, 20, 21, 22)]:
                    s.signal(n)
                    if n in expected:
                        s.until_file("signals", f"\n{n}\n" if n > 1 else "1\n")
                self.assertEqual([int(x) for x in s.file("signals").split()], [n for n in expected if n != 20])
                s.signal("TERM")
                s.until_file("signals", "\n15\n")

    def test_dumb_init_stops_the_child_and_itself(self):
        s = self.start("--", *APP, "signals", name="dumb-init", first=False)
        s.until_file("ready")
        app = s.app()

        def state(pid):
            return stat_of(pid)[0]

        s.signal("TSTP")
        until(lambda: (state(app), state(s.pid)) == ("T", "T"), "both are stopped")
        s.signal("CONT")
        until(lambda: state(s.pid) == "S" and state(app) == "S", "both go on")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_they_read_no_configuration_and_keep_no_deadline(self):
        s = self.start("--", *APP, "ignore_term", name="tini", env={"TINYSUP_CONFIG": "/nonexistent"})
        s.until_file("ready")
        s.signal("TERM")
        with self.assertRaises(subprocess.TimeoutExpired):
            s.process.wait(0.5)

    def test_docker_init_is_tini(self):
        for name in ("docker-init", "tini-static"):
            done = subprocess.run([self.directory / name, "--version"], stdout=subprocess.PIPE, text=True, timeout=10, check=True)
            self.assertTrue(done.stdout.startswith("tini version "))


class OnATerminal(Case):
    def terminal(self, *words, name=None):
        binary = tinysup()
        if name:
            directory = tempfile.mkdtemp(prefix="tinysup-test-")
            binary = os.path.join(directory, name)
            os.symlink(tinysup(), binary)
            self.addCleanup(os.rmdir, directory)
            self.addCleanup(os.unlink, binary)
        t = Terminal(binary, *words)
        self.addCleanup(t.close)
        return t

    def test_the_app_is_in_the_foreground(self):
        for name in (None, "tini", "dumb-init"):
            with self.subTest(name=name):
                t = self.terminal("sh", "-c", "echo ready; read line; echo got $line; exit 6", name=name)
                t.until("ready")
                t.type("hello\n")
                t.until("got hello")
                self.assertEqual(t.wait(), 6)

    def test_ctrl_c_reaches_it_once(self):
        for name in (None, "tini", "dumb-init"):
            with self.subTest(name=name):
                t = self.terminal("sh", "-c", "n=0; trap 'n=$((n+1)); echo int $n' INT; trap 'exit 7' TERM; echo ready; "
                                  "while :; do sleep 0.05; done", name=name)
                t.until("ready")
                t.type("\x03")
                t.until("int 1")
                os.kill(t.pid, signal.SIGTERM)
                self.assertEqual(t.wait(), 7)
                self.assertNotIn("int 2", t.read())

    def test_a_background_start_does_not_steal_the_terminal(self):
        t = Terminal("bash", "-ic", f"{tinysup()} sleep 30 & sleep 0.2; read -p 'mine? ' x; echo got $x; kill %1; wait %1; exit 5")
        self.addCleanup(t.close)
        t.until("mine?")
        t.type("yes\n")
        t.until("got yes")
