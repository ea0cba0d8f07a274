"""Probes in real containers: whoever asks, and however little the container may do."""
import json

import engine
from engine import DockerCase, until

HARDENED = ("--read-only", "--cap-drop", "ALL", "--user", "1000", "--pids-limit", "50", "--security-opt", "no-new-privileges")
UP = '{ name = "up"; file: { path = "/test/up"; }; }'
CONFIG = f'probes: {{ liveness: {{ checks = ( {UP} ); period = "200ms"; failure_threshold = 2; }}; }}; app: {{ name = "app"; }};'
WELL = (0, "healthy: started, live and ready\n")


def setUpModule():
    engine.start()


class HealthCase(DockerCase):
    def up(self, config=CONFIG, options=(), words=("sleep", "600"), image=engine.BOT):
        (self.shared / "up").touch()
        c = self.start("--", *words, config=config, options=options, image=image)
        c.until_log("up: ok")
        return c

    def probe(self, c, *words, options=()):
        done = c.execute("/sbin/tinysup", "--probe", *words, options=options, check=False)
        return done.returncode, done.stdout

    def until_probe(self, c, code, *words):
        until(lambda: self.probe(c, *words)[0] == code, f"--probe is {code}; {c.log()}")


class FromTheSupervisor(HealthCase):
    def test_hardened(self):
        c = self.up(options=HARDENED)
        self.assertEqual(self.probe(c), WELL)
        (self.shared / "up").unlink()
        self.until_probe(c, 1, "live")
        self.assertEqual(self.probe(c, "up"), (1, "unhealthy: up: file: missing\n"))
        self.assertEqual(self.probe(c, "ready"), (0, "healthy: ready\n"))

    def test_an_app_of_another_user(self):
        c = self.up(config=CONFIG.replace('app: {', 'app: { user = "1000:1000";'))
        self.assertEqual(self.probe(c), WELL)

    def test_from_scratch(self):
        c = self.up(options=HARDENED, words=("/sbin/idle",), image=engine.SCRATCH)
        self.assertEqual(self.probe(c), WELL)

    def test_dockers_own_health_check(self):
        c = self.up(options=[*HARDENED, "--health-cmd", "/sbin/tinysup --probe=live", "--health-interval", "1s", "--health-retries", "1"])
        until(lambda: c.inspect("State.Health.Status") == "healthy", "it is healthy")
        self.assertEqual(c.inspect("State.Health.Log")[-1]["Output"], "healthy: live\n")
        (self.shared / "up").unlink()
        until(lambda: c.inspect("State.Health.Status") == "unhealthy", "it is unhealthy")
        self.assertEqual(c.inspect("State.Health.Log")[-1]["Output"], "unhealthy: up: file: missing\n")
        self.assertEqual(c.inspect("State.Health.Log")[-1]["ExitCode"], 1)


class Directly(HealthCase):
    def test_root_without_capabilities_may_not_look(self):
        """Nor may another user: both ask by themselves, and get the right answer."""
        c = self.up(options=HARDENED)
        for user in ("0", "2000"):
            code, said = self.probe(c, options=("--user", user))
            self.assertEqual(code, 0, said)
            self.assertRegex(said, "healthy: all checks [0-9]+ ms")
        (self.shared / "up").unlink()
        for user in ("0", "2000"):
            self.assertEqual(self.probe(c, "live", options=("--user", user))[0], 1)

    def test_another_containers_supervisor_in_one_pid_namespace(self):
        a = self.up()
        other = CONFIG.replace('"up"', '"else"').replace("/test/up", "/test/else")
        (self.shared / "else").touch()
        (self.shared / "conf2").write_text(other)
        b = self.start("--", "sleep", "600", config=CONFIG, options=["--pid", f"container:{a.id}", "--env", "TINYSUP_CONFIG=/test/conf2"])
        b.until_log("else: ok")
        self.assertEqual((self.probe(a), self.probe(b)), (WELL, WELL))
        (self.shared / "else").unlink()
        self.until_probe(b, 1, "live")
        self.assertEqual((self.probe(b, "live")[1], self.probe(a)), ("unhealthy: else: file: missing\n", WELL))

    def test_a_guest_in_the_pid_namespace_has_no_supervisor(self):
        a = self.up()
        code, said = self.once("--probe", options=["--pid", f"container:{a.id}"])
        self.assertEqual((code, said), (1, "unhealthy: no checks are configured in any configuration file\n"))


class Consequences(HealthCase):
    def test_restart_and_shutdown(self):
        restart = 'on_failure = "restart"; }; }; app: { restart: { backoff = "100ms"; max = 1; }; name = "app"; };'
        c = self.up(config=CONFIG.split("}; }; app")[0] + restart, options=HARDENED)
        (self.shared / "up").unlink()
        c.until_log("before restarting app")
        self.assertEqual(c.code(), 69)
        self.assertIn("giving up", c.log())

    def test_what_status_says(self):
        c = self.up(options=HARDENED)
        status = json.loads(c.execute("/sbin/tinysup", "--status=json").stdout)
        self.assertIn("up", json.dumps(status))
