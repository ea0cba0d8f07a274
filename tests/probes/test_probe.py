"""The other checks (exec, tcp, file), and --probe: one line, exit code 0 or 1, in time, whatever happens."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from binaries import tinysup
from rig import (NO_NETWORK, PROCESS_SECONDS, SECRET, Server, answer, ask, drip, drive, driver, environment, flood, folder,
                 full_backlog, hang, may, raw, redirect, reset)
from test_http import Case

LINE_MAX = 4096
# a network whose only name server hears everything and says nothing
DEAF_DNS = """
import socket, subprocess, sys, tempfile
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
with tempfile.NamedTemporaryFile("w") as file:
    file.write("nameserver 127.0.0.1\\n")
    file.flush()
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
deaf.bind(("127.0.0.1", 53))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""
IN_DEAF_DNS = ["unshare", "--net", "--mount", "--map-root-user", sys.executable, "-c", DEAF_DNS]


def is_gone(pid):
    """A process that has been killed may stay a zombie until whoever inherits it looks."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(condition):
    end = time.monotonic() + PROCESS_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited too long")
        os.sched_yield()


class Exec(Case):
    def script(self, path, text):
        file = path / "script"
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)
        return file

    def test_exit(self):
        self.expect(ask("exec", 2000, "true"), "ok none", "", 0)
        self.expect(ask("exec", 2000, "sh", "-c", "exit 7"), "fail exec", "exec: exit code 7", 7)
        self.expect(ask("exec", 2000, "sh", "-c", "kill -9 $$"), "fail exec", "exec: killed by signal 9", 0)

    def test_cannot_execute(self):
        self.expect(ask("exec", 2000, "/no/such"), "fail exec", "exec: cannot execute: No such file or directory", 0)
        self.expect(ask("exec", 2000, "/etc/passwd"), "fail exec", "exec: cannot execute: Permission denied", 0)

    def test_timeout_kills_the_group(self):
        with folder() as path:
            script = self.script(path, f"trap '' TERM HUP\nsleep 1000 &\necho $! $$ > {path}/pids\nwait\n")
            result = self.expect(ask("exec", 300, script), "fail timeout", "timeout after 300 ms, still running")
            self.assertLess(result.took_us, 5000000)
            until(lambda: all(is_gone(pid) for pid in (path / "pids").read_text().split()))

    def test_leaves_nothing_behind(self):
        with folder() as path:
            script = self.script(path, f"sleep 1000 &\necho $! > {path}/pids\n")
            self.expect(ask("exec", 5000, script), "ok none")
            until(lambda: is_gone((path / "pids").read_text().strip()))

    def test_dies_with_us(self):
        with folder() as path:
            script = self.script(path, f"echo $$ > {path}/part; mv {path}/part {path}/pid; exec sleep 1000\n")
            process = subprocess.Popen([driver(), "exec", "60000", script])
            until((path / "pid").exists)
            process.kill()
            process.wait(PROCESS_SECONDS)
            until(lambda: is_gone((path / "pid").read_text().strip()))

    def test_clean_start(self):
        self.expect(ask("exec", 2000, "sh", "-c", "echo secret; echo secret >&2; test -z \"$(cat)\""), "ok none")
        self.expect(ask("exec", 2000, "sh", "-c", "test \"$(ls /proc/self/fd | wc -l)\" -le 4"), "ok none")
        odd = "import signal, subprocess, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); " \
              "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); import os; os.execv(sys.argv[1], sys.argv[1:])"
        script = "test \"$(grep -Ec '^Sig(Blk|Ign):.0+$' /proc/self/status)\" = 2"
        self.expect(ask("exec", 2000, "sh", "-c", script, before=[sys.executable, "-c", odd]), "ok none")


class Tcp(Case):
    def try_tcp(self, handler, *words, timeout=2000, host="127.0.0.1"):
        with Server(handler, read=False) as server:
            return ask("tcp", host, server.port, timeout, *words)

    def test_connect(self):
        self.expect(self.try_tcp(hang), "ok none")
        self.expect(self.try_tcp(lambda connection, request: None), "ok none")
        self.expect(self.try_tcp(hang, host="localhost"), "ok none")
        for host in ("a b", "a/b", "me@a", "", "x" * 400):
            self.expect(ask("tcp", host, 80, 1000), "error internal")
        with Server(hang) as server:
            port = server.port
        self.expect(ask("tcp", "127.0.0.1", port, 1000), "fail connect", "connect: connection refused")
        with full_backlog() as port:
            result = self.expect(ask("tcp", "127.0.0.1", port, 300), "fail timeout", "timeout after 300 ms, connecting")
            self.assertGreater(result.took_us, 298000)

    @unittest.skipUnless(may(NO_NETWORK), "may not make a network")
    def test_unknown_name(self):
        self.expect(ask("tcp", "name.test", 80, 5000, before=NO_NETWORK), "fail connect", "cannot resolve the host name")

    def test_expect(self):
        def redis(connection, request):
            if connection.recv(100) == b"PING\r\n":
                connection.sendall(f"{SECRET}+PO".encode())
                connection.sendall(b"NG\r\n")
            hang(connection, request)
        self.expect(self.try_tcp(redis, "PING\r\n", "+PONG"), "ok none")
        self.expect(self.try_tcp(redis, "PING\r\n", "-ERR", timeout=300), "fail timeout", "timeout after 300 ms, connected")
        self.expect(self.try_tcp(drip(b""), "x", "absent", timeout=300), "fail timeout")
        self.expect(self.try_tcp(raw(SECRET.encode()), "", "absent"), "fail body", "not found in 6 bytes")
        self.expect(self.try_tcp(flood(b"", b"x" * 4096), "", "absent"), "fail body", "not found in 65536 bytes")
        self.expect(self.try_tcp(flood(b"\0" * 1000, b"xyz"), "", "zxy"), "ok none")
        self.expect(self.try_tcp(drip(b"", b"ab"), "", "baba"), "ok none")
        self.expect(self.try_tcp(lambda *all: (all[0].recv(10), reset(*all)), "hello", "absent"), "fail protocol", "lost")


class File(Case):
    def test_file(self):
        with folder() as path:
            file = path / "heartbeat"
            self.expect(ask("file", file), "fail file", "file: missing")
            file.write_text("")
            self.expect(ask("file", file), "ok none")
            self.expect(ask("file", path), "ok none")
            self.expect(ask("file", file / "x"), "fail file", "Not a directory")
            self.expect(ask("file", file, 15000), "ok none")
            os.utime(file, (time.time() - 60,) * 2)
            self.expect(ask("file", file), "ok none")
            self.assertRegex(self.expect(ask("file", file, 15000), "fail age").message, r"^age: 60\.\d s old, 15\.0 s allowed")
            os.utime(file, (time.time() + 60,) * 2)
            self.expect(ask("file", file, 15000), "fail age", "in the future")


class Probe(unittest.TestCase):
    def probe(self, target, timeout, form, *checks, code, **options):
        done = drive("probe", target, timeout, form, *checks, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\A[^\n]+\n\Z")
        self.assertLessEqual(len(done.stdout.encode()), LINE_MAX)
        self.assertNotIn(SECRET, done.stdout)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout) if form == "json" else done.stdout.rstrip("\n")

    def test_url(self):
        with Server(answer(SECRET)) as server:
            url = f"{server.url}/{SECRET}"
            self.assertRegex(self.probe(url, 900, "text", code=0), r"^healthy: status 200 \d+ ms$")
            self.assertRegex(self.probe(url.removeprefix("http://"), 900, "text", code=0), "^healthy: ")
            found = self.probe(url, 900, "json", code=0)
            self.assertEqual((found["healthy"], found["checks"][0]["status"]), (True, 200))
            server.handler = answer(SECRET, "503 No")
            self.assertRegex(self.probe(url, 900, "text", code=1), r"^unhealthy: url: status 503 \(\d+ ms\)$")
            server.handler = redirect("http://localhost/")
            self.probe(url, 900, "text", code=0)
            server.handler = hang
            line = self.probe(url, 300, "text", code=1)
            self.assertRegex(line, "^unhealthy: url: timeout after 300 ms, connected, no response")
        self.assertIn("connection refused", self.probe(url, 900, "text", code=1))
        self.assertIn("malformed", self.probe("http://[", 900, "text", code=1))

    def test_a_redirect_is_followed_where_that_is_asked_for(self):
        """As `curl -f` and `curl -fL`: by default an answer below 400 is a success, wherever it leads."""
        with Server(answer("", "503 No")) as bad, Server(redirect(f"{bad.url}/x")) as first:
            elsewhere = first.url.replace("127.0.0.1", "localhost")
            for url in (first.url, elsewhere):
                for words, code, said in (((), 0, "healthy: status 302"), (("--location",), 1, "unhealthy: url: status 503")):
                    with self.subTest(url=url, words=words):
                        done = subprocess.run([tinysup(), "--probe", url, "--timeout", "9s", *words], env=environment(), capture_output=True, text=True,
                                              stdin=subprocess.DEVNULL, timeout=20, check=False)
                        self.assertEqual(done.returncode, code, done.stdout)
                        self.assertIn(said, done.stdout)
            self.assertEqual(len(bad.requests), 2)

    def test_verdict(self):
        for target in ("-", "live", "ready", "startup"):
            self.assertRegex(self.probe(target, 900, "text", "a=exec:true", "b=file:/", code=0), r"^healthy: [a-z ]+ \d+ ms$")
        self.assertRegex(self.probe("ready", 900, "text", "a=exec:true", "b=exec:false", "c=file:/none", code=1),
                         r"^unhealthy: b: exec: exit code 1 \(\d+ ms\); c: file: missing \(\d+ ms\)$")
        self.assertRegex(self.probe("ready", 900, "text", "a=none", code=1), "^unhealthy: a: nothing to check")

    def test_soft(self):
        self.assertRegex(self.probe("ready", 900, "text", "~s=file:/none", "a=exec:true", code=0),
                         r"^healthy: ready \d+ ms; soft: s: file: missing \(\d+ ms\)$")
        self.assertRegex(self.probe("ready", 900, "text", "~s=file:/none", "a=exec:false", code=1),
                         r"^unhealthy: a: exec: exit code 1 \(\d+ ms\); soft: s: file: missing \(\d+ ms\)$")
        self.assertRegex(self.probe("s", 900, "text", "~s=file:/none", "a=exec:true", code=1), "^unhealthy: s: file: missing")
        found = self.probe("ready", 900, "json", "~s=file:/none", "a=exec:true", code=0)
        self.assertEqual([(one["name"], one["soft"], one["outcome"], one["class"]) for one in found["checks"]],
                         [("a", False, "ok", "none"), ("s", True, "fail", "file")])
        self.assertEqual(set(found["checks"][0]), {"name", "soft", "outcome", "class", "status", "message", "took_ms"})

    def test_names(self):
        checks = ("a=exec:true", "b=exec:false")
        self.assertRegex(self.probe("a", 900, "text", *checks, code=0), r"^healthy: a \d+ ms$")
        self.probe("b", 900, "text", *checks, code=1)
        self.assertIn("no check named x; the checks are: a, b", self.probe("x", 900, "text", *checks, code=1))
        self.assertIn("no check named x; the checks are: a, b", self.probe("x", 900, "json", *checks, code=1)["error"])
        self.assertIn("no checks are configured", self.probe("ready", 900, "text", code=1))
        self.assertIn("no checks are configured", self.probe("ready", 900, "json", code=1)["error"])

    def test_one_time_for_all(self):
        with folder() as path:
            script = path / "slow"
            script.write_text("#!/bin/sh\nexec sleep 1000\n")
            script.chmod(0o755)
            checks = (f"a=exec:{script}", f"b=exec:{script}", "~s=file:/", "c=file:/")
            begun = time.monotonic()
            line = self.probe("ready", 400, "text", *checks, code=1)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertRegex(line, r"a: timeout after 300 ms, still running \(\d+ ms\); b: timeout after \d+ ms")
            self.assertIn("c: not run: out of time", line)

    def test_long_lines(self):
        for form in ("text", "json"):
            name = "x\n\x1b" + "\u00e4" * 100
            found = self.probe("ready", 900, form, "ok=file:/", *(f"{name}{i}=file:/none" for i in range(30)), code=1)
            if form == "json":
                self.assertFalse(found["healthy"])
                self.assertGreater(found["left_out"], 0)
                self.assertEqual({check["outcome"] for check in found["checks"]}, {"fail"})
        self.probe("n" * 5000, 900, "json", "a=file:/", code=1)

    def popen(self, *words, **options):
        return subprocess.Popen([driver(), "probe", *words], stdin=subprocess.DEVNULL, env=environment(), **options)

    def test_stdout_that_takes_nothing(self):
        self.assertEqual(subprocess.run(["sh", "-c", 'exec "$0" probe ready 900 text a=file:/ >&-', driver()],
                                        timeout=PROCESS_SECONDS).returncode, 0)
        for check, code in (("a=file:/", 0), ("a=file:/none", 1)):
            reader, writer = os.pipe()
            os.close(reader)
            process = self.popen("ready", "900", "text", check, stdout=writer)
            self.assertEqual(process.wait(PROCESS_SECONDS), code)
            os.close(writer)
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        while True:
            try:
                os.write(writer, b"x" * 65536)
            except BlockingIOError:
                break
        os.set_blocking(writer, True)
        begun = time.monotonic()
        self.assertEqual(self.popen("ready", "6000", "text", "a=file:/none", stdout=writer).wait(PROCESS_SECONDS), 1)
        self.assertLess(time.monotonic() - begun, 5)
        os.close(reader)
        os.close(writer)

    def test_signals(self):
        with Server(hang) as server:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT):
                for form in ("text", "json"):
                    known = len(server.requests)
                    process = self.popen(server.url, "10000", form, stdout=subprocess.PIPE)
                    until(lambda: len(server.requests) > known)
                    process.send_signal(number)
                    output = process.communicate(timeout=PROCESS_SECONDS)[0]
                    self.assertEqual((process.returncode, output.count(b"\n")), (1, 1))
                    self.assertIn(b"killed", output)

    def test_hang_in_a_system_call(self):
        blocked = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); " \
                  "os.execv(sys.argv[1], sys.argv[1:])"
        with folder() as path, Server(hang, read=False) as server:
            os.mkfifo(path / "fifo")
            # opening it waits for a writer, and libcurl's time-outs do not help: only the timer does
            options = {"env": environment(SSL_CERT_FILE=str(path / "fifo")), "code": 1,
                       "before": [sys.executable, "-c", blocked]}
            url = server.url.replace("http", "https")
            begun = time.monotonic()
            self.assertEqual(self.probe(url, 300, "text", **options), "unhealthy: out of time")
            self.assertEqual(self.probe(url, 300, "json", **options), {"healthy": False, "error": "out of time"})
            self.assertLess(time.monotonic() - begun, 5)

    @unittest.skipUnless(may(IN_DEAF_DNS), "may not make a network")
    def test_deaf_name_server(self):
        for words in (("http", "http://name.test/", "timeout=300"), ("tcp", "name.test", 80, 300)):
            result = ask(*words, before=IN_DEAF_DNS)
            self.assertEqual((result.short, result.message), ("fail timeout", "timeout after 300 ms, resolving the host name"))
            self.assertLess(result.took_us, 4000000)
