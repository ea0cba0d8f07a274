"""tinysup --probe NAME --direct against the servers that people run: uvicorn with FastAPI, nginx, Redis, OpenSSL."""

import contextlib
import pathlib
import signal
import subprocess
import tempfile
import time

from ports import free_port
from rig import PYTHON, SECRET, SOCKET_SECONDS, environment, line_of, probe, running, until_it_listens
from test_http import Case
from test_tls import make_ca, make_certificate

APP = pathlib.Path(__file__).parent / "fastapi_app.py"

NGINX = """
daemon off; master_process off; user root; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
	access_log off;
	client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{plain};
		listen unix:{folder}/socket;
		location = / {{ return 200 "hello\\n"; }}
		location = /moved {{ return 301 /; }}
		location = /found {{ return 302 /moved; }}
		location = /loop {{ return 302 /loop; }}
		location = /away {{ return 302 https://elsewhere.test/{secret}; }}
		location = /secure {{ return 302 https://127.0.0.1:{tls}/; }}
		location = /closed {{ return 444; }}
		location = /limit {{ return 429; }}
		location = /private {{ auth_basic "private"; auth_basic_user_file {folder}/users; alias {folder}/hello; }}
		location = /zipped {{ gzip on; gzip_min_length 1; gzip_types text/plain; default_type text/plain; alias {folder}/hello; }}
		location = /dead {{ proxy_pass http://127.0.0.1:{dead}/; }}
	}}
	log_format names "$host $server_protocol";
	server {{
		listen 127.0.0.1:{h2} ssl http2;
		ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
		access_log {folder}/names names;
		location / {{ return 404; }}
	}}
	server {{
		listen 127.0.0.1:{tls} ssl;
		ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_protocols TLSv1.3;
		location = / {{ return 200 "$ssl_protocol\\n"; }}
	}}
}}
"""


def http(url, more="", **options):
    return probe(f'http: {{ url = "{url}"; {more} }};', **options)


