"""Exec probes at Kubernetes' cadence: what a kubelet would do with tinysup's answers."""
import engine
from engine import SCRATCH, DockerCase, until
from kubelet import Pod, Probe

PROBE = "/sbin/tinysup"
CONFIG = """
checks = ( {{ name = "up"; file: {{ path = "/test/up"; }}; }}, {{ name = "open"; file: {{ path = "/test/open"; }}; }} );
probes: {{
  startup: {{ checks = ( "up" ); period = "200ms"; failure_threshold = 100; }};
  liveness: {{ checks = ( "up" ); period = "200ms"; failure_threshold = 3; on_failure = "{on_failure}"; }};
  readiness: {{ checks = ( "open" ); period = "200ms"; failure_threshold = 1; }};
}};
app: {{ restart: {{ backoff = "2s"; }}; }};
shutdown: {{ deadline = "8s"; platform_grace = "10s"; chain = (
  {{ name = "drain"; sleep = "2s"; needs_app = true; when = [ "stop" ]; }}, {{ name = "stop"; stop: {{ timeout = "2s"; }}; }} ); }};
"""


def setUpModule():
    engine.start(bot=False)


class Cadence(DockerCase):
    def pod(self, on_failure="none", liveness=None):
        """`up` is there if the app is well; the app makes it when it starts."""
        (self.shared / "open").touch()
        c = self.start("--", "/sbin/idle", config=CONFIG.format(on_failure=on_failure), image=SCRATCH)
        pod = Pod(c, startup=Probe((PROBE, "--probe=startup"), threshold=30), liveness=liveness or Probe((PROBE, "--probe=live"), threshold=1),
                  readiness=Probe((PROBE, "--probe=ready"), threshold=1))
        self.addCleanup(pod.close)
        return c, pod

    def healthy(self, *args, **options):
        c, pod = self.pod(*args, **options)
        self.assertFalse(pod.ready)
        (self.shared / "up").touch()
        until(lambda: pod.ready, "it is ready")
        return c, pod

    def test_well_is_well_each_time(self):
        _, pod = self.healthy()
        until(lambda: sum(pod.said.values()) >= 40, "it has been asked 40 times", 90)
        self.assertEqual((pod.restarts, pod.said["liveness", 1], pod.said["readiness", 1]), (0, 0, 0), pod.said)
        print(f"40 exec probes, each by an exec of the engine: the longest took {pod.longest:.2f} s")

    def test_not_ready_is_not_restarted(self):
        _, pod = self.healthy()
        (self.shared / "open").unlink()
        until(lambda: not pod.ready, "it is not ready")
        asked = pod.said["liveness", 0]
        until(lambda: pod.said["liveness", 0] > asked + 3, "it is alive")
        (self.shared / "open").touch()
        until(lambda: pod.ready, "it is ready again")
        self.assertEqual(pod.restarts, 0)

    def test_the_kubelet_restarts_what_tinysup_calls_unhealthy(self):
        c, pod = self.healthy()
        (self.shared / "up").unlink()
        until(lambda: pod.restarts == 1, "it is restarted")
        (self.shared / "up").touch()
        until(lambda: pod.ready, "it is ready again")
        self.assertEqual((pod.restarts, c.log().count("SIGTERM: stopping idle")), (1, 1))

    def test_the_kubelet_leaves_it_alone_while_tinysup_restarts_the_app(self):
        c, pod = self.healthy("restart", Probe((PROBE, "--probe=live"), threshold=6))
        (self.shared / "up").unlink()
        c.until_log("(restart 1)")
        (self.shared / "up").touch()
        until(lambda: not pod.ready, "it is not ready meanwhile")
        until(lambda: pod.ready, "it is ready again")
        self.assertEqual(pod.restarts, 0, c.log())

    def test_ready_fails_first_and_liveness_never_while_it_drains(self):
        c, pod = self.healthy()
        c.kill("TERM")
        until(lambda: not pod.ready, "it is not ready")
        self.assertTrue(c.inspect("State.Running"))
        self.assertEqual(pod.said["liveness", 1], 0)
        self.assertEqual(c.code(), 0)
