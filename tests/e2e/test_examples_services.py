"""The examples that serve: who is told that they are ready, and what becomes of those who are connected."""
import socket
import time

import deployment
from deployment import BASE, ExampleCase, inside, until
from httpd import ask

UPGRADE = (b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def setUpModule():
    deployment.start("crypto-backend", "container-apps", "ml-service")


class CryptoBackend(ExampleCase):
    NAME = "crypto-backend"
    # Debian's nginx instead of the one from the hub
    NGINX = {"frontend": {"image": BASE, "command": ["nginx", "-g", "daemon off;"]}}
    QUICK = {"backend": {"healthcheck": {"interval": "1s"}}}

    def model_fails(self, kind):
        self.peer("ollama", "POST", "/faults", {"path": "/api/tags", "kind": kind})

    def test_degraded_is_not_ready_and_no_reason_to_restart(self):
        self.up("backend", more=self.QUICK)
        backend = self.service("backend")
        until(lambda: backend.probe()[0] == 0, "it is ready")
        self.assertEqual(backend.rehearsed(), "")
        self.model_fails("500")
        until(lambda: backend.probe("--probe=ready")[0] == 1, "it is not ready", 60)
        reply = backend.ask("GET", 8000, "/api/v1/health/ready")
        self.assertEqual((reply.status, reply.data["status"], reply.data["checks"]["ollama"]), (200, "degraded", False))
        self.assertIn("status", backend.probe("--probe=ready")[1])
        self.assertEqual((backend.probe("--probe=live")[0], backend.probe("--probe=alive")[0]), (0, 0))
        self.assertEqual([backend.ask("GET", 9180, path).status for path in ("/readyz", "/livez", "/startupz")], [503, 200, 200])
        self.assertEqual((backend.status()["app"]["restarts"], backend.inspect("State.Health.Status")), (0, "healthy"))
        self.peer("ollama", "DELETE", "/faults")
        backend.until_answer(9180, "/readyz", seconds=60)

    def test_an_open_websocket(self):
        self.up(more=self.NGINX | self.QUICK)
        backend, frontend = self.service("backend"), self.service("frontend")
        self.assertEqual(frontend.until_answer(80, "/api/v1/health").data, {"status": "healthy"})
        with inside():
            client = socket.create_connection((frontend.address(), 80))
        with client:
            client.sendall(UPGRADE)
            self.assertIn(b"101 Switching Protocols", client.recv(4096))
            begun = time.monotonic()
            self.compose("stop", "--timeout", "35", "backend")
            self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual(backend.inspect("State.ExitCode"), 0, backend.log())
        self.assertIn("stop: ok", backend.log())
        self.assertIn("Finished server process", backend.log())
        history = backend_history(self)
        self.assertEqual([e.get("exit_signal") for e in history if e["event"] == "app_exit"], ["SIGTERM"])     # it dies of it, and all is well

    def test_three_replicas_on_one_volume(self):
        self.up("--scale", "backend=3", "backend", more=self.QUICK)
        replicas = [self.service("backend", number) for number in (1, 2, 3)]
        for replica in replicas:
            until(lambda r=replica: r.probe("--probe=startup")[0] == 0, "it has started")
        self.assertEqual(len({e["journal"] for e in backend_history(self) if e["event"] == "start"}), 3)
        self.compose("stop")
        self.assertEqual([replica.inspect("State.ExitCode") for replica in replicas], [0, 0, 0])
        self.assertEqual(len({e["journal"] for e in backend_history(self) if e["event"] == "exit"}), 3)


def backend_history(case):
    """From the volume: in a container of its own, like the next replica."""
    text = case.compose("run", "--rm", "-T", "--no-deps", "backend", "--history=1000", "--json", "--state", "/app/data/.tinysup").stdout
    return [deployment.json.loads(line) for line in text.splitlines() if line.startswith("{")]


class ContainerApps(ExampleCase):
    NAME = "container-apps"
    KEYS = {"COSMOS_KEY": "cosmos-secret", "STORAGE_CONNECTION": "AccountKey=storage-secret", "OPENAI_API_KEY": "sk-openai-secret"}

    def start_it(self):
        c = self.run_it(*(word for name, value in self.KEYS.items() for word in ("--env", f"{name}={value}")))
        until(lambda: c.probe()[0] == 0, f"it is ready; {c.log()}")
        return c

    def test_ready_until_the_signal(self):
        c = self.start_it()
        self.assertEqual(c.rehearsed(), "")
        took, url = [], f"http://{c.address()}:9180/readyz"
        with inside():
            for _ in range(20):
                begun = time.monotonic()
                self.assertEqual(ask("GET", url).status, 200)
                took.append((time.monotonic() - begun) * 1000)
        print(f"/readyz takes {sorted(took)[10]:.1f} ms, at most {max(took):.1f} ms")
        c.kill("TERM")
        c.until_answer(9180, "/readyz", 503)
        self.assertEqual((c.ask("GET", 8000, "/health").data["status"], c.ask("GET", 9180, "/livez").status), ("healthy", 200))
        self.assertNotIn('"step":"stop"', c.log())
        self.assertEqual(c.code(), 0, c.log())
        self.assertIn('"step":"drain","result":"ok"', c.log())

    def test_no_key_is_told(self):
        c = self.start_it()
        said = c.log() + c.execute("/sbin/tinysup", "--status").stdout + str([c.ask("GET", 9180, path).data for path in ("/status", "/metrics", "/")])
        said += c.execute("/sbin/tinysup", "--check").stdout + c.execute("/sbin/tinysup", "--history").stdout
        self.assertIn("health", said)
        for value in self.KEYS.values():
            self.assertNotIn(value, said)
        ours = {there: here for here, there in c.processes().items()}
        sizes = [int((deployment.Path("/proc") / str(here) / "status").read_text().split("VmRSS:")[1].split()[0])
                 for there, here in ours.items() if "tinysup" in (deployment.Path("/proc") / str(here) / "comm").read_text()]
        print(f"tinysup's processes: {sizes} kB resident")
        self.assertLess(sizes[0], 5000)


class MlService(ExampleCase):
    NAME = "ml-service"
    SECRETS = {"team-webhook": "http://alerts:8083/team", "pagerduty": "0123456789abcdef0123456789abcdef"}
    REDIS = {"redis": {"image": BASE, "command": ["redis-server", "--save", "", "--protected-mode", "no"]}}
    HOOK = "/api/jobs/hand-back"

    def serve_predictions(self, web="http://web:8080"):
        self.up(more=self.REDIS, environment={"ml": {"WEB_URL": web, "PAGERDUTY_URL": "http://alerts:8083"}})
        ml = self.service("ml")
        until(lambda: ml.probe()[0] == 0, "it is ready")
        return ml

    def keys(self):
        """Of the requests to the hook, in the place of the web API."""
        return [r["idempotency_key"] for r in self.peer("alerts", "GET", "/log") if r["path"] == self.HOOK]

    def fault(self, kind, times=0):
        self.peer("alerts", "POST", "/faults", {"path": self.HOOK, "kind": kind, "times": times})

    def test_scale_in_is_no_incident(self):
        ml = self.serve_predictions()
        self.assertEqual(ml.rehearsed(), "")
        same = [ml.ask("POST", 8000, "/predict", key="one").data for _ in range(3)]
        self.assertEqual(same[1:], same[:1] * 2)
        self.compose("stop", "redis")
        until(lambda: ml.probe("--probe=ready")[0] == 1, "it is not ready without Redis")
        self.assertEqual((ml.check("redis")["state"], ml.probe("--probe=live")[0]), ("fail", 0))
        self.compose("start", "redis")
        until(lambda: ml.probe()[0] == 0, "it is ready")
        before = len(self.alerts("/v2/enqueue"))    # that Redis was away
        self.compose("stop", "ml")
        self.assertEqual(ml.inspect("State.ExitCode"), 0, ml.log())
        self.assertEqual([(a["reason"], a["severity"]) for a in self.alerts("/team")], [("stop", "info")])
        self.assertEqual(len(self.alerts("/v2/enqueue")), before)
        self.assertNotIn(self.SECRETS["pagerduty"], ml.log())

    def test_one_key_for_three_attempts(self):
        ml = self.serve_predictions(web="http://alerts:8083")
        self.fault("lost-reply", times=2)
        self.compose("stop", "ml")
        self.assertEqual(ml.inspect("State.ExitCode"), 0, ml.log())
        self.assertEqual(self.keys(), self.keys()[:1] * 3)
        self.assertTrue(self.keys()[0])

    def test_retries_leave_the_alert_its_time_and_the_next_start_has_the_same_key(self):
        ml = self.serve_predictions(web="http://alerts:8083")
        self.fault("500")
        begun = time.monotonic()
        self.compose("stop", "ml")
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual((ml.inspect("State.ExitCode"), len(self.keys())), (75, 4), ml.log())
        self.assertEqual([(a["reason"], a["severity"]) for a in self.alerts("/team")], [("stop", "critical")])
        self.assertEqual(len(self.alerts("/v2/enqueue")), 1)
        self.peer("alerts", "DELETE", "/faults")
        ml.start()
        until(lambda: ml.probe()[0] == 0, "it is ready")
        self.assertEqual(self.keys(), self.keys()[:1] * 5)

    def test_killed_meanwhile(self):
        ml = self.serve_predictions(web="http://alerts:8083")
        self.fault("hang")
        ml.kill("TERM")
        until(self.keys, "the hook is on its way")
        ml.kill("KILL")
        self.assertEqual(ml.code(), 137)
        self.peer("alerts", "DELETE", "/faults")
        ml.start()
        until(lambda: ml.probe()[0] == 0, "it is ready")
        self.assertEqual(self.keys(), self.keys()[:1] * 2)
