"""tinysup --emit=docker, compose and swarm, by Docker's own parts: docker build, docker run, docker-compose."""
import re
import shlex
import subprocess

import engine
import yaml
from emit_stanza import emit, of_compose, of_docker, of_swarm
from engine import DockerCase, until

CONFIG = ('app: { name = "We ird: #1"; }; probes: { startup: { checks = ( { name = "up"; file: { path = "/sbin/idle"; }; } ); period = "1s"; };'
          ' liveness: { checks = ( "up" ); period = "1s"; on_failure = "restart"; }; };'
          ' shutdown: { deadline = "45s"; signals = [ "SIGINT", "SIGTERM" ]; };')
NANO = 1_000_000_000


def setUpModule():
    engine.start(bot=False)


class Emitted(DockerCase):
    def build(self, config):
        """An image with what is emitted in its Dockerfile, and the numbers of it."""
        text = emit("docker", config)
        (self.shared / "tinysup.conf").write_text(config)
        engine.the_engine.image("e2e:emitted", f"FROM {engine.SCRATCH}\nCOPY tinysup.conf /etc/tinysup.conf\n{text}", **{"tinysup.conf": self.shared / "tinysup.conf"})
        return text, of_docker(text)

    def same(self, health, found):
        ((word, asked),) = found["probes"].items()
        self.assertEqual((health["Interval"], health["Timeout"], health["StartPeriod"], health["Retries"]),
                         (asked["period"] * NANO, asked["timeout"] * NANO, asked["start"] * NANO, asked["failures"]))
        return word

    def test_the_whole_output_is_a_part_of_a_dockerfile(self):
        _, found = self.build(CONFIG)
        (image,) = yaml.safe_load(engine.the_engine.docker("image", "inspect", "e2e:emitted").stdout)
        word = self.same(image["Config"]["Healthcheck"], found)
        self.assertEqual(image["Config"]["Healthcheck"]["Test"], ["CMD", "/sbin/tinysup", word])
        self.assertEqual(image["Config"]["StopSignal"], "SIGTERM")

    def test_docker_run_takes_its_options_and_the_container_is_healthy(self):
        text, found = self.build(CONFIG)
        options = shlex.split(re.search(r"^# docker run (.*) IMAGE$", text, re.M)[1])
        c = self.start("--", "/sbin/idle", options=options, image="e2e:emitted")
        self.assertEqual((c.inspect("Config.StopTimeout"), c.inspect("Config.StopSignal"), c.inspect("HostConfig.RestartPolicy.Name")),
                         (found["grace"], found["signal"], found["restart"]))
        until(lambda: c.inspect("State.Health.Status") == "healthy", f"it is healthy; {c.log()}")
        engine.the_engine.docker("stop", c.id)
        self.assertEqual(c.code(), 0, c.log())

    def test_the_health_options_say_the_same_as_the_dockerfile(self):
        text, found = self.build(CONFIG)
        options = shlex.split(text.splitlines()[-1].removeprefix("# "))
        c = self.start("--", "/sbin/idle", options=options, image=engine.SCRATCH)
        word = self.same(c.inspect("Config.Healthcheck"), found)
        self.assertEqual(c.inspect("Config.Healthcheck.Test"), ["CMD-SHELL", f"/sbin/tinysup {word}"])

    def test_without_probes(self):
        self.build('shutdown: { signals = [ "SIGQUIT" ]; };')
        (image,) = yaml.safe_load(engine.the_engine.docker("image", "inspect", "e2e:emitted").stdout)
        self.assertEqual((image["Config"].get("Healthcheck"), image["Config"]["StopSignal"]), (None, "SIGQUIT"))


class Compose(DockerCase):
    def test_docker_compose_takes_it_beside_a_service(self):
        for platform, read in (("compose", of_compose), ("swarm", of_swarm)):
            with self.subTest(platform):
                text = emit(platform, CONFIG)
                found = read(text)
                (self.shared / "base.yml").write_text(f'version: "3.8"\nservices:\n  {found["name"]}:\n    image: bot\n')
                (self.shared / "emitted.yml").write_text(text)
                done = subprocess.run(["docker-compose", "-f", self.shared / "base.yml", "-f", self.shared / "emitted.yml", "config"], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                service = yaml.safe_load(done.stdout)["services"][found["name"]]
                emitted = yaml.safe_load(text)["services"][found["name"]]
                health = service["healthcheck"]
                self.assertEqual({name: value for name, value in health.items() if name != "test"},
                                 {name: value for name, value in emitted["healthcheck"].items() if name != "test"})
                self.assertEqual(health["test"], emitted["healthcheck"]["test"])
                self.assertEqual((service["stop_grace_period"], service["stop_signal"]), (f"{found['grace']}s", found["signal"]))
                self.assertEqual(service.get("deploy"), emitted.get("deploy"))
                self.assertEqual(service.get("restart"), emitted.get("restart"))
