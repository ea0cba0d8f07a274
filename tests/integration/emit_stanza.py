"""What --emit prints, read by the platforms' own schemas and parsers, and its numbers; and the numbers that a configuration needs, by a model of its own."""
import json
import math
import os
import re
import shlex
import subprocess

import yaml

from binaries import ROOT, tinysup

PLATFORMS = ("docker", "compose", "swarm", "kubernetes", "aca", "nomad")
NODE = ROOT / "build/node"
JUDGES = ROOT / "tests/integration/emit_judges.mjs"
KNOWN_BY = ("CONTAINER_APP_NAME", "ECS_CONTAINER_METADATA_URI_V4", "FLY_APP_NAME", "NOMAD_ALLOC_ID", "RAILWAY_ENVIRONMENT_ID", "RENDER", "DYNO",
            "KUBERNETES_SERVICE_HOST", "K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_RUN_WORKER_POOL")


def emit(platform, config, code=0, env=None):
    """What it prints for a configuration from standard input; (stdout, stderr) if it is to fail."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TINYSUP_") and k not in KNOWN_BY} | (env or {})
    done = subprocess.run([tinysup(), f"--emit={platform}", "--config", "-"], input=config, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    return done.stdout if code == 0 else (done.stdout, done.stderr)


def judge(*asked):
    """(kind, value) -> what its judge makes of it; all at once, as a judge takes a while to be there. A refusal is an AssertionError."""
    done = subprocess.run(["node", JUDGES, NODE], input=json.dumps([{"kind": kind, "value": value} for kind, value in asked]), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stderr}\nmake setup installs what this needs"
    answers = json.loads(done.stdout)
    for (kind, value), answer in zip(asked, answers):
        assert "error" not in answer, f"{kind}: {answer['error']}: {value}"
    return [answer.get("value") for answer in answers]


def uncommented(text, first, last):
    """The commented lines from the one that begins with `first` to the one that begins with `last`, as they would be used."""
    lines, found = [], False
    for line in text.splitlines():
        bare = line.lstrip().removeprefix("# ")
        found |= bare.startswith(first)
        if found:
            lines.append(line.replace("# ", "", 1))
        if found and bare.startswith(last):
            return "\n".join(lines)
    raise AssertionError(f"no {first} ... {last} in {text}")


# --- Azure Container Apps: the limits are in the words of its client library


def aca_limits():
    text = (NODE / "node_modules/@azure/arm-appcontainers/dist/commonjs/models/models.d.ts").read_text()
    probe = text.split("export interface ContainerAppProbe {")[1].split("\n}")[0]
    return {name: (int(low), int(high)) for low, high, name in re.findall(r"Minimum value is (\d+)\. Maximum value is (\d+)\. \*/\s+(\w+)\?", probe)}


ACA_MOST_GRACE = 600  # what the service accepts; its reference names no maximum


def judge_aca(template):
    limits = aca_limits()
    assert {"failureThreshold", "periodSeconds", "timeoutSeconds", "initialDelaySeconds"} <= set(limits), limits
    assert set(template) <= {"terminationGracePeriodSeconds", "containers"}
    assert 0 <= template["terminationGracePeriodSeconds"] <= ACA_MOST_GRACE
    (container,) = template["containers"]
    assert set(container) <= {"name", "probes"} and re.fullmatch(r"[a-z][a-z0-9-]{0,62}", container["name"])
    probes = container.get("probes", [])
    assert len({p["type"] for p in probes}) == len(probes)
    for probe in probes:
        assert probe["type"] in ("Startup", "Liveness", "Readiness")
        assert set(probe["httpGet"]) == {"path", "port"} and isinstance(probe["httpGet"]["port"], int)
        assert set(probe) <= {"type", "httpGet", *limits}
        for name, (low, high) in limits.items():
            assert low <= probe.get(name, low) <= high, (name, probe)


# --- all of them as the same numbers


def seconds(text):
    assert re.fullmatch(r"\d+s", str(text)), text
    return int(text[:-1])


def of_docker(text):
    """HEALTHCHECK, STOPSIGNAL, and the options of docker run."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    run = re.search(r"^# docker run (.*) IMAGE$", text, re.M)[1]
    found = {"grace": int(re.search(r"--stop-timeout=(\d+)", run)[1]), "restart": re.search(r"--restart=(\S+)", run)[1],
             "signal": re.search(r"--stop-signal=(\S+)", run)[1], "probes": {}}
    assert lines[-1] == f"STOPSIGNAL {found['signal']}", lines
    if len(lines) > 1:
        health = re.fullmatch(r"HEALTHCHECK --interval=(\d+)s --timeout=(\d+)s --start-period=(\d+)s --retries=(\d+) CMD (.*)", lines[0])
        asked = json.loads(health[5])
        assert asked[0] == "/sbin/tinysup", asked
        found["probes"][asked[1]] = {"period": int(health[1]), "timeout": int(health[2]), "start": int(health[3]), "failures": int(health[4])}
        options = shlex.split(text.splitlines()[-1].removeprefix("# "))
        assert options == ["--health-cmd=" + " ".join(asked), f"--health-interval={health[1]}s", f"--health-timeout={health[2]}s",
                           f"--health-start-period={health[3]}s", f"--health-retries={health[4]}"], options
    return found


