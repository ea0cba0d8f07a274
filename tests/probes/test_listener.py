"""The listener: what it answers, and that nobody who talks to it can keep it from answering."""
# also sanitized

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TINYSUP", ROOT / "build/tinysup")).parent
SANITIZED = BUILD.name == "build-asan"
HTTP, TCP = 1, 2    # enum check_kind
CONNECTIONS = 64    # as many as the listener holds
REQUEST_SECONDS = 5
WAIT = 15
PENDING, RUNNING, OK, FAILED = 0, 1, 3, 4   # enum step_state


def setUpModule():
    subprocess.run(["make", "-s", "listener-asan" if SANITIZED else "listener"], cwd=ROOT, check=True, timeout=300,
                   env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "BUILD")})


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.type = self.headers["Content-Type"]
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)


class Case(unittest.TestCase):
    def setUp(self):
        self.driver = subprocess.Popen([BUILD / "tests/listener_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.addCleanup(self.end)
        self.port, self.pid, self.memfd = map(int, self.driver.stdout.readline().split())

    def end(self):
        self.driver.stdin.close()
        self.assertEqual(self.driver.wait(WAIT), 0)
        self.driver.stdout.close()

    def ask_driver(self, command):
        self.driver.stdin.write(command + "\n")
        self.driver.stdin.flush()
        return self.driver.stdout.readline().strip()

    def tell(self, *commands):
        for command in commands:
            self.assertEqual(self.ask_driver(command), "ok", command)

    def client(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        self.addCleanup(client.close)
        return client

    def get(self, path, method="GET", client=None, body=None, **headers):
        client = client or self.client()
        client.request(method, path, body=body, headers=headers)
        return Answer(client.getresponse())

    def raw(self, data=b""):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)
        self.addCleanup(connection.close)
        connection.sendall(data)
        return connection

    def answer_to(self, data):
        """Everything that comes until the listener hangs up."""
        got = b""
        with contextlib.suppress(ConnectionResetError), self.raw(data) as connection:
            while more := connection.recv(65536):
                got += more
        return got

    def alive(self):
        answer = self.get("/livez")
        self.assertEqual((answer.status, answer.text), (200, "ok\n"))

    def resident(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def settled(self):
        """Its descriptors while nobody is connected."""
        with self.raw(b"GET /livez HTTP/1.0\r\n\r\n") as connection:
            while connection.recv(4096):
                pass
        self.until(lambda: self.descriptors() <= 4, f"{self.descriptors()} descriptors")   # 1, 2, the socket, epoll
        return self.descriptors()

    def until(self, condition, what, seconds=WAIT):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)


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
        self.assertRegex(self.get("/livez").text, r"^the supervisor's last word is \d+ ms older than it should be\n$")
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
            self.assertIn("cannot be read", answer.text)
        self.assertEqual(self.get("/livez?format=json").json["status"], "fail")
        self.tell("whole")
        self.alive()

    def test_verbose(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 connect: refused",
                  f"check late {TCP} hard unasked 0 0 60000", f"check old {TCP} hard ok 100 5000 -1000")
        answer = self.get("/readyz?verbose")
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.text, r"\A\[\+\]api ok\n\[-\]cache \(soft\) failed: connect: refused\n"
                         r"\[-\]late failed: not asked yet\n\[-\]old failed: the last answer is [\d.]+ s old\n"
                         r"readyz check passed\n\Z")
        self.tell("verdict readiness unhealthy -1 api: status 500")
        for query in ("verbose", "verbose=1", "x=y&verbose", "verbose&x"):
            answer = self.get(f"/readyz?{query}")
            self.assertEqual(answer.status, 503)
            self.assertTrue(answer.text.endswith("[-]verdict failed: api: status 500\nreadyz check failed\n"), answer.text)
        self.assertTrue(self.get("/livez?verbose").text.endswith("livez check passed\n"))

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
        for path in ("/", "/livez/", "/LIVEZ", "//livez", "/livezz", "/live", "/metrics/..", "/%2e%2e/etc/passwd"):
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


class Resilience(Case):
    def test_signals_do_not_end_it(self):
        self.alive()
        for number in set(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP}:   # those that C libraries hide, too
            os.kill(self.pid, number)
            self.alive()

    def test_nothing_is_open_but_what_it_needs(self):
        self.assertEqual(self.settled(), 4)

    def test_slow_requests_end_in_time(self):
        """A byte now and then: libmicrohttpd's own time-out would begin anew with each."""
        begun = time.monotonic()
        connection = self.raw(b"GET /livez HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            connection.settimeout(0.2)
            while time.monotonic() - begun < 3 * REQUEST_SECONDS:
                connection.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    if connection.recv(4096) == b"":
                        break
        self.assertAlmostEqual(time.monotonic() - begun, REQUEST_SECONDS, delta=1)

    def test_slow_readers_end_in_time(self):
        for i in range(60):
            self.tell(f"check check-{i} {HTTP} hard ok 3200 500 60000")
        connection = socket.socket()
        self.addCleanup(connection.close)
        before = self.settled()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        self.until(lambda: self.descriptors() > before, "the slow reader is not there")
        self.until(lambda: self.descriptors() == before, "the slow reader is still there", REQUEST_SECONDS + 3)
        self.alive()

    def test_idle_connections_end(self):
        before = self.settled()
        idle = self.raw()
        kept = self.client()
        self.get("/livez", client=kept)
        self.assertEqual(self.descriptors(), before + 2)
        self.until(lambda: self.descriptors() == before, "connections are still there", REQUEST_SECONDS + 3)
        self.assertEqual(idle.recv(1), b"")

    def test_full_of_half_open_connections(self):
        """Hundreds that never say a thing: whoever asks is answered at once all the same."""
        held = [self.raw(b"GET /livez HTTP/1.1\r\nX: ") for _ in range(5 * CONNECTIONS)]
        for _ in range(20):
            begun = time.monotonic()
            self.alive()
            self.assertLess(time.monotonic() - begun, 1)
        self.assertLessEqual(self.descriptors(), CONNECTIONS + 6)
        self.assertEqual(held[0].recv(1), b"")

    def test_out_of_descriptors(self):
        self.alive()
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (8, 8))
        held = [self.raw(b"GET ") for _ in range(30)]
        for _ in range(5):
            self.alive()
        for connection in held:
            connection.close()
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (4, 8))   # one
        for _ in range(50):
            self.one_connection()
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (3, 8))   # not even one
        with self.raw(b"GET /livez HTTP/1.0\r\n\r\n") as waiting:
            before = self.cpu()
            time.sleep(1)
            self.assertLess(self.cpu() - before, 0.2)   # it does not spin
            resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (8, 8))
            self.assertRegex(waiting.recv(4096), rb"^HTTP/1\.[01] 200 ")

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_idle_it_does_not_wake(self):
        self.alive()
        time.sleep(0.1)
        before = self.cpu(), self.switches()
        time.sleep(1)
        self.assertEqual((self.cpu(), self.switches()), before)

    def switches(self):
        return re.findall(r"ctxt_switches:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())

    def test_ten_thousand_connections(self):
        for _ in range(500):
            self.one_connection()
        before = self.resident(), self.settled()
        for _ in range(2000 if SANITIZED else 10000):
            self.one_connection()
        self.assertEqual(self.settled(), before[1])
        if not SANITIZED:   # whose freed memory stays for a while
            self.assertLess(self.resident(), before[0] + 256)
            self.assertLess(self.resident(), 32 * 1024)

    def one_connection(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            got = b""
            while more := connection.recv(4096):
                got += more
        if b" 200 " not in got:
            self.fail(got)

    def test_another_listener_takes_over(self):
        """The socket outlives the child: nobody is refused in between."""
        self.alive()
        for _ in range(5):
            self.pid = int(self.ask_driver("again"))
            self.alive()


class Metrics(Case):
    LINE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?\d[-\d.e+]*)')

    def parse(self):
        answer = self.get("/metrics")
        self.assertEqual((answer.status, answer.type), (200, "text/plain; version=0.0.4; charset=utf-8"))
        series, types, helped = {}, {}, set()
        for line in answer.text.splitlines():
            if line.startswith("# HELP "):
                self.assertNotIn(line.split()[2], helped)
                helped.add(line.split()[2])
            elif line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.assertIn(name, helped)
                self.assertEqual(name.endswith("_total"), kind == "counter", line)
                types[name] = kind
            else:
                match = self.LINE.fullmatch(line)
                self.assertTrue(match, line)
                self.assertNotIn(line.rsplit(" ", 1)[0], series)
                self.assertTrue(match[1] in types or match[1].removesuffix("_sum").removesuffix("_count") in types, line)
                series[line.rsplit(" ", 1)[0]] = float(match[3])
        return series

    def test_values(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 no", "app 7 2",
                  f"check late {TCP} hard unasked 0 0 60000", f"step flat {FAILED}", "chain over 1 SIGTERM 0")
        series = self.parse()
        for name, value in {'tinysup_info{version="1.2.3",app="bot"}': 1, 'tinysup_healthy{probe="readiness"}': 1,
                            'tinysup_check_healthy{check="api",kind="http"}': 1,
                            'tinysup_check_healthy{check="cache",kind="tcp"}': 0,
                            'tinysup_check_last_duration_seconds{check="api",kind="http"}': 0.0032,
                            'tinysup_check_duration_seconds_sum{check="api",kind="http"}': 0.0128,
                            'tinysup_check_duration_seconds_count{check="api",kind="http"}': 4,
                            'tinysup_check_results_total{check="api",kind="http",result="error"}': 2,
                            'tinysup_app_up': 1, 'tinysup_app_restarts_total': 2, 'tinysup_app_start_time_seconds': 1700000000,
                            'tinysup_phase{phase="running"}': 1, 'tinysup_phase{phase="stopping"}': 0,
                            'tinysup_chain_runs_total{reason="stop"}': 1, 'tinysup_chain_running': 0,
                            'tinysup_last_chain_success{reason="stop"}': 1,
                            'tinysup_chain_step_state{step="flat",position="1",state="failed"}': 1}.items():
            self.assertAlmostEqual(series[name], value, msg=name)
        self.assertAlmostEqual(series['tinysup_check_age_seconds{check="api",kind="http"}'], 0.5, delta=0.4)
        self.assertAlmostEqual(series['tinysup_last_chain_duration_seconds{reason="stop"}'], 1.5, delta=0.4)
        self.assertNotIn('tinysup_check_healthy{check="late",kind="tcp"}', series)

    def test_labels_are_escaped(self):
        self.tell('name a"b\\c{d}', f'check x"y\\z {HTTP} hard ok 1 1 60000')
        series = self.parse()
        self.assertIn('tinysup_info{version="1.2.3",app="a\\"b\\\\c{d}"}', series)
        self.assertIn('tinysup_check_healthy{check="x\\"y\\\\z",kind="http"}', series)
        self.assertEqual(self.get("/status").json["app"]["name"], 'a"b\\c{d}')


class Status(Case):
    def test_text(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 connect: refused",
                  "app 7 2 Trading BTC/USDT", "verdict readiness unhealthy -1 cache: connect", f"step flat {FAILED}",
                  "chain over 1 SIGTERM 0")
        lines = [self.ask_driver("status")]
        while lines[-1] != ".":
            lines.append(self.driver.stdout.readline().rstrip("\n"))
        text = "\n".join(lines)
        for pattern in (r"^bot: pid 7, up [\d.]+ m?s, restarts 2$", r"^says: Trading BTC/USDT$", r"^tinysup 1\.2\.3: pid \d+, up ",
                        r"^liveness   healthy ", r"^readiness  UNHEALTHY for .*: cache: connect$", r"^api    http .* ok .* 3\.2 ms ",
                        r"^cache  tcp .* yes .* FAILED .*  connect: refused$", r"^last chain: stop by SIGTERM, took 1\.5 s$",
                        r"^  flat +failed, "):
            self.assertRegex(text, f"(?m){pattern}")

    def test_no_supervisor(self):
        done = subprocess.run([BUILD / "tinysup", "--config", "/nonexistent", "--status"], capture_output=True, text=True,
                              timeout=WAIT, env={**os.environ, "TINYSUP_TEST_PAGE": "/nonexistent"})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^tinysup: there is no supervisor [^\n]*\n$")

    def test_wrong_format(self):
        done = subprocess.run([BUILD / "tinysup", "--status=xml"], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((done.returncode, done.stdout), (64, ""))
