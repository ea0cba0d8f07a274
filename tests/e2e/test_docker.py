"""A paper bot and other apps under tinysup in real containers: what users do to them, and what engines do."""
import json
import os
import select
import subprocess
import time
from pathlib import Path

import engine
from engine import DockerCase, seconds_until_gone, until
from httpd import ask
from images import ROOT
from paper import ExchangeTest
from ports import free_port

HARDENED = ("--read-only", "--cap-drop", "ALL", "--user", "1000", "--pids-limit", "50", "--security-opt", "no-new-privileges")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'


def setUpModule():
    engine.start()


def chain(*steps, deadline="6s", grace="60s"):
    return f'shutdown: {{ deadline = "{deadline}"; platform_grace = "{grace}"; chain = ( {", ".join(steps)} ); }};'


def exec_step(name, script, more=""):
    return f'{{ name = "{name}"; exec = [ "sh", "-c", "{script}" ]; {more} }}'


class BotCase(DockerCase, ExchangeTest):
    """The demo's bot, with an exchange and a sink outside."""

    def bot(self, *words, config=None, options=(), image=engine.BOT):
        _, self.sink = self.server("sink")
        self.bot_url = f"http://127.0.0.1:{free_port()}"
        environment = {"EXCHANGE_URL": self.url, "SINK_URL": self.sink, "BOT_URL": self.bot_url, "STATE_FILE": "/test/state.json",
                       "PAPER_DIR": "/paper"}
        given = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        c = self.start("--", "python3", "/paper/bot.py", "run", "--exchange", self.url, "--state", "/test/state.json",
                       "--port", self.bot_url.rsplit(":", 1)[1], *words, image=image, options=[*given, *options],
                       config=config or (ROOT / "tests/paper/demo.conf").read_text())
        until(lambda: self.summary() == (7, 2), f"7 orders and 2 positions are open; {c.log()}")
        return c

    def received(self, path):
        return [r["json"] for r in ask("GET", self.sink + "/received").data if r["path"] == path]

    def check_flat(self, c):
        """Everything was done, in order, and the bot was told once."""
        log = c.log()
        self.assertEqual((c.inspect("State.ExitCode"), self.summary()), (0, (0, 0)), log)
        self.assertTrue(json.loads(self.file("state.json"))["clean"])
        self.assertEqual(self.file("state.json.signals").split(), ["SIGTERM"])
        self.assertIn("bot", self.received("/slack")[0]["text"])
        places = [log.index(f"{step}: ok") for step in ("pause", "cancel-orders", "stop", "flat", "save", "tell/slack")]
        self.assertEqual(places, sorted(places), log)
        self.assertLess(log.index("close-positions: ok"), log.index("stop: ok"))


class Stop(BotCase):
    def test_docker_stop_35(self):
        c = self.bot()
        self.assertLess(c.stop(35), 15)
        self.check_flat(c)

    def test_docker_stop_10_with_time_enough(self):
        c = self.bot()
        self.assertLess(c.stop(10), 9.7)
        self.check_flat(c)

    def test_docker_stop_10_of_a_chain_that_wants_more(self):
        cancel = ('{ name = "cancel"; exec = [ "python3", "/paper/bot.py", "cancel-orders", "--exchange", "${EXCHANGE_URL}" ]; '
                  'timeout = "20s"; required = true; }')
        flat = '{ name = "flat"; wait: { http: { url = "${EXCHANGE_URL}/orders"; }; }; timeout = "20s"; }'
        tell = '{ name = "tell"; alert = [ "slack" ]; reserve = "1s"; }'
        c = self.bot("--stop-seconds", "20", config=chain(cancel, STOP, flat, tell, deadline="30s", grace="10s") +
                     'alerts: { slack: { type = "slack"; url = "${SINK_URL}/slack"; }; };')
        self.fault("hang", times=0)
        self.fault("hang", "/orders", times=0)
        seconds = c.stop(10)
        self.assertLess(seconds, 9.8)       # 8 s are tinysup's, the rest is the engine's
        self.assertGreater(seconds, 5)
        self.assertEqual(c.inspect("State.ExitCode"), 75, c.log())
        self.assertIn("exit code 75", c.log())      # it ended by itself: Docker's SIGKILL leaves no last word
        self.assertIn("cancel timeout", self.received("/slack")[0]["text"])

    def test_docker_kill(self):
        c = self.bot()
        c.kill("USR1")
        until(lambda: self.file("state.json.signals").split() == ["SIGUSR1"], "the bot had SIGUSR1")
        c.kill("KILL")
        self.assertEqual(c.code(), 137)
        self.assertNotIn("pause", c.log())
        self.assertEqual(c.processes(), {})
        self.assertEqual(self.file("state.json.signals").split(), ["SIGUSR1"])

    def test_docker_kill_term_twice_tells_the_bot_once(self):
        c = self.bot("--stop-seconds", "1")
        c.kill("TERM")
        c.until_log("stop: started")
        c.kill("TERM")
        self.assertEqual(c.code(), 0, c.log())
        self.assertIn("flat: ok", c.log())  # required: the second signal does not skip it
        self.assertEqual(self.summary(), (0, 0))
        self.assertEqual(self.file("state.json.signals").split(), ["SIGTERM"])


