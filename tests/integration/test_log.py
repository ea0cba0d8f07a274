"""The log: on a terminal, and as JSON, where every event has the fields that tinysup.conf(5) lists for it."""
import json
import re
import tempfile
from pathlib import Path

from binaries import tinysup
from harness import APP, Case, Terminal, until

ROOT = Path(__file__).resolve().parent.parent.parent
BINARIES = ("plain", "sealed", "sanitized")
COMMON = {"time", "level", "logger", "app", "event", "step", "message"}


def documented():
    """event -> (fields it always has, fields it may have), from the manual."""
    page = (ROOT / "docs/tinysup.conf.5").read_text()
    section = page[page.index("\n.SH LOG\n"):page.index(".SH ALERTS\n")]
    events = {}
    for event, fields in re.findall(r"\.TP\n\.BR? (\w+)\n(?:.*\n)*?Fields: ((?:.*\n)*?.*)\.(?=\n)", section):
        names = [] if fields == "none" else re.split(r",\s+", fields)
        events[event] = ({n for n in names if n[0] != "["}, {n.strip("[]") for n in names})
    return events


class Fields(Case):
    def events(self, s):
        lines = [json.loads(line) for line in s.log().splitlines()]
        table = documented()
        for line in lines:
            always, possible = table[line["event"]]
            extra = line.keys() - COMMON
            self.assertLessEqual(always, extra, line)
            self.assertLessEqual(extra, possible, line)
        return lines

    def test_failed_checks_although_the_next_round_has_begun(self):
        """A round that takes longer than its period: the next begins as it ends."""
        s = self.start("--", *APP, "plain", config='''
            log: { format = "json"; };
            checks = ( { name = "up"; exec = [ "sh", "-c", "sleep 0.1; test -e $TEST_DIR/up" ]; } );
            probes: { liveness: { checks = ( "up" ); period = "20ms"; timeout = "5s"; failure_threshold = 1; }; };''')
        s.until_log("probe_change")
        s.signal("TERM")
        s.wait()
        failed = next(e for e in self.events(s) if e["event"] == "probe_change")
        self.assertEqual((failed["step"], failed["result"], failed["failed_checks"]), ("liveness", "failed", ["up"]))

    def test_a_chain_a_restart_and_a_probe(self):
        s = self.start("--", "sh", "-c", "touch $TEST_DIR/up; echo >> $TEST_DIR/lives; exec sleep 77", config='''
            log: { format = "json"; level = "debug"; };
            app: { restart: { backoff = "10ms"; }; };
            checks = ( { name = "up"; file: { path = "${TEST_DIR}/up"; }; }, { name = "soft"; soft = true; exec = [ "false" ]; } );
            probes: { startup: { checks = ( "up" ); period = "20ms"; failure_threshold = 1000; };
                      liveness: { checks = ( "up", "soft" ); period = "50ms"; failure_threshold = 2; on_failure = "restart"; };
                      readiness: { checks = ( "up" ); period = "50ms"; }; };
            shutdown: { deadline = "9s"; chain = (
              { name = "retried"; exec = [ "sh", "-c", "echo hello; test $TINYSUP_ATTEMPT = 2" ]; retry: { attempts = 2; backoff = "1ms"; }; },
              { name = "failing"; exec = [ "sh", "-c", "exit 9" ]; },
              { name = "late"; exec = [ "sleep", "77" ]; timeout = "100ms"; },
              { name = "crash only"; exec = [ "true" ]; when = [ "crash" ]; },
              { name = "stop"; stop: { timeout = "2s"; }; },
              { name = "needs"; exec = [ "true" ]; needs_app = true; } ); };''')
        s.until_probe(0)
        s.remove("up")
        until(lambda: s.file("lives") == "\n\n", "the app runs again")
        s.until_probe(0)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        lines = self.events(s)

        def one(event, **members):
            found = [e for e in lines if e["event"] == event and all(e.get(k) == v for k, v in members.items())]
            self.assertTrue(found, (event, members))
            return found[0]

        failed = one("probe_change", step="liveness", result="failed")
        self.assertEqual((failed["failed_checks"], failed["failures"]), (["up"], 2))
        one("probe_change", step="readiness", result="ok")
        one("check_change", step="up", kind="file", result="failed", **{"class": "file"})
        one("check_change", step="soft", kind="exec", result="failed", exit_code=1)
        one("chain_start", reason="restart", cause="unhealthy", deadline_ms=9000)
        one("restart_wait", cause="unhealthy", delay_ms=10)
        one("app_start", restarts=1)
        one("chain_start", reason="stop", signal="SIGTERM", deadline_ms=9000)
        one("step_start", step="retried", attempt=1)
        one("output", step="retried", message="hello")
        one("step_retry", step="retried", attempt=1, error="exit code 1")
        one("step_attempt", step="retried", attempt=2)
        one("step_end", step="retried", result="ok", attempt=2)
        one("step_end", step="failing", result="failed", exit_code=9, error="exit code 9")
        self.assertGreaterEqual(one("step_end", step="late", result="timeout")["took_ms"], 100)
        one("step_end", step="crash only", result="skipped", cause="when", attempt=0)
        one("step_end", step="needs", result="skipped", cause="app_gone")
        one("signal_forward", signal="SIGTERM")
        one("exit", reason="stop", signal="SIGTERM", exit_code=0)

    def test_a_crash_and_a_second_stop_signal(self):
        s = self.start("--", "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.01; done; exit 3", config='''
            log: { format = "json"; };
            shutdown: { deadline = "9s"; chain = ( { name = "slow"; exec = [ "sh", "-c", "touch $TEST_DIR/slow; sleep 77" ]; },
              { name = "stop"; stop: { timeout = "2s"; }; } ); };''')
        s.touch("go")
        until(lambda: (s.directory / "slow").exists(), "the step runs")
        s.signal("TERM")
        s.signal("INT")
        s.wait()
        lines = self.events(s)
        start = next(e for e in lines if e["event"] == "chain_start")
        self.assertEqual((start["reason"], start["exit_code"]), ("crash", 3))
        self.assertIn("stop_signal", [e.get("cause") for e in lines if e["event"] == "skip_optional"])
        self.assertEqual([(e["result"], e["cause"]) for e in lines if e["event"] == "step_end" and e["step"] == "slow"], [("cut", "optional")])

    def test_a_name_of_any_length_leaves_valid_json(self):
        s = self.start("--", *APP, "plain", config='''log: { format = "json"; }; app: { name = "%s"; };
            shutdown: { chain = ( { name = "%s"; exec = [ "sh", "-c", "echo out; exit 1" ]; }, { name = "stop"; stop: { }; } ); };'''
            % ("n\\\\" * 3000, "s\\\\" * 3000))
        s.until_file("ready")
        s.signal("TERM")
        s.wait()
        self.assertIn("step_end", {e["event"] for e in self.events(s)})

    def test_the_manual_lists_every_event_of_the_source(self):
        source = "".join(p.read_text() for p in (ROOT / "init").rglob("*.c"))
        used = set(re.findall(r'log_(?:event|fields)\(\s*[^,"]*(?:\([^)]*\)[^,"]*)*,\s*"(\w+)"', source)) | {"output", "log_drop"}
        self.assertEqual(used, set(documented()))


class ForPeople(Case):
    def log(self, *env):
        config = Path(self.directory, "conf")
        config.write_text('shutdown: { platform_grace = "60s"; chain = ( { name = "bad"; exec = [ "false" ]; }, { name = "stop"; stop: {}; } ); };')
        terminal = Terminal("env", "TERM=xterm", *env, tinysup(), "--config", config, "--", "true")
        self.addCleanup(terminal.close)
        until(lambda: "exit code" in terminal.read(), "it ends")
        return terminal.read()

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="tinysup-test-")
        self.addCleanup(folder.cleanup)
        self.directory = folder.name

    def test_aligned_and_coloured_on_a_terminal(self):
        log = self.log()
        self.assertIn("tinysup \033[33mwarn:\033[0m  bad: failed", log)
        self.assertIn("tinysup info:  bad: started", log)

    def test_without_colour(self):
        for env in ("NO_COLOR=1", "TERM=dumb"):
            log = self.log(env)
            self.assertNotIn("\033", log)
            self.assertIn("tinysup warn:  bad: failed", log)
