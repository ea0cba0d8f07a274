"""Probes, restarts and --probe on real processes."""
import json
import mmap
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from binaries import tinysup
from harness import APP, Case, children, command_line, run, stat_of, until

BINARIES = ("plain", "sealed", "sanitized")
PF_EXITING, PF_SIGNALED = 0x4, 0x400
STOP = '{ name = "stop"; stop: { signal = "SIGTERM"; timeout = "2s"; }; }'
UP = '{ name = "up"; file: { path = "${TEST_DIR}/up"; }; }'
QUICK = 'period = "100ms"; failure_threshold = 2;'
# in a hook of the chain of a restart: the next life is well from its first check on
WELL_AGAIN = "touch $TEST_DIR/up"
HOOK = 'echo $TINYSUP_REASON $TINYSUP_STEP >> $TEST_DIR/hooks'


def probes(live="", ready="", startup="", top=""):
    groups = {"startup": startup, "liveness": live, "readiness": ready}
    return "probes: { " + " ".join(f"{k}: {{ {v} }};" for k, v in groups.items() if v) + " }; " + top


def hook(name, when, script=HOOK, more=""):
    return f'{{ name = "{name}"; exec = [ "sh", "-c", "{script}" ]; when = [ {", ".join(chr(34) + w + chr(34) for w in when)} ]; {more} }}'


def chain(*steps, deadline="6s"):
    return f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {", ".join(steps)} ); }}; '


def restarts(policy="never", most=5, backoff="50ms"):
    return f'restart: {{ policy = "{policy}"; max = {most}; backoff = "{backoff}"; backoff_max = "100ms"; }};'


def switches(pid):
    return sum(int(n) for n in re.findall(r"ctxt_switches:\s*(\d+)", Path(f"/proc/{pid}/status").read_text()))


class HealthCase(Case):
    def up(self, config, app=("plain",), **options):
        """The app, with the file that the check `up` looks for: there before the first check, however late the app is ready."""
        return self.app(*app, config=config, files=["up"], **options)


