"""Images that hold nothing but the static binary: no C library, no shell, no certificates, no /etc of their own."""
import datetime
import pathlib
import ssl
import tempfile
import time

import engine
import test_tls
from engine import SCRATCH, DockerCase
from nameserver import NameServer
from rig import Server, answer

HARDENED = ("--read-only", "--cap-drop", "ALL", "--user", "65534:65534", "--security-opt", "no-new-privileges")


def setUpModule():
    engine.start(bot=False)


class ScratchCase(DockerCase):
    def start(self, *words, **more):
        return super().start(*words, image=SCRATCH, **more)

    def once(self, *words, options=()):
        return super().once(*words, options=(*HARDENED, *options), image=SCRATCH)

    def probe(self, *words, options=(), code=0, says=""):
        got, said = self.once("--probe", "--timeout", "5s", *words, options=options)
        self.assertEqual((got, said.count("\n")), (code, 1), said)
        self.assertIn(says, said)


class Scratch(ScratchCase):
    def test_version(self):
        code, said = self.once("--version")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"^tinysup version \d+\.\d+\.\d+\ncommit ([0-9a-f]{12}|unknown)\n")
        for library in ("libcurl/", "OpenSSL/", "c-ares/", "nghttp2/", "jansson ", "libconfig ", "libmicrohttpd "):
            self.assertIn(library, said)

    def test_an_app(self):
        for code in (0, 7, 255):
            self.assertEqual(self.once("--", "/sbin/idle", str(code), "now")[0], code)
        self.assertEqual(self.once("--", "/sbin/nothing")[0], 127)

    def test_a_chain_that_needs_no_program(self):
        with Server(answer()) as server:
            c = self.start("--", "/sbin/idle", "0", options=HARDENED, config=f'''
                shutdown: {{ deadline = "10s"; platform_grace = "60s"; chain = (
                    {{ name = "close"; http: {{ url = "{server.url}/close"; method = "POST"; }}; required = true; }},
                    {{ name = "stop"; stop: {{ timeout = "2s"; }}; }},
                    {{ name = "tell"; alert = [ "hook" ]; reserve = "2s"; }} ); }};
                alerts: {{ hook: {{ type = "webhook"; url = "{server.url}/hook"; }}; }};''')
            c.until_log("idle")
            self.assertLess(c.stop(10), 5)
            self.assertEqual(c.inspect("State.ExitCode"), 0, c.log())
            self.assertEqual([(r.method, r.target) for r in server.requests], [("POST", "/close"), ("POST", "/hook")])

    def test_probe_url(self):
        with Server(answer()) as server:
            self.probe(server.url, says="healthy")
        with Server(answer(status="503 Service Unavailable")) as server:
            self.probe(server.url, code=1, says="status 503")
        self.probe(server.url, code=1, says="connect")


class Https(ScratchCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="tinysup-test-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.folder.chmod(0o755)
        for name in ("ca", "other"):
            test_tls.make_ca(cls.folder, name)
        test_tls.make_certificate(cls.folder, "ca", "server", "IP:127.0.0.1,DNS:app.e2e.test")
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.folder / "server.pem", cls.folder / "server.key")
        cls.context.minimum_version = ssl.TLSVersion.TLSv1_3

    def probe_it(self, *options, **more):
        with Server(answer(), tls=self.context) as server:
            self.probe(server.url, options=("--volume", f"{self.folder}:/certs:ro", *options), **more)
            return len(server.requests)

    def test_own_ca(self):
        self.assertEqual(self.probe_it("--env", "SSL_CERT_FILE=/certs/ca.pem", says="healthy"), 1)

    def test_wrong_ca(self):
        self.assertEqual(self.probe_it("--env", "SSL_CERT_FILE=/certs/other.pem", code=1, says="unknown authority"), 0)

    def test_no_ca_at_all(self):
        self.assertEqual(self.probe_it(code=1, says="no CA certificates found: set tls.ca, SSL_CERT_FILE or SSL_CERT_DIR"), 0)

    def test_where_images_keep_theirs(self):
        """A bundle copied to the usual place is found."""
        self.assertEqual(self.probe_it("--volume", f"{self.folder}/ca.pem:/etc/ssl/certs/ca-certificates.crt:ro", says="healthy"), 1)


class Names(ScratchCase):
    ZONE = {"app.e2e.test": "127.0.0.1", "app.sub.e2e.test": "127.0.0.1", "big.e2e.test": "127.0.0.1"}
    DNS = ("--dns-search", "e2e.test", "--dns-opt", "ndots:5")

    def ask(self, name, *options, truncated=(), **more):
        """Probes http://NAME; the questions that were asked."""
        with NameServer(self.ZONE, truncated) as names, Server(answer()) as server:
            self.probe(f"http://{name}:{server.port}/", options=("--dns", names.address, *self.DNS, *options), **more)
            return names

    def test_dns(self):
        self.assertIn("app.e2e.test", self.ask("app.e2e.test.").names())

    def test_search_domain_first_with_ndots_5(self):
        self.assertEqual(set(self.ask("app").names()), {"app.e2e.test"})
        self.assertEqual(self.ask("app.sub").names()[0], "app.sub.e2e.test")
        # as in Kubernetes, where a whole name has fewer dots than ndots: the search domain is tried, then the name itself
        asked = self.ask("app.e2e.test").names()
        self.assertEqual((asked[0], asked[-1]), ("app.e2e.test.e2e.test", "app.e2e.test"))

    def test_hosts_file(self):
        self.assertEqual(self.ask("hosted.test", "--add-host", "hosted.test:127.0.0.1").asked, [])

    def test_a_truncated_answer_is_asked_for_again_by_tcp(self):
        asked = self.ask("big.e2e.test.", truncated=("big.e2e.test",)).asked
        self.assertIn(("big.e2e.test", 1, "udp"), asked)
        self.assertIn(("big.e2e.test", 1, "tcp"), asked)

    def test_no_such_name(self):
        self.ask("nosuch", code=1, says="connect")

    def silent(self, *options):
        """Seconds that a probe with 2 s took."""
        c = self.start("--probe", "--timeout", "2s", "http://app.e2e.test/", options=(*HARDENED, *options))
        self.assertEqual(c.code(), 1)
        self.assertIn("timeout", c.log())
        begun, ended = (datetime.datetime.fromisoformat(c.inspect(f"State.{when}")[:26]) for when in ("StartedAt", "FinishedAt"))
        return (ended - begun).total_seconds()

    def test_a_dead_name_server_costs_no_more_than_the_timeout(self):
        with NameServer(None) as names:
            self.assertLess(self.silent("--dns", names.address), 3)
            self.assertTrue(names.asked)

    def test_a_dead_first_name_server(self):
        """c-ares goes on to the second after 5 s at its own pace, so the time-out has to leave room for that."""
        with NameServer(None) as silent, NameServer(self.ZONE) as names, Server(answer()) as server:
            begun = time.monotonic()
            code, said = self.once("--probe", "--timeout", "12s", f"http://app.e2e.test:{server.port}/",
                                   options=("--dns", silent.address, "--dns", names.address))
            self.assertEqual(code, 0, said)
            self.assertLess(time.monotonic() - begun, 12)

    def test_no_network_at_all(self):
        done = engine.the_engine.docker("run", "--rm", "--network", "none", SCRATCH, "--probe", "http://app.e2e.test/", check=False, seconds=10)
        self.assertEqual(done.returncode, 1)
