"""Docker Swarm: a rolling update waits for health and takes a bad version back; two bots never trade at once."""
import json
import time

import engine
from engine import DockerCase, until

UPDATE_SECONDS = 90
WEB = """
checks = ( { name = "web"; http: { url = "http://127.0.0.1:8000/health"; }; } );
probes: { readiness: { checks = ( "web" ); period = "200ms"; }; };
shutdown: {
  deadline = "12s"; platform_grace = "15s";
  chain = ( { name = "drain"; sleep = "1s"; needs_app = true; when = [ "stop" ]; }, { name = "stop"; stop: { timeout = "5s"; }; } );
};
"""
BOT = """
state_dir = "/test/state";
checks = ( { name = "bot"; process: { }; } );
probes: { liveness: { checks = ( "bot" ); period = "200ms"; }; };
shutdown: {
  deadline = "12s"; platform_grace = "15s";
  chain = (
    { name = "stop"; stop: { timeout = "5s"; }; },
    { name = "close"; exec = [ "sh", "-c", "sleep 1; python3 -c 'import time; print(time.monotonic())' | sed \\"s/$/ $HOSTNAME closed/\\" >> /test/trades" ];
      timeout = "4s"; required = true; when = [ "stop", "crash", "exit", "unhealthy", "recovery" ]; }
  );
};
"""


def setUpModule():
    e = engine.start(network=True)
    here = engine.Path(__file__).parent
    e.image("e2e:swarm", "FROM e2e:bot\nCOPY . /\n", **{name: here / name for name in ("swarm_web.py", "swarm_client.py", "swarm_bot.py")})
    e.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    e.docker("network", "create", "--driver", "overlay", "--attachable", "web")


class SwarmCase(DockerCase):
    def docker(self, *words, **options):
        return engine.the_engine.docker(*words, **options).stdout

    def service(self, name, config, *options, command):
        (self.shared / "conf").write_text(config)
        self.addCleanup(self.docker, "service", "rm", name, check=False)
        self.docker("service", "create", "--detach", "--name", name, "--network", "web", "--endpoint-mode", "dnsrr", "--no-resolve-image",
                    "--mount", f"type=bind,source={self.shared},target=/test", "--env", "TINYSUP_CONFIG=/test/conf", "--hostname", "{{.Task.ID}}",
                    "--stop-grace-period", "15s", "--health-cmd", "/sbin/tinysup --probe", "--health-interval", "500ms",
                    "--health-timeout", "2s", "--health-retries", "1", "--health-start-period", "4s",
                    "--update-failure-action", "rollback", "--update-monitor", "5s", *options, "e2e:swarm", "--", *command)
        self.name = name
        until(lambda: self.running() == self.wanted(), f"its tasks run; {self.tasks()}", 60)

    def tasks(self):
        return self.docker("service", "ps", "--no-trunc", self.name)

    def running(self):
        return len(self.docker("service", "ps", "--filter", "desired-state=running", "--format", "{{.CurrentState}}", self.name).split("Running")) - 1

    def wanted(self):
        return int(self.docker("service", "inspect", "--format", "{{.Spec.Mode.Replicated.Replicas}}", self.name))

    def state(self):
        return self.docker("service", "inspect", "--format", "{{with .UpdateStatus}}{{.State}}{{end}}", self.name).strip()

    def update(self, *options, until_state):
        self.docker("service", "update", "--detach", *options, self.name)
        until(lambda: self.state() == until_state, f"{until_state}; {self.tasks()}", UPDATE_SECONDS)


class Rolling(SwarmCase):
    def counts(self):
        return json.loads(self.file("counts") or "{}")

    def lost(self):
        return {got: n for got, n in self.counts().items() if got.startswith("lost")}

    def until_more(self, version):
        before = self.counts().get(version, 0)
        until(lambda: self.counts().get(version, 0) > before + 50, f"version {version} answers; {self.counts()}")

    def test_a_good_version_and_a_bad_one(self):
        self.service("app", WEB, "--replicas", "2", "--update-order", "start-first", command=("python3", "/swarm_web.py"))
        client = engine.Container("--network", "web", "--volume", f"{self.shared}:/test", "--entrypoint", "python3", "e2e:swarm",
                                  "/swarm_client.py", "app", "/test/counts")
        self.addCleanup(client.remove)
        self.until_more("1")
        self.update("--env-add", "VERSION=2", until_state="completed")
        self.until_more("2")
        self.assertEqual(self.lost(), {}, self.tasks())
        self.update("--env-add", "VERSION=3", "--env-add", "BROKEN=1", until_state="rollback_completed")
        self.until_more("2")
        self.assertEqual(self.lost(), {}, self.tasks())
        self.assertEqual(self.counts().get("3", 0), 0)
        self.assertEqual(self.running(), 2)


class StopFirst(SwarmCase):
    def lives(self):
        """id -> (first trade, last word), in the order of their first trades."""
        lives = {}
        for line in self.file("trades").splitlines():
            when, who, _ = line.split()
            first = lives.get(who, (float(when),))[0]
            lives[who] = (first, float(when))
        return sorted(lives.values())

    def test_two_bots_never_trade_at_once(self):
        self.service("bot", BOT, "--replicas", "1", "--update-order", "stop-first", "--restart-delay", "100ms",
                     command=("python3", "/swarm_bot.py", "/test/trades"))
        until(lambda: len(self.lives()) == 1, "it trades")
        for n in (2, 3):
            self.update("--env-add", f"VERSION={n}", until_state="completed")
            until(lambda: len(self.lives()) == n, f"the {n}. trades; {self.tasks()}")
        bots = [c for c in self.docker("ps", "--quiet", "--filter", "name=bot").split()]
        self.docker("kill", "--signal", "KILL", bots[0])
        until(lambda: len(self.lives()) == 4, f"the one after the crash trades; {self.tasks()}")
        time.sleep(0.5)
        lives = self.lives()
        for (_, last), (first, _) in zip(lives, lives[1:]):
            self.assertLess(last, first, self.file("trades"))
        # each that was told had closed what it had before the next one began; the killed one's work is the next one's
        self.assertEqual(self.file("trades").count("closed"), 3, self.file("trades"))