class FastApi(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.process = cls.stack.enter_context(running(PYTHON, APP))
        line = line_of(cls.process)
        if not line.strip().isdigit():
            raise AssertionError("no FastAPI server: are python3-fastapi and python3-uvicorn installed?")
        cls.url = f"http://127.0.0.1:{line.strip()}"

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def asserts(self, path, *assertions):
        return http(self.url + path, f'json = ( {", ".join("{ " + text + " }" for text in assertions)} );')

    def test_status(self):
        self.expect(http(self.url + "/health"), "ok none", "status 200", 200)
        self.expect(http(self.url + "/down"), "fail status", "status 503", 503)
        self.expect(http(self.url + "/broken"), "fail status", "status 500", 500)
        self.expect(http(self.url + "/nowhere"), "fail status", "status 404", 404)
        self.expect(http(self.url + "/only-post"), "fail status", "status 405", 405)
        self.expect(http(self.url + "/only-post", 'body = "{}";'), "ok none", "status 200")
        self.expect(http(self.url + "/only-post", 'body = "{";'), "fail status", "status 422")
        self.expect(http(self.url + "/health", 'method = "HEAD";'), "fail status", "status 405")
        # a slash too many is a redirect to the same host
        self.expect(http(self.url + "/health/"), "ok none", "status 200", 200)

    def test_json(self):
        ok = 'pointer = "/status"; equals = "ok";'
        young = 'pointer = "/ts"; age_below = "30s";'
        self.expect(self.asserts("/health", ok, young, 'pointer = "/at"; age_below = "30s";',
                                 'pointer = "/checks"; all_true = true;', 'pointer = "/lag"; maximum = 3;'), "ok none")
        self.expect(self.asserts("/degraded", ok), "fail json", "json /status: equals: value differs", 200)
        self.expect(self.asserts("/degraded", 'pointer = "/status"; one_of = [ "ok", "degraded" ];'), "ok none")
        self.expect(self.asserts("/degraded", 'pointer = "/checks"; all_true = true;'), "fail json", "json /checks: all_true")
        self.expect(self.asserts("/stale", ok, young), "fail age", "json /ts: age_below: 100.")
        self.expect(self.asserts("/stale", 'pointer = "/at"; age_below = "30s";'), "fail age", "json /at: age_below: 100.")
        self.expect(self.asserts("/health", 'pointer = "/lag"; maximum = 2;'), "fail json", "json /lag: maximum")
        self.expect(self.asserts("/health", 'pointer = "/none"; exists = true;'), "fail json", "json /none: ")
        self.expect(self.asserts("/down", ok), "fail status", "status 503")

    def test_hang(self):
        begun = time.monotonic()
        result = http(self.url + "/hang", timeout="300ms")
        self.expect(result, "fail timeout", "timeout after 300 ms, connected, no response")
        self.assertLess(time.monotonic() - begun, 8)
        self.expect(http(self.url + "/health"), "ok none")

    def test_event_loop_that_stands_still(self):
        with running(PYTHON, APP) as process:
            url = f"http://127.0.0.1:{line_of(process).strip()}"
            self.expect(http(url + "/health"), "ok none")
            self.expect(http(url + "/block", timeout="300ms"), "fail timeout", "connected, no response")
            self.expect(http(url + "/health", timeout="300ms"), "fail timeout", "connected, no response")
            # the kernel still says yes: tcp alone would call this healthy
            self.expect(probe(f'tcp: {{ port = {url.rsplit(":", 1)[1]}; }};'), "ok none")

    def test_stopped_and_gone(self):
        with running(PYTHON, APP) as process:
            url = f"http://127.0.0.1:{line_of(process).strip()}"
            self.expect(http(url + "/health"), "ok none")
            process.terminate()
            process.wait(SOCKET_SECONDS)
            self.expect(http(url + "/health"), "fail connect", "connection refused")


class Nginx(Case):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        try:
            cls.begin()
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def begin(cls):
        cls.folder = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory(prefix="tinysup-test-")))
        make_ca(cls.folder, "ca")
        make_certificate(cls.folder, "ca", "server", "IP:127.0.0.1")
        hashed = subprocess.run(["openssl", "passwd", "-apr1", SECRET], check=True, capture_output=True, text=True, timeout=30)
        (cls.folder / "users").write_text(f"me:{hashed.stdout}")
        (cls.folder / "hello").write_text("hello\n" * 100)
        plain, tls, dead, cls.h2 = (free_port() for _ in range(4))
        config = cls.folder / "nginx.conf"
        config.write_text(NGINX.format(folder=cls.folder, plain=plain, tls=tls, dead=dead, h2=cls.h2, secret=SECRET))
        process = cls.stack.enter_context(running("nginx", "-p", cls.folder, "-e", cls.folder / "error.log", "-c", config,
                                                  env=environment(PATH="/usr/sbin:/usr/bin:/sbin:/bin")))
        until_it_listens(process, plain)
        until_it_listens(process, tls)
        cls.url, cls.tls = f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}/"
        cls.trusted = f'tls: {{ ca = "{cls.folder}/ca.pem"; }};'

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def test_redirects(self):
        for path in ("/", "/moved", "/found"):
            self.expect(http(self.url + path, 'contains = "hello"; status = "200";'), "ok none", "status 200", 200)
        self.expect(http(self.url + "/found", "redirects = 1;"), "fail redirect", "too many", 301)
        self.expect(http(self.url + "/found", "redirects = 0;"), "ok none", "status 302", 302)
        self.expect(http(self.url + "/loop"), "fail redirect", "too many", 302)
        self.expect(http(self.url + "/away"), "ok none", "status 302, redirect to another host not followed", 302)
        self.expect(http(self.url + "/away", 'status = "200";'), "fail redirect", "to another host", 302)
        self.expect(http(self.url + "/secure", self.trusted + 'contains = "TLSv1.3";'), "ok none", "status 200", 200)
        self.expect(http(self.url + "/secure"), "fail tls")

    def test_basic_authentication(self):
        url = self.url + "/private"
        self.expect(http(url), "fail status", "status 401", 401)
        self.expect(http(url, 'basic_user = "me"; basic_password = "wrong";'), "fail status", "status 401", 401)
        self.expect(http(url, f'basic_user = "me"; basic_password = "{SECRET}"; contains = "hello";'), "ok none", "status 200", 200)
        self.expect(http(url.replace("//", f"//me:{SECRET}@")), "ok none", "status 200", 200)

    def test_statuses(self):
        self.expect(http(self.url + "/nowhere"), "fail status", "status 404", 404)
        self.expect(http(self.url + "/limit"), "fail status", "status 429", 429)
        self.expect(http(self.url + "/dead"), "fail status", "status 502", 502)
        self.expect(http(self.url + "/closed"), "fail protocol", "closed without a response")

    def test_not_compressed_as_not_asked_for(self):
        self.expect(http(self.url + "/zipped", 'contains = "hello";'), "ok none")
        self.expect(http(self.url + "/zipped", 'headers: { Accept-Encoding = "gzip"; }; contains = "hello";'), "fail body")

    def test_unix_socket(self):
        self.expect(http("http://app/found", f'unix_socket = "{self.folder}/socket"; contains = "hello";'), "ok none", status=200)
        self.expect(http("http://app/nowhere", f'unix_socket = "{self.folder}/socket";'), "fail status", "status 404")

    def test_tls_1_3_only(self):
        self.expect(http(self.tls, self.trusted + 'contains = "TLSv1.3";'), "ok none", "status 200", 200)
        self.expect(http(self.tls), "fail tls")
        self.expect(http(self.tls.replace("https", "http")), "fail status", "status 400", 400)
        self.expect(http(self.url.replace("http", "https") + "/", self.trusted), "fail tls", "handshake failed")
        self.expect(http(self.tls.replace("127.0.0.1", "localhost"), self.trusted), "fail tls", "not for this host name")

    def test_not_grpc(self):
        port = self.url.rsplit(":", 1)[1]
        self.expect(probe(f'grpc: {{ address = "127.0.0.1:{port}"; }};'), "fail protocol", "does the server speak HTTP/2?")
        port = self.tls.split(":")[2].strip("/")
        result = probe(f'grpc: {{ address = "127.0.0.1:{port}"; {self.trusted} }};')
        self.expect(result, "fail protocol", "grpc: the server does not speak HTTP/2")
        more = 'server_name = "app.test"; verify = false;'
        result = probe(f'grpc: {{ address = "127.0.0.1:{self.h2}"; tls: {{ {more} }}; }};')
        self.expect(result, "fail status", "grpc: HTTP status 404; is this a gRPC server?", 404)
        self.assertEqual((self.folder / "names").read_text(), "app.test HTTP/2.0\n")