class Hardened(BotCase):
    def test_read_only_without_capabilities_as_1000(self):
        c = self.bot(options=HARDENED)
        done = c.execute("/sbin/tinysup", "--probe=ready", check=False)
        self.assertEqual((done.returncode, done.stdout.split(":")[0]), (0, "healthy"), done.stdout)
        self.assertEqual(c.execute("id", "-u").stdout, "1000\n")
        self.assertEqual(c.execute("sh", "-c", "echo > /x", check=False).returncode, 2)
        self.assertLess(c.stop(35), 15)
        self.check_flat(c)

    def test_stopped_under_way(self):
        """--probe by exec after the stop began: what it says is about the app, and the chain does not mind it."""
        c = self.bot(options=HARDENED)
        self.fault("slow", times=0, seconds=1)
        c.kill("TERM")
        c.until_log("cancel-orders: started")
        self.assertEqual(c.execute("/sbin/tinysup", "--probe", self.bot_url + "/health/live", check=False).returncode, 0)
        self.assertEqual(c.code(), 0, c.log())


class Health(BotCase):
    def status(self, c):
        return c.inspect("State.Health.Status")

    def test_transitions(self):
        engine.the_engine.image("e2e:health", f"FROM {engine.BOT}\n" 'HEALTHCHECK --interval=1s --timeout=2s --retries=2 '
                                              'CMD ["/sbin/tinysup", "--probe"]\n')
        c = self.bot(image="e2e:health", options=("--user", "1000", "--read-only"))
        self.assertEqual(self.status(c), "starting")
        until(lambda: self.status(c) == "healthy", "it is healthy")
        self.fault("hang", "/orders", times=0)
        until(lambda: self.status(c) == "unhealthy", "it is unhealthy")
        ask("DELETE", self.url + "/faults")
        until(lambda: self.status(c) == "healthy", "it has recovered")
        results = c.inspect("State.Health.Log")
        self.assertEqual({0, 1}, {r["ExitCode"] for r in results})
        for result in results:
            self.assertEqual(result["Output"].split(":")[0], "unhealthy" if result["ExitCode"] else "healthy")
            self.assertEqual(result["Output"].count("\n"), 1)
        self.assertLess(c.stop(35), 15)
        self.check_flat(c)


