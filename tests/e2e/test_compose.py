"""Restart policies, depends_on and how long a container takes to be called unhealthy: by a real engine and docker-compose."""
import time
from datetime import datetime

import engine
from engine import DockerCase, until

STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'


def setUpModule():
    engine.start(network=True)


def chain(*steps, more=""):
    return f'shutdown: {{ deadline = "6s"; platform_grace = "10s"; chain = ( {", ".join(steps)} ); }}; {more}'


class Policies(DockerCase):
    """Which exit codes an engine restarts, and that a stop is never one of them."""

    def app(self, policy, script, config=chain(STOP)):
        return self.start("--", "sh", "-c", f"echo life >> /test/lives; {script}", config=config, options=("--restart", policy))

    def lives(self):
        return self.file("lives").count("life")

    def until_it_rests(self, c):
        until(lambda: not c.inspect("State.Running") and not c.inspect("State.Restarting"), "it is not restarted again")
        return self.lives(), c.inspect("State.ExitCode"), c.inspect("RestartCount")

    def test_on_failure_restarts_a_crash_and_not_an_orderly_end(self):
        for code, lives in ((0, 1), (3, 3)):
            with self.subTest(code=code):
                (self.shared / "lives").write_text("")
                self.assertEqual(self.until_it_rests(self.app("on-failure:2", f"exit {code}")), (lives, code, lives - 1))

    def test_on_failure_restarts_what_a_required_step_left_undone(self):
        undone = chain(STOP, '{ name = "close"; exec = [ "false" ]; required = true; }')
        self.assertEqual(self.until_it_rests(self.app("on-failure:1", "exit 0", undone)), (2, 75, 1))

    def test_a_bad_configuration_ends_after_its_retries(self):
        self.assertEqual(self.until_it_rests(self.app("on-failure:2", "exit 0", "nonsense = 1;")), (0, 78, 2))

    def test_always_restarts_what_ended_well(self):
        c = self.app("always", "test $(wc -l < /test/lives) = 3 && exec sleep 600; exit 0")
        until(lambda: self.lives() == 3, "its third life")
        self.assertEqual(c.inspect("RestartCount"), 2)

    def test_a_stop_is_final(self):
        for policy in ("always", "unless-stopped", "on-failure"):
            for steps, code in (((STOP,), 0), ((STOP, '{ name = "close"; exec = [ "false" ]; required = true; }'), 75)):
                with self.subTest(policy=policy, code=code):
                    (self.shared / "lives").write_text("")
                    c = self.app(policy, "exec sleep 600", chain(*steps))
                    until(lambda: self.lives() == 1, "it runs")
                    c.stop(10)
                    self.assertEqual(self.until_it_rests(c), (1, code, 0))
                    c.remove()

    def test_held_is_not_restarted(self):
        held = chain(STOP, more='app: { restart: { policy = "on-failure"; max = 1; backoff = "10ms"; exhausted = "hold"; }; }; ')
        c = self.app("always", "exit 3", held)
        c.until_log("holding")
        self.assertEqual((c.inspect("State.Running"), c.inspect("RestartCount"), self.lives()), (True, 0, 2))
        c.stop(10)
        self.assertEqual(self.until_it_rests(c), (2, 69, 0))


COMPOSE = """
services:
  db:
    image: e2e:bot
    command: ["--", "sh", "-c", "sleep 1; {db}"]
    volumes: ["{shared}:/test"]
    environment: {{ TINYSUP_CONFIG: /test/db.conf }}
    healthcheck: {{ test: [CMD, /sbin/tinysup, --probe], interval: 500ms, timeout: 2s, retries: {retries} }}
    stop_grace_period: 10s
  bot:
    image: e2e:bot
    command: ["--", "sh", "-c", "date +%s.%N >> /test/bot; exec sleep 600"]
    volumes: ["{shared}:/test"]
    environment: {{ TINYSUP_CONFIG: /test/bot.conf }}
    stop_grace_period: 10s
    depends_on: {{ db: {{ condition: service_healthy }} }}
"""
DB = 'checks = ( { name = "up"; file: { path = "/test/up"; }; } ); probes: { readiness: { checks = ( "up" ); period = "100ms"; }; }; '


class DependsOn(DockerCase):
    def project(self, db, retries=20):
        folder = self.shared / "project"
        folder.mkdir()
        (folder / "docker-compose.yaml").write_text(COMPOSE.format(shared=self.shared, db=db, retries=retries))
        (self.shared / "db.conf").write_text(DB + chain(STOP))
        (self.shared / "bot.conf").write_text(chain(
            '{ name = "cancel"; exec = [ "sh", "-c", "test -e /test/db-lives && touch /test/cancelled" ]; required = true; }', STOP))
        self.addCleanup(engine.the_engine.compose, folder, "down", "--timeout", "1", check=False)
        return folder

    def test_the_bot_starts_when_the_database_is_ready_and_stops_before_it(self):
        script = "touch /test/up /test/db-lives; date +%s.%N > /test/db; trap 'rm /test/db-lives; exit 0' TERM; while :; do sleep 0.1; done"
        folder = self.project(script.replace('"', '\\"'))
        engine.the_engine.compose(folder, "up", "--detach")
        self.until_file("bot")
        self.assertLess(float(self.file("db")), float(self.file("bot")))
        engine.the_engine.compose(folder, "stop")
        self.assertTrue((self.shared / "cancelled").exists(), "the bot's chain found the database gone")
        said = engine.the_engine.compose(folder, "ps").stdout
        self.assertEqual(said.count("Exit 0"), 2, said)

    def test_a_database_that_is_never_ready(self):
        done = engine.the_engine.compose(self.project("sleep 600", retries=2), "up", "--detach", check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("is unhealthy", done.stdout)
        self.assertEqual(self.file("bot"), "")


class Timed(DockerCase):
    """tinysup looks often and applies its thresholds itself, so an engine may believe its first word: retries 1."""
    CONFIG = ('checks = ( { name = "up"; file: { path = "/test/up"; }; } ); '
              'probes: { liveness: { checks = ( "up" ); period = "200ms"; failure_threshold = 3; }; };')

    def seconds_until(self, c, status, begun):
        until(lambda: c.inspect("State.Health.Status") == status, f"it is {status}", 60)
        ended = c.inspect("State.Health.Log")[-1]["End"]
        return datetime.fromisoformat(ended[:26] + ended[-6:]).timestamp() - begun

    def measured(self, command, retries):
        (self.shared / "up").touch()
        c = self.start("--", "sleep", "600", config=self.CONFIG, options=(
            "--health-cmd", command, "--health-interval", "1s", "--health-timeout", "2s", "--health-retries", str(retries)))
        self.seconds_until(c, "healthy", time.time())
        (self.shared / "up").unlink()
        down = self.seconds_until(c, "unhealthy", time.time())
        (self.shared / "up").touch()
        return down, self.seconds_until(c, "healthy", time.time())

    def test_unhealthy_is_seen_no_later_than_with_dockers_own_threshold(self):
        ours = self.measured("/sbin/tinysup --probe=live", 1)
        theirs = self.measured("test -e /test/up", 3)
        print(f"unhealthy, healthy again: {ours[0]:.1f} s, {ours[1]:.1f} s; with retries of Docker's own: {theirs[0]:.1f} s, {theirs[1]:.1f} s")
        self.assertLess(ours[0], theirs[0])