def of_compose(text):
    ((name, service),) = yaml.safe_load(text)["services"].items()
    found = {"name": name, "grace": seconds(service["stop_grace_period"]), "signal": service["stop_signal"], "restart": service.get("restart"), "probes": {}}
    health = service.get("healthcheck")
    if health:
        assert health["test"][:2] == ["CMD", "/sbin/tinysup"]
        found["probes"][health["test"][2]] = {"period": seconds(health["interval"]), "timeout": seconds(health["timeout"]),
                                              "start": seconds(health["start_period"]), "failures": health["retries"]}
    return found


def of_swarm(text):
    found, deploy = of_compose(text), next(iter(yaml.safe_load(text)["services"].values()))["deploy"]
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"]
    return found | {"order": deploy["update_config"]["order"], "monitor": seconds(deploy["update_config"]["monitor"]),
                    "restart": deploy["restart_policy"]["condition"], "delay": seconds(deploy["restart_policy"]["delay"])}


def of_probe(probe):
    how = probe["httpGet"]["path"] if "httpGet" in probe else " ".join(probe["exec"]["command"])
    return {"how": how, "port": probe.get("httpGet", {}).get("port"), "period": probe["periodSeconds"], "failures": probe["failureThreshold"],
            "timeout": probe["timeoutSeconds"]}


def of_kubernetes(text):
    spec = yaml.safe_load(text)
    (container,) = spec["containers"]
    return {"name": container["name"], "grace": spec["terminationGracePeriodSeconds"], "restart": spec["restartPolicy"],
            "signal": re.search(r"STOPSIGNAL has to be (\S+)", text)[1],
            "probes": {name.removesuffix("Probe"): of_probe(probe) for name, probe in container.items() if name.endswith("Probe")}}


def of_aca(text):
    template = yaml.safe_load(text)["properties"]["template"]
    judge_aca(template)
    (container,) = template["containers"]
    return {"name": container["name"], "grace": template["terminationGracePeriodSeconds"],
            "signal": re.search(r"STOPSIGNAL has to be (\S+?);", text)[1],
            "probes": {probe["type"].lower(): of_probe(probe) for probe in container.get("probes", [])}}


def of_nomad(parsed):
    """What the HCL parser has made of it: every block is a list of its bodies."""
    ((name, (task,)),) = parsed["task"].items()
    (restart,) = parsed["restart"]
    # Nomad refuses what does not fit, and intervals below 5 s
    assert seconds(restart["interval"]) >= max(5, restart["attempts"] * seconds(restart["delay"])), restart
    found = {"name": name, "grace": seconds(task["kill_timeout"]), "signal": task["kill_signal"], "restart": restart, "probes": {}}
    for service in task.get("service", []):
        found["provider"] = service["provider"]
        for check in service["check"]:
            limits = check.get("check_restart", [None])[0]
            found["probes"][check["name"]] = {
                "how": check.get("path") or " ".join([check["command"], *check["args"]]), "period": seconds(check["interval"]),
                "timeout": seconds(check["timeout"]), "failures": limits and limits["limit"], "start": limits and seconds(limits["grace"])}
            assert check["type"] == ("http" if "path" in check else "script")
            if check["type"] == "http":
                assert service["port"] in parsed["network"][0]["port"]
                found["port"] = parsed["network"][0]["port"][service["port"]][0]["to"]
    return found


READERS = {"docker": of_docker, "compose": of_compose, "swarm": of_swarm, "kubernetes": of_kubernetes, "aca": of_aca}


def pod_of(text):
    spec = yaml.safe_load(text)
    spec["containers"][0]["image"] = "bot"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bot"}, "spec": spec}


def rules_of(text):
    """The same pod with its restart rules, which are comments."""
    rules = yaml.safe_load(uncommented(text, "restartPolicy: Never", "  exitCodes"))
    pod = pod_of(text)
    pod["spec"]["containers"][0] |= rules
    return pod


def compose_of(text):
    whole = yaml.safe_load(text)
    next(iter(whole["services"].values()))["image"] = "bot"
    return whole


