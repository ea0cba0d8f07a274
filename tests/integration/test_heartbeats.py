"""Dead man's switches at the paper exchange, whose switch has a real timer, and leases in a real Redis."""
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from binaries import ROOT, tinysup
from harness import APP, LIBC, PR_SET_PDEATHSIG, Supervised, children, command_line, until

from paper import ExchangeTest

BINARIES = ("plain", "sealed")
AFTER, CANCEL, ORDERS = "/cancel-all-after", "/orders/cancel-all", "/orders"
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'
NEVER_MS, SOON_MS = 60000, 1500   # when the switch fires, in tests that do not wait for it and in those that do


class Switch(ExchangeTest):
    def beat(self, more='while = "running";', path=AFTER, period="200ms", disarm=True, fires=NEVER_MS):
        def request(milliseconds):
            return f'{{ url = "{self.url}{path}"; method = "POST"; body = "{{\\"timeout_ms\\": {milliseconds}}}"; }}'
        end = f'disarm: {{ http: {request(0)}; }};' if disarm else ""
        return f'{{ name = "dms"; period = "{period}"; {more} http: {request(fires)}; {end} }}'

    def begin(self, beat, *app, chain=STOP, more="", deadline="6s"):
        config = (f'{more} heartbeats = ( {beat} ); '
                  f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {chain} ); }};')
        s = Supervised("--", *APP, *(app or ("plain",)), config=config)
        self.addCleanup(s.__exit__)
        return s

    def switch(self):
        return self.ask("GET", "/switch").data

    def armed(self):
        return until(lambda: self.switch()["armed"], "the switch is armed")

    def fires(self):
        return until(lambda: self.switch()["fired"], "the switch fires")

    def seed(self, orders=3):
        self.ask("POST", "/seed", {"orders": orders})

    def beats(self, what=None):
        """What the exchange was told, in order: milliseconds."""
        return [entry for entry in self.log_of(AFTER) if what is None or entry["status"] == what]

    def test_it_is_armed_again_and_again(self):
        s = self.begin(self.beat())
        s.until_file("ready")
        until(lambda: len(self.beats()) >= 12, "it is sent again and again")
        self.assertEqual(self.switch(), {"armed": True, "fired": 0})
        times = [entry["monotonic"] for entry in self.beats()]
        self.assertGreater(statistics.median(b - a for a, b in zip(times, times[1:])), 0.1)
        self.assertIn("dms: heartbeat armed", s.log())

    def test_a_stop_in_order_disarms_it_last(self):
        s = self.begin(self.beat(), chain='{ name = "cancel"; required = true; http: { url = "%s%s"; method = "POST"; }; }, %s' % (
            self.url, CANCEL, STOP))
        s.until_file("ready")
        self.armed()
        self.seed()
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(self.switch(), {"armed": False, "fired": 0})
        self.assertEqual([e["path"] for e in self.ask("GET", "/log").data if e["path"] in (AFTER, CANCEL)][-2:], [CANCEL, AFTER])
        self.assertIn("dms: heartbeat disarmed", s.log())

    def test_a_kill_fires_it(self):
        self.seed()
        s = self.begin(self.beat(fires=SOON_MS))
        s.until_file("ready")
        self.armed()
        os.kill(s.pid, signal.SIGKILL)
        self.fires()
        self.assertEqual(self.summary(), (0, 0))

    def test_a_failed_shutdown_does_not_disarm(self):
        self.seed()
        s = self.begin(self.beat(fires=SOON_MS), chain='{ name = "cancel"; required = true; exec = [ "false" ]; }, ' + STOP)
        s.until_file("ready")
        self.armed()
        s.signal("TERM")
        self.assertEqual(s.wait(), 75)
        self.assertTrue(self.switch()["armed"])
        self.fires()
        self.assertEqual(self.summary(), (0, 0))

    def test_an_app_that_hangs_lets_it_fire(self):
        self.seed()
        probes = ('checks = ( { name = "up"; file: { path = "${TEST_DIR}/up"; }; } ); '
                  'probes = { readiness: { checks = ( "up" ); period = "100ms"; failure_threshold = 1; }; };')
        s = self.begin(self.beat('while = "ready";', fires=SOON_MS), more=probes)
        s.until_file("ready")
        self.assertEqual(self.beats(), [])      # it has never been ready
        s.touch("up")
        self.armed()
        s.remove("up")
        self.fires()
        self.assertEqual(self.summary(), (0, 0))
        s.touch("up")
        self.armed()
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_ready_ends_with_the_first_stop_event(self):
        s = self.begin(self.beat('while = "ready";', disarm=False),
                       chain=f'{{ name = "rest"; exec = [ "sh", "-c", "touch $TEST_DIR/rests; sleep 1" ]; }}, {STOP}')
        s.until_file("ready")
        self.armed()
        s.signal("TERM")
        s.until_file("rests")
        sent = len(self.beats())
        self.assertEqual(s.wait(), 0)
        self.assertLessEqual(len(self.beats()), sent + 1)  # one may have been in flight

    def test_the_app_waits_for_it(self):
        self.fault("500", AFTER)
        s = self.begin(self.beat('while = "live"; start = true;'))
        s.until_log("the app starts once it succeeds")
        self.assertEqual(s.probe("ready")[0], 1)
        self.assertEqual(s.probe("live")[0], 0)
        self.assertIn("waiting for heartbeat dms", s.probe(how="status")[1])
        self.assertEqual(s.file("ready"), "")
        self.ask("DELETE", "/faults")
        s.until_file("ready")
        self.assertTrue(self.switch()["armed"])
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_a_stop_while_the_app_waits(self):
        self.fault("hang", AFTER)
        s = self.begin(self.beat('while = "running"; start = true; timeout = "10m";', period="10m"))
        until(self.beats, "it is sent")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertLess(s.seconds, 3)
        self.assertEqual(s.file("ready"), "")

    def test_start_chain_and_recovery_wait_for_it(self):
        self.fault("500", AFTER)
        s = self.begin(self.beat('while = "running"; start = true;'),
                       more='start = { chain = ( { name = "first"; exec = [ "sh", "-c", "touch $TEST_DIR/first" ]; } ); };')
        s.until_log("the app starts once it succeeds")
        self.assertEqual(s.file("first"), "")
        self.assertFalse((s.directory / "first").exists())
        self.ask("DELETE", "/faults")
        s.until_file("ready")
        self.assertTrue((s.directory / "first").exists())

    def test_they_are_armed_in_their_order(self):
        """A standby that waits for its lease must not renew the switch of the one that has it."""
        lease = '{ name = "lease"; exec = [ "test", "-e", "%s/lease" ]; period = "100ms"; while = "running"; start = true; }' % self.folder
        for gate in ("ready", "running"):
            with self.subTest(gate=gate):
                before = len(self.beats())
                s = self.begin(f'{lease}, {self.beat(f"""while = "{gate}"; start = true;""")}')
                s.until_log("the app starts once it succeeds")
                until(lambda: json.loads(s.probe(how="status=json")[1])["heartbeats"][0]["failed"] > 4, "the lease is asked for")
                self.assertEqual(len(self.beats()), before)
                open(self.path("lease"), "w").close()
                s.until_file("ready")
                self.armed()
                s.signal("TERM")
                self.assertEqual(s.wait(), 0)
                os.remove(self.path("lease"))

    def test_the_disarm_waits_for_the_beat_in_flight(self):
        s = self.begin(self.beat(period="1s"))
        s.until_file("ready")
        self.armed()
        self.fault("slow", AFTER, seconds=0.8, times=1)
        until(lambda: len(self.beats()) == 2, "the second one is sent")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertGreater(s.seconds, 0.5)
        self.assertEqual(self.switch(), {"armed": False, "fired": 0})
        first, second, disarm = self.beats()
        self.assertGreater(disarm["monotonic"], second["monotonic"] + 0.7)
        self.assertLess(first["monotonic"], second["monotonic"])

    def test_a_disarm_that_hangs_is_within_the_deadline(self):
        s = self.begin(self.beat(), deadline="3s")
        s.until_file("ready")
        self.armed()
        self.fault("hang", AFTER)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertLess(s.seconds, 3)
        self.assertIn("dms: heartbeat not disarmed: ", s.log())

    def test_lost_shuts_down(self):
        s = self.begin(self.beat('while = "running"; on_failure = "shutdown"; failure_threshold = 2; timeout = "100ms";'))
        s.until_file("ready")
        self.armed()
        self.fault("hang", AFTER)
        self.assertEqual(s.wait(), 69)
        self.assertNotIn("disarmed", s.log())
        self.assertIn("dms: heartbeat lost after 2 failures in a row: timeout", s.log())

    def test_a_pause_of_tinysup_counts(self):
        """Beats that were not sent have not succeeded either: the app must not go on for so much as a beat."""
        s = self.begin(self.beat('while = "running"; on_failure = "shutdown"; failure_threshold = 3; timeout = "100ms";'))
        s.until_file("ready")
        self.armed()
        os.kill(s.pid, signal.SIGSTOP)
        time.sleep(1.2)  # longer than 3 x 200 + 100 ms
        os.kill(s.pid, signal.SIGCONT)
        self.assertEqual(s.wait(), 69)

    def test_a_restart_of_the_app_is_no_end_while_running(self):
        s = self.begin(self.beat('while = "running"; start = true; on_failure = "shutdown";'), "ends_once", "again", "3",
                       more='app = { restart: { policy = "on-failure"; backoff = "1s"; }; };')
        s.until_file("ready")
        self.armed()
        s.touch("again")
        s.until_log("restarting")
        s.until_file("ready", "\n")
        until(lambda: s.file("ready").count("\n") == 2, "it runs again")
        self.assertEqual(self.switch(), {"armed": True, "fired": 0})

    def test_before_each_start_of_the_app(self):
        s = self.begin(self.beat('while = "live"; start = true;'), "ends_once", "again", "3",
                       more='app = { restart: { policy = "on-failure"; backoff = "10ms"; }; };')
        s.until_file("ready")
        self.armed()
        self.fault("500", AFTER)
        s.touch("again")
        s.until_log("the app starts once it succeeds")
        self.assertEqual(s.file("ready").count("\n"), 1)
        self.ask("DELETE", "/faults")
        until(lambda: s.file("ready").count("\n") == 2, "it runs again")

    def test_a_program_that_hangs(self):
        s = self.begin('{ name = "beat"; exec = [ "sh", "-c", "echo $TINYSUP_HEARTBEAT $TINYSUP_APP_PID >> $TEST_DIR/beats; '
                       'sleep 1000 & wait" ]; period = "200ms"; while = "running"; }')
        s.until_file("ready")
        until(lambda: s.file("beats").count("\n") >= 4, "it is sent")
        self.assertIn("beat", s.file("beats").split())
        until(lambda: len([p for p in children(s.pid) if command_line(p)[:1] == [b"sh"]]) <= 1, "the one before is gone")
        self.assertIn("heartbeat failed: timed out", s.log())
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_memory_that_runs_out_takes_a_worker_first(self):
        def score(pid):
            with open(f"/proc/{pid}/oom_score_adj") as f:
                return int(f.read())
        self.fault("hang", AFTER)
        s = self.begin(self.beat('while = "running"; timeout = "10s";', period="10s"))
        s.until_file("ready")
        until(self.beats, "it is sent")
        scores = {pid: score(pid) for pid in children(s.pid) if command_line(pid) == command_line(s.pid)}
        self.assertIn(min(1000, score(s.pid) + 100), scores.values())
        self.assertEqual(score(s.app()), score(s.pid))

    def test_held_lets_it_fire(self):
        self.seed()
        s = self.begin(self.beat('while = "running"; start = true;', fires=SOON_MS), "exit_with", "3",
                       more='app = { restart: { policy = "on-failure"; max = 1; backoff = "10ms"; exhausted = "hold"; }; };')
        s.until_log("holding: tinysup stays up")
        self.fires()

    def test_status_and_metrics(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        s = self.begin(self.beat(), more=f'listen = "127.0.0.1:{port}";')
        s.until_file("ready")
        self.armed()

        def told():
            beat = json.loads(s.probe(how="status=json")[1])["heartbeats"][0]
            return beat["ok"] > 2 and beat
        beat = until(told, "--status knows")
        self.assertEqual((beat["name"], beat["wanted"], beat["armed"], beat["lost"], beat["failures"]), ("dms", True, True, False, 0))
        self.assertIn("heartbeat dms: armed, sent", s.probe(how="status")[1])
        self.assertIn("dms: heartbeat armed", s.probe(how="history")[1])
        metrics = subprocess.run(["nsenter", "-t", str(s.pid), "-p", "-m", "curl", "-s", f"http://127.0.0.1:{port}/metrics"],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
        self.assertIn('tinysup_heartbeat_armed{heartbeat="dms"} 1', metrics)
        self.assertIn('tinysup_heartbeat_beats_total{heartbeat="dms",result="fail"} 0', metrics)


def example(name):
    """A heartbeat of the manual, as it is printed there."""
    page = (ROOT / "docs/tinysup.conf.5").read_text()
    section = page[page.index(".SH HEARTBEATS"):page.index(".SH SIGNED REQUESTS")]
    blocks = [block for block in re.findall(r"\.nf\n(.*?)\.fi\n", section, re.S) if f'name = "{name}"' in block]
    return blocks[0].replace("\\e", "\\")


def lease_of(name, port, ttl_ms):
    """The manual's lease for NAME, at the Redis on that port, and quicker."""
    text = example("lease")
    for printed, here in (('"redis"', '"127.0.0.1"'), ("6379", str(port)), ("15000", str(ttl_ms)), ("${HOSTNAME}", name),
                          ('period = "3s"; timeout = "2s"', 'period = "400ms"; timeout = "300ms"')):
        assert printed in text, f"the manual's lease has no {printed}"
        text = text.replace(printed, here)
    return text


class Lease(ExchangeTest):
    TTL = 3.0

    def setUp(self):
        super().setUp()
        self.servers = contextlib.ExitStack()
        self.addCleanup(self.servers.close)
        folder = self.servers.enter_context(tempfile.TemporaryDirectory(prefix="tinysup-test-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder],
            stdout=subprocess.DEVNULL, preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.servers.callback(self.redis.wait)
        self.servers.callback(self.redis.kill)
        until(lambda: self.says("PING") == "+PONG", "Redis answers")

    def says(self, line):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(line.encode() + b"\r\n")
                return s.recv(1000).decode().strip()
        except OSError:
            return ""

    def owner(self):
        return self.says("GET bot:lease").split("\r\n")[-1]

    def begin(self, name, more="", **options):
        lease = lease_of(name, self.port, int(self.TTL * 1000))
        config = (f'heartbeats = ( {lease} ); {more} '
                  'shutdown: { deadline = "5s"; platform_grace = "60s"; chain = ( { name = "stop"; stop: { timeout = "300ms"; }; } ); };')
        s = Supervised("--", *APP, "ignore_term" if name == "deaf" else "plain", config=config, **options)
        self.addCleanup(s.__exit__)
        return s

    def two(self, first="one"):
        one = self.begin(first)
        one.until_file("ready")
        two = self.begin("two")
        two.until_log("the app starts once it succeeds")
        self.assertEqual((self.owner(), two.file("ready")), (first, ""))
        return one, two

    def test_the_second_takes_over_within_the_ttl(self):
        one, two = self.two()
        os.kill(one.pid, signal.SIGKILL)
        killed = time.monotonic()
        two.until_file("ready")
        self.assertLess(time.monotonic() - killed, self.TTL + 0.4 + 0.3 + 1)  # ttl, a period, a timeout, Python's start
        self.assertEqual(self.owner(), "two")

    def test_an_error_of_redis_is_no_lease(self):
        one = self.begin("one")
        one.until_file("ready")
        self.says("REPLICAOF 127.0.0.1 1")  # it answers, but writes nothing any more
        self.assertEqual(one.wait(), 69)
        two = self.begin("two")
        two.until_log("the app starts once it succeeds")
        self.assertEqual(two.file("ready"), "")

    def test_what_is_lost_ends_start_chain(self):
        one = self.begin("one", more='start = { chain = ( { name = "long"; exec = [ "sh", "-c", "touch $TEST_DIR/long; sleep 1000" ]; } ); };')
        until(lambda: (one.directory / "long").exists(), "start.chain runs")
        self.says("SET bot:lease other")
        self.assertEqual(one.wait(), 69)
        self.assertIn("long: cut: a heartbeat was lost", one.log())
        self.assertEqual(one.file("ready"), "")

    def test_a_stop_hands_over_at_once(self):
        one, two = self.two()
        one.signal("TERM")
        self.assertEqual(one.wait(), 0)
        released = time.monotonic()
        two.until_file("ready")
        self.assertLess(time.monotonic() - released, self.TTL - 0.5)
        self.assertIn("lease: heartbeat disarmed", one.log())

    def test_redis_stops_and_the_first_stops_its_app_before_the_ttl_is_over(self):
        for how in (signal.SIGSTOP, signal.SIGKILL):
            with self.subTest(how=how):
                one = self.begin("deaf")    # its app does not even listen to SIGTERM
                one.until_file("ready")
                app = one.app()
                until(lambda: self.owner() == "deaf", "it has the lease")
                os.kill(self.redis.pid, how)
                stopped = time.monotonic()  # the lease was renewed before that, by a period at most
                until(lambda: not os.path.exists(f"/proc/{app}"), "its app is gone")
                self.assertLess(time.monotonic() - stopped, self.TTL - 0.4)
                self.assertEqual(one.wait(), 69)
                if how == signal.SIGSTOP:
                    os.kill(self.redis.pid, signal.SIGCONT)
                    until(lambda: self.owner() in ("deaf", "$-1"), "Redis answers")
                    self.says("DEL bot:lease")


class Settings(ExchangeTest):
    def check(self, beats, chain=STOP):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write(f'app = {{ command = [ "true" ]; }};\nheartbeats = ( {beats} );\n'
                    + (f'shutdown: {{ chain = ( {chain} ); }};\n' if chain else ""))
            f.flush()
            done = subprocess.run([tinysup(), "--config", f.name, "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=20, check=False)
            return done.returncode, done.stdout

    def test_what_is_wrong(self):
        tcp = 'tcp: { host = "h"; port = 1; };'
        for beats, said in (
                ('{ name = "a"; period = "1s"; }', "heartbeats[0]: set exactly one of exec, http, tcp"),
                (f'{{ name = "a"; {tcp} }}', "heartbeats[0].period: must be set"),
                (f'{{ period = "1s"; {tcp} }}', "heartbeats[0].name: must be set"),
                (f'{{ name = "a\\x07"; period = "1s"; {tcp} }}', "without control characters"),
                (f'{{ name = ""; period = "1s"; {tcp} }}', "heartbeats[0]: expected a name of 1 to 63 bytes"),
                (f'{{ name = "a"; period = "1s"; timeout = "2s"; {tcp} }}', "heartbeats[0].timeout: longer than period"),
                (f'{{ name = "a"; period = "1s"; {tcp} disarm: {{ }}; }}', "heartbeats[0].disarm: set exactly one of exec, http, tcp"),
                (f'{{ name = "a"; period = "1s"; {tcp} while = "well"; }}', "while"),
                (f'{{ name = "a"; period = "1s"; {tcp} }}, {{ name = "a"; period = "1s"; {tcp} }}',
                 'heartbeats[1]: duplicate heartbeat name "a"'),
                (", ".join(f'{{ name = "a{i}"; period = "1s"; {tcp} }}' for i in range(17)), "17 heartbeats; the maximum is 16"),
        ):
            with self.subTest(beats=beats[:60]):
                code, out = self.check(beats)
                self.assertEqual(code, 78, out)
                self.assertIn(said, out)
                self.assertIn(".conf:2: ", out)

    def test_the_manuals_switch(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            f.write('app = { command = [ "true" ]; }; signers: { main: { scheme = "okx"; key = "k"; secret = "s"; passphrase = "p"; }; };'
                    + example("okx") + f"shutdown: {{ chain = ( {STOP} ); }};")
            f.flush()
            done = subprocess.run([tinysup(), "--config", f.name, "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("is disarmed even if orders are open", done.stdout)
        self.assertIn("heartbeats     okx: http every 20 s, timeout 5 s, while ready", done.stdout)

    def test_disarm_wants_a_chain(self):
        beat = '{ name = "a"; period = "1s"; tcp: { host = "h"; port = 1; }; disarm: { tcp: { host = "h"; port = 1; }; }; }'
        code, out = self.check(beat, chain=None)
        self.assertEqual(code, 78)
        self.assertIn("heartbeats[0].disarm: is sent after shutdown.chain, and there is none", out)
        self.assertEqual(self.check(beat)[0], 0)