class Redis(Case):
    @contextlib.contextmanager
    def redis(self, *words):
        with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
            port = free_port()
            with running("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder,
                         "--logfile", f"{folder}/log", *words) as process:
                until_it_listens(process, port)
                yield process, port

    def ping(self, port, send="PING\\r\\n", expect="+PONG", **options):
        return probe(f'tcp: {{ port = {port}; send = "{send}"; expect = "{expect}"; }};', **options)

    def test_ping(self):
        with self.redis() as (process, port):
            self.expect(self.ping(port), "ok none")
            self.expect(self.ping(port, send="PING\\r\\nQUIT\\r\\n", expect="+PANG"), "fail body", "body: `expect` not found")
            self.expect(self.ping(port, expect="+PANG", timeout="300ms"), "fail timeout", "`expect` not received")
            process.send_signal(signal.SIGSTOP)
            self.expect(self.ping(port, timeout="300ms"), "fail timeout", "timeout after 300 ms, connected")
            process.send_signal(signal.SIGCONT)
            self.expect(self.ping(port), "ok none")
        self.expect(self.ping(port), "fail connect", "connection refused")

    def test_password(self):
        with self.redis("--requirepass", SECRET) as (_, port):
            self.expect(self.ping(port, expect="-NOAUTH"), "ok none")
            self.expect(self.ping(port, send="PING\\r\\nQUIT\\r\\n"), "fail body", "body: `expect` not found")
            env = environment(REDIS_PASSWORD=SECRET)
            self.expect(self.ping(port, send="AUTH ${REDIS_PASSWORD}\\r\\nPING\\r\\n", env=env), "ok none")
            self.expect(self.ping(port, send="AUTH x\\r\\nPING\\r\\nQUIT\\r\\n"), "fail body")

    def test_still_loading_is_no_pong(self):
        with self.redis("--replicaof", "127.0.0.1", 1, "--replica-serve-stale-data", "no") as (_, port):
            self.expect(self.ping(port, expect="-MASTERDOWN", send="GET x\\r\\n"), "ok none")

    def test_asked_for_http(self):
        with self.redis() as (_, port):
            self.expect(http(f"http://127.0.0.1:{port}/"), "fail protocol")


class OpenSsl(Case):
    @contextlib.contextmanager
    def server(self, *words):
        with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
            path, port = pathlib.Path(folder), free_port()
            make_ca(path, "ca")
            make_certificate(path, "ca", "server", "IP:127.0.0.1")
            with running("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", path / "server.pem", "-key",
                         path / "server.key", "-www", "-quiet", *words) as process:
                until_it_listens(process, port)
                yield f"https://127.0.0.1:{port}/", f'tls: {{ ca = "{path}/ca.pem"; }};'

    def test_versions(self):
        with self.server("-tls1_3") as (url, tls):
            self.expect(http(url, tls + 'contains = "TLSv1.3";'), "ok none", "status 200", 200)
        with self.server("-tls1_2") as (url, tls):
            self.expect(http(url, tls + 'contains = "TLSv1.2";'), "ok none", "status 200", 200)
        with self.server("-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as (url, tls):
            self.expect(http(url, tls), "fail tls", "handshake failed")
