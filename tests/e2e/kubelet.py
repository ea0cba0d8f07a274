"""What a kubelet does with a container's exec probes: asks at their periods, counts, restarts the container, calls it ready or not.

    pod = Pod(container, startup=Probe("/sbin/tinysup --probe=startup", period=1, threshold=30), liveness=..., readiness=...)
    pod.until(lambda: pod.ready); pod.close(); pod.restarts, pod.said

Semantics: kubernetes/pkg/kubelet/prober/worker.go. Liveness and readiness wait for startup; a failed start or liveness restarts
the container after its grace period; each restart begins anew.
"""
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import engine


@dataclass
class Probe:
    command: tuple
    period: float = 1
    timeout: float = 1
    threshold: int = 3


@dataclass
class Pod:
    container: engine.Container
    startup: Probe = None
    liveness: Probe = None
    readiness: Probe = None
    grace: int = 10
    started: bool = False
    ready: bool = False
    restarts: int = 0
    said: Counter = field(default_factory=Counter)      # (probe, exit code) -> times
    longest: float = 0      # seconds that an answer took

    def __post_init__(self):
        self.over, self.lock = threading.Event(), threading.Lock()
        self.started = self.startup is None
        self.threads = [threading.Thread(target=self.work, args=(kind,), daemon=True)
                        for kind in ("startup", "liveness", "readiness") if getattr(self, kind)]
        for thread in self.threads:
            thread.start()

    def ask(self, kind, probe):
        begun = time.monotonic()
        done = subprocess.run(engine.the_engine.command("exec", self.container.id, *probe.command), env=engine.the_engine.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        took = time.monotonic() - begun
        # docker exec itself takes a while; an engine's own probes have their time-out in its shim
        self.longest = max(self.longest, took)
        self.said[kind, done.returncode] += 1
        return done.returncode == 0

    def work(self, kind):
        probe, failures, life = getattr(self, kind), 0, 0
        while not self.over.wait(probe.period):
            if life != self.restarts:
                failures, life = 0, self.restarts
            if (kind == "startup") == self.started:
                continue
            good = self.ask(kind, probe)
            failures = 0 if good else failures + 1
            if life != self.restarts:
                continue
            if good:
                self.succeed(kind)
            elif failures >= probe.threshold:
                self.fail(kind)

    def succeed(self, kind):
        self.started |= kind == "startup"
        if kind == "readiness":
            self.ready = True

    def fail(self, kind):
        self.ready = False
        if kind == "readiness":
            return
        with self.lock:
            self.restarts += 1
            self.started = self.startup is None
            self.container.stop(self.grace)
            engine.the_engine.docker("start", self.container.id)

    def close(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
