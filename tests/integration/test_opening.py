"""Before the app starts: start.chain, the journal, recovery; and held without it. On real processes."""
import http.server
import json
import threading
import time
from pathlib import Path

from harness import APP, Case, children, until

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'
STEP = '{{ name = "{}"; exec = [ "sh", "-c", "{}" ]; {} }}'


def step(name, script, more=""):
    return STEP.format(name, script.replace('"', '\\"'), more)


def until_go(name):
    return f"while ! test -e $TEST_DIR/{name}; do sleep 0.01; done"


def started(*steps, deadline="6s", more=""):
    return f'start: {{ deadline = "{deadline}"; chain = ( {", ".join(steps)} ); }}; {more}'


def shutdown(*steps, more="", deadline="6s"):
    return f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; {more} chain = ( {", ".join([*steps, STOP])} ); }};'


def others(pid):
    """Children that are not tinysup's own, such as the log's writer."""
    def name(child):
        try:
            return Path(f"/proc/{child}/comm").read_text()
        except OSError:
            return "tinysup-gone"
    return [child for child in children(pid) if not name(child).startswith("tinysup-")]


class Start(Case):
    def begin(self, config, app=("plain",), **options):
        """The app may not be running yet."""
        return self.start("--", *APP, *app, config=config, **options)

    def test_steps_run_before_the_app(self):
        s = self.app("plain", config=started(step("a", 'echo a-$TINYSUP_REASON-$TINYSUP_APP_PID >> $TEST_DIR/order'),
                                             step("b", "test ! -e $TEST_DIR/ready && echo b >> $TEST_DIR/order")))
        self.assertEqual(s.file("order"), "a-start-\nb\n")
        s.signal("TERM")
        self.assertEqual(s.wait(), 143)

    def test_an_optional_one_that_fails_does_not_matter(self):
        s = self.app("plain", config=started(step("a", "false")))
        self.assertIn("a: failed", s.log())

    def test_a_required_one_that_fails_refuses_the_start(self):
        s = self.begin(started(step("a", "exit 3", "required = true;"), step("b", "touch $TEST_DIR/b")), ready=False)
        self.assertEqual(s.wait(), 75, s.log())
        self.assertIn("not starting", s.log())
        self.assertEqual((s.file("ready"), s.file("b")), ("", ""))

    def test_so_does_one_that_outlasts_the_deadline(self):
        s = self.begin(started(step("a", "sleep 60", "required = true;"), deadline="1s"), ready=False)
        self.assertEqual(s.wait(), 75, s.log())
        self.assertEqual(s.file("ready"), "")

    def test_a_stop_signal_ends_it_at_once(self):
        for more, code in ((shutdown(step("c", "touch $TEST_DIR/chain")), 0), ("", 143)):
            with self.subTest(chain=bool(more)):
                s = self.begin(started(step("a", "touch $TEST_DIR/begun; sleep 60", "required = true;"), more=more))
                s.until_file("begun")
                s.signal("TERM")
                self.assertEqual(s.wait(), code, s.log())
                self.assertLess(s.seconds, 4)
                self.assertEqual((s.file("ready"), s.file("chain")), ("", ""))
                self.assertIn("a: cut: interrupted by a stop signal", s.log())

    def test_probes_wait_for_it(self):
        s = self.begin(started(step("wait-for-db", until_go("go"))) + 'checks = ( { name = "c"; exec = [ "true" ]; } ); '
                       'probes: { startup: { checks = ( "c" ); period = "50ms"; }; };')
        s.until_log("wait-for-db: started")
        self.assertEqual(s.probe("live")[0], 0)
        for probe in ("startup", "ready"):
            code, out = s.probe(probe)[:2]
            self.assertEqual(code, 1)
            self.assertIn("has not been started", out)
        s.touch("go")
        s.until_probe(0, "ready")
        self.assertEqual(s.probe("startup")[0], 0)

    def test_a_restart_does_not_run_it_again(self):
        s = self.begin(app=("die", "9"), config=started(step("a", "echo a >> $TEST_DIR/order")) +
                     'app: { restart: { policy = "on-failure"; max = 2; backoff = "10ms"; }; };', ready=False)
        self.assertEqual(s.wait(), 137, s.log())
        self.assertEqual(s.file("order"), "a\n")

    def test_orphans_of_a_step_are_reaped(self):
        s = self.app("plain", config=started(step("a", "for i in 1 2 3 4 5; do (sleep 0.0$i &) ; done")))
        until(lambda: others(s.pid) == [s.app()], "only the app is left")


