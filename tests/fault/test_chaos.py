"""Random chains and probes, hooks and checks that misbehave, random apps, restarts, stop signals at random moments: the promises
hold in every one.

What is asserted of each run: it is over 200 ms before the deadline at the latest; each life of the app got its stop signal at most
once; every step came to an end in the log; nothing is left running; the exit code is one that the manual knows. kill_reserve is 1 s, as
a busy host may stop all of this for a moment. CHAOS_ROUNDS and CHAOS_SEED lengthen or repeat a run; the seed is in every failure.
"""
import concurrent.futures
import os
import random
import re
import signal
import socket
import time
import unittest

from harness import APP, Supervised, children, until

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "40"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
DEADLINE = 3.0
HOOKS = ["true", "exit 1", "sleep 99", "trap '' TERM; sleep 99", "(sleep 99 & sleep 99) & sleep 99", "setsid sleep 99 & true",
         "yes | head -c 3000000", "kill -STOP $$", "kill -9 $$", "exec 1>&- 2>&-; sleep 0.2", "sleep 0.3", "kill -TERM $TINYSUP_APP_PID",
         "printf x", "kill -SEGV $$", "ulimit -n 3; sleep 0.1"]
APPS = [("signals", "0"), ("signals",), ("plain",), ("ignore_term",), ("code_on_term", "3"), ("orphans", "20"), ("orphans", "20", "ignore"),
        ("leader_and_worker",), ("forks",), ("stopped",), ("zombies", "50")]
CHECKS = ['exec = [ "true" ];', 'exec = [ "false" ];', 'exec = [ "sleep", "99" ];', 'exec = [ "sh", "-c", "sleep 99 & sleep 99" ];',
          'exec = [ "sh", "-c", "kill -STOP $$" ];', 'exec = [ "/no/such/program" ];', "tcp: { port = 1; };", 'file: { path = "/"; };',
          "process: { max_fds = 1000; };", 'process: { max_rss = 1; };', 'http: { url = "SILENT"; };']
STEP_ENDS = re.compile(r": (ok after|failed after|timeout after|skipped|cut)")