class Shortage(DockerCase):
    HOOK = '{ name = "hook"; exec = [ "touch", "/test/hook" ]; timeout = "%s"; }'

    def full(self, timeout, **options):
        c = self.start("--", "python3", "/apps.py", "fill", options=("--pids-limit", "25"),
                       config=chain(self.HOOK % timeout, STOP, **options))
        self.until_file("ready")
        first = c.first()
        c.kill("TERM")
        c.until_log("cannot fork: Resource temporarily unavailable; retrying in")
        return c, first

    def test_no_place_for_a_hook_at_first(self):
        c, _ = self.full("20s", deadline="30s")
        self.assertEqual(self.file("hook"), "")
        c.kill("USR1")      # forwarded at once: the app lets go
        self.assertEqual(c.code(), 0, c.log())
        self.assertTrue((self.shared / "hook").exists())
        self.assertIn("hook: ok", c.log())

    def test_no_place_for_a_hook_at_all(self):
        c, first = self.full("1s")
        self.assertLess(seconds_until_gone(first, lambda: None), 4)
        self.assertEqual(c.code(), 0, c.log())
        self.assertFalse((self.shared / "hook").exists())
        self.assertRegex(c.log(), "hook: (failed|timeout)")

    def test_the_least_memory_that_docker_grants(self):
        c = self.start("--", "/sbin/idle", "0", image=engine.SCRATCH, options=("--memory", "6m", "--memory-swap", "6m"), config=chain(
            '{ name = "tell"; http: { url = "http://127.0.0.1:1/"; }; }', STOP))
        c.until_log("idle")
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 0, c.log())
        self.assertIn("tell: failed after", c.log())
        self.assertIn("connection refused", c.log())

    def test_out_of_memory(self):
        c = self.start("--", "python3", "/apps.py", "eat", options=("--memory", "48m", "--memory-swap", "48m"), config=chain(
            exec_step("cancel", "echo $TINYSUP_REASON $TINYSUP_APP_EXIT_SIGNAL $TINYSUP_APP_EXIT_CODE. > /test/why"), STOP))
        self.until_file("ready")
        c.kill("USR1")
        self.assertEqual(c.code(), 137, c.log())
        self.assertEqual(self.file("why"), "crash SIGKILL .\n")
        self.assertIn("killed by SIGKILL (crash)", c.log())

    def test_out_of_memory_takes_process_1_too(self):
        """As where a cgroup is killed as a whole: nothing of the chain runs, and the next start makes up for it."""
        config = 'state_dir = "/test/state"; ' + chain(STOP, exec_step(
            "cancel", "echo $TINYSUP_REASON >> /test/why", more='when = [ "stop", "exit", "crash", "unhealthy", "recovery" ];'))
        c = self.start("--", "python3", "/apps.py", "eat", "pair", config=config, options=("--memory", "48m", "--memory-swap", "48m"))
        self.until_file("ready")
        Path(f"/proc/{c.first()}/oom_score_adj").write_text("1000")     # process 1 is the kernel's first choice
        c.kill("USR1")
        self.assertEqual(c.code(), 137, c.log())
        self.assertTrue(c.inspect("State.OOMKilled"))
        self.assertEqual(self.file("why"), "")
        again = self.start("--", "python3", "/apps.py", "wait", config=config)
        again.until_log("starting python3")
        self.assertEqual(self.file("why"), "recovery\n", again.log())


class Engines(DockerCase):
    """What engines do around process 1."""

    def waiting(self, config, **options):
        c = self.start("--", "python3", "/apps.py", "wait", config=config, **options)
        self.until_file("ready")
        return c

    def test_an_init_of_dockers_before_it(self):
        c = self.start("-w", "--", "python3", "/app.py", "zombies", "20", options=("--init",),
                       config=chain(exec_step("hook", "touch /test/hook"), STOP))
        self.until_file("ready")
        self.assertIn("docker-init", c.execute("cat", "/proc/1/cmdline").stdout)
        self.assertEqual(c.execute("sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status", check=False).stdout, "")
        self.assertEqual(c.log().count("Reaped zombie"), 20)       # by tinysup: Docker's does not say so
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 0, c.log())
        self.assertTrue((self.shared / "hook").exists())

    def test_exit_codes_through_an_init_of_dockers(self):
        for code in (0, 1, 77, 255):
            self.assertEqual(self.once("--", "sh", "-c", f"exit {code}", options=("--init",))[0], code)
        self.assertEqual(self.once("--", "sh", "-c", "kill -SEGV $$", options=("--init",))[0], 139)
        self.assertEqual(self.once("--", "/nonexistent", options=("--init",))[0], 127)

    def test_a_signal_while_paused(self):
        c = self.waiting(chain(exec_step("hook", "touch /test/hook"), STOP))
        first = c.first()
        engine.the_engine.docker("pause", c.id)
        os.kill(first, 15)      # docker kill would thaw it
        self.assertEqual(c.inspect("State.Paused"), True)
        self.assertNotIn("hook", c.log())
        engine.the_engine.docker("unpause", c.id)
        self.assertEqual(c.code(), 0, c.log())
        self.assertTrue((self.shared / "hook").exists())

    def test_beside_others_in_one_pid_namespace(self):
        """Not process 1, and no owner of what it sees: it ends its own and nobody else's, not even the engine."""
        c = self.waiting(chain(exec_step("hook", "true"), STOP), options=("--pid", "host"))
        other = self.start("--", "sleep", "600", options=("--pid", "host"))
        self.assertNotEqual(self.file("ready"), "2\n")
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 0, c.log())
        self.assertTrue(other.inspect("State.Running"))

    def test_a_terminal(self):
        c = self.waiting(chain(exec_step("hook", "echo from the hook"), STOP), options=("--tty",))
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 0, c.log())
        self.assertIn("hook: from the hook", c.log())

    def test_paused_beyond_the_deadline(self):
        """Time goes on in the freezer: thawed, it has none left, and ends at once."""
        c = self.waiting(chain(exec_step("hang", "touch /test/hang; sleep 99"), STOP,
                               exec_step("must", "touch /test/must", 'reserve = "200ms";'), deadline="5s"))
        first = c.first()
        c.kill("TERM")
        begun = time.monotonic()
        self.until_file("hang")
        engine.the_engine.docker("pause", c.id)
        until(lambda: time.monotonic() > begun + 5.1, "the deadline is over")
        self.assertEqual(c.inspect("State.Paused"), True)
        self.assertLess(seconds_until_gone(first, lambda: engine.the_engine.docker("unpause", c.id)), 2)
        self.assertEqual(c.code(), 137, c.log())

    def test_an_exec_does_not_delay_the_end(self):
        c = self.waiting(chain(exec_step("hook", "true"), STOP), options=("--user", "1000"))
        c.execute("sleep", "600", options=("--detach",))
        c.execute("sh", "-c", "trap '' TERM; echo > /test/deaf; while :; do sleep 1; done", options=("--detach",))
        self.until_file("deaf")
        until(lambda: "sleep 600" in engine.the_engine.docker("top", c.id, "-eo", "pid,args").stdout, "both run")
        done = c.execute("/sbin/tinysup", "--probe", "http://127.0.0.1:1/", options=("--user", "1000"), check=False)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1))
        first = c.first()
        self.assertLess(seconds_until_gone(first, lambda: c.kill("TERM")), 3)
        self.assertEqual(c.code(), 0, c.log())
        until(lambda: c.processes() == {}, "nothing is left")


