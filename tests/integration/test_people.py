"""The listener's page for people under process 1: what it says while the app hangs, restarts and is stopped."""
import os
import re
import shutil
import tempfile

from harness import run, until
from people_rig import CHAIN, PROBES, Listening

BINARIES = ("plain", "sealed", "sanitized")


class People(Listening):
    def test_an_app_that_hangs(self):
        s = self.listening(PROBES, files=("up",))
        page = self.until_said("state", "Healthy")
        self.assertEqual([page.verdict(kind) for kind in ("liveness", "readiness", "startup")], ["healthy"] * 3)
        s.remove("up")
        page = self.until_said("state", "Not ready")
        self.assertEqual((page.verdict("readiness"), page.verdict("liveness")), ("unhealthy", "healthy"))
        self.assertIn("check up<b>& fails", page.said("wrong"))
        self.assertIn("readiness: UNHEALTHY: up<b>&: file: missing", page.said("history"))
        title = until(lambda: (t := next(self.page().id("checks").iter("title")).text) and " 0 failed" not in t and t, "failures are counted")
        self.assertRegex(title, r"^up<b>&, the last .*: \d+ ok, \d+ failed, latency .* on average, at most ")

    def test_an_app_that_starts(self):
        s = self.listening('checks = ( { name = "up"; file: { path = "${TEST_DIR}/up"; }; } ); probes: { startup: { checks = ( "up" ); period = "100ms"; '
                           'failure_threshold = 1000; }; };')
        page = self.until_said("state", "Starting")
        self.assertEqual([page.verdict(kind) for kind in ("liveness", "readiness", "startup")], ["healthy", "not yet healthy", "not yet healthy"])
        s.touch("up")
        self.until_said("state", "Healthy")

    def test_held_there_is_nothing_to_stop(self):
        self.listening(CHAIN + 'app: { restart: { policy = "on-failure"; max = 1; backoff = "10ms"; exhausted = "hold"; }; };', "exit", "3")
        page = self.until_said("state", "Held")
        self.assertEqual((page.said("plan"), page.verdict("readiness")), ("", "unhealthy"))

    def test_an_app_that_restarts(self):
        s = self.listening(PROBES + 'app: { restart: { policy = "on-failure"; backoff = "3s"; }; }; ', "ends_once", "crash", "3", files=("up",))
        self.until_said("state", "Healthy")
        s.touch("crash")
        page = self.until_said("state", "Restarting")
        self.assertRegex(page.said("wrong"), "the app does not run, it ended with code 3: restarting in ")
        page = self.until_said("state", "Healthy")
        self.assertRegex(page.said("app"), r"process pid \d+, up .*restarts 1 last end code 3".replace(" ", r"\s*"))
        self.assertIn("app exited with code 3", page.said("history"))

    def test_a_stop(self):
        s = self.listening(PROBES + CHAIN, files=("up",))
        page = self.until_said("state", "Healthy")
        self.assertTrue(page.said("plan"))
        s.signal("TERM")
        page = self.until_said("wrong", "this chain: a required step failed: cancel")
        self.assertEqual((page.said("state"), page.verdict("readiness"), page.said("plan")), ("Stopping", "unhealthy", ""))
        self.assertIn("Running now: stop by SIGTERM", page.said("chain"))
        page = self.until_said("chain", "failed")
        rows = {row[0]: row[1] for row in page.table("chain")}
        self.assertRegex(rows["pause exec"], "^ok ")
        self.assertRegex(rows["cancel exec, required, side by side with others"], "^failed ")
        self.assertRegex(rows["close exec, side by side with others"], "^running ")
        self.assertEqual(rows["save exec"], "pending")
        left = [float(self.page().said("left").split()[0]) for _ in range(2)]
        until(lambda: float(self.page().said("left").split()[0]) < left[0], "it counts down")
        s.touch("go")
        self.assertEqual(s.wait(), 75)

    def test_it_draws_what_check_draws(self):
        self.listening(PROBES + CHAIN, files=("up",))
        page = self.until_said("state", "Healthy")
        _, said, _ = run("--check", config=CHAIN + 'app: { command = [ "true" ]; };', first=False)
        chart = said[said.index("worst case"):said.index("cut if")].splitlines()[3:]
        drawn = [re.findall(r"^\(?\w+|none\b|- |[\d.]+ m?s", line[2:].split("  |")[0]) for line in chart if line]
        shown = [[row[0].split(" ")[0].strip(","), *row[1:4]] for row in page.table("plan")[1:]]
        self.assertEqual([[cell.strip("( ") for cell in row] for row in drawn], [[cell.replace("–", "-") for cell in row] for row in shown])
        self.assertIn("Cut if every earlier step takes as long as it can: ", page.said("plan"))
        bars = [[(rect.get("class"), int(rect.get("x")), int(rect.get("width"))) for rect in svg.iter("rect")] for svg in page.id("plan").iter("svg")]
        self.assertEqual(bars[0], [("kill", 944, 56), ("may", 0, 111)])

    def test_of_an_earlier_run(self):
        state = tempfile.mkdtemp(prefix="tinysup-state-")
        self.addCleanup(shutil.rmtree, state, True)
        config = f'{PROBES} {CHAIN} state_dir = "{state}"; '
        s = self.listening(config, files=("up",))
        self.until_said("state", "Healthy")
        s.signal("TERM")
        self.until_said("chain", "failed")
        s.until_log("close: started")
        until(lambda: "step_end" in "".join(open(os.path.join(folder, name), errors="replace").read() for folder, _, names in os.walk(state)
                                            for name in names), "it is on record")
        os.kill(s.pid, 9)
        s.process.wait()
        self.listening(config, files=("up",))
        page = self.until_said("last", "of an earlier run")
        self.assertRegex(page.said("last"), "stop by SIGTERM, 20.*, KILLED after ")
        self.assertIn("the last chain of an earlier run was cut off", page.said("wrong"))
        self.assertEqual(page.table("last")[0], ["Step", "Result"])

    def test_without_a_chain(self):
        self.listening("")
        page = self.until_said("state", "Healthy")
        self.assertIn("There is no chain", page.said("plan"))
        self.assertEqual((page.id("checks"), page.id("heartbeats"), page.id("last")), (None, None, None))

    def test_heartbeats_and_what_the_app_says(self):
        config = ('app: { notify = true; }; heartbeats = ( { name = "lease<i>"; exec = [ "false" ]; period = "200ms"; timeout = "100ms"; '
                  'while = "running"; } ); ')
        s = self.listening(config, "notifies")
        s.until_file("ready")
        (s.directory / "say").write_text("READY=1|STATUS=<b>\"hello\"</b> & 'more'\n")
        self.until_said("app", "<b>\"hello\"</b> & 'more'")
        page = self.until_said("wrong", "heartbeat lease<i> is LOST")
        self.assertEqual(page.table("heartbeats")[1][0], "lease<i>")
