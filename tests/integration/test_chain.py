"""The shutdown chain on real processes. The deadline is measured from signal to exit."""
import json
import os
import socket
import threading
import time

from binaries import is_sanitized
from harness import APP, Case, PLAIN, children, run, until

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { signal = "SIGTERM"; timeout = "2s"; }; }'


def chain(*steps, deadline="6s", more="", top=""):
    return (f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; {more} chain = ( ' + ", ".join(steps) + " ); };" + top)


def exec_step(name, script, more=""):
    script = script.replace('"', '\\"')
    return f'{{ name = "{name}"; exec = [ "sh", "-c", "{script}" ]; {more} }}'


class ChainCase(Case):
    def stopped(self, config, app=("plain",), sign="TERM", **options):
        s = self.app(*app, config=config, **options)
        s.signal(sign)
        s.code = s.wait()
        return s

    def within(self, s, seconds):
        # with a margin of 200 ms, which a build several times as slow does not keep
        self.assertLess(s.seconds, seconds - (0 if is_sanitized() else 0.2), s.log())


class Order(ChainCase):
    def test_steps_run_in_order_and_the_app_in_its_place(self):
        s = self.stopped(chain(exec_step("a", "kill -0 $TINYSUP_APP_PID && echo a >> $TEST_DIR/order"), STOP,
                               exec_step("b", "test -z $TINYSUP_APP_PID && echo b >> $TEST_DIR/order")))
        self.assertEqual((s.code, s.file("order")), (0, "a\nb\n"))

    def test_a_chain_that_ends_by_the_clock_is_over_with_it(self):
        for last in ('{ name = "nap"; sleep = "50ms"; }', '{ name = "no"; wait: { exec = [ "false" ]; period = "1s"; }; timeout = "300ms"; }',
                     '( { name = "a"; sleep = "10ms"; }, { name = "b"; sleep = "60ms"; } )'):
            s = self.stopped(chain(STOP, last))
            self.assertEqual(s.code, 0)
            self.assertLess(s.seconds, 4)  # of 6

    def test_a_nested_list_runs_in_parallel(self):
        # each waits for the other: one after the other they would never end
        both = [exec_step(n, f"touch $TEST_DIR/{n}; while ! test -e $TEST_DIR/{o}; do sleep 0.01; done") for n, o in ("ab", "ba")]
        s = self.stopped(chain(f"( {both[0]}, {both[1]} )", STOP))
        self.assertEqual(s.code, 0)
        self.assertIn("a: ok", s.log())
        self.assertIn("b: ok", s.log())

    def test_twenty_stop_signals_reach_the_app_once(self):
        s = self.app("signals", "0", config=chain(exec_step("a", "while ! test -e $TEST_DIR/go; do sleep 0.01; done", 'reserve = "1s";'),
                                                  '{ name = "stop"; stop: { timeout = "500ms"; }; }'))
        for i in range(20):
            s.signal("TERM" if i % 2 else "INT")
            time.sleep(0.002)  # let each be taken: pending ones of a kind are one
        (s.directory / "go").touch()
        self.assertEqual(s.wait(), 137)
        self.assertEqual(s.file("signals"), "15\n")

    def test_other_signals_are_forwarded_during_the_chain(self):
        s = self.app("signals", config=chain(exec_step("a", "while ! test -e $TEST_DIR/go; do sleep 0.01; done"), STOP))
        s.signal("TERM")
        s.until_log("a: started")
        s.signal("USR1")
        s.until_file("signals", "10")
        (s.directory / "go").touch()
        self.assertEqual(s.wait(), 0)

    def test_the_second_signal_skips_steps_without_reserve(self):
        s = self.app("plain", config=chain(exec_step("long", "sleep 30"), exec_step("must", "touch $TEST_DIR/must", 'reserve = "1s";'),
                                           STOP, exec_step("late", "touch $TEST_DIR/late")))
        s.signal("TERM")
        s.until_log("long: started")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertTrue(s.file("must") == "" and (s.directory / "must").exists())
        self.assertFalse((s.directory / "late").exists())
        self.assertLess(s.seconds, 5)

    def test_abort_goes_on_to_the_stop_step_and_the_reserves(self):
        s = self.stopped(chain(exec_step("bad", "exit 3", 'on_failure = "abort";'), exec_step("skipped", "touch $TEST_DIR/skipped"),
                               STOP, exec_step("kept", "touch $TEST_DIR/kept", 'reserve = "1s";')))
        self.assertTrue((s.directory / "kept").exists())
        self.assertFalse((s.directory / "skipped").exists())

    def test_signal_and_sleep(self):
        s = self.stopped(chain('{ name = "usr"; signal = "SIGUSR1"; }', '{ name = "drain"; sleep = "300ms"; }', STOP), app=("signals",))
        self.assertEqual(s.file("signals"), "10\n15\n")
        self.assertGreater(s.seconds, 0.3)

    def test_wait_until_it_is_so(self):
        s = self.stopped(chain(STOP, '{ name = "flat"; wait: { exec = [ "sh", "-c", "echo x >> $TEST_DIR/n; '
                                     'test $(wc -l < $TEST_DIR/n) -ge 3" ]; period = "20ms"; }; timeout = "3s"; required = true; }'))
        self.assertEqual((s.code, s.file("n")), (0, "x\nx\nx\n"))

    def test_when(self):
        steps = [exec_step(f"on-{r}", f"touch $TEST_DIR/{r}", f'when = [ "{r}" ];') for r in ("stop", "exit", "crash")]
        for app, reason in ((("plain",), "stop"), (("exit", "0"), "exit"), (("exit", "4"), "crash"), (("die", "11"), "crash")):
            with self.subTest(app=app):
                s = self.start("--", *APP, *app, config=chain(STOP, *steps), ready=False)
                if reason == "stop":
                    s.pid = s.find(s.binary.decode())
                    s.until_file("ready")
                    s.signal("TERM")
                s.wait()
                self.assertEqual([r for r in ("stop", "exit", "crash") if (s.directory / r).exists()], [reason])


class Hooks(ChainCase):
    def test_what_a_hook_is_told(self):
        s = self.stopped(chain(exec_step("first", "env > $TEST_DIR/env; cat >> $TEST_DIR/env", 'environment: { MINE = "1"; };'), STOP,
                               exec_step("after", "env > $TEST_DIR/after"), top='app: { environment: { APPS = "2"; }; };'),
                         app=("code_on_term", "7"))
        self.assertEqual(s.code, 7)
        env = dict(line.split("=", 1) for line in s.file("env").splitlines())
        self.assertEqual(env["TINYSUP_REASON"], "stop")
        self.assertEqual(env["TINYSUP_SIGNAL"], "SIGTERM")
        self.assertEqual(env["TINYSUP_STEP"], "first")
        self.assertEqual(env["TINYSUP_ATTEMPT"], "1")
        self.assertTrue(0 < int(env["TINYSUP_DEADLINE_MS"]) <= 6000)
        self.assertTrue(env["TINYSUP_APP_PID"].isdigit())
        self.assertEqual((env["TINYSUP_APP_EXIT_CODE"], env["TINYSUP_APP_EXIT_SIGNAL"]), ("", ""))
        self.assertRegex(env["TINYSUP_SHUTDOWN_ID"], "^[0-9a-f]{32}$")
        self.assertIn(env["TINYSUP_SHUTDOWN_ID"], env["TINYSUP_IDEMPOTENCY_KEY"])
        self.assertEqual((env["MINE"], env["APPS"]), ("1", "2"))
        after = dict(line.split("=", 1) for line in s.file("after").splitlines())
        self.assertEqual((after["TINYSUP_APP_PID"], after["TINYSUP_APP_EXIT_CODE"]), ("", "7"))
        self.assertEqual(after["TINYSUP_SHUTDOWN_ID"], env["TINYSUP_SHUTDOWN_ID"])
        self.assertNotIn("MINE", after)

    def test_its_output_is_logged_line_by_line(self):
        s = self.stopped(chain(exec_step("talk", "echo one; echo two >&2; printf three"), STOP))
        for text in ("talk: one\n", "talk: two\n", "talk: three\n"):
            self.assertIn(text, s.log())
        self.assertEqual(s.out(), "")

    def test_json_log_is_json(self):
        s = self.stopped(chain(exec_step("talk", "printf 'a\\\\001b\\\\377\\\\n'; printf '%0.sx' $(seq 5000)"), STOP, top='log: { format = "json"; };'))
        events = [json.loads(line) for line in s.log().splitlines()]
        self.assertTrue(all(e["logger"] == "tinysup" and e["level"] and e["time"] for e in events))
        talk = [e["message"] for e in events if e["event"] == "output"]
        self.assertEqual(sum(m.count("x") for m in talk), 5000)
        self.assertIn("step_end", {e["event"] for e in events})

    def test_one_that_hangs_is_killed_with_its_grandchildren(self):
        s = self.stopped(chain(exec_step("hang", "(sleep 77 & sleep 77) & sleep 77", 'timeout = "400ms";'), STOP))
        self.assertEqual(s.code, 0)
        self.assertIn("hang: timeout", s.log())
        self.within(s, 3)

    def test_one_that_hangs_without_a_timeout_leaves_the_reserves(self):
        s = self.stopped(chain(exec_step("hang", "sleep 77"), STOP, exec_step("must", "touch $TEST_DIR/must", 'reserve = "1s";')))
        self.assertEqual(s.code, 0)
        self.assertTrue((s.directory / "must").exists())
        self.within(s, 6)

    def test_one_that_ignores_sigterm_and_its_pipe(self):
        s = self.stopped(chain(exec_step("deaf", "trap '' TERM PIPE; exec 1>&-; while :; do sleep 1; done", 'timeout = "300ms";'), STOP))
        self.assertEqual(s.code, 0)
        self.within(s, 3)

    def test_100_mb_of_output(self):
        s = self.stopped(chain(exec_step("flood", "yes 0123456789012345678901234567890123456789 | head -c 100000000", 'timeout = "2s";'),
                               STOP, exec_step("must", "touch $TEST_DIR/must", 'reserve = "1s";')), stderr=open(os.devnull, "wb"))
        self.assertEqual(s.code, 0)
        self.assertTrue((s.directory / "must").exists())
        self.within(s, 6)

    def test_a_flood_leaves_room_for_what_tinysup_says(self):
        """Nobody reads the log before the end."""
        def pair(kind):
            return [end.detach() for end in socket.socketpair()] if kind == "socket" else list(os.pipe())

        for kind in ("pipe", "socket"):
            with self.subTest(kind):
                read, write = pair(kind)
                flood = [exec_step(f"flood{i}", "yes | head -c 300000", 'timeout = "3s";') for i in range(2)]
                with open(read, "rb") as log, open(write, "wb") as error:
                    s = self.stopped(chain(*flood, exec_step("after", "true"), STOP), stderr=error)
                    error.close()
                    lines = log.read().decode().splitlines()
                own = "\n".join(line for line in lines if not line.endswith(": y"))
                for line in ("SIGTERM: stopping", "flood0: ok after", "flood1: ok after", "after: ok after", "stop: ok", "exit code 0, "):
                    self.assertIn(line, own)
                self.assertRegex(own, r"dropped \d+ lines")
                self.assertGreater(len(lines), 100)
                self.assertEqual(s.code, 0)

    def test_a_log_that_takes_nothing_does_not_hurt_a_hook(self):
        """Its output is read on: it does not die of SIGPIPE."""
        def no_reader():
            read, write = os.pipe()
            os.close(read)
            return write

        hook = exec_step("hook", "echo one; sleep 0.1; echo two; sleep 0.1; echo three; touch $TEST_DIR/wrote")
        for name, log in (("null", "/dev/null"), ("full", "/dev/full"), ("no reader", no_reader())):
            with self.subTest(name), open(log, "wb") as error:
                s = self.stopped(chain(hook, STOP), stderr=error)
                self.assertEqual(s.code, 0)
                self.assertTrue((s.directory / "wrote").exists())

    def test_a_grandchild_that_keeps_the_pipe_does_not_keep_the_chain(self):
        s = self.stopped(chain(exec_step("leave", "setsid sleep 77 & echo left"), STOP))
        self.assertEqual(s.code, 0)
        self.assertIn("leave: left", s.log())
        self.assertLess(s.seconds, 5)

    def test_failures_go_on_and_are_told(self):
        s = self.stopped(chain(exec_step("one", "exit 1"), '{ name = "missing"; exec = [ "/nonexistent/hook" ]; }',
                               '{ name = "noexec"; exec = [ "/etc/passwd" ]; }', STOP))
        self.assertEqual(s.code, 0)
        self.assertIn("one: failed", s.log())
        self.assertIn("exit code 1", s.log())
        self.assertIn("missing: failed", s.log())
        self.assertIn("cannot execute /nonexistent/hook: No such file or directory", s.log())
        self.assertIn("cannot execute /etc/passwd: Permission denied", s.log())

    def test_a_request_that_can_never_be_made_is_tried_once(self):
        """Not every 0.1 s until its time is gone: libcurl refuses the host, HTTP the header's name."""
        for http in ('url = "http://%00/";', 'url = "http://127.0.0.1:1/"; headers = [ "X Y: v" ];'):
            s = self.stopped(chain(f'{{ name = "a"; http: {{ {http} }}; timeout = "3s"; retry: {{ attempts = 3; }}; }}', STOP))
            self.assertEqual(s.code, 0)
            self.assertRegex(s.log(), "a: failed")
            self.assertNotIn("retrying in", s.log())

    def test_required_makes_75(self):
        self.assertEqual(self.stopped(chain(STOP, exec_step("flat", "exit 1", "required = true;"))).code, 75)
        self.assertEqual(self.stopped(chain(STOP, exec_step("flat", "exit 1", "required = true;"), more="failed_exit_code = 9;")).code, 9)

    def test_retries_with_a_new_attempt_number_and_the_same_key(self):
        s = self.stopped(chain(exec_step("again", "echo $TINYSUP_ATTEMPT $TINYSUP_IDEMPOTENCY_KEY >> $TEST_DIR/tries; test $TINYSUP_ATTEMPT = 3",
                                         'retry: { attempts = 3; backoff = "10ms"; };'), STOP))
        tries = [line.split() for line in s.file("tries").splitlines()]
        self.assertEqual([t[0] for t in tries], ["1", "2", "3"])
        self.assertEqual(len({t[1] for t in tries}), 1)
        self.assertIn("again: ok", s.log())

    def test_no_descriptor_of_ours_and_a_group_of_its_own(self):
        s = self.stopped(chain(exec_step("look", "ls -l /proc/self/fd > $TEST_DIR/fd; cat /proc/self/stat | cut -d' ' -f5 > $TEST_DIR/group"),
                               STOP))
        targets = [line.split(" -> ")[1] for line in s.file("fd").splitlines() if " -> " in line]
        self.assertFalse([t for t in targets if "anon_inode" in t])
        self.assertEqual(targets[0], "/dev/null")
        self.assertLessEqual(len(targets), 5)  # 0, 1, 2, and what ls and the redirection opened

    def test_as_another_user(self):
        s = self.start("--", "sh", "-c", "chmod 777 $TEST_DIR; echo > $TEST_DIR/ready; exec sleep 60",
                       config=chain(exec_step("other", "id -u > $TEST_DIR/other", 'user = "65534:65534";'),
                                    exec_step("own", "id -u > $TEST_DIR/own"), STOP))
        s.until_file("ready")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual((s.file("other"), s.file("own")), ("65534\n", "0\n"))


class Tcp(ChainCase):
    def listen(self, answer, port=0):
        """A server that answers each line so: (port, the lines it got)."""
        got = []
        server = socket.create_server(("127.0.0.1", port))
        self.addCleanup(server.close)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    line = connection.recv(100)
                    if line:
                        got.append(line)
                        connection.sendall(answer)
        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1], got

    def test_sends_and_expects(self):
        port, got = self.listen(b"+OK closed\r\n")
        tcp = f'tcp: {{ port = {port}; send = "close all\\n"; expect = "+OK"; }};'
        s = self.stopped(chain(f'{{ name = "close"; required = true; {tcp} }}', STOP))
        self.assertEqual((s.code, got), (0, [b"close all\n"]), s.log())
        self.assertIn("close: ok", s.log())

    def test_an_answer_that_is_not_expected_fails(self):
        port, got = self.listen(b"-ERR\r\n")
        tcp = f'tcp: {{ port = {port}; send = "close all\\n"; expect = "+OK"; }};'
        s = self.stopped(chain(f'{{ name = "close"; required = true; retry: {{ attempts = 3; }}; {tcp} }}', STOP))
        self.assertEqual((s.code, got), (75, [b"close all\n"]), s.log())
        self.assertIn("`expect` not found", s.log())

    def test_is_retried_and_waited_for(self):
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = one.getsockname()[1]
        steps = (f'{{ name = "once"; tcp: {{ port = {port}; }}; timeout = "2s"; retry: {{ attempts = 2; backoff = "10ms"; }}; }}',
                 exec_step("go", "touch $TEST_DIR/go"), f'{{ name = "up"; required = true; wait: {{ tcp: {{ port = {port}; }}; period = "20ms"; }}; }}')
        s = self.app("plain", config=chain(*steps, STOP))
        s.signal("TERM")
        s.until_file("go")
        self.listen(b"", port)
        self.assertEqual(s.wait(), 0, s.log())
        self.assertIn("once: attempt 2", s.log())
        self.assertIn("up: ok", s.log())


class App(ChainCase):
    def test_one_that_ignores_sigterm_is_killed(self):
        s = self.stopped(chain(STOP, exec_step("after", "touch $TEST_DIR/after")), app=("ignore_term",))
        self.assertEqual(s.code, 137)
        self.assertTrue((s.directory / "after").exists())
        self.assertGreaterEqual(s.seconds, 2)
        self.within(s, 6)

    def test_one_that_exits_during_each_step(self):
        steps = [exec_step(f"s{i}", f"touch $TEST_DIR/end{i}; while kill -0 $TINYSUP_APP_PID 2>/dev/null; do sleep 0.01; done; "
                                    f"touch $TEST_DIR/done{i}", 'timeout = "2s";') for i in (0, 1)]
        needs = exec_step("needs", "touch $TEST_DIR/needs", "needs_app = true;")
        for at in (0, 1):
            with self.subTest(step=at):
                mine = [exec_step("first", "true"), exec_step("second", "true")]
                mine[at] = steps[at]
                s = self.stopped(chain(*mine, needs, STOP, exec_step("last", "touch $TEST_DIR/last")), app=("ends_when", f"end{at}", "4"))
                self.assertEqual(s.code, 4)
                self.assertTrue((s.directory / "last").exists())
                self.assertFalse((s.directory / "needs").exists())
                self.assertIn("needs: skipped: the app is not running", s.log())
                self.assertLess(s.seconds, 5)

    def test_its_end_ends_a_drain_that_needs_it(self):
        s = self.stopped(chain(exec_step("go", "touch $TEST_DIR/end"), '{ name = "drain"; sleep = "4s"; needs_app = true; }', STOP),
                         app=("ends_when", "end"))
        self.assertLess(s.seconds, 3.5)

    def test_a_crash_runs_the_chain_and_keeps_the_code(self):
        s = self.start("--", *APP, "die", "11", config=chain(exec_step("cancel", "echo $TINYSUP_REASON $TINYSUP_APP_EXIT_SIGNAL > $TEST_DIR/why"),
                                                            STOP), ready=False)
        self.assertEqual(s.wait(), 139)
        self.assertEqual(s.file("why"), "crash SIGSEGV\n")

    def test_no_chain_where_it_cannot_be_executed(self):
        s = self.start("--", "/nonexistent/app", config=chain(exec_step("cancel", "touch $TEST_DIR/ran"), STOP), ready=False)
        self.assertEqual(s.wait(), 127)
        self.assertFalse((s.directory / "ran").exists())

    def test_workers_in_its_group_get_their_chance(self):
        s = self.app("leader_and_worker", config=chain(STOP))
        s.until_file("worker", "ready")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertIn("done", s.file("worker"))

    def test_a_stop_signal_at_once(self):
        s = self.start("--", "sleep", "60", config=chain(exec_step("a", "touch $TEST_DIR/a"), STOP))
        s.signal("TERM")
        self.assertEqual(s.wait(10), 0)
        self.assertTrue((s.directory / "a").exists())

    def test_exit_codes_of_a_stop(self):
        for app, more, code in ((("plain",), "", 0), (("code_on_term", "143"), "", 0), (("code_on_term", "0"), "", 0),
                                (("code_on_term", "3"), "", 3), (("plain",), "clean_exit_code = 4;", 4)):
            with self.subTest(app=app):
                self.assertEqual(self.stopped(chain(STOP, more=more), app=app).code, code)


class Deadline(ChainCase):
    def test_every_kind_of_trouble_at_once(self):
        s = self.stopped(chain(exec_step("hang", "trap '' TERM; sleep 99"), exec_step("hang2", "sleep 99", 'reserve = "300ms";'), STOP,
                               '{ name = "wait"; wait: { exec = [ "false" ]; period = "10ms"; }; }',
                               exec_step("last", "sleep 99", 'reserve = "300ms";'), deadline="6s"),
                         app=("ignore_term",), sign="TERM")
        self.assertEqual(s.code, 137)
        self.within(s, 6)
        self.assertGreater(s.seconds, 5)

    def test_platform_grace_shortens_it(self):
        s = self.stopped('shutdown: { deadline = "30s"; platform_grace = "4s"; kill_reserve = "500ms"; };', app=("ignore_term",))
        self.assertEqual(s.code, 137)
        self.within(s, 2)

    def test_platforms_are_known_by_their_variables(self):
        for platform, variable, value, grace in (
                ("Kubernetes", "KUBERNETES_SERVICE_HOST", "27 s", "30 s"), ("Azure Container Apps", "CONTAINER_APP_NAME", "27 s", "30 s"),
                ("ECS", "ECS_CONTAINER_METADATA_URI_V4", "27 s", "30 s"), ("Fly", "FLY_APP_NAME", "3 s", "5 s"),
                ("Nomad", "NOMAD_ALLOC_ID", "3 s", "5 s"), ("Render", "RENDER", "27 s", "30 s"), ("Heroku", "DYNO", "27 s", "30 s"),
                ("Cloud Run", "K_SERVICE", "8 s", "10 s"), ("Cloud Run", "CLOUD_RUN_JOB", "8 s", "10 s"),
                ("Cloud Run", "CLOUD_RUN_WORKER_POOL", "8 s", "10 s")):
            with self.subTest(variable):
                _, out, _ = run("--check", config="", env={variable: "x"}, first=False)
                self.assertRegex(out, f"deadline +{value} .*: {platform} grants {grace}\n")

    def test_knative_has_the_grace_of_kubernetes(self):
        _, out, _ = run("--check", config="", env={"K_SERVICE": "x", "KUBERNETES_SERVICE_HOST": "x"}, first=False)
        self.assertIn("Kubernetes grants 30 s", out)

    def test_railway_says_how_long_it_waits(self):
        for seconds, deadline in (("60", "30 s"), ("20", "18 s"), ("5", "3 s"), ("100000", "30 s")):
            _, out, _ = run("--check", config="", env={"RAILWAY_ENVIRONMENT_ID": "x", "RAILWAY_DEPLOYMENT_DRAINING_SECONDS": seconds}, first=False)
            self.assertIn(f"deadline       {deadline} ", out)
            self.assertNotIn("no time", out)

    def test_a_platform_that_kills_at_once_is_warned_of_and_never_refused(self):
        """The chain has its deadline, for a crash leaves it; 0, 1 and 2 s are as good as nothing."""
        config = chain(exec_step("early", "touch $TEST_DIR/early", 'timeout = "2s"; reserve = "2s";'), STOP, deadline="9s").replace('platform_grace = "60s";', "")
        for more in ({}, {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "2"}, {"RAILWAY_DEPLOYMENT_DRAINING_SECONDS": "soon"}):
            with self.subTest(more):
                env = {"RAILWAY_ENVIRONMENT_ID": "x", **more}
                warning = "leaves the chain no time: set RAILWAY_DEPLOYMENT_DRAINING_SECONDS to at least 11 (seconds)"
                code, out, err = run("--check", config=config, env=env, first=False)
                self.assertEqual(code, 0, err)
                self.assertIn(warning, err)
                self.assertIn("which is no time for a stop", out)
                code, _, log = run("--", "false", config=config, env=env)
                self.assertEqual(code, 1, log)
                self.assertIn("warn: Railway sends SIGKILL", log)
                self.assertIn(warning, log)
                self.assertIn("early: ok", log)

    def test_reserves_that_the_platform_leaves_no_time_for(self):
        config = 'shutdown: { chain = ( ' + STOP + ', { name = "save"; exec = [ "true" ]; reserve = "6s"; } ); };'
        code, _, log = run("--check", config=config, env={"NOMAD_ALLOC_ID": "x"}, first=False)
        self.assertEqual(code, 78)
        self.assertIn("Nomad grants 5 s without kill_timeout: say in shutdown.platform_grace what you have set there", log)

    def test_an_unknown_platform_is_warned_of(self):
        _, _, log = run("--", "true", config=chain(STOP).replace('platform_grace = "60s";', "").replace("6s", "30s"))
        self.assertIn("Docker kills after 10 s", log)
        self.assertIn("stop_grace_period", log)
        self.assertIn("to at least 34 s, and shutdown.platform_grace", log)
        self.assertIn("10 s by default", run("--", "true", config=chain(STOP).replace('platform_grace = "60s";', "").replace("6s", "10500ms"))[2])
        for quiet in (chain(STOP), chain(STOP, deadline="6s").replace('platform_grace = "60s";', "")):
            self.assertNotIn("Docker", run("--", "true", config=quiet)[2])

    def test_frozen_hooks_and_workers_are_killed_too(self):
        s = self.stopped(chain(exec_step("frozen", "kill -STOP $$", 'timeout = "300ms";'), STOP))
        self.assertEqual(s.code, 0)
        self.within(s, 3)


class Shortage(ChainCase):
    """Process 1 never ends because something fails: it tries again, goes without, and stops the app in order."""

    CONFIG = chain(exec_step("early", "touch $TEST_DIR/early", 'timeout = "700ms";'), STOP, exec_step("after", "exec touch $TEST_DIR/after", 'timeout = "1s";'))

    def test_no_process_to_be_had(self):
        uid = str(100000 + os.getpid())  # the limit is the user's: a user of its own
        s = self.start("--", "sleep", "60", config=self.CONFIG, binary=PLAIN, piped=True,
                       wrap=["sh", "-c", f'chmod -R 777 $TEST_DIR; exec setpriv --reuid {uid} --regid {uid} --clear-groups '
                             'prlimit --nproc=2 "$@"', "sh"])
        s.app()
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertIn("early: failed", s.log())
        self.assertIn("cannot fork: Resource temporarily unavailable", s.log())
        self.assertFalse((s.directory / "early").exists())
        self.assertTrue((s.directory / "after").exists())  # the app's place was free again
        self.within(s, 3)

    def test_no_descriptor_to_be_had(self):
        s = self.start("--", "sleep", "60", config=self.CONFIG, binary=PLAIN, piped=True, wrap=["prlimit", "--nofile=10:10"])
        s.app()
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertIn("cannot fork: Too many open files", s.log())
        self.within(s, 6)


class Sleepers(ChainCase):
    def test_nothing_is_slept_out(self):
        s = self.stopped(chain(exec_step("quick", "true", 'timeout = "3s"; reserve = "1s";'), STOP, deadline="30s"))
        self.assertLess(s.seconds, 2.8)

    def test_children_are_gone_with_it(self):
        s = self.stopped(chain(exec_step("leave", "setsid sleep 66 & true"), STOP))
        self.assertEqual(s.code, 0)
        until(lambda: not children(s.process.pid), "nothing is left")