def read_all(configs, platforms=PLATFORMS):
    """For each configuration a dict of the numbers by platform, after every judge has accepted what there is."""
    texts = [{platform: emit(platform, config) for platform in platforms} for config in configs]
    asked, answers = [], iter(())
    for of in texts:
        asked += [("pod", make(of["kubernetes"])) for make in (pod_of, rules_of) if "kubernetes" in of]
        asked += [("compose", compose_of(of[platform])) for platform in ("compose", "swarm") if platform in of]
    asked += [("hcl", of["nomad"]) for of in texts if "nomad" in of]
    answers = judge(*asked)
    parsed = iter(answers[len(answers) - sum("nomad" in of for of in texts):])
    return [{platform: of_nomad(next(parsed)) if platform == "nomad" else READERS[platform](text) for platform, text in of.items()} for of in texts]


# --- the model: what the manual says of a configuration


def text_of(value):
    """A value in libconfig's syntax."""
    if isinstance(value, dict):
        return "{ " + " ".join(f"{k} = {text_of(v)};" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(map(text_of, value)) + " )"
    return json.dumps(value)


def config_of(tree):
    return "\n".join(f"{name} = {text_of(value)};" for name, value in tree.items())


def time_of(group, name, default):
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m|)", str(group.get(name, default))).groups()
    return float(number) * {"ms": 0.001, "m": 60}.get(unit, 1)


def margin(grace):
    return max(2, grace / 10)


class Model:
    """In seconds."""

    def __init__(self, tree):
        shutdown, app = tree.get("shutdown", {}), tree.get("app", {})
        restart, self.probes = app.get("restart", {}), tree.get("probes", {})
        self.deadline = time_of(shutdown, "deadline", 30)
        grace = shutdown.get("platform_grace")
        if grace is None:
            self.grace = next(g for g in range(1, 200000) if g - margin(g) >= self.deadline)
        else:
            self.grace = math.ceil(time_of(shutdown, "platform_grace", 0))
            self.deadline = min(self.deadline, time_of(shutdown, "platform_grace", 0) - margin(time_of(shutdown, "platform_grace", 0)))
        liveness = self.probes.get("liveness", {})
        startup = self.probes.get("startup", {})
        self.watchdog = time_of(app, "watchdog", 0)
        # startup is READY=1 alone: 300 s are left to it
        self.notified = bool(app.get("notify")) and not startup
        self.given = set(self.probes) | ({"startup", "readiness"} if app.get("notify") else set()) | ({"liveness"} if self.watchdog else set())
        # what can fail liveness
        self.live = "liveness" in self.given or bool(startup)
        on_failure = {liveness.get("on_failure", "none")} if liveness else set()
        if startup:
            on_failure.add(startup.get("on_failure", liveness.get("on_failure", "none")))
        self.restarts = restart.get("policy", "never") != "never" or "restart" in on_failure
        self.acts = bool(on_failure - {"none"})
        self.busy = self.deadline + time_of(restart, "backoff_max", 30) if self.restarts else self.deadline if self.acts else 0
        self.opening = time_of(tree["start"], "deadline", 60) if "start" in tree else 0
        steps = shutdown.get("chain", ())
        recovers = "state_dir" in tree and any("recovery" in step.get("when", ()) for step in steps)
        if "state_dir" in tree:
            matters = recovers or restart.get("exhausted") == "hold"
            self.opening += time_of(tree.get("recovery", {}), "deadline", 30) if matters else 2
        if recovers:
            self.opening += time_of(tree.get("recovery", {}), "deadline", 30)
        self.life = self.rounds(startup, startup.get("failure_threshold", 3)) if startup else 300 if self.notified else 0
        self.max = restart.get("max", 5)
        self.start = self.opening + self.life
        self.startup = self.start
        if "startup" in self.given:
            self.startup += (self.max * (self.life + self.busy) if self.restarts else 0) + (self.deadline if self.acts else 0)
        self.returns = "state_dir" in tree or "heartbeats" in tree or restart.get("policy") == "always" or restart.get("exhausted") == "hold"
        alone = [step for stage in steps for step in (stage if isinstance(stage, (list, tuple)) else (stage,))]
        self.single = (any(name in tree for name in ("state_dir", "heartbeats", "signers"))
                       or any(step.get("required") and "stop" not in step for step in alone))

        readiness = self.probes.get("readiness")
        self.ready = self.startup + (self.rounds(readiness, readiness.get("success_threshold", 1)) if readiness else 0)
        self.failing = max(self.watchdog, self.rounds(liveness, liveness.get("failure_threshold", 3)) if liveness else 0)

    @staticmethod
    def rounds(probe, count):
        return time_of(probe, "initial_delay", 0) + time_of(probe, "jitter", 0) + count * max(time_of(probe, "period", 10), time_of(probe, "timeout", 1))