class Verdicts(HealthCase):
    def test_from_the_supervisor(self):
        count = '{ name = "count"; exec = [ "sh", "-c", "echo >> $TEST_DIR/asked" ]; }'
        s = self.app("plain", config=probes(ready=f'checks = ( {count} ); period = "1h";'))
        s.until_probe(0, "ready")
        for _ in range(20):
            self.assertEqual(s.probe(), (0, "healthy: started, live and ready\n"))
            self.assertEqual(s.probe("count"), (0, "healthy: count\n"))
        self.assertEqual(s.file("asked"), "\n")
        self.assertEqual(s.probe("count", "--direct", config=True)[0], 0)
        self.assertEqual(s.file("asked"), "\n\n")

    def test_readiness_comes_and_goes(self):
        s = self.app("plain", config=probes(ready=f"checks = ( {UP} ); {QUICK}"))
        self.assertEqual(s.until_probe(1, "ready"), "unhealthy: up: file: missing\n")
        s.touch("up")
        s.until_probe(0, "ready")
        self.assertEqual(s.probe("live")[0], 0)
        s.remove("up")
        s.until_probe(1, "ready")
        self.assertEqual(s.probe("live")[0], 0)
        self.assertIn("readiness: failed: up: file: missing", s.log())
        self.assertEqual(s.probe("up")[0], 1)

    def test_json(self):
        s = self.up(probes(ready=f"checks = ( {UP} ); {QUICK}"))
        verdict = json.loads(s.until_probe(0, "ready", "--json"))
        self.assertEqual((verdict["healthy"], verdict["checks"][0]["name"], verdict["checks"][0]["outcome"]), (True, "up", "ok"))
        s.remove("up")
        verdict = json.loads(s.until_probe(1, "ready", "--json"))
        self.assertEqual((verdict["healthy"], verdict["message"], verdict["checks"][0]["class"]), (False, "up: file: missing", "file"))

    def test_startup_blocks_the_others(self):
        asks = '{ name = "asks"; exec = [ "touch", "${TEST_DIR}/asked" ]; }'
        s = self.app("plain", config=probes(startup=f'checks = ( {UP} ); period = "50ms"; failure_threshold = 1000;',
                                            live=f"checks = ( {asks} );", ready=f'checks = ( "asks" );'))
        s.until_log("up: failed")
        self.assertEqual([s.probe(p)[0] for p in ("startup", "ready", "live")], [1, 1, 0])
        self.assertFalse((s.directory / "asked").exists())
        s.touch("up")
        s.until_probe(0)
        self.assertTrue((s.directory / "asked").exists())

    def test_all_kinds_that_need_no_server(self):
        checks = ('{ name = "p"; process: { max_rss = 1000000000; max_fds = 100; }; }, { name = "e"; exec = [ "true" ]; }, '
                  '{ name = "f"; file: { path = "${TEST_DIR}/ready"; max_age = "1h"; }; }, '
                  '{ name = "s"; soft = true; exec = [ "false" ]; }')
        s = self.app("plain", config=probes(ready=f"checks = ( {checks} ); {QUICK}"))
        s.until_probe(0)
        self.assertEqual([s.probe(n)[0] for n in "pefs"], [0, 0, 0, 1])
        s = self.app("plain", config=probes(ready=f'checks = ( {{ name = "p"; process: {{ max_rss = 1000; }}; }} ); {QUICK}'))
        self.assertRegex(s.until_probe(1, "p"), "p: process: [0-9]+ bytes resident, maximum 1000")
        s = self.app("plain", config=probes(ready=f'checks = ( {{ name = "p"; process: {{ max_fds = 1; }}; }} ); {QUICK}'))
        self.assertRegex(s.until_probe(1, "p"), "p: process: [0-9]+ open descriptors, maximum 1")

    def test_readiness_ends_with_the_first_stop_event(self):
        wait = '{ name = "wait"; exec = [ "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.01; done" ]; }'
        s = self.up(probes(live=f"checks = ( {UP} ); {QUICK}", ready=f'checks = ( "up" ); {QUICK}', top=chain(wait, STOP)))
        s.until_probe(0)
        s.signal("TERM")
        s.until_log("wait: started")
        self.assertEqual(s.probe("ready"), (1, "unhealthy: stopping\n"))
        s.remove("up")  # nobody looks any more: liveness stays as it was
        time.sleep(0.4)
        self.assertEqual([s.probe(p)[0] for p in ("live", "startup", "ready")], [0, 0, 1])
        s.touch("go")
        self.assertEqual(s.wait(), 0)

    def test_no_probes_are_asked_directly(self):
        s = self.up(f"checks = ( {UP} );")
        self.assertEqual(s.probe(config=True)[0], 0)
        s.remove("up")
        self.assertEqual(s.probe(config=True)[0], 1)

    def test_the_first_step_finds_it_ended(self):
        ask = hook("ask", ["stop"], f"{tinysup()} --probe=ready > $TEST_DIR/said; true")
        s = self.up(probes(ready=f"checks = ( {UP} ); {QUICK}", top=chain(ask, STOP)))
        s.until_probe(0)
        s.signal("TERM")
        self.assertEqual((s.wait(), s.file("said")), (0, "unhealthy: stopping\n"))

    def test_without_probes_a_stop_ends_readiness_too(self):
        wait = '{ name = "wait"; exec = [ "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.01; done" ]; }'
        s = self.up(f"checks = ( {UP} ); " + chain(wait, STOP))
        self.assertEqual(s.probe("ready", config=True)[0], 0)
        s.signal("TERM")
        s.until_log("wait: started")
        self.assertEqual(s.until_probe(1, "ready", config=True), "unhealthy: stopping\n")
        self.assertEqual([s.probe(*p, config=True)[0] for p in ((), ("live",), ("up",))], [1, 0, 0])
        s.touch("go")
        self.assertEqual(s.wait(), 0)

    def test_the_app_itself_is_known_directly_too(self):
        s = self.app("notifies", config='checks = ( { name = "p"; process: { max_fds = 100; }; }, { name = "n"; notify: { max_age = "1h"; }; } ); app: { notify = true; };')
        for words in (("p", "--direct"), ("n", "--direct"), ("--direct",)):
            self.assertEqual(s.probe(*words, config=True)[0], 0, words)

    def test_directly_a_probe_is_its_own_checks(self):
        s = self.up(f'checks = ( {UP}, {{ name = "no"; exec = [ "false" ]; }} ); ' +
                    probes(live='checks = ( "up" );', ready='checks = ( "no", "up" ); mode = "any";', startup='checks = ( "no", "up" );'))
        self.assertEqual([s.probe(p, "--direct", config=True)[0] for p in ("live", "ready", "startup")], [0, 0, 1])

    def test_what_the_supervisor_does_not_ask_is_asked_directly(self):
        s = self.up(f'checks = ( {UP}, {{ name = "other"; exec = [ "true" ]; }} ); ' + probes(ready=f'checks = ( "up" ); {QUICK}'))
        s.until_probe(0)
        self.assertRegex(s.probe("other", config=True)[1], "healthy: other [0-9]+ ms")
        self.assertIn("no check named odd", s.probe("odd", config=True)[1])

    def noticed(self, period, timeout, threshold):
        """A check begins to hang: the seconds until it is noticed."""
        tell = 'exec = [ "sh", "-c", "test -e $TEST_DIR/up || sleep 10" ]'
        s = self.up(probes(live=f'checks = ( {{ name = "slow"; {tell}; }} ); period = "{period}"; timeout = "{timeout}"; '
                                f'failure_threshold = {threshold};'))
        s.until_log("slow: ok")
        begun = time.monotonic()
        s.remove("up")
        s.until_log("liveness: failed: slow: timeout")
        return time.monotonic() - begun

    def test_hangs_are_noticed_in_time(self):
        """period x failure_threshold + timeout + 100 ms, and what this machine is late by, which it is not always."""
        self.assertTrue(any(self.noticed("300ms", "200ms", 2) < 0.9 + 0.4 for _ in range(3)))

    def test_a_period_as_short_as_the_time_out(self):
        """The next question waits for the one before, and for nothing more."""
        self.assertTrue(any(self.noticed("300ms", "300ms", 3) < 1.3 + 0.4 for _ in range(3)))


