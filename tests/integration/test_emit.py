"""--emit: valid for the platforms' own schemas and parsers, and its numbers are those of the configuration."""
import json
import math
import os
import random
import re
import subprocess
import tempfile
import time
import unittest

import emit_stanza
import yaml
from binaries import ROOT, tinysup
from emit_stanza import PLATFORMS, Model, config_of, emit, pod_of, read_all
from harness import APP, Case, until

BINARIES = ("plain", "sanitized")
CHECK = {"name": "up", "file": {"path": "/up"}}
WORDS = {"startup": "startup", "liveness": "live", "readiness": "ready"}
KINDS = tuple(WORDS)


def probe(**settings):
    return {"checks": ["up"], **settings}


def tree(**groups):
    return {"checks": [CHECK], **groups}


STOP = {"name": "stop", "stop": {}}
SAVE = {"name": "save", "exec": ["true"], "when": ["stop", "recovery"]}

# what each of them is about -> the configuration
VARIED = {
    "nothing": {},
    "checks alone": tree(),
    "a chain": {"shutdown": {"chain": [STOP]}},
    "startup": tree(probes={"startup": probe(period="1s", failure_threshold=60)}),
    "liveness": tree(probes={"liveness": probe()}),
    "readiness": tree(probes={"readiness": probe(period="5s")}),
    "all three": tree(probes={"startup": probe(), "liveness": probe(period="7s"), "readiness": probe(period="3s")}),
    "listen": tree(probes={"startup": probe(), "liveness": probe(), "readiness": probe()}, listen=":9180"),
    "listen on IPv6": tree(probes={"liveness": probe()}, listen="[::]:9181"),
    "listen on loopback": tree(probes={"liveness": probe()}, listen="127.0.0.1:9180"),
    "listen on IPv6's loopback": tree(probes={"liveness": probe()}, listen="[::1]:9180"),
    "listen alone": {"listen": "0.0.0.0:80"},
    "long period": tree(probes={"startup": probe(period="10m"), "liveness": probe(period="600s"), "readiness": probe(period="3600s")}, listen=":1"),
    "short period": tree(probes={"startup": probe(period="100ms", timeout="50ms"), "liveness": probe(period="250ms"), "readiness": probe(period="1.9s")}, listen=":65535"),
    "long deadline": {"shutdown": {"deadline": "3600s", "chain": [STOP]}},
    "granted": {"shutdown": {"deadline": "30s", "platform_grace": "35s", "chain": [STOP]}},
    "granted too little": {"shutdown": {"deadline": "30s", "platform_grace": "20500ms", "chain": [STOP]}},
    "restart": tree(probes={"startup": probe(), "liveness": probe(on_failure="restart")}, listen=":9180"),
    "shutdown": tree(probes={"startup": probe(), "liveness": probe(on_failure="shutdown")}, listen=":9180"),
    "startup acts alone": tree(probes={"startup": probe(on_failure="shutdown"), "liveness": probe()}, listen=":9180"),
    "restart on failure": tree(probes={"liveness": probe()}, app={"restart": {"policy": "on-failure"}}),
    "restart always": tree(probes={"liveness": probe()}, app={"restart": {"policy": "always", "max": 100, "within": "1s", "backoff": "90s", "backoff_max": "240s"}}),
    "hold": tree(probes={"liveness": probe()}, app={"restart": {"policy": "on-failure", "exhausted": "hold"}}),
    "journal": {"state_dir": "/data/x", "shutdown": {"chain": [STOP, SAVE]}},
    "journal and start": tree(state_dir="/data/x", recovery={"deadline": "45s"}, start={"deadline": "20s", "chain": [{"name": "db", "exec": ["true"]}]},
                              shutdown={"chain": [STOP, SAVE]}, probes={"startup": probe(), "liveness": probe()}, listen=":9180"),
    "lease": tree(heartbeats=[{"name": "lease", "exec": ["true"], "period": "5s", "start": True}], probes={"startup": probe(), "liveness": probe()}, listen=":9180"),
    "watchdog": {"app": {"notify": True, "watchdog": "20s"}, "listen": ":9180"},
    "READY=1 alone": {"app": {"notify": True}, "listen": ":9180"},
    "READY=1 and a liveness": tree(app={"notify": True, "restart": {"policy": "on-failure"}}, probes={"liveness": probe()}),
    "READY=1 and a startup": tree(app={"notify": True}, probes={"startup": probe(period="1s", failure_threshold=60)}, listen=":9180"),
    "READY=1 and a lease": tree(app={"notify": True}, heartbeats=[{"name": "lease", "exec": ["true"], "period": "5s", "start": True}], listen=":9180"),
    "exit code 0": {"shutdown": {"failed_exit_code": 0}},
    "another signal": {"shutdown": {"signals": ["SIGHUP", "SIGINT"], "chain": [STOP]}},
    "a name": {"app": {"name": "Mein Bot: \"#1\" ${x} %{y} \\ \n- é | {}"}},
    "no name left": {"app": {"name": "日本"}},
    "a long name": {"app": {"name": "1" * 20 + "x" * 100}},
}