class Sink:
    """Takes alerts: `got`, the bodies."""

    def __init__(self, hangs=False):
        self.got, self.asked, sink = [], 0, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sink.asked += 1
                if hangs:
                    time.sleep(10)
                    return
                sink.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.socket.close()


class Held(Case):
    CONFIG = 'app: {{ restart: {{ policy = "on-failure"; max = {}; backoff = "10ms"; exhausted = "hold"; }}; }};'

    def held(self, more="", app=("die", "9"), max=1, **options):
        s = self.start("--", *APP, *app, config=self.CONFIG.format(max) + more, **options)
        s.until_log("holding: tinysup stays up")
        return s

    def test_it_stays_up_until_it_is_stopped(self):
        for more in ("", shutdown(step("c", "echo $TINYSUP_REASON >> $TEST_DIR/chain"))):
            with self.subTest(chain=bool(more)):
                s = self.held(more)
                s.until_probe(0, "live")
                self.assertEqual(s.probe("startup")[0], 0)
                code, out = s.probe("ready")[:2]
                self.assertEqual(code, 1)
                self.assertIn("restarted too often", out)
                self.assertEqual(s.file("chain"), "crash\n" if more else "")
                s.signal("TERM")
                self.assertEqual(s.wait(), 69, s.log())
                self.assertLess(s.seconds, 4)
                self.assertEqual(s.file("chain"), "crash\n" if more else "")

    def test_nothing_of_the_app_is_left(self):
        s = self.held(shutdown(step("c", "setsid sleep 60 &")))
        until(lambda: not others(s.pid), "no process is left")

    def test_idle_it_does_not_wake(self):
        s = self.held()
        until(lambda: not others(s.pid), "no process is left")

        def switches():
            return [line for line in Path(f"/proc/{s.pid}/status").read_text().splitlines() if line.startswith("voluntary")]

        def stays():
            before = switches()
            time.sleep(0.5)
            return switches() == before
        until(stays, "it sleeps once all that led there is done")

    def test_each_channel_is_told(self):
        channels = [f'{name}: {{ type = "{kind}"; url = "{{}}"; }};' for name, kind in (("a", "slack"), ("b", "webhook"))]
        with Sink() as sink:
            s = self.held("alerts: {{ {} }};".format(" ".join(channels)).replace("{}", sink.url))
            until(lambda: len(sink.got) == 2, "both channels are told")
            texts = [got["text"] for got in sink.got]
            self.assertEqual(len(set(texts)), 1)
            self.assertIn("held (killed by SIGKILL): restarted too often", texts[0])
            self.assertEqual([got["reason"] for got in sink.got if "reason" in got], ["held"])
            s.signal("TERM")
            self.assertEqual(s.wait(), 69)

    def test_alerts_that_hang_do_not_delay_the_stop(self):
        with Sink(hangs=True) as sink:
            s = self.held(f'alerts: {{ a: {{ type = "slack"; url = "{sink.url}"; }}; }};')
            until(lambda: sink.asked, "the alert is on its way")
            s.signal("TERM")
            self.assertEqual(s.wait(), 69)
            self.assertLess(s.seconds, 4)

    def test_a_stop_during_its_chain_is_an_exit(self):
        s = self.start("--", *APP, "die", "9", config=self.CONFIG.format(1) + shutdown(step("c", "touch $TEST_DIR/begun; " + until_go("go"))))
        until(lambda: s.log().count("c: started") == 1, "the chain runs")
        s.signal("TERM")
        s.touch("go")
        self.assertEqual(s.wait(), 137, s.log())
        self.assertNotIn("holding", s.log())
