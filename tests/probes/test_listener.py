"""The listener: what it answers, and how it takes what it is sent."""

import contextlib
import time

from listener import HTTP, OK, PENDING, REQUEST_SECONDS, RUNNING, TCP, Case

BINARIES = ("plain", "sanitized")


class Verdicts(Case):
    PATHS = {"/livez": "liveness", "/readyz": "readiness", "/startupz": "startup"}

    def test_each_path_has_its_verdict(self):
        for path, kind in self.PATHS.items():
            answer = self.get(path)
            self.assertEqual((answer.status, answer.text), (200, "ok\n"))
            self.assertEqual(answer.type, "text/plain; charset=utf-8")
            self.assertEqual(answer.headers["Cache-Control"], "no-store")
            self.tell(f"verdict {kind} unhealthy -1 api: timeout after 900 ms")
            for other in self.PATHS:
                answer = self.get(other)
                self.assertEqual(answer.status, 503 if other == path else 200)
                self.assertEqual(answer.text, "api: timeout after 900 ms\n" if other == path else "ok\n")
            self.tell(f"verdict {kind} healthy -1")

    def test_a_stale_verdict_is_not_healthy(self):
        self.tell("verdict liveness healthy 300")
        self.assertEqual(self.get("/livez").status, 200)
        self.until(lambda: self.get("/livez").status == 503, "stale")
        self.assertRegex(self.get("/livez").text, r"^the published status expired \d+ ms ago\n$")
        self.assertIn('tinysup_healthy{probe="liveness"} 0', self.get("/metrics").text)
        self.assertTrue(self.get("/status").json["probes"]["liveness"]["stale"])

    def test_a_connection_that_stays_sees_the_change(self):
        client = self.client()
        for _ in range(3):
            self.tell("verdict readiness healthy -1")
            self.assertEqual(self.get("/readyz", client=client).status, 200)
            here = client.sock
            self.tell("verdict readiness unhealthy -1 no")
            self.assertEqual(self.get("/readyz", client=client).status, 503)
            self.assertIs(client.sock, here)

    def test_a_page_that_is_torn_for_ever(self):
        self.tell("torn")
        for path in (*self.PATHS, "/status", "/metrics"):
            answer = self.get(path)
            self.assertEqual(answer.status, 503)
            self.assertIn("cannot read the published status", answer.text)
        self.assertEqual(self.get("/livez?format=json").json["status"], "fail")
        self.tell("whole")
        self.alive()

    def test_verbose(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 connect: refused",
                  f"check late {TCP} hard unasked 0 0 60000", f"check old {TCP} hard ok 100 5000 -1000")
        answer = self.get("/readyz?verbose")
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.text, r"\A\[\+\]api ok\n\[-\]cache \(soft\) failed: connect: refused\n"
                         r"\[-\]late failed: not checked yet\n\[-\]old failed: the last result is [\d.]+ s old\n"
                         r"readyz check passed\n\Z")
        self.tell("verdict readiness unhealthy -1 api: status 500")
        for query in ("verbose", "verbose=1", "x=y&verbose", "verbose&x"):
            answer = self.get(f"/readyz?{query}")
            self.assertEqual(answer.status, 503)
            self.assertRegex(answer.text, r"\n\[-\]old failed: [^\n]*\nreadyz check failed\n\Z")
            self.assertNotIn("verdict", answer.text)   # that is no check
        self.assertTrue(self.get("/livez?verbose").text.endswith("livez check passed\n"))

    def test_verbose_gives_a_reason_that_is_no_checks(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", "verdict readiness unhealthy -1 the app is not running")
        self.assertEqual(self.get("/readyz?verbose").text, "[+]api ok\nthe app is not running\nreadyz check failed\n")

    def test_health_json(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000")
        for answer in (self.get("/livez", Accept="application/health+json"), self.get("/livez?format=json"),
                       self.get("/livez", Accept="text/html;q=0.5, application/health+json")):
            self.assertEqual((answer.status, answer.type), (200, "application/health+json"))
            self.assertEqual(answer.json["status"], "pass")
            self.assertNotIn("output", answer.json)
            (check,) = answer.json["checks"]["api:responseTime"]
            self.assertEqual((check["status"], check["observedValue"], check["observedUnit"]), ("pass", 3.2, "ms"))
            self.assertRegex(check["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertNotIn("output", check)
        self.tell(f"check cache {TCP} soft fail 900 10 60000 connect: refused")
        answer = self.get("/livez?format=json")
        self.assertEqual((answer.status, answer.json["status"]), (200, "warn"))
        (check,) = answer.json["checks"]["cache:responseTime"]
        self.assertEqual((check["status"], check["output"]), ("warn", "connect: refused"))
        self.tell("verdict liveness unhealthy -1 api: status 500")
        answer = self.get("/livez?format=json")
        self.assertEqual((answer.status, answer.json["status"], answer.json["output"]), (503, "fail", "api: status 500"))

    def test_while_a_chain_runs(self):
        self.tell(f"step pause {OK}", f"step flat {RUNNING}", f"step tell {PENDING}", "phase 1",
                  "verdict readiness unhealthy -1 stopping", "chain running 1 SIGTERM 12340")
        self.assertEqual(self.get("/livez").status, 200)
        self.assertEqual(self.get("/startupz").status, 200)
        answer = self.get("/readyz")
        self.assertEqual(answer.status, 503)
        self.assertRegex(answer.text, r"^stopping: at step flat \(2 of 3\), 1[12]\.\d s left\n$")
        self.assertRegex(self.get("/readyz?verbose").text, r"\[-\]shutdown failed: stopping: at step flat .*\nreadyz check failed")
        self.assertEqual(self.get("/readyz?format=json").json["checks"]["shutdown:step"][0]["observedValue"], "flat")
        chain = self.get("/status").json["chain"]
        self.assertEqual((chain["running"], chain["step"], chain["signal"]), (True, "flat", "SIGTERM"))
        self.assertEqual([s["state"] for s in chain["steps"]], ["ok", "running", "pending"])
        metrics = self.get("/metrics").text
        self.assertIn('tinysup_chain_step_state{step="flat",position="2",state="running"} 1', metrics)
        self.assertRegex(metrics, r"(?m)^tinysup_chain_remaining_seconds 1[12]\.")


class Http(Case):
    def test_methods_and_paths(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
            answer = self.get("/livez", method=method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))
        for path in ("/livez/", "/LIVEZ", "//livez", "/livezz", "/live", "/metrics/..", "/%2e%2e/etc/passwd"):
            self.assertEqual(self.get(path).status, 404, path)
        self.assertEqual(self.get("/x", method="POST").status, 404)
        self.assertEqual(self.get("/livez?a=b&c").status, 200)

    def test_head(self):
        for path in ("/livez", "/metrics", "/status", "/nothing"):
            head, answer = self.get(path, method="HEAD"), self.get(path)
            self.assertEqual((head.status, head.text, head.type), (answer.status, "", answer.type))
            self.assertGreater(int(head.headers["Content-Length"]), 0)

    def test_one_point_zero(self):
        got = self.answer_to(b"GET /livez HTTP/1.0\r\n\r\n")
        self.assertRegex(got, rb"^HTTP/1\.[01] 200 ")
        self.assertTrue(got.endswith(b"\r\n\r\nok\n"))

    def test_pipelining(self):
        one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        got = self.answer_to(one * 20 + b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(got.count(b"HTTP/1.1 200 OK"), 21)

    def test_bodies_are_not_waited_for(self):
        self.assertEqual(self.get("/livez", body=b"x" * 100).status, 200)
        begun = time.monotonic()
        got = self.answer_to(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc")
        self.assertIn(b" 405 ", got)
        self.assertLess(time.monotonic() - begun, REQUEST_SECONDS - 1)
        self.answer_to(b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 20000)
        self.alive()

    def test_garbage(self):
        for data in (b"\r\n\r\n\r\n", b"\x00" * 3000, b"\xff" * 3000, b"GET\r\n\r\n", b"GET /livez\r\n\r\n",
                     b"GET /livez HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /livez?" + b"&" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
            with self.subTest(data[:40]), self.raw(data):
                self.alive()

    def test_heads_that_are_too_long(self):
        for data in (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
                     b"GET /livez HTTP/1.1\r\nA: " + b"x" * 100000 + b"\r\n\r\n", b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n"):
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                self.assertNotIn(b" 200 ", self.answer_to(data)[:20])
            self.alive()