class LogReader(DockerCase):
    """Who reads the log has stopped reading: standard output and error are full, and stay full."""

    FLOOD = exec_step("flood", "yes 0123456789012345678901234567890123456789 | head -c 20000000", 'timeout = "2s";')
    MUST = exec_step("must", "touch /test/must", 'reserve = "1s";')

    def writing(self, *options):
        """An app that is stuck in write()."""
        c = self.start("--", "sh", "-c", "exec yes nobody reads this >&2", config=chain(self.FLOOD, STOP, self.MUST),
                       options=("--log-opt", "mode=blocking", *options))
        return c, c.first()

    @staticmethod
    def room(pid):
        with open(f"/proc/{pid}/fd/2", "wb", buffering=0, opener=lambda path, _: os.open(path, os.O_WRONLY | os.O_NONBLOCK)) as pipe:
            return bool(select.select([], [pipe], [], 0)[1])

    def until_stuck(self, first):
        """No room for half a second."""
        since = [time.monotonic()]

        def look():
            if self.room(first):
                since[0] = time.monotonic()
            return time.monotonic() > since[0] + 0.5
        until(look, "the log is full")

    def stop_and_check(self, c, first, go_on):
        self.until_stuck(first)
        seconds = seconds_until_gone(first, lambda: os.kill(first, 15))
        go_on()
        self.assertLess(seconds, 5.8)
        self.assertTrue((self.shared / "must").exists())
        self.assertEqual(c.code(), 0)

    def test_attach(self):
        c, first = self.writing()
        reader = subprocess.Popen(engine.the_engine.command("attach", "--no-stdin", c.id), env=engine.the_engine.environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

        def leave():
            reader.kill()
            reader.wait()
            reader.stdout.close()
        self.addCleanup(leave)
        self.stop_and_check(c, first, leave)

    def test_engine_that_stands_still(self):
        c, first = self.writing(*HARDENED)
        daemon = engine.the_engine.daemon()
        self.addCleanup(os.kill, daemon, 18)
        os.kill(daemon, 19)
        self.stop_and_check(c, first, lambda: os.kill(daemon, 18))

    def test_logs_follow(self):
        """`docker logs --follow` unread costs nobody anything but its own connection."""
        c, first = self.writing()
        reader = subprocess.Popen(engine.the_engine.command("logs", "--follow", c.id), env=engine.the_engine.environment,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        until(lambda: select.select([reader.stdout], [], [], 0)[0], "it has begun")
        self.assertLess(seconds_until_gone(first, lambda: os.kill(first, 15)), 5.8)
        reader.kill()
        reader.wait()
        reader.stdout.close()
        self.assertEqual(c.code(), 0)
