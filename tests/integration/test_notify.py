"""notify_on: which events are told to whom, once a minute while they repeat, and before the end."""
import json
import socket
import time

from harness import APP
from rig import Server, answer, hang
from services import Service
from test_alert_steps import chain, channels
from test_recovery import Memory

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'


class Notify(Memory):
    def begin(self, sink, on, *app, more="", steps=(STOP,), **options):
        config = (channels(a=("webhook", sink.url, options.pop("own", ""))) + f"notify_on = [ {on} ];" + more
                  + (chain(*steps, **options) if steps else ""))
        return self.start("--", *APP, *(app or ("plain",)), config=config)

    def events(self, sink):
        return [got["event"] for got in sink.taken]

    def test_a_crash_without_a_chain(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"crash"', "exit_with", "3", steps=())
            self.assertEqual(s.wait(), 3)
            got, = sink.taken
        self.assertEqual((got["event"], got["severity"], got["reason"], got["steps"]), ("crash", "critical", "crash", []))
        self.assertRegex(got["text"], r"^python3 on \S+: crash: exited with code 3$")

    def test_what_cannot_be_executed(self):
        with Service("webhook") as sink:
            s = self.start("--", "/no/such/program", config=channels(a=("webhook", sink.url, "")) + 'notify_on = [ "crash", "stop" ];', ready=False)
            self.assertEqual(s.wait(), 127)
            self.assertEqual(self.events(sink), ["crash"])

    def test_a_stop_is_told_at_its_end(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"stop", "step_failed"', steps=('{ name = "save"; exec = [ "false" ]; }', STOP))
            s.until_file("ready")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            taken = {got["event"]: got for got in sink.taken}
        self.assertEqual(sorted(taken), ["step_failed", "stop"])
        self.assertEqual({step["name"]: step["result"] for step in taken["stop"]["steps"]}, {"save": "failed", "stop": "ok"})
        self.assertRegex(taken["step_failed"]["text"], r"step_failed: save: exit code 1$")

    def test_success_of_the_app_is_no_crash(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"crash", "stop"', "exit_with", "0")
            self.assertEqual(s.wait(), 0)
            self.assertEqual(self.events(sink), ["stop"])

    def test_unhealthy_and_recovered(self):
        probes = ('checks = ( { name = "up"; file: { path = "${TEST_DIR}/up"; }; } ); '
                  'probes = { readiness: { checks = ( "up" ); period = "50ms"; failure_threshold = 1; }; };')
        with Service("webhook") as sink:
            s = self.begin(sink, '"unhealthy", "recovered"', more=probes)
            s.until_file("ready")
            s.until_log("up: failed")
            self.assertEqual(sink.taken, [])    # not ready yet is no news
            s.touch("up")
            s.until_probe(0, "ready")
            self.assertEqual(sink.taken, [])
            s.remove("up")
            s.until_probe(1, "ready")
            s.touch("up")
            s.until_probe(0, "ready")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertEqual(self.events(sink), ["unhealthy", "recovered"])
            self.assertIn("unhealthy: readiness: up: ", sink.taken[0]["text"])
            self.assertEqual([got["severity"] for got in sink.taken], ["critical", "info"])

    def test_what_repeats_is_collected(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"crash", "restart"', "exit_with", "3",
                           more='app = { restart: { policy = "on-failure"; max = 4; backoff = "1ms"; }; };')
            self.assertEqual(s.wait(), 3)
            texts = [got["text"] for got in sink.taken if got["event"] == "crash"]
        self.assertEqual(len(texts), 2, texts)
        self.assertRegex(texts[1], r"crash 5 times in the last \d+ s, last at \d\d:\d\d:\d\d UTC: exited with code 3$")

    def test_start_refused(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"start_refused"', more='start = { chain = ( { name = "a"; exec = [ "false" ]; required = true; } ); };')
            self.assertEqual(s.wait(), 75)
            got, = sink.taken
        self.assertRegex(got["text"], "start_refused: start.chain: failed$")

    def test_a_heartbeat_is_lost(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"crash"', steps=(), more='heartbeats = ( { name = "beat"; exec = [ "false" ]; period = "100ms"; while = "running"; '
                                                           'on_failure = "alert"; } );')
            s.until_file("ready")
            s.until_log("heartbeat lost")
            s.signal("TERM")
            s.wait()
            self.assertIn("heartbeat: beat: exit code 1", sink.taken[0]["text"])

    def test_a_channels_own_list(self):
        with Service("webhook") as one, Service("webhook") as two:
            config = (channels(a=("webhook", one.url, 'on = [ "restart" ];'), b=("webhook", two.url, 'text = "${event}! ${failed}";'))
                      + 'notify_on = [ "crash" ]; app = { restart: { policy = "on-failure"; max = 1; backoff = "1ms"; }; };')
            s = self.start("--", *APP, "exit_with", "3", config=config)
            self.assertEqual(s.wait(), 3)
            self.assertEqual((self.events(one), self.events(two)[0]), (["restart"], "crash"))
            self.assertEqual(two.taken[0]["text"], "crash! exited with code 3")

    def test_a_list_that_is_empty(self):
        with Service("webhook") as sink:
            s = self.begin(sink, '"stop"', own="on = [ ];")
            s.until_file("ready")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertEqual(sink.taken, [])

    def test_a_channel_that_hangs_is_waited_for_within_the_deadline(self):
        with Server(hang) as silent:
            s = self.begin(silent, '"stop"', deadline="3s")
            s.until_file("ready")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertLess(s.seconds, 3)
            self.assertIn("a: alert not sent: ", s.log())
            self.assertIn("no alert has told of 1 events", s.log())

    def test_a_channel_that_refuses_costs_nothing_else(self):
        with Server(answer("", "500 Oops")) as broken:
            s = self.begin(broken, '"stop", "crash"')
            s.until_file("ready")
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertLess(s.seconds, 3)
            self.assertIn("a: alert not sent: status 500", s.log())

    def test_process_1_goes_on_while_a_channel_hangs(self):
        with Server(hang) as silent, socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            s = self.begin(silent, '"crash"', "ends_once", "again", "3",
                           more='app = { restart: { policy = "on-failure"; backoff = "1ms"; }; };')
            s.until_file("ready")
            s.touch("again")
            begun = time.monotonic()
            s.until_file("ready", "\n")
            while s.file("ready").count("\n") < 2:
                self.assertLess(time.monotonic() - begun, 8)
            self.assertEqual(json.loads(s.probe(how="status=json")[1])["phase"], "running")
            s.signal("KILL")    # and the worker with it: the server need not wait
            s.wait()
