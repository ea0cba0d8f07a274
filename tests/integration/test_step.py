"""--step: the panic button."""
import os
import signal
import subprocess
import time

from binaries import tinysup
from harness import APP, Case, until

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'


def chain(*steps, more=""):
    return f'{more} shutdown: {{ deadline = "4s"; platform_grace = "60s"; chain = ( {", ".join([*steps, STOP])} ); }};'


def step(name, script, more=""):
    script = f"echo {name} $TINYSUP_REASON $TINYSUP_APP_PID $TINYSUP_SHUTDOWN_ID >> $TEST_DIR/ran; {script}"
    return '{{ name = "{}"; exec = [ "sh", "-c", "{}" ]; {} }}'.format(name, script.replace('"', '\\"'), more)


class Step(Case):
    def running(self, *steps, more=""):
        s = self.start("--", *APP, "plain", config=chain(*steps, more=more))
        s.until_file("ready")
        return s

    def step(self, s, names):
        return s.probe(names, how="step")

    def ran(self, s):
        return [line.split() for line in s.file("ran").splitlines()]

    def test_it_runs_beside_the_app(self):
        s = self.running(step("cancel", "kill -0 $TINYSUP_APP_PID"), step("pause", "kill -0 $TINYSUP_APP_PID", "needs_app = true;"))
        code, out = self.step(s, "pause,cancel")
        self.assertEqual(code, 0, out)
        ran = self.ran(s)
        self.assertEqual([line[:2] for line in ran], [["pause", "manual"], ["cancel", "manual"]])
        self.assertEqual(len({line[3] for line in ran}), 1)
        self.assertEqual(s.probe("live")[0], 0)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual([line[:2] for line in self.ran(s)][2:], [["cancel", "stop"], ["pause", "stop"]])

    def test_one_that_fails(self):
        s = self.running(step("cancel", "exit 3"), step("tell", "true"))
        code, out = self.step(s, "cancel,tell")
        self.assertEqual((code, [line[0] for line in self.ran(s)]), (75, ["cancel", "tell"]))
        self.assertIn("cancel: failed", out)

    def test_it_has_its_deadline(self):
        s = self.running(step("cancel", "sleep 60"))
        code, out = self.step(s, "cancel")
        self.assertEqual(code, 75)
        self.assertIn("cancel: timeout", out)

    def test_a_signal_breaks_it_off(self):
        s = self.running(step("cancel", "sleep 60"))
        run = subprocess.Popen(["nsenter", "-t", str(s.pid), "-p", "-m", tinysup(), "--step", "cancel"], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "TEST_DIR": str(s.directory)})
        s.until_file("ran", "cancel")
        children = [int(p) for p in open(f"/proc/{run.pid}/task/{run.pid}/children").read().split()]
        os.kill(children[0] if children else run.pid, signal.SIGINT)
        _, err = run.communicate(timeout=20)
        self.assertEqual(run.returncode, 75, err)
        self.assertIn("cut: interrupted by a stop signal", err)

    def test_the_values_of_each_run_side_by_side(self):
        each = ('{ name = "close"; each = [ "a", "b" ]; exec = [ "sh", "-c", "touch $TEST_DIR/${each}; '
                'while ! test -e $TEST_DIR/a -a -e $TEST_DIR/b; do sleep 0.01; done" ]; }')
        s = self.running(each)
        code, out = self.step(s, "close")
        self.assertEqual(code, 0, out)

    def test_what_it_refuses(self):
        s = self.running(step("cancel", "true"), '{ name = "poke"; signal = "SIGUSR1"; }')
        for names, said in (("stop", "stops the app"), ("poke", "sends it a signal"), ("cancle", 'did you mean "cancel"?'), ("cancel,", 'no step ""'),
                            ("cancel,nosuch", "no step")):
            code, out = self.step(s, names)
            self.assertEqual(code, 64, out)
            self.assertIn(said, out)
        self.assertEqual(s.file("ran"), "")

    def test_without_a_supervisor(self):
        s = self.running(step("cancel", "true"), step("pause", "true", "needs_app = true;"))
        env = {**os.environ, "TEST_DIR": str(s.directory)}
        s.signal("KILL")
        s.process.wait()
        (s.directory / "ran").unlink(missing_ok=True)
        begun = time.monotonic()
        for names, code in (("cancel", 0), ("pause", 75)):
            done = subprocess.run([tinysup(), "--config", s.directory / "conf", "--step", names], env=env, stderr=subprocess.PIPE, text=True, timeout=20,
                                  check=False)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(self.ran(s), [["cancel", "manual", self.ran(s)[0][2]]])

    def test_it_is_in_the_history(self):
        s = self.running(step("cancel", "true"), more='state_dir = "${TEST_DIR}/journal";')
        self.assertEqual(self.step(s, "cancel")[0], 0)
        code, out = s.probe("--state", str(s.directory / "journal"), how="history")
        self.assertEqual(code, 0)
        self.assertIn("manual: chain of 1 step", out)
