"""--rehearse: what would go wrong, before it does."""
import http.server
import os
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from binaries import tinysup
from ports import free_port

BINARIES = ("plain", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "1s"; }; }'


class Server:
    """Counts connections and requests."""

    def __enter__(self):
        self.requests, server = 0, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                server.requests += 1
                self.send_response(200)
                self.end_headers()
            do_GET = do_POST

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.socket.close()


class Rehearse(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="tinysup-test-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.directory)], check=False)

    def rehearse(self, *steps, word="--rehearse", more="", deadline="8s"):
        (self.directory / "conf").write_text(f'{more} shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {", ".join(steps)} ); }};')
        done = subprocess.run([tinysup(), "--config", self.directory / "conf", word], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env={**os.environ, "OUT": str(self.directory / "out")}, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_all_is_well(self):
        with Server() as server:
            code, out, err = self.rehearse(f'{{ name = "cancel"; http: {{ url = "http://127.0.0.1:{server.port}/"; method = "POST"; }}; timeout = "1s"; }}',
                                           STOP, f'{{ name = "port"; tcp: {{ host = "127.0.0.1"; port = {server.port}; send = "x"; }}; timeout = "1s"; }}',
                                           '{ name = "save"; exec = [ "sh", "-c", "touch $OUT" ]; timeout = "1s"; }',
                                           '{ name = "tell"; alert = [ "a" ]; timeout = "1s"; }',
                                           more=f'alerts: {{ a: {{ type = "slack"; url = "http://127.0.0.1:{server.port}/"; }}; }};')
            self.assertEqual((code, err), (0, ""), out)
            self.assertEqual(out.count("reached in"), 3)
            self.assertIn("nothing is wrong", out)
            self.assertEqual(server.requests, 0)
        self.assertFalse((self.directory / "out").exists())

    def test_servers_that_cannot_be_reached(self):
        code, out, _ = self.rehearse(f'{{ name = "cancel"; http: {{ url = "http://127.0.0.1:{free_port()}/"; }}; timeout = "1s"; }}',
                                     '{ name = "name"; wait: { http: { url = "http://no.such.name.invalid/"; }; }; timeout = "1s"; }', STOP)
        self.assertEqual(code, 1)
        self.assertIn("connection refused", out)
        self.assertIn("cannot resolve", out)
        self.assertIn("2 things are wrong", out)

    def test_what_check_only_warns_of(self):
        code, _, err = self.rehearse('{ name = "cancel"; exec = [ "no-such-program" ]; timeout = "1s"; }', STOP)
        self.assertEqual(code, 1)
        self.assertIn("not found in PATH", err)
        code, _, err = self.rehearse('{ name = "cancel"; exec = [ "true" ]; timeout = "1s"; environment: { KEY = "${file:/no/such/secret}"; }; }', STOP)
        self.assertEqual(code, 1)
        self.assertIn("/no/such/secret", err)

    def test_a_required_step_without_time(self):
        steps = ['{ name = "long"; exec = [ "true" ]; }', STOP, '{ name = "close"; exec = [ "true" ]; required = true; timeout = "1s"; }']
        code, out, _ = self.rehearse(*steps)
        self.assertEqual(code, 1)
        self.assertIn("1 required step would not run at all", out)
        self.assertEqual(self.rehearse(*steps, word="--rehearse=crash")[0], 1)
        steps[0] = '{ name = "long"; exec = [ "true" ]; when = [ "stop" ]; }'
        self.assertEqual(self.rehearse(*steps, word="--rehearse=crash")[0], 0)

    def test_the_start(self):
        start = 'start: { chain = ( { name = "db"; tcp: { host = "127.0.0.1"; port = %d; }; timeout = "1s"; } ); };'
        code, out, _ = self.rehearse(STOP, word="--rehearse=start", more=start % free_port())
        self.assertEqual(code, 1)
        self.assertIn("db", out)

    def test_live_runs_what_is_rehearsable(self):
        steps = ['{ name = "a"; exec = [ "sh", "-c", "echo a >> $OUT" ]; rehearsable = true; }', STOP, '{ name = "b"; exec = [ "sh", "-c", "echo b >> $OUT" ]; }',
                 '{ name = "c"; exec = [ "sh", "-c", "echo c >> $OUT" ]; rehearsable = true; }']
        self.assertEqual(self.rehearse(*steps, word="--rehearse=live")[0], 0)
        self.assertEqual((self.directory / "out").read_text(), "a\nc\n")
        steps[0] = '{ name = "a"; exec = [ "false" ]; rehearsable = true; }'
        self.assertEqual(self.rehearse(*steps, word="--rehearse=live")[0], 1)
        code, _, err = self.rehearse(STOP, word="--rehearse=live")
        self.assertEqual(code, 1)
        self.assertIn("no step has rehearsable", err)

    def test_an_unknown_reason(self):
        for word in ("held", "foo", ""):
            code, _, err = self.rehearse(STOP, word=f"--rehearse={word}")
            self.assertEqual(code, 64)
            self.assertIn("unknown reason", err)
