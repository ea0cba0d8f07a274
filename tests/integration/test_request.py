"""--request: what a step would send, from a script."""
import http.server
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from binaries import tinysup

BINARIES = ("plain", "sanitized")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.seen.append((self.command, self.path, body, dict(self.headers)))
        if self.path == "/hang":
            time.sleep(5)
        self.send_response({"/bad": 503, "/away": 302}.get(self.path, 200))
        if self.path == "/away":
            self.send_header("Location", "/there")
        self.end_headers()
        self.wfile.write({"/yes": b'{"code":"0"}', "/no": b'{"code":"51000"}'}.get(self.path, b"said\n"))

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class Request(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.seen = True, []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.socket.close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        directory = Path(tempfile.mkdtemp(prefix="tinysup-test-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(directory)], check=False)
        (directory / "conf").write_text('signers: { main: { scheme = "okx"; key = "thekey"; secret = "thesecret"; passphrase = "thephrase"; };'
                                        'form: { scheme = "kraken"; key = "k"; secret = "YWJj"; }; gone: { scheme = "gate"; key = "k"; secret = "${file:/nonexistent/secret}"; }; };')
        self.conf = directory / "conf"

    def request(self, *words):
        done = subprocess.run([tinysup(), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def test_the_body_is_printed(self):
        self.assertEqual(self.request("--request", self.url + "/x"), (0, "said\n", ""))
        code, out, err = self.request("--request", self.url + "/bad")
        self.assertEqual((code, out, err), (1, "said\n", "tinysup: --request: status 503\n"))

    def test_methods_and_bodies(self):
        self.request("--request", "-d", '{"a":1}', self.url + "/1")
        self.request("--request", self.url + "/2", "-X", "DELETE")
        self.assertEqual([seen[:3] for seen in self.server.seen], [("POST", "/1", '{"a":1}'), ("DELETE", "/2", "")])
        self.assertEqual(self.server.seen[0][3]["Content-Type"], "application/json")

    def test_no_redirect_is_followed(self):
        self.assertEqual(self.request("--request", self.url + "/away")[0], 1)
        self.assertEqual(len(self.server.seen), 1)

    def test_it_ends_in_time(self):
        begun = time.monotonic()
        code, _, err = self.request("--request", "--timeout", "300ms", self.url + "/hang")
        self.assertEqual(code, 1)
        self.assertIn("timeout", err)
        self.assertLess(time.monotonic() - begun, 4)

    def test_signed(self):
        code, out, _ = self.request("--config", self.conf, "--request", "--sign", "main", "-d", "{}", self.url + "/yes")
        self.assertEqual((code, out), (0, '{"code":"0"}'))
        self.assertEqual(self.server.seen[0][3]["OK-ACCESS-KEY"], "thekey")
        self.assertIn("OK-ACCESS-SIGN", self.server.seen[0][3])
        code, out, err = self.request("--config", self.conf, "--request", "--sign", "main", "-d", "{}", self.url + "/no")
        self.assertEqual((code, out), (1, '{"code":"51000"}'))
        for secret in ("thekey", "thesecret", "thephrase"):
            self.assertNotIn(secret, err)

    def test_wrong_command_lines(self):
        for words, code, said in ((["--request"], 64, "needs a URL"), (["--request", "ftp://x"], 64, "expected a URL"), (["-X", "POST", "true"], 64, "only after --request"),
                                  (["--sign", "x", "--request", "http://x"], 64, "only after --request"), (["--request", self.url, "more"], 64, "unexpected argument"),
                                  (["--request", "-X", "G ET", self.url], 64, "expected a method in capitals"),
                                  (["--request", "-X", "get", self.url], 64, "expected a method in capitals"),
                                  (["--config", self.conf, "--request", "--sign", "main", "-d", "a=1", self.url], 64, "this scheme sends JSON"),
                                  (["--config", self.conf, "--request", "--sign", "main", "-d", "{}", "-X", "GET", self.url], 64, "a signed GET has no body"),
                                  (["--config", self.conf, "--request", "--sign", "form", "-X", "GET", self.url], 64, "this scheme sends a body: POST"),
                                  (["--config", self.conf, "--request", "--sign", "gone", self.url], 78, "signers.gone.secret: cannot read /nonexistent/secret"),
                                  (["--config", self.conf, "--request", "--sign", "mian", self.url], 78, 'no signer "mian"')):
            with self.subTest(words=words):
                done = self.request(*words)
                self.assertEqual(done[0], code, done)
                self.assertIn(said, done[2])
