"""A trader whose container is killed, cut short, made anew or restarted by the engine: the next one finishes the work of the last.

What `docker compose up --force-recreate` does is done by hand here: the old container is stopped or removed, and a new one gets its volume.
"""
import json
import os
import signal
import subprocess
from pathlib import Path

import engine
import images
import journal
import trader
from engine import DockerCase, until
from paper import ExchangeTest

IMAGE = "e2e:trader"
HARDENED = ("--read-only", "--cap-drop", "ALL", "--user", "1000", "--security-opt", "no-new-privileges")


def setUpModule():
    the_engine = engine.start(bot=False)
    program = the_engine.root / "trader"
    trader.build(program, "-static")
    the_engine.image(IMAGE, "FROM scratch\nCOPY . /sbin/\nENTRYPOINT [\"/sbin/tinysup\"]\n", tinysup=images.static_binary(), trader=program)


class Memory(DockerCase, ExchangeTest):
    def setUp(self):
        super().setUp()
        self.books = trader.Books()
        self.volume = f"state-{os.path.basename(self.folder)}"
        engine.the_engine.docker("volume", "create", self.volume)
        self.addCleanup(engine.the_engine.docker, "volume", "rm", "--force", self.volume, check=False)
        self.state = Path(engine.the_engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", self.volume).stdout.strip(), "tinysup")
        self.config = trader.config("/sbin/trader", self.url.rsplit(":", 1)[1], "/state/tinysup", "/test")

    def trader(self, *options):
        return self.start(config=self.config, options=["--volume", f"{self.volume}:/state", *options], image=IMAGE)

    def until_ready(self, c, times=1):
        """Each life of the app has found the exchange empty."""
        until(lambda: c.log().count("ready\n") == times, f"the app is ready for the {times}. time; {c.log()}")
        self.assertNotIn("dirty", c.log())

    def again(self, c, times=2):
        engine.the_engine.docker("start", c.id)
        self.until_ready(c, times)

    def records(self, name="slot-1"):
        records, damaged = journal.read(self.state / f"{name}.journal")
        self.assertEqual(damaged, [])
        return records

    def judge(self):
        requests = [r for r in self.ask("GET", "/log").data if r["method"] == "POST" and r["path"] in ("/seed", *trader.STEP_OF)]
        notes = [line.split() for line in self.file("notes").splitlines()]
        records = self.records()
        self.assertEqual(self.books.judge(records, requests, notes), [])
        return records

    def stop_in_order(self, c):
        c.stop(30)
        self.assertEqual((c.inspect("State.ExitCode"), self.summary()), (0, (0, 0)), c.log())
        self.judge()

    def history(self, *words):
        done = subprocess.run([images.static_binary(), "--history", "--state", self.state, *words], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_recovered(self, c):
        """By its last run, and in the same words from the inside."""
        events = [json.loads(line) for line in c.execute("/sbin/tinysup", "--history", "--json").stdout.splitlines()]
        recoveries = [e for e in events if e["event"] == "chain_start" and e["reason"] == "recovery" and e["run"] == events[-1]["run"]]
        self.assertEqual(len(recoveries), 1, events)
        return [e for e in events if e["event"] == "step_end" and e["shutdown_id"] == recoveries[0]["shutdown_id"]]

    def test_docker_kill(self):
        self.kill_and_recover()

    def test_docker_kill_read_only_without_capabilities_as_1000(self):
        os.chown(self.state.parent, 1000, 1000)
        self.kill_and_recover(*HARDENED)

    def kill_and_recover(self, *options):
        c = self.trader(*options)
        self.until_ready(c)
        c.kill("KILL")
        self.assertEqual(c.code(), 137)
        self.assertEqual(self.summary(), (2, 1))
        self.judge()
        self.again(c)
        self.assert_recovered(c)
        self.assertIn("killed without a stop signal (SIGKILL, out of memory, power)", self.history())
        self.stop_in_order(c)
        # without a supervisor, from a container of its own
        code, text = self.once("--history", "--state", "/state/tinysup", options=["--volume", f"{self.volume}:/state:ro", *options], image=IMAGE)
        self.assertEqual((code, text), (0, self.history()))

    def test_docker_stop_1(self):
        self.fault("hang", "/positions/close-all", times=1)
        c = self.trader()
        self.until_ready(c)
        c.stop(1)
        self.assertEqual((c.inspect("State.ExitCode"), self.summary()), (137, (0, 1)))
        self.judge()
        self.again(c)
        results = [(e["step"], e["result"]) for e in self.assert_recovered(c)]
        self.assertIn(("cancel", "ok"), results)    # before the kill
        self.assertEqual(results.count(("cancel", "ok")), 1)
        self.assertIn(("close", "ok"), results)     # after it
        keys = [r["idempotency_key"] for r in self.log_of("/positions/close-all")]
        self.assertEqual((len(keys), len(set(keys))), (2, 1))
        # by the last tick that was written: on a busy machine, one may be missing
        about = r"(1(\.\d)? s|[5-9]\d\d ms)"
        self.assertRegex(self.history(), rf"cut off {about} after SIGTERM, during step close: SIGKILL came before the deadline of 30 s; raise the "
                         r"platform's grace period \(stop_grace_period, --stop-timeout, terminationGracePeriodSeconds\) to at least 32 s")
        done = c.execute("/sbin/tinysup", "--check")
        self.assertRegex(done.stdout, rf"learned grace +{about}: killed ")
        self.stop_in_order(c)

    def test_made_anew_with_the_same_volume(self):
        old = self.trader()
        self.until_ready(old)
        engine.the_engine.docker("rm", "--force", old.id)   # SIGKILL
        self.judge()
        middle = self.trader()
        self.until_ready(middle)
        self.assert_recovered(middle)
        self.stop_in_order(middle)                          # as compose does where there is time
        engine.the_engine.docker("rm", middle.id)
        new = self.trader()
        self.until_ready(new)
        self.assertNotIn("recovery", new.log())
        self.stop_in_order(new)

    def test_the_engine_restarts_it(self):
        c = self.trader("--restart", "unless-stopped")
        self.until_ready(c)
        for times in (2, 3):
            os.kill(c.first(), signal.SIGKILL)              # the shim's child, as when the host loses power
            self.until_ready(c, times)
            self.assert_recovered(c)
            self.judge()
        self.stop_in_order(c)

    def test_two_replicas_on_one_volume(self):
        replicas = [self.trader(), self.trader()]
        for c in replicas:
            c.until_log("starting trader")
        names = ["slot-1", "slot-2"]
        until(lambda: sorted(p.stem for p in self.state.glob("*.journal")) == names, "each has its journal")
        def starts(name):
            return sum(r.kind == "app_start" for r in self.records(name))
        for times in (2, 3):
            for c in replicas:
                c.kill("KILL")
            for c in replicas:
                c.code()
                engine.the_engine.docker("start", c.id)
            until(lambda times=times: [starts(name) for name in names] == [times] * 2, "both have recovered and started")
        runs = [{r.run for r in self.records(name)} for name in names]
        self.assertEqual(([len(r) for r in runs], runs[0] & runs[1]), ([3, 3], set()))
        ids = set()
        for name in names:
            known, done, _, problems = trader.story_of(self.records(name))
            self.assertEqual((problems, trader.numbers(self.records(name)), known & ids), ([], [], set()))
            self.assertEqual([set(done[r["id"]]) & trader.RECOVERED for r in self.records(name) if r.get("reason") == "recovery" and
                              r.kind == "chain_end"], [trader.RECOVERED] * 2)
            ids |= known
        lines = self.history().splitlines()
        self.assertEqual({line.split("  ")[1] for line in lines}, set(names))
        for c in replicas:
            self.assertLess(c.stop(30), 20)
        self.assertEqual([self.records(name)[-1].kind for name in names], ["end", "end"])