def fixed(text):
    """Escapes that libconfig does not have, and the dollar sign that would expand."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text).replace("${", "$${")


class Varied(unittest.TestCase):
    """Every configuration with every platform."""

    @classmethod
    def setUpClass(cls):
        cls.names = list(VARIED)
        cls.read = dict(zip(cls.names, read_all([fixed(config_of(VARIED[name])) for name in cls.names])))

    def each(self, *platforms):
        """Calls what it decorates with the configuration, what was found, the model of it, and the platform."""
        def decorate(check):
            for name in self.names:
                for platform in platforms or PLATFORMS:
                    with self.subTest(name, platform=platform):
                        check(VARIED[name], self.read[name][platform], Model(VARIED[name]), platform)
        return decorate

    def test_grace(self):
        @self.each()
        def _(_config, found, model, platform):
            self.assertEqual(found["grace"], min(model.grace, 600) if platform == "aca" else model.grace)

    def test_only_the_probes_that_there_are(self):
        @self.each("kubernetes", "aca")
        def _(config, found, model, platform):
            given = set(model.given)
            if "heartbeats" in config:
                given -= {"startup"}    # a standby waits as long as it takes
            reachable = config.get("listen", "127.").startswith((":", "0.0.0.0", "[::]"))
            if platform == "aca" and not reachable:
                given = set()           # it knows no program
            self.assertEqual(set(found["probes"]), given)
            for kind, asked in found["probes"].items():
                self.assertEqual(asked["how"], f"/{WORDS[kind]}z" if reachable else f"/sbin/tinysup --probe={WORDS[kind]}")
                self.assertEqual(asked["port"], int(config["listen"].rsplit(":", 1)[1]) if reachable else None)

    def test_they_ask_as_often_as_tinysup_checks(self):
        @self.each("kubernetes")
        def _(config, found, model, _platform):
            for kind, asked in found["probes"].items():
                if kind in config.get("probes", {}):
                    self.assertEqual(asked["period"], min(60, max(1, int(emit_stanza.time_of(config["probes"][kind], "period", 10)))))

    def test_nomad(self):
        @self.each("nomad")
        def _(config, found, model, _platform):
            reachable = config.get("listen", "127.").startswith((":", "0.0.0.0", "[::]"))
            expected = ({"live"} if model.live else set()) | ({"ready"} & {WORDS[kind] for kind in model.given})
            self.assertEqual(set(found["probes"]), expected)
            self.assertEqual(found.get("provider"), None if not expected else "nomad" if reachable else "consul")
            if expected and reachable:
                self.assertEqual(found["port"], int(config["listen"].rsplit(":", 1)[1]))

    def test_docker_asks_for_all_and_swarm_for_liveness(self):
        @self.each("docker", "compose", "swarm")
        def _(config, found, model, platform):
            some = model.given or "checks" in config
            self.assertEqual(set(found["probes"]), {"--probe=live"} if platform == "swarm" and model.live else {"--probe"} if platform != "swarm" and some else set())

    def test_docker_calls_no_start_unhealthy_that_nothing_limits(self):
        """With a limit it waits for that, without one for 60 s; neither delays "healthy"."""
        @self.each("docker", "compose")
        def _(_config, found, model, _platform):
            for asked in found["probes"].values():
                self.assertEqual(asked["start"], math.ceil(model.ready) + (0 if "startup" in model.given else 60))
        self.assertIn('nothing says how long a start may take, so 60 s', emit("compose", config_of(VARIED["liveness"])))
        self.assertNotIn('nothing says how long', emit("compose", config_of(VARIED["startup"])))

    def test_a_lost_answer_restarts_nothing(self):
        @self.each("docker", "compose", "swarm", "kubernetes", "aca", "nomad")
        def _(_config, found, _model, _platform):
            for name, asked in found["probes"].items():
                if name == "readiness":
                    self.assertEqual(asked["failures"], 1)
                elif name != "ready":
                    self.assertGreaterEqual(asked["failures"], 2)

    def test_swarms_monitor_is_longer_than_a_new_task_can_take_to_fail(self):
        @self.each("swarm")
        def _(_config, found, model, _platform):
            time_left = model.opening
            for asked in found["probes"].values():
                time_left = model.startup + model.failing + asked["failures"] * (asked["period"] + asked["timeout"])
            self.assertGreaterEqual(found["monitor"], time_left + model.grace + 10)
            self.assertLess(found["monitor"], time_left + model.grace + 13, "but for whole seconds")

    def test_restarts(self):
        @self.each("docker", "compose", "swarm")
        def _(_config, found, model, platform):
            again = model.returns or (platform == "swarm" and model.live)
            self.assertEqual(found["restart"], ("any" if platform == "swarm" else "unless-stopped") if again else "on-failure")
        self.assertIn("# any: Swarm stops what is unhealthy", emit("swarm", config_of(VARIED["liveness"])))
        self.assertNotIn("# any:", emit("swarm", config_of(VARIED["readiness"])))

    def test_one_instance_at_a_time(self):
        @self.each("swarm")
        def _(_config, found, model, _platform):
            self.assertEqual(found["order"], "stop-first" if model.single else "start-first")
        @self.each("nomad")
        def _(_config, found, model, _platform):
            self.assertEqual(found["restart"]["mode"], "delay" if model.single else "fail")

    def test_signals(self):
        @self.each()
        def _(config, found, _model, _platform):
            self.assertEqual(found["signal"], "SIGINT" if "signals" in config.get("shutdown", {}) else "SIGTERM")

    def test_names_are_what_every_platform_accepts(self):
        @self.each("compose", "swarm", "kubernetes", "aca", "nomad")
        def _(config, found, _model, _platform):
            self.assertRegex(found["name"], r"\A[a-z]([a-z0-9-]{0,61}[a-z0-9])?\Z")
        self.assertEqual(self.read["a name"]["kubernetes"]["name"], "mein-bot-1-x-y")
        self.assertEqual(self.read["no name left"]["kubernetes"]["name"], "app")

    def test_names_that_yaml_would_take_for_something_else_are_quoted(self):
        names = {word: f'"{word}"' for word in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")}
        names |= {"Yes": '"yes"', "~": "app", "7": "app", "1e3": "app", "0x1": "app", "nope": "nope", "ok": "ok", "e1": "e1", "inf": "inf", "nan": "nan", "yes-1": "yes-1"}
        for name, written in names.items():
            for platform in ("compose", "swarm", "kubernetes", "aca"):
                with self.subTest(name, platform=platform):
                    text = emit(platform, config_of({"app": {"name": name}}))
                    self.assertEqual(emit_stanza.READERS[platform](text)["name"], written.strip('"'))
                    self.assertRegex(text, rf"(?m)^ *(- name: {written}|{written}:)$")

    def test_kubernetes_own_client_knows_every_word(self):
        """Decoding into its types drops what it does not know."""
        def holds(part, whole):
            if isinstance(part, dict):
                return all(key in whole and holds(value, whole[key]) for key, value in part.items())
            return all(map(holds, part, whole)) if isinstance(part, list) else part == whole
        for name in ("all three", "listen", "journal and start", "long period"):
            with self.subTest(name):
                pod = pod_of(emit("kubernetes", config_of(VARIED[name])))
                done = subprocess.run(["kubectl", "set", "env", "--local", "-f", "-", "A=b", "-o", "json"], input=json.dumps(pod), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(holds(pod, json.loads(done.stdout)), done.stdout)
                self.assertFalse(holds(pod | {"spec": pod["spec"] | {"more": 1}}, json.loads(done.stdout)))


class Numbers(unittest.TestCase):
    """One value is raised, and what depends on it follows."""

    BASE = {"probes": {"startup": {}, "liveness": {"on_failure": "restart"}, "readiness": {}}, "shutdown": {}, "app": {"restart": {}}, "start": {}, "recovery": {}}

    def raised(self, path=None, value=None):
        whole = tree(**json.loads(json.dumps(self.BASE)), listen=":9180", state_dir="/data")
        for kind in KINDS:
            whole["probes"][kind] |= probe()
        whole["shutdown"]["chain"] = [STOP, SAVE]
        whole["start"]["chain"] = [{"name": "db", "exec": ["true"]}]
        if path:
            *groups, last = path.split(".")
            group = whole
            for name in groups:
                group = group[name]
            group[last] = value
        return config_of(whole)

    # setting, value -> where a number has to be larger than before
    RAISED = (
        ("shutdown.deadline", "200s", "docker.grace compose.grace swarm.grace kubernetes.grace aca.grace nomad.grace kubernetes.probes.liveness.failures "
                                      "aca.probes.liveness.period nomad.probes.live.failures swarm.probes.--probe=live.failures kubernetes.probes.startup.failures"),
        ("shutdown.platform_grace", "600s", "docker.grace compose.grace swarm.grace kubernetes.grace aca.grace nomad.grace"),
        ("probes.startup.period", "20s", "kubernetes.probes.startup.period compose.probes.--probe.start swarm.probes.--probe=live.start swarm.monitor "
                                         "aca.probes.startup.period nomad.probes.live.start"),
        ("probes.startup.initial_delay", "200s", "kubernetes.probes.startup.failures docker.probes.--probe.start aca.probes.startup.period"),
        ("probes.startup.jitter", "200s", "kubernetes.probes.startup.failures docker.probes.--probe.start aca.probes.startup.period"),
        ("probes.startup.timeout", "100s", "kubernetes.probes.startup.failures docker.probes.--probe.start aca.probes.startup.period"),
        ("probes.startup.failure_threshold", 100, "kubernetes.probes.startup.failures swarm.monitor aca.probes.startup.period nomad.probes.live.start"),
        ("probes.liveness.period", "40s", "kubernetes.probes.liveness.period aca.probes.liveness.period nomad.probes.live.period swarm.probes.--probe=live.period"),
        ("probes.readiness.period", "40s", "kubernetes.probes.readiness.period aca.probes.readiness.period nomad.probes.ready.period docker.probes.--probe.start"),
        ("probes.readiness.success_threshold", 9, "docker.probes.--probe.start compose.probes.--probe.start"),
        ("app.restart.backoff_max", "300s", "kubernetes.probes.liveness.failures aca.probes.liveness.period nomad.probes.live.failures swarm.probes.--probe=live.failures"),
        ("app.restart.backoff", "20s", "swarm.delay"),
        ("app.restart.max", 20, "kubernetes.probes.startup.failures nomad.restart.attempts"),
        ("start.deadline", "500s", "kubernetes.probes.startup.failures aca.probes.startup.period compose.probes.--probe.start"),
        ("recovery.deadline", "500s", "kubernetes.probes.startup.failures aca.probes.startup.period compose.probes.--probe.start"),
    )

    def test_they_follow(self):
        before, *raised = read_all([self.raised(), *(self.raised(path, value) for path, value, _ in self.RAISED)])
        for (path, _, larger), after in zip(self.RAISED, raised):
            for where in larger.split():
                with self.subTest(path, where=where):
                    a, b = before, after
                    for name in where.split("."):
                        a, b = a[name], b[name]
                    self.assertGreater(b, a)

    def test_nomads_restart_block_follows(self):
        changed = [self.raised("app.restart.within", "3600s"), self.raised("app.restart.backoff", "200s")]
        (restart, other) = [found["nomad"]["restart"] for found in read_all(changed, platforms=("nomad",))]
        self.assertEqual((restart["interval"], restart["delay"]), ("3600s", "1s"))
        self.assertEqual((other["interval"], other["delay"]), ("600s", "30s"))

    def test_nomads_restart_block_says_what_it_follows(self):
        for restart, said in (({}, None), ({"policy": "on-failure"}, "# as app.restart has it"),
                              ({"policy": "always", "backoff": "0s"}, "# as app.restart has it, as far as Nomad accepts it"),
                              ({"policy": "on-failure", "within": "1s"}, "# as app.restart has it, as far as Nomad accepts it")):
            with self.subTest(restart):
                lines = emit("nomad", config_of({"app": {"restart": restart}})).splitlines()
                self.assertEqual([line for line in lines if "app.restart" in line], [said] if said else [])

    def test_exit_codes_that_want_a_restart(self):
        for code, said in ((75, "# 69 and 75 want a restart."), (0, "so does a failed required step, as failed_exit_code is 0, while 69 wants a restart."),
                           (78, "so does a failed required step, as failed_exit_code is 78, while 69 wants a restart.")):
            text = emit("kubernetes", config_of({"shutdown": {"failed_exit_code": code}}))
            self.assertIn("0 and 78, an invalid configuration, stay as they are;", text)
            self.assertIn(said, text)
            self.assertEqual(text.count("a restart."), 1)

    def test_who_does_nothing_leaves_it_to_the_platform_at_the_second_failure(self):
        found = read_all([config_of(tree(probes={"liveness": probe()}, listen=":9180"))])[0]
        for platform, name in (("kubernetes", "liveness"), ("aca", "liveness"), ("nomad", "live"), ("swarm", "--probe=live")):
            self.assertEqual(found[platform]["probes"][name]["failures"], 2, platform)

    def test_what_does_not_fit_is_said(self):
        text = emit("aca", config_of(tree(probes={"startup": probe(failure_threshold=1000)}, listen=":1")))
        self.assertIn("WARNING: needs 10000 s, but no probe may fail for more than 2160 s here", text)
        text = emit("compose", config_of({"shutdown": {"deadline": "30s", "platform_grace": "20s"}}))
        self.assertIn("# WARNING: platform_grace leaves 18 s for a shutdown, but shutdown.deadline is 30 s: raise platform_grace to 34s", text)
        self.assertIn("max_kill_timeout, which is 30 s", emit("nomad", ""))
        self.assertNotIn("max_kill_timeout", emit("nomad", config_of({"shutdown": {"deadline": "10s"}})))
        for platform in PLATFORMS:
            self.assertIn('shutdown: { platform_grace = "34s"; };', emit(platform, ""))
            self.assertNotIn("Say in the configuration", emit(platform, config_of({"shutdown": {"platform_grace": "40s"}})))

    def test_container_apps_grants_no_more_than_it_can(self):
        """What is advised can be had: whoever follows it, is told no more."""
        for grace, deadline, said in ((None, "900s", "shutdown.deadline needs 1000 s, but the most is 600 s here: lower shutdown.deadline to 9m"),
                                      ("700s", "30s", "platform_grace is 700 s, but the most is 600 s here: lower platform_grace to 600s"),
                                      ("2000s", "900s", "platform_grace is 2000 s, but the most is 600 s here: lower platform_grace to 600s and lower shutdown.deadline to 9m"),
                                      ("500s", "900s", "platform_grace leaves 7m30s for a shutdown, but shutdown.deadline is 15m: raise platform_grace to 600s"
                                                       " and lower shutdown.deadline to 9m"),
                                      ("600s", "900s", "platform_grace leaves 9m for a shutdown, but shutdown.deadline is 15m: lower shutdown.deadline to 9m"),
                                      ("33200ms", "30s", "platform_grace leaves 29.9 s for a shutdown, but shutdown.deadline is 30 s: raise platform_grace to 34s"),
                                      ("600s", "540s", None), (None, "540s", None)):
            with self.subTest(grace=grace, deadline=deadline):
                shutdown = {"deadline": deadline} | ({"platform_grace": grace} if grace else {})
                text = emit("aca", config_of({"shutdown": shutdown}))
                self.assertEqual(re.findall("WARNING: (.*)", text), [said] if said else [])
                advised = dict(re.findall(r"(platform_grace|shutdown\.deadline) to (\d+m?s?)", said or ""))
                shutdown["platform_grace"] = advised.get("platform_grace", re.search(r'platform_grace = "(\d+s)"', text)[1] if grace is None else grace)
                shutdown["deadline"] = advised.get("shutdown.deadline", deadline)
                after = emit("aca", config_of({"shutdown": shutdown}))
                self.assertNotIn("WARNING", after)

    def test_what_is_advised_as_platform_grace_leaves_the_whole_deadline(self):
        for deadline in ("1s", "7500ms", "18s", "20s", "20500ms", "30s", "45s", "90s", "86400s"):
            with self.subTest(deadline):
                shutdown = {"deadline": deadline}
                for platform in ("compose", "kubernetes"):
                    before = emit(platform, config_of({"shutdown": shutdown}))
                    granted = {"shutdown": shutdown | {"platform_grace": re.search(r'platform_grace = "(\d+s)"', before)[1]}}
                    after = emit(platform, config_of(granted))
                    self.assertEqual(yaml.safe_load(before), yaml.safe_load(after))
                    self.assertNotIn("WARNING", after)

    def test_listen_is_advised_where_it_is_needed(self):
        config = config_of(tree(probes={"liveness": probe()}))
        for platform in ("kubernetes", "aca", "nomad"):
            self.assertIn('listen = ":9180"', emit(platform, config))
            self.assertIn("loopback", emit(platform, config + 'listen = "127.0.0.1:9180";'))
            self.assertNotIn('listen = ":9180"', emit(platform, config + 'listen = ":9180";'))

    def test_exit_codes_are_those_of_the_configuration(self):
        for platform in PLATFORMS:
            self.assertIn("69 unhealthy or held, 42 a required step failed, 78", emit(platform, config_of({"shutdown": {"failed_exit_code": 42}})))

    def test_where_it_runs_makes_no_difference(self):
        """The platform of who asks is not the one that is asked about."""
        for variable in ("KUBERNETES_SERVICE_HOST", "NOMAD_ALLOC_ID", "RAILWAY_ENVIRONMENT_ID"):
            for platform in PLATFORMS:
                self.assertEqual(emit(platform, "", env={variable: "x"}), emit(platform, ""))


class Attack(unittest.TestCase):
    """Random configurations, and a model that knows the manual alone."""

    def random(self, dice):
        whole = tree(shutdown={"deadline": f"{dice.choice((1, 5, 10, 20, 30, 45, 60, 90, 300, 530))}s"})
        if dice.random() < 0.3:
            whole["shutdown"]["platform_grace"] = f"{dice.choice((5, 10, 30, 35, 60, 120, 600))}s"
        if dice.random() < 0.5:
            whole["shutdown"]["chain"] = [{"name": "stop", "stop": {}}] + ([SAVE] if dice.random() < 0.6 else [])
        given = [kind for kind in KINDS if dice.random() < 0.7]
        for kind in given:
            one = whole.setdefault("probes", {})[kind] = probe(period=f"{dice.choice((1, 2, 5, 10, 30, 59, 60))}s", timeout=f"{dice.choice((1, 2, 5, 70))}s",
                                                                failure_threshold=dice.choice((1, 2, 3, 10)), initial_delay=f"{dice.choice((0, 0, 5, 60))}s")
            if kind != "readiness" and dice.random() < 0.6:
                one["on_failure"] = dice.choice(("none", "restart", "shutdown"))
        if dice.random() < 0.5:
            whole["app"] = {"restart": {"policy": dice.choice(("never", "on-failure", "always")), "max": dice.choice((1, 5, 20)),
                                        "backoff": f"{dice.choice((0, 1, 10))}s", "backoff_max": f"{dice.choice((0, 5, 30, 300))}s",
                                        "within": f"{dice.choice((1, 600))}s", "exhausted": dice.choice(("exit", "hold"))}}
        if dice.random() < 0.3:
            whole.setdefault("app", {})["notify"] = True
            if dice.random() < 0.5:
                whole["app"]["watchdog"] = f"{dice.choice((1, 20, 300))}s"
        if dice.random() < 0.4:
            whole["state_dir"] = "/data/x"
            if dice.random() < 0.5:
                whole["recovery"] = {"deadline": f"{dice.choice((5, 60))}s"}
        if dice.random() < 0.3:
            whole["start"] = {"chain": [{"name": "db", "exec": ["true"]}], "deadline": f"{dice.choice((5, 60))}s"}
        if dice.random() < 0.7:
            whole["listen"] = dice.choice((":9180", "0.0.0.0:80", "127.0.0.1:9180"))
        return whole

    def failing(self, asked):
        """How long it has to fail at least before the platform acts: the first question may come at once."""
        return (asked["failures"] - 1) * asked["period"]

    def check(self, found, model, whole):
        for platform in PLATFORMS:
            if platform != "aca" or model.grace <= 600:
                self.assertGreaterEqual(found[platform]["grace"] - emit_stanza.margin(found[platform]["grace"]), model.deadline - 1e-9, platform)
            for asked in found[platform]["probes"].values():
                self.assertGreaterEqual(asked["period"], 1)
                self.assertGreater(asked["timeout"], 0.9, "--probe has its own time-out of 900 ms")
        for platform, name in (("kubernetes", "liveness"), ("aca", "liveness"), ("nomad", "live"), ("swarm", "--probe=live")):
            asked = found[platform]["probes"].get(name)
            if asked and not (platform == "aca" and model.busy > 9 * 240):
                self.assertGreaterEqual(self.failing(asked), model.busy, (platform, model.busy))
                self.assertGreaterEqual(asked["failures"], 2, platform)
                # a restart that takes longer than it may is noticed: in one question more, but for whole seconds
                self.assertLess(self.failing(asked), model.busy + asked["period"] + (10 if platform == "aca" else 1), platform)
        startup = found["kubernetes"]["probes"].get("startup")
        if startup:
            self.assertGreaterEqual(self.failing(startup), model.startup)
        startup = found["aca"]["probes"].get("startup")
        if startup and model.start <= 9 * 240:
            self.assertGreaterEqual(self.failing(startup), model.start)
        for platform, name in (("swarm", "--probe=live"), ("nomad", "live")):
            if found[platform]["probes"].get(name):
                self.assertGreaterEqual(found[platform]["probes"][name]["start"], model.startup)
        if "--probe" in found["docker"]["probes"]:
            self.assertGreaterEqual(found["docker"]["probes"]["--probe"]["start"], model.startup if "startup" in model.given else 60)
        for asked in found["swarm"]["probes"].values():
            self.assertGreater(found["swarm"]["monitor"], asked["start"] + model.failing + self.failing(asked) + model.grace)

    def test_random_configurations(self):
        seed = int(os.environ.get("EMIT_SEED", "7"))
        dice = random.Random(seed)
        wholes = [self.random(dice) for _ in range(60)]
        for number, (whole, found) in enumerate(zip(wholes, read_all([config_of(whole) for whole in wholes]))):
            with self.subTest(number, seed=seed, config=config_of(whole)):
                self.check(found, Model(whole), whole)


class Kubelet(Case):
    """As a kubelet asks: a restart by tinysup, as long as it may take, is over before the last failure that it allows."""

    def test_it_does_not_interfere_with_a_restart(self):
        up = "${TEST_DIR}/up"
        whole = {"checks": [{"name": "up", "file": {"path": up}}], "probes": {"liveness": {"checks": ["up"], "period": "200ms", "failure_threshold": 1, "on_failure": "restart"}},
                 "shutdown": {"deadline": "3s", "platform_grace": "60s", "chain": [{"name": "stop", "stop": {"timeout": "1s"}}]},
                 "app": {"restart": {"backoff": "2s", "backoff_max": "2s"}}}
        found = read_all([config_of(whole).replace("${TEST_DIR}", "/x")], platforms=("kubernetes", "nomad"))[0]["kubernetes"]["probes"]["liveness"]
        s = self.app("ignore_term", config=config_of(whole), files=("up",))
        s.until_log("up: ok")
        pid = s.pid
        (s.directory / "up").unlink()
        until(lambda: self.probe(pid) != 0, "liveness fails")
        (s.directory / "up").touch()
        failures, next_question = 1, time.monotonic()
        while failures < 20:
            next_question += found["period"]
            time.sleep(max(0, next_question - time.monotonic()))
            if self.probe(pid) == 0:
                break
            failures += 1
        self.assertLess(failures, found["failures"], s.log())
        self.assertGreater(failures, 1, "it did take a while")

    def test_it_does_not_interfere_with_a_startup(self):
        """start.chain takes its time, the app never gets up and is restarted; at last tinysup ends by itself."""
        whole = {"checks": [{"name": "up", "file": {"path": "/no/such/file"}}], "start": {"deadline": "2s", "chain": [{"name": "db", "sleep": "1s"}]},
                 "probes": {"startup": {"checks": ["up"], "period": "200ms", "failure_threshold": 5, "on_failure": "restart"}},
                 "shutdown": {"deadline": "3s", "platform_grace": "60s", "chain": [{"name": "stop", "stop": {"timeout": "500ms"}}]},
                 "app": {"restart": {"max": 1, "backoff": "1s", "backoff_max": "1s"}}}
        found = read_all([config_of(whole)], platforms=("kubernetes", "nomad"))[0]["kubernetes"]["probes"]["startup"]
        s = self.start("--", *APP, "ignore_term", config=config_of(whole))
        failures, next_question = 0, time.monotonic()
        while s.process.poll() is None and failures < 30:
            self.assertNotEqual(self.probe(s.pid, "startup"), 0)
            failures += 1
            next_question += found["period"]
            time.sleep(max(0, next_question - time.monotonic()))
        self.assertEqual(s.wait(), 69, s.log())
        self.assertLess(failures, found["failures"], s.log())
        self.assertGreater(failures, 2, "it did take a while")

    def probe(self, pid, which="live"):
        return subprocess.run(["nsenter", "-t", str(pid), "-p", "-m", tinysup(), f"--probe={which}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=30, check=False).returncode


class Readme(unittest.TestCase):
    """Its blocks are what --emit prints for the configuration that it names."""

    CONFIG = tree(probes={"startup": probe(period="1s", failure_threshold=60), "liveness": probe(on_failure="shutdown"), "readiness": probe(period="2s")}, listen=":9180")

    def blocks(self):
        text = (ROOT / "README.md").read_text()
        return {block.splitlines()[0].split()[1]: yaml.safe_load(block) for block in re.findall(r"```yaml\n(# .*?)```", text, re.S)}

    def test_kubernetes(self):
        (container,) = yaml.safe_load(emit("kubernetes", config_of(self.CONFIG)))["containers"]
        self.assertEqual(self.blocks()["Kubernetes."], {name: value for name, value in container.items() if name.endswith("Probe")})

    def test_container_apps(self):
        (container,) = yaml.safe_load(emit("aca", config_of(self.CONFIG)))["properties"]["template"]["containers"]
        self.assertEqual(self.blocks()["Azure"]["probes"], container["probes"])


class CommandLine(unittest.TestCase):
    def run_words(self, *words, stdin=""):
        done = subprocess.run([tinysup(), *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_unknown_platforms(self):
        for words in (["--emit=k8s"], ["--emit", "podman"], ["--emit="], ["--emit"]):
            with self.subTest(words):
                code, out, err = self.run_words(*words)
                self.assertEqual((code, out, err.count("\n")), (64, "", 1))
                self.assertIn("docker, compose, swarm, kubernetes, aca or nomad", err)

    def test_one_mode_and_no_further_argument(self):
        self.assertEqual(self.run_words("--emit=docker", "--check")[0], 64)
        self.assertEqual(self.run_words("--emit=docker", "more")[0], 64)

    def test_errors_are_those_of_check(self):
        config = 'shutdown: { deadlin = "3s"; };'
        code, out, err = self.run_words("--emit=docker", "--config", "-", stdin=config)
        self.assertEqual((code, out, err), (78, "", self.run_words("--check", "--config", "-", stdin=config)[2]))
        self.assertIn('did you mean "deadline"?', err)

    def test_warnings_do_not_get_into_the_stanza(self):
        config = 'checks = ( { name = "x"; exec = [ "no-such-program" ]; } ); probes: { liveness: { checks = ( "x" ); }; };'
        code, out, err = self.run_words("--emit=compose", "--config", "-", stdin=config)
        self.assertEqual(code, 0)
        self.assertIn("warning: ", err)
        self.assertEqual(len(yaml.safe_load(out)["services"]), 1)

    def test_the_path_cannot_end_a_comment(self):
        code, out, err = self.run_words("--emit=kubernetes", "--config", "/tmp/no\nsuch: file")
        self.assertEqual((code, out), (78, ""), err)
        with open(os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix="tinysup-test-")), "a\nbogus: 1\t#.conf"), "w", encoding="ascii") as file:
            file.write("")
        for platform in PLATFORMS:
            code, out, err = self.run_words(f"--emit={platform}", "--config", file.name)
            self.assertEqual((code, err), (0, ""))
            self.assertIn("a?bogus: 1?#.conf; ", out.splitlines()[0])
            self.assertNotIn("\nbogus", out)