def is_leader(pid):
    """Of its group, and not killed: on a busy machine, that takes its time."""
    try:
        fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        dies = int(stat_of(pid)[6]) & (PF_EXITING | PF_SIGNALED)
        return os.getpgid(pid) == pid and not dies and not int(fields["SigPnd"], 16) >> (signal.SIGKILL - 1) & 1
    except (OSError, KeyError, IndexError):
        return False


class Workers(HealthCase):
    def test_a_question_is_killed_at_its_time_out_and_never_doubled(self):
        hang = 'exec = [ "sh", "-c", "echo $$ >> $TEST_DIR/pids; sleep 100 & sleep 100" ]'
        s = self.app("plain", config=probes(ready=f'checks = ( {{ name = "hang"; {hang}; }} ); period = "50ms"; timeout = "120ms";'))
        until(lambda: s.file("pids").count("\n") > 5, "it is asked again")
        for _ in range(20):
            # the leaders of their groups: what the shell had forked may be dying yet
            self.assertLessEqual(len([p for p in children(s.pid) if is_leader(p) and b"pids" in b" ".join(command_line(p))]), 1)
            time.sleep(0.01)
        s.signal("TERM")
        s.wait()  # all 'sleep 100' are gone, else the sweep would take its time
        self.assertLess(s.seconds, 4)

    def test_a_worker_that_dies_is_no_verdict(self):
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            check = f'{{ name = "deaf"; tcp: {{ port = {deaf.getsockname()[1]}; expect = "x"; }}; }}'
            s = self.app("plain", piped=True, config=probes(live=f'checks = ( {check} ); timeout = "20s"; failure_threshold = 1; on_failure = "shutdown";'))
            worker = until(lambda: [p for p in children(s.pid) if command_line(p)[:1] == [tinysup().encode()]], "a worker")[0]
            os.kill(worker, signal.SIGKILL)
            s.until_log("deaf: error: worker killed by SIGKILL")
            self.assertEqual(s.probe("live")[0], 0)

    def test_no_process_for_a_check_is_an_error(self):
        """A limit of processes, under a uid of its own, so that nobody else counts."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (2, 100))
        uid = str(100000 + os.getpid())
        s = self.start("--", "sleep", "100", setup=limit, piped=True, wrap=("setpriv", "--reuid", uid, "--clear-groups"), config=probes(
            live='checks = ( { name = "root"; file: { path = "/"; }; } ); period = "50ms"; failure_threshold = 1; on_failure = "shutdown";',
            ready='checks = ( "root" ); period = "50ms";'))
        s.until_log("root: error: cannot fork")
        self.assertEqual([s.probe(p)[0] for p in ("live", "ready")], [0, 1])
        self.assertNotIn("failed", s.log())

    def test_no_descriptor_of_ours_reaches_anybody(self):
        look = '{ name = "look"; exec = [ "sh", "-c", "ls /proc/self/fd > $TEST_DIR/seen" ]; }'
        s = self.app("status", config='app: { notify = true; }; listen = "127.0.0.1:0"; ' + probes(startup=f"checks = ( {look} );"))
        self.assertEqual(s.file("descriptors"), "[]\n")
        s.until_log("look: ok")
        self.assertEqual(s.file("seen").split(), ["0", "1", "2", "3"])  # 3 is the directory that ls reads

    def test_descriptors_do_not_grow(self):
        checks = '{ name = "e"; exec = [ "true" ]; }, { name = "t"; tcp: { port = 1; }; }, { name = "f"; file: { path = "/"; }; }'
        s = self.app("plain", config=probes(ready=f'checks = ( {checks} ); period = "10ms";'))
        s.until_log("f: ok")
        time.sleep(0.2)
        before = len(os.listdir(f"/proc/{s.pid}/fd"))
        time.sleep(1)
        self.assertLessEqual(abs(len(os.listdir(f"/proc/{s.pid}/fd")) - before), 6)  # those of the questions under way


class Unhealthy(HealthCase):
    def test_shutdown_runs_the_chain_and_exits_69(self):
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} on_failure = "shutdown";',
                           top=chain(hook("a", ["unhealthy"]), hook("b", ["stop"]), STOP)))
        s.until_probe(0)
        s.remove("up")
        self.assertEqual((s.wait(), s.file("hooks")), (69, "unhealthy a\n"))
        self.assertIn("is unhealthy: shutting down", s.log())

    def test_shutdown_without_a_chain(self):
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} on_failure = "shutdown";'))
        s.until_probe(0)
        s.remove("up")
        self.assertEqual(s.wait(), 69)

    def test_none_leaves_the_app_alone(self):
        s = self.up(probes(live=f"checks = ( {UP} ); {QUICK}"))
        s.until_probe(0)
        s.remove("up")
        s.until_probe(1, "live")
        s.touch("up")
        s.until_probe(0, "live")
        self.assertEqual(s.file("ready").count("\n"), 1)

    def test_restart(self):
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} on_failure = "restart";',
                           top=chain(hook("a", ["restart"], f"{HOOK}; {WELL_AGAIN}"), hook("b", ["stop", "unhealthy"]), STOP) + "app: { " + restarts() + " };"))
        s.until_probe(0)
        first = s.app()
        s.remove("up")
        until(lambda: s.file("ready").count("\n") >= 2 and s.app() != first, "it runs again")
        s.until_probe(0)
        self.assertEqual(set(s.file("hooks").split("\n")), {"restart a", ""})
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertIn("stop b", s.file("hooks"))

    def test_restarts_are_limited(self):
        s = self.start("--", *APP, "plain", config=probes(live=f'checks = ( {UP} ); period = "30ms"; failure_threshold = 1; on_failure = "restart";',
                                                          top="app: { " + restarts(most=2) + " };"))
        self.assertEqual(s.wait(), 69)
        self.assertEqual(s.log().count("before restarting"), 2)
        self.assertIn("giving up", s.log())

    def test_an_app_that_will_not_go_is_killed_before_it_is_started_again(self):
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} on_failure = "restart";', top="app: { " + restarts() + " };" + chain(
            '{ name = "stop"; stop: { timeout = "200ms"; }; }', hook("well", ["restart"], WELL_AGAIN))), app=("ignore_term",))
        s.until_probe(0)
        s.remove("up")
        until(lambda: s.file("ready").count("\n") == 2, "it runs again")

    def test_startup_that_fails_is_treated_as_liveness(self):
        s = self.start("--", *APP, "plain", config=probes(startup=f"checks = ( {UP} ); {QUICK}", live='checks = ( "up" ); on_failure = "shutdown";'))
        self.assertEqual(s.wait(), 69)

    def test_a_stop_during_a_restart_is_a_stop(self):
        slow = hook("slow", ["restart"], "while ! test -e $TEST_DIR/go; do sleep 0.01; done")
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} on_failure = "restart";',
                           top=chain(slow, STOP, hook("b", ["stop"])) + "app: { " + restarts() + " };"))
        s.until_probe(0)
        s.remove("up")
        s.until_log("slow: started")
        s.signal("TERM")
        self.assertEqual((s.wait(), s.file("hooks"), s.file("ready").count("\n")), (0, "stop b\n", 1))


class Crashes(HealthCase):
    def crash(self, policy, code, most=2):
        return run("--", *APP, "exit", str(code), config="app: { " + restarts(policy, most, "10ms") + " };")

    def test_policies(self):
        for policy, code, starts in (("never", 3, 0), ("on-failure", 3, 2), ("on-failure", 0, 0), ("always", 0, 2), ("always", 4, 2)):
            with self.subTest(policy=policy, code=code):
                got, _, log = self.crash(policy, code)
                self.assertEqual((got, log.count("before restarting")), (code, starts), log)

    def test_it_lives_on(self):
        s = self.app("ends_when", "end1", "5", config=probes(ready=f"checks = ( {UP} ); {QUICK}", top="app: { " + restarts("on-failure") + " };"))
        s.touch("up")
        s.until_probe(0)
        s.touch("end1")
        until(lambda: s.file("ready").count("\n") >= 2, "a second life")
        s.remove("end1")

    def test_a_restart_is_counted_however_quick(self):
        s = self.app("ends_once", "end", "5", config="app: { " + restarts("always", 3, "300ms").replace("100ms", "300ms") + " };")
        s.touch("end")
        s.until_log("(restart ")
        status = until(lambda: (j := json.loads(s.probe(how="status=json")[1]))["app"]["restarts"] == 1 and j, "a restart")
        self.assertEqual((status["chains"]["restart"]["run"], status["chain"]["reason"]), (1, "restart"))

    def test_between_two_lives_nothing_is_healthy(self):
        s = self.app("ends_when", "end", "5", config=probes(ready=f"checks = ( {UP} ); {QUICK}",
                                                             top='app: { restart: { policy = "always"; backoff = "1h"; backoff_max = "1h"; }; };'))
        s.touch("up")
        s.until_probe(0)
        s.touch("end")
        s.until_log("before restarting")
        self.assertEqual([s.probe(p) for p in ("live", "ready", "startup")], [(1, "unhealthy: the app is being restarted\n")] * 3)
        s.signal("TERM")
        self.assertEqual(s.wait(), 5)
        self.assertLess(s.seconds, 4)

    def test_a_program_that_is_gone_has_crashed_and_the_chain_runs(self):
        s = self.start("--", "true", ready=False)  # for its directory
        s.wait()
        app = s.directory / "app"
        app.write_text('#!/bin/sh\nrm "$0"\nexit 3\n')
        app.chmod(0o755)
        config = "app: { " + restarts("on-failure", 2, "10ms") + " }; " + chain(hook("cancel", ["crash"]).replace("$TEST_DIR", str(s.directory)), STOP)
        code, _, log = run("--", app, config=config)
        self.assertEqual((code, log.count("before restarting"), s.file("hooks")), (127, 2, "crash cancel\n"), log)

    def test_what_was_true_of_the_app_before_is_not_true_of_the_next(self):
        s = self.app("ends_once", "end", "5", config=probes(ready=f'checks = ( {UP} ); initial_delay = "1s"; period = "100ms";',
                                                            top="app: { " + restarts("on-failure") + " };"))
        s.touch("up")
        self.assertEqual(s.until_probe(0, "up"), "healthy: up\n")
        s.touch("end")
        s.until_log("(restart ")
        s.remove("up")
        until(lambda: s.probe("live")[0] == 0, "the next one")
        self.assertEqual(s.probe("up", config=True)[0], 1)


    def test_a_required_step_that_fails_on_the_way_is_a_shutdown(self):
        fails = hook("check", ["restart", "crash"], HOOK + "; exit 1", "required = true;")
        last = hook("last", ["crash"])
        code, _, log = run("--", *APP, "exit", "3", config="app: { " + restarts("on-failure", 3, "10ms") + " }; " + chain(STOP, fails, last))
        self.assertEqual(code, 75, log)
        self.assertEqual((log.count("last: skipped"), log.count("last: ok")), (1, 1), log)

    def test_a_killed_stop_step_is_shown_as_ended(self):
        s = self.up(probes(live=f'checks = ( {UP} ); {QUICK} initial_delay = "2s"; on_failure = "restart";', top=chain(
            '{ name = "stop"; stop: { timeout = "200ms"; }; }') + "app: { " + restarts(backoff="0s") + " };"), app=("ignore_term",))
        s.until_probe(0)
        s.remove("up")
        s.until_log("(restart ")
        s.touch("up")
        status = until(lambda: (j := json.loads(s.probe(how="status=json")[1]))["phase"] == "running" and j, "it runs again")
        self.assertEqual([(step["name"], step["state"]) for step in status["chain"]["steps"]], [("stop", "timeout")])
        self.assertLess(status["chain"]["steps"][0]["took_ms"], 5000)


class Notify(HealthCase):
    """sd_notify, said by tests/integration/app.py as told line by line."""

    def notifying(self, config, end="term", more="", app=""):
        return self.app("notifies", end, config=f"app: {{ notify = true; {app} }}; {config}" + more)

    @staticmethod
    def say(s, line):
        with open(s.directory / "say", "a") as f:
            f.write(line + "\n")

    def test_ready_is_startups_verdict(self):
        s = self.notifying("")
        self.assertRegex(s.file("environment"), "^NOTIFY_SOCKET=@[0-9a-f]+\n$")
        self.assertEqual(s.probe(), (1, "unhealthy: waiting for READY=1\n"))
        self.say(s, "READY=1")
        s.until_probe(0)
        self.say(s, "STOPPING=1")
        self.assertEqual(s.until_probe(1, "ready"), "unhealthy: the app sent STOPPING=1\n")

    def test_a_descendant_may_speak_and_a_stranger_may_not(self):
        s = self.notifying("")
        address = s.file("environment").split("=")[1].strip().replace("@", "\0", 1)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for _ in range(10):
                stranger.sendto(b"READY=1", address)
        s.until_log("too long, or not sent by the app")
        self.assertEqual(s.probe()[0], 1)
        self.say(s, "child:READY=1")
        s.until_probe(0)

    def test_a_check_may_not(self):
        liar = ('import os, re, socket; a = re.search("@[0-9a-f]+", open(os.environ["TEST_DIR"] + "/environment").read())[0]; '
                'socket.socket(1, 2).sendto(b"READY=1", a.replace("@", chr(0)))')
        s = self.notifying(probes(startup='checks = ( { name = "liar"; exec = [ "python3", "${TEST_DIR}/liar.py" ]; } ); period = "50ms"; '
                                          'failure_threshold = 1000;'))
        (s.directory / "liar.py").write_text(liar)
        s.until_log("liar: ok")
        time.sleep(0.1)
        self.assertEqual(s.probe(), (1, "unhealthy: waiting for READY=1\n"))

    def test_descriptors_are_closed_and_a_barrier_passes(self):
        s = self.notifying("")
        before = os.listdir(f"/proc/{s.pid}/fd")
        for _ in range(5):
            self.say(s, "fd:BARRIER=1")
        until(lambda: s.file("barrier").count("passed") == 5, "the barrier")
        self.assertEqual(os.listdir(f"/proc/{s.pid}/fd"), before)

    def test_watchdog(self):
        s = self.notifying(probes(live='on_failure = "shutdown";'), app='watchdog = "1s";')
        self.assertRegex(s.file("environment"), "WATCHDOG_USEC=1000000")
        self.assertRegex(s.file("environment"), r"WATCHDOG_PID=[1-9]\d*\n")
        self.say(s, "READY=1")
        for _ in range(8):
            self.say(s, "WATCHDOG=1")
            time.sleep(0.2)
        self.assertNotIn("liveness: failed", s.log())
        self.assertEqual(s.wait(), 69)
        self.assertIn("liveness: failed: watchdog: WATCHDOG=1 is overdue", s.log())

    def test_an_app_that_says_it_is_stuck_is_restarted(self):
        s = self.notifying(probes(live='on_failure = "restart";'), app='watchdog = "1h"; ' + restarts())
        self.say(s, "READY=1")
        s.until_probe(0)
        self.say(s, "WATCHDOG=trigger")
        until(lambda: s.file("ready").count("\n") >= 2, "it is started again")

    def test_the_check_notify(self):
        s = self.notifying(probes(ready='checks = ( { name = "loop"; notify: { max_age = "1500ms"; }; } ); period = "50ms";'))
        self.say(s, "READY=1|WATCHDOG=1|STATUS=trading")
        s.until_probe(0)
        self.assertIn("loop: notify: the last WATCHDOG=1 was", s.until_probe(1, "ready"))
        self.say(s, "WATCHDOG=1")
        s.until_probe(0)

    def test_extend_timeout_within_the_deadline(self):
        after = hook("after", ["stop"], "true", 'reserve = "1s";')
        s = self.notifying(chain('{ name = "stop"; stop: { timeout = "1s"; }; }', after, deadline="6s"), end="ignore")
        s.signal("TERM")
        s.until_file("term", "came")
        self.say(s, "EXTEND_TIMEOUT_USEC=2000000")
        time.sleep(1.2)
        self.assertNotIn("SIGKILL", s.log())
        self.say(s, "EXTEND_TIMEOUT_USEC=3600000000")
        self.assertEqual(s.wait(), 137)
        self.assertTrue(3.5 < s.seconds < 5.8, s.seconds)
        self.assertIn("after: ok", s.log())

    def test_a_flood_does_not_stop_the_supervisor(self):
        s = self.notifying("")
        address = s.file("environment").split("=")[1].strip().replace("@", "\0", 1)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood:
            flood.setblocking(False)
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                try:
                    flood.sendto(b"x" * 4000, address)
                except BlockingIOError:
                    pass
        s.signal("TERM")
        s.wait()
        self.assertLess(s.seconds, 4)


class Page(HealthCase):
    CONFIG = probes(live=f"checks = ( {UP} ); {QUICK}")

    def test_a_supervisor_that_stands_still_is_never_healthy(self):
        s = self.up(self.CONFIG)
        s.until_probe(0)
        os.kill(s.pid, signal.SIGSTOP)
        self.assertIn("the published status expired", s.until_probe(1, "live"))
        self.assertEqual(s.probe("up")[0], 1)
        os.kill(s.pid, signal.SIGCONT)
        s.until_probe(0)

    def test_nobody_is_woken(self):
        s = self.up(probes(live=f'checks = ( {UP} ); period = "1h"; initial_delay = "300ms";'))
        s.until_log("up: ok")
        s.until_probe(0)
        before = switches(s.pid)
        for _ in range(20):
            s.probe()
        self.assertEqual(switches(s.pid), before)

    def test_another_user_asks_directly(self):
        s = self.up(f"checks = ( {UP} ); " + probes(live=f'checks = ( "up" ); {QUICK}'))
        s.until_probe(0)
        os.chmod(s.directory, 0o755)
        s.remove("up")
        wrap = ("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups")
        self.assertRegex(s.probe(config=True, wrap=wrap)[1], r"unhealthy: up: file: missing \(0 ms\)")
        s.touch("up")
        self.assertRegex(s.probe(config=True, wrap=wrap)[1], "healthy: all checks [0-9]+ ms")

    def test_without_capabilities_as_the_same_user(self):
        drop = ("setpriv", "--reuid", "54322", "--regid", "54322", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
        s = self.start("--", "sleep", "100", config=self.CONFIG.replace("${TEST_DIR}/up", "/"), wrap=drop)
        s.until_probe(0, wrap=drop)
        self.assertEqual(s.probe(wrap=drop), (0, "healthy: started, live and ready\n"))

    def test_where_tinysup_is_not_process_1(self):
        a = self.up(self.CONFIG, first=False)
        b = self.up(self.CONFIG, first=False)
        a.until_probe(0, config=True)
        b.until_probe(0, config=True)
        b.remove("up")
        b.until_probe(1, "live", config=True)
        self.assertEqual(a.probe("live", config=True), (0, "healthy: live\n"))
        self.assertEqual(b.probe("live", config=True), (1, "unhealthy: up: file: missing\n"))

    def test_the_app_asks_its_own_supervisor(self):
        s = self.start("--", "sh", "-c", f"while ! {tinysup()} --probe > $TEST_DIR/said; do sleep 0.02; done; sleep 100",
                       config=self.CONFIG, first=False)
        self.start("--", "sleep", "100", config=self.CONFIG, first=False)
        s.touch("up")
        s.until_file("said", "healthy: started, live and ready")

    def test_somebody_elses_page_is_not_believed(self):
        """A true page's bytes, sealed as a page is, in the memory or in the hands of a user that is neither root nor we."""
        forger = """if True:
            import ctypes, fcntl, os, subprocess, sys
            page, who, tinysup = sys.argv[1:]
            os.seteuid(65534 if who == "memory" else 0)
            fd = os.memfd_create("tinysup", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.seteuid(0)
            os.write(fd, open(page, "rb").read())
            fcntl.fcntl(fd, 1033, 7)   # F_ADD_SEALS: seal, shrink, grow
            os.dup2(fd, 100, inheritable=False)
            if who == "process":
                os.setresuid(65534, 65534, 0)
                ctypes.CDLL(None).prctl(4, 1)   # dumpable again: /proc/PID is its own
            sys.exit(subprocess.run([tinysup, "--probe", "--timeout", "9s"], preexec_fn=lambda: os.setresuid(0, 0, 0)).returncode)
        """
        s = self.start("--", "sleep", "100")
        s.until_probe(0)
        (s.directory / "page").write_bytes(Path(f"/proc/{s.pid}/fd/100").read_bytes())
        for who, code in (("ourselves", 0), ("memory", 1), ("process", 1)):
            done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh", sys.executable,
                                   "-c", forger, s.directory / "page", who, tinysup()], capture_output=True, text=True, timeout=30, check=False)
            with self.subTest(who=who):
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn("healthy: started, live and ready" if code == 0 else "no checks are configured", done.stdout)

    def test_the_supervisors_own_configuration_is_read(self):
        """It was started with --config, asks nothing by itself, and --probe is told no file."""
        s = self.up(f'checks = ( {UP} );')
        self.assertRegex(s.probe()[1], r"^healthy: all checks \d+ ms\n$")
        self.assertRegex(s.probe("up", "--direct")[1], r"^healthy: up \d+ ms\n$")
        s.remove("up")
        self.assertEqual(s.probe()[0], 1)
        self.assertEqual(s.probe("upp"), (1, "unhealthy: no check named upp; the checks are: up; the probes are live, ready, startup\n"))

    def test_another_containers_supervisor_is_not_ours(self):
        s = self.up(self.CONFIG)
        s.until_probe(0)
        s.remove("up")
        code, said = s.probe("live", wrap=("unshare", "--mount"))  # the same PID namespace, another container's mounts
        self.assertEqual(code, 1)
        self.assertIn("no checks are configured", said)

    def test_nobody_can_write_to_it(self):
        s = self.up(self.CONFIG)
        s.until_probe(0)
        page = os.open(f"/proc/{s.pid}/fd/100", os.O_RDWR)
        self.addCleanup(os.close, page)
        for attempt in (lambda: os.write(page, b"x"), lambda: os.ftruncate(page, 0),
                        lambda: mmap.mmap(page, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)):
            with self.assertRaises(PermissionError):
                attempt()

    def test_the_usual_descriptor_is_not_to_be_had(self):
        s = self.up(self.CONFIG, setup=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)))
        s.until_probe(0)
        self.assertFalse(os.path.exists(f"/proc/{s.pid}/fd/100"))
