"""--status for people: colours on a terminal, and --watch, which counts a running chain's deadline down."""
import os
import re
import signal
import subprocess

from binaries import tinysup
from harness import Case, Terminal, run, until

BINARIES = ("plain", "sealed", "sanitized")
CONFIG = ('checks = ( { name = "up"; file: { path = "/"; }; } ); probes: { liveness: { checks = ( "up" ); period = "100ms"; }; }; '
          'shutdown: { deadline = "8s"; platform_grace = "60s"; chain = ( '
          '{ name = "wait"; exec = [ "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.05; done" ]; }, { name = "stop"; stop: { }; } ); }; ')
GREEN, RED, STRONG = "\033[32m", "\033[1;31m", "\033[1m"


class Watch(Case):
    def running(self, **options):
        s = self.app("plain", config=CONFIG, **options)
        s.until_probe(0, config=True)
        return s

    def terminal(self, s, *words, env=()):
        terminal = Terminal("nsenter", "-t", s.pid, "-p", "-m", "env", "TERM=xterm", *env, tinysup(), *map(str, words))
        self.addCleanup(terminal.close)
        return terminal

    def test_colours_are_for_terminals(self):
        s = self.running()
        shown = self.terminal(s, "--status")
        shown.until("liveness")
        shown.wait()
        self.assertIn(f"liveness   {GREEN}healthy\033[0m", shown.read())
        for env in (("NO_COLOR=1",), ("TERM=dumb",)):
            plain = self.terminal(s, "--status", env=env)
            plain.wait()
            self.assertIn("liveness   healthy  ", plain.read())
            self.assertNotIn("\033", plain.read())
        self.assertNotIn("\033", s.probe(how="status")[1])

    def test_a_chain_is_counted_down(self):
        s = self.running(first=False)   # not process 1, with which a watch in the container ends
        shown = self.terminal(s, "--status", "--watch", "--config", s.directory / "conf", env=(f"TEST_DIR={s.directory}",))
        shown.until("healthy")
        s.signal("TERM")
        shown.until("s left of 8.0 s")
        shown.until(f"wait  {STRONG}running\033[0m")
        left = [float(n) for n in re.findall(r"([\d.]+) s left of 8\.0 s", shown.read())]
        until(lambda: [float(n) for n in re.findall(r"([\d.]+) s left of 8\.0 s", shown.read())][-1] < left[0], "it counts down")
        s.touch("go")
        shown.until("tinysup has ended")
        self.assertEqual((shown.wait(), s.wait()), (0, 0))

    def test_without_a_terminal(self):
        s = self.running()
        watch = subprocess.Popen(["nsenter", "-t", str(s.pid), "-p", "-m", tinysup(), "--status", "--watch"], stdout=subprocess.PIPE)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        seen = b""
        while seen.count(b"liveness   healthy") < 2:
            seen += os.read(watch.stdout.fileno(), 65536)
        self.assertNotIn(b"\033", seen)
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(), -signal.SIGINT)

    def test_what_it_does_not_go_with(self):
        self.assertEqual(run("--watch", "--", "true")[0], 64)
        self.assertEqual(run("--status=json", "--watch")[0], 64)
        code, _, said = run("--status", "--watch", env={"TINYSUP_CONFIG": "/dev/null"})  # by itself: it would find another test's
        self.assertEqual(code, 1, said)