class Scenario:
    def __init__(self, seed, silent):
        self.chance = random.Random(seed)
        self.seed, self.silent, self.names = seed, silent, []

    def step(self):
        c = self.chance
        name = f"s{len(self.names)}"
        self.names.append(name)
        more = ""
        if c.random() < 0.6:
            more += f' timeout = "{c.choice([50, 300, 800, 2000])}ms";'
        elif c.random() < 0.3:
            more += ' reserve = "200ms";'
        more += c.choice(["", " required = true;", " needs_app = true;", ' on_failure = "abort";'])
        kind = c.randrange(6)
        retry = c.choice(["", ' retry: { attempts = 3; backoff = "20ms"; };'])
        if kind <= 2:
            return f'{{ name = "{name}"; exec = [ "sh", "-c", "{c.choice(HOOKS)}" ];{retry}{more} }}'
        if kind == 3:
            url = c.choice(["http://127.0.0.1:1/", self.silent, self.silent])
            return f'{{ name = "{name}"; http: {{ url = "{url}"; method = "{c.choice(["GET", "POST"])}"; }};{retry}{more} }}'
        if kind == 4:
            return f'{{ name = "{name}"; wait: {{ exec = [ "{c.choice(["false", "true"])}" ]; period = "30ms"; }};{more} }}'
        more = re.sub(r" (timeout|reserve) = \S+;", "", more)
        return f'{{ name = "{name}"; sleep = "{c.choice([0, 100, 700])}ms";{more} }}'

    def stage(self):
        if self.chance.random() < 0.3:
            return "( " + ", ".join(self.step() for _ in range(self.chance.randint(2, 5))) + " )"
        return self.step()

    def probe(self, kind):
        c = self.chance
        checks = [f'{{ name = "{kind[0]}{i}"; {c.choice(CHECKS)} soft = {c.choice(["true", "false"])}; }}' for i in range(c.randint(1, 4))]
        action = f'on_failure = "{c.choice(["none", "restart", "shutdown"])}";' if kind == "liveness" else ""
        return (f'{kind}: {{ checks = ( {", ".join(checks)} ); period = "{c.choice([10, 50, 300])}ms"; timeout = "{c.choice([20, 200])}ms"; '
                f'failure_threshold = {c.randint(1, 5)}; mode = "{c.choice(["all", "any"])}"; {action} }}; ').replace("SILENT", self.silent)

    def probes(self):
        c = self.chance
        if c.random() < 0.5:
            return ""
        kinds = [k for k in ("startup", "liveness", "readiness") if c.random() < 0.6]
        restart = f'restart: {{ policy = "{c.choice(["never", "on-failure", "always"])}"; backoff = "{c.choice([0, 20, 300])}ms"; max = 3; }};'
        return f'app: {{ {restart} }}; probes: {{ {"".join(map(self.probe, kinds))} }}; '

    def config(self):
        before, after = ([self.stage() for _ in range(self.chance.randint(0, 4))] for _ in range(2))
        timeout = self.chance.choice(["", 'timeout = "300ms";'])
        steps = before + [f'{{ name = "stop"; stop: {{ {timeout} }}; reserve = "{"200ms" if timeout else "500ms"}"; }}'] + after
        self.names.append("stop")
        return self.probes() + f'shutdown: {{ deadline = "3s"; kill_reserve = "1s"; platform_grace = "60s"; chain = ( {", ".join(steps)} ); }};'

    def run(self):
        """None, or what went wrong."""
        config, app = self.config(), self.chance.choice(APPS)
        first, group = self.chance.random() < 0.8, self.chance.random() < 0.3
        with Supervised(*(["-g"] if group else []), "--", *APP, *app, config=config, first=first, piped=True) as s:
            # a quick probe may have ended it before it could say so
            until(lambda: s.file("ready") or s.process.poll() is not None, "it is ready")
            if self.chance.random() < 0.15:
                s.begun = time.monotonic()
                for pid in children(s.pid)[:1]:  # the app, where it is not just between two lives
                    os.kill(pid, signal.SIGKILL)
            for _ in range(self.chance.randint(1, 3)):
                if s.process.poll() is None:
                    try:
                        s.signal(self.chance.choice(["TERM", "INT"]))
                    except ProcessLookupError:
                        break
                time.sleep(self.chance.choice([0, 0.001, 0.05, 0.4]))
            code = s.wait()
            log = s.log()
            problems = []
            if s.lasted() > DEADLINE - 0.2:
                problems.append(f"took {s.lasted():.3f} s")
            if code not in (0, 3, 69, 75, 137, 143):
                problems.append(f"exit code {code}")
            direct = "kill -TERM $TINYSUP_APP_PID" in config  # a hook may do what tinysup may not
            lives = 1 + log.count("(restart ")
            if not direct and s.file("signals").split().count("15") + s.file("signals").split().count("2") > lives:
                problems.append("the app was told twice")
            for name in self.names:
                if not any(f" {name}{m.group(0)}" in line for line in log.splitlines() for m in [STEP_ENDS.search(line)] if m):
                    problems.append(f"{name} has no end")
            if children(s.process.pid):
                problems.append("something is left")
        return problems and f"seed {self.seed}: {problems}\n{app} first={first} group={group}\n{config}\n{shorter(log)}"


def shorter(log):
    """Without what the hooks say."""
    return "\n".join(line for line in log.splitlines() if not line.endswith(": y"))


class Chaos(unittest.TestCase):
    def test_promises_hold(self):
        with socket.socket() as silent, concurrent.futures.ThreadPoolExecutor(2) as pool:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1000)  # accepts, and never answers
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            problems = [p for p in pool.map(lambda n: Scenario(n, url).run(), range(SEED, SEED + ROUNDS)) if p]
        self.assertFalse(problems, "\n\n".join(problems[:3]))
