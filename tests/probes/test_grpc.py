"""probes/grpc against a real gRPC server, and against servers whose HTTP/2 is only nearly that."""

import contextlib
import json
import pathlib
import signal
import socket
import ssl
import struct
import tempfile
import time

from rig import (PYTHON, SECRET, Server, answer, environment, flood, folder, full_backlog, hang, line_of, probe, raw, redirect,
                 reset, running, wait_for_hangup)
from test_http import Case
from test_tls import make_ca, make_certificate

BINARIES = ("plain", "sanitized")
SERVER = pathlib.Path(__file__).parent / "grpc_server.py"
PREFACE = 24
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4
OK = b"\x88"    # :status 200
SERVING = b"\0\0\0\0\2\x08\1"


@contextlib.contextmanager
def grpc_server(kind="health", address="127.0.0.1:0", tls=()):
    with running(PYTHON, SERVER, address, kind, *tls, env=environment(GRPC_VERBOSITY="NONE")) as process:
        line = line_of(process)
        if not line.strip().isdigit() or int(line) == 0:
            raise AssertionError(f"no gRPC server: {line!r}; is python3-grpcio installed?")
        process.port = int(line)
        yield process


def check(port, service="", more="", host="127.0.0.1", **options):
    return probe(f'grpc: {{ address = "{host}:{port}"; service = "{service}"; {more} }};', **options)


def frame(kind, flags=0, payload=b"", stream=1):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def field(name, value):
    return b"".join((b"\0", bytes([len(name)]), name.encode(), bytes([len(value)]), value.encode()))


def trailers(status="0"):
    return frame(HEADERS, END_STREAM | END_HEADERS, field("grpc-status", status) + field("grpc-message", SECRET))


def h2_answer(body=SERVING, status="0"):
    return frame(HEADERS, END_HEADERS, OK) + frame(DATA, 0, body) + trailers(status)


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise OSError("the client has gone")
        data += more
    return data


def read_call(connection, answer=b"", segments=None):
    """Until the request is whole."""
    exactly(connection, PREFACE)
    if not answer:
        connection.sendall(frame(SETTINGS, stream=0))
    while True:
        head = exactly(connection, 9)
        exactly(connection, int.from_bytes(head[:3], "big"))
        if head[3] in (DATA, HEADERS) and head[4] & END_STREAM:
            break
    if segments is not None:
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
        segments.append(struct.unpack_from("I", information, 152)[0])    # tcpi_data_segs_in
    connection.sendall(answer)


def h2(*pieces):
    def handler(connection, request):
        read_call(connection)
        for piece in pieces:
            connection.sendall(piece)
        wait_for_hangup(connection)
    return handler


def h2_flood(head, piece):
    def handler(connection, request):
        read_call(connection)
        flood(head, piece)(connection, request)
    return handler


class Real(Case):
    def test_verdicts(self):
        cases = {
            "": ("ok none", "grpc: SERVING"),
            "up": ("ok none", "grpc: SERVING"),
            "down": ("fail status", "grpc: NOT_SERVING"),
            "service-unknown": ("fail status", "grpc: SERVICE_UNKNOWN"),
            "raw": ("fail status", "grpc: UNKNOWN"),
            "raw 0800": ("fail status", "grpc: UNKNOWN"),
            "raw 0807": ("fail status", "grpc: serving status 7, unknown"),
            "raw 1203616263210102030405060708080115ffffffff": ("ok none", "grpc: SERVING"),
            "raw 08018080": ("fail protocol", "grpc: malformed protobuf message"),
            "raw 08": ("fail protocol", "grpc: malformed protobuf message"),
            "raw 12ffffffffffffffffff01": ("fail protocol", "grpc: malformed protobuf message"),
            "long": ("fail protocol", "grpc: response too long"),
            "abort 5": ("fail status", "grpc: status 5 NOT_FOUND: service unknown"),
            "abort 12": ("fail status", "grpc: status 12 UNIMPLEMENTED: the server has no health service"),
            "abort 14": ("fail status", "grpc: status 14 UNAVAILABLE"),
            "abort 16": ("fail status", "grpc: status 16 UNAUTHENTICATED"),
            "abort 4": ("fail timeout", "the server reported DEADLINE_EXCEEDED"),
        }
        with grpc_server() as server:
            for service, (short, message) in cases.items():
                with self.subTest(service[:60]):
                    self.expect(check(server.port, service), short, message, 200)

    def test_what_is_sent(self):
        with grpc_server() as server:
            for service in ("", "up", "x" * 300):
                result = check(server.port, service, timeout="2500ms")
                said = json.loads(line_of(server))
                size = {0: b"", 2: b"\x0a\x02", 300: b"\x0a\xac\x02"}[len(service)]
                self.assertEqual(bytes.fromhex(said["request"]), size + service.encode())
                self.assertTrue(said["metadata"]["user-agent"].startswith("tinysup-probe/"))
                self.assertLess(said["left"], 2.5)
                self.assertGreater(said["left"], 1.5)
                self.assertEqual(result["class"], "status" if len(service) == 300 else "none", result.message)

    def test_no_health_service(self):
        # some of the calls are answered before they are whole
        with grpc_server("none") as server:
            for _ in range(20):
                self.expect(check(server.port), "fail status",
                            "grpc: status 12 UNIMPLEMENTED: the server has no health service")

    def test_gone(self):
        with grpc_server() as server:
            self.expect(check(server.port), "ok none")
        self.expect(check(server.port), "fail connect", "connect: connection refused")
        with full_backlog() as port:
            self.expect(check(port, timeout="300ms"), "fail timeout", "timeout after 300 ms, connecting")

    def test_hang(self):
        with grpc_server() as server:
            begun = time.monotonic()
            result = check(server.port, "hang", timeout="400ms")
            self.expect(result, "fail timeout", "timeout after 400 ms, ")
            self.assertLess(time.monotonic() - begun, 10)
            self.expect(check(server.port), "ok none")

    def test_stopped(self):
        with grpc_server() as server:
            server.send_signal(signal.SIGSTOP)
            self.expect(check(server.port, timeout="300ms"), "fail timeout", "timeout after 300 ms, connected, no response")

    def test_unix_socket(self):
        with folder() as path, grpc_server(address=f"unix:{path}/s"):
            self.expect(probe(f'grpc: {{ address = "unix:{path}/s"; }};'), "ok none")
            self.expect(probe(f'grpc: {{ address = "unix://{path}/s"; service = "down"; }};'), "fail status", "NOT_SERVING")
            self.expect(probe(f'grpc: {{ address = "unix:{path}/none"; }};'), "fail connect", "no such file")

    def test_names_and_ipv6(self):
        with grpc_server(address="[::]:0") as server:
            self.expect(check(server.port, host="localhost"), "ok none")
            self.expect(check(server.port, host="[::1]"), "ok none")

    def test_no_proxy(self):
        with Server(answer(status="502 Proxy")) as proxy, grpc_server() as server:
            env = environment(http_proxy=proxy.url, https_proxy=proxy.url, all_proxy=proxy.url, ALL_PROXY=proxy.url)
            self.expect(check(server.port, env=env), "ok none")
            self.assertEqual(proxy.requests, [])


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="tinysup-test-")
        cls.folder = pathlib.Path(cls.temporary.name)
        make_ca(cls.folder, "ca")
        make_ca(cls.folder, "other")
        make_certificate(cls.folder, "ca", "server", "IP:127.0.0.1")
        make_certificate(cls.folder, "ca", "elsewhere", "DNS:elsewhere.test")

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def server(self, name="server"):
        return grpc_server(tls=(self.folder / f"{name}.key", self.folder / f"{name}.pem"))

    def tls(self, words="", ca="ca"):
        return f'tls: {{ ca = "{self.folder}/{ca}.pem"; {words} }};'

    def test_own_ca(self):
        with self.server() as server:
            self.expect(check(server.port, more=self.tls()), "ok none", "grpc: SERVING")
            self.expect(check(server.port, "down", more=self.tls()), "fail status", "grpc: NOT_SERVING")
            self.expect(check(server.port, more=self.tls(ca="other")), "fail tls", "unknown authority")
            self.expect(check(server.port, more="tls: { };"), "fail tls")
            self.expect(check(server.port, more="tls: { verify = false; };"), "ok none")

    def test_names(self):
        with self.server("elsewhere") as server:
            self.expect(check(server.port, more=self.tls()), "fail tls", "not for this host name")
            self.expect(check(server.port, more=self.tls('server_name = "elsewhere.test";')), "ok none")
            self.expect(check(server.port, more=self.tls('server_name = "wrong.test";')), "fail tls", "host name")

    def test_asked_in_plaintext(self):
        with self.server() as server:
            self.expect(check(server.port), "fail protocol", "; does the server speak HTTP/2?")

    def test_plaintext_asked_for_tls(self):
        with grpc_server() as server:
            self.expect(check(server.port, more=self.tls()), "fail tls", "handshake failed")

    def test_h2_is_not_negotiated(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        for protocols in ([], ["http/1.1"]):
            context.set_alpn_protocols(protocols)
            with Server(answer(SERVING, headers=["grpc-status: 0"]), tls=context) as server:
                self.expect(check(server.port, more=self.tls()), "fail protocol", "grpc: the server does not speak HTTP/2")
        # HTTP/2 that nobody negotiated
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        with Server(h2(h2_answer()), tls=context, read=False) as server:
            self.expect(check(server.port, more=self.tls(), timeout="1s"), "fail protocol", "protocol: ")
            context.set_alpn_protocols(["h2"])
            self.expect(check(server.port, more=self.tls()), "ok none")


class Bad(Case):
    def try_h2(self, *pieces, timeout="3s"):
        with Server(h2(*pieces), read=False) as server:
            return check(server.port, timeout=timeout)

    def test_the_good_answer(self):
        self.expect(self.try_h2(h2_answer()), "ok none", "grpc: SERVING", 200)

    def test_frames(self):
        for body, message in ((b"", "no message"), (b"\0\0\0", "truncated message"), (b"\0\0\0\0\3\x08\1", "truncated message"),
                              (b"\0\xff\xff\xff\xff\x08\1", "truncated message"), (b"\1\0\0\0\2\x08\1", "compressed"),
                              (SERVING + SERVING, "more than one message"), (SERVING + b"\0", "more than one message"),
                              (SERVING[:-1] + b"\xff", "malformed protobuf")):
            with self.subTest(body):
                self.expect(self.try_h2(h2_answer(body)), "fail protocol", "grpc: ")
                self.assertIn(message, self.try_h2(h2_answer(body)).message)

    def test_grpc_status(self):
        for status in ("", "x", "-1", "0x", " ", "00000", "99999999999999999999"):
            with self.subTest(status):
                self.expect(self.try_h2(h2_answer(status=status)), "fail protocol", "grpc: no grpc-status in the response")
        self.expect(self.try_h2(h2_answer(status="17")), "fail status", "grpc: status 17 unknown")
        self.expect(self.try_h2(h2_answer(status="2")), "fail status", "grpc: status 2 UNKNOWN")
        ended = frame(HEADERS, END_HEADERS, OK) + frame(DATA, END_STREAM, SERVING)
        self.expect(self.try_h2(ended), "fail protocol", "grpc: no grpc-status in the response")

    def test_status_in_the_headers_alone(self):
        def alone(status, code=OK):
            return frame(HEADERS, END_STREAM | END_HEADERS, code + field("grpc-status", status))
        self.expect(self.try_h2(alone("12")), "fail status", "grpc: status 12 UNIMPLEMENTED")
        self.expect(self.try_h2(alone("0")), "fail protocol", "grpc: no message in the response")

    def test_http_status(self):
        for status in ("404", "503", "302", "204"):
            head = field(":status", status) + field("location", "/") + field("grpc-status", "0")
            self.expect(self.try_h2(frame(HEADERS, END_STREAM | END_HEADERS, head)), "fail status",
                        f"grpc: HTTP status {status}", int(status))

    def test_no_redirect_is_followed(self):
        handler = h2(frame(HEADERS, END_STREAM | END_HEADERS, field(":status", "307") + field("location", "/other")))
        with Server(handler, read=False) as server:
            self.expect(check(server.port), "fail status", "grpc: HTTP status 307")
            self.assertEqual(len(server.requests), 1)

    def test_ended_early(self):
        for piece in (frame(RST_STREAM, 0, struct.pack(">I", 8)), frame(RST_STREAM, 0, struct.pack(">I", 7)),
                      frame(GOAWAY, 0, struct.pack(">II", 0, 0), stream=0), frame(HEADERS, END_HEADERS, b"\xff" * 20),
                      b"\0" * 100, b"\xff" * 100, frame(DATA, END_STREAM, SERVING)):
            with self.subTest(piece):
                self.expect(self.try_h2(piece), "fail protocol", "protocol: ")
        half = frame(HEADERS, END_HEADERS, OK) + frame(DATA, 0, SERVING)
        self.expect(self.try_h2(half + frame(RST_STREAM, 0, struct.pack(">I", 8))), "fail protocol", "protocol: ")
        self.expect(self.try_h2(half, timeout="300ms"), "fail timeout", "incomplete response")
        for handler in (lambda c, r: exactly(c, PREFACE), lambda c, r: (read_call(c), reset(c, r)), lambda c, r: read_call(c)):
            with Server(handler, read=False) as server:
                self.expect(check(server.port), "fail protocol", "does the server speak HTTP/2?")
        with Server(reset, read=False) as server:
            self.assertIn(check(server.port).short, ("fail connect", "fail protocol"))

    def test_reset_after_the_answer(self):
        no_error = frame(RST_STREAM, 0, struct.pack(">I", 0))
        alone = frame(HEADERS, END_STREAM | END_HEADERS, OK + field("grpc-status", "12"))
        self.expect(self.try_h2(alone + no_error), "fail status", "grpc: status 12 UNIMPLEMENTED")
        self.expect(self.try_h2(h2_answer(b"", "5") + no_error), "fail status", "grpc: status 5 NOT_FOUND")
        self.expect(self.try_h2(h2_answer() + no_error), "ok none", "grpc: SERVING")

    def test_headers_and_body_come_in_one_piece(self):
        """So that no server resets the stream in between, and libcurl forgets its answer."""
        segments = []

        def handler(connection, request):
            read_call(connection, frame(SETTINGS, stream=0) + h2_answer(), segments)
            wait_for_hangup(connection)
        with Server(handler, read=False) as server:
            self.expect(check(server.port), "ok none")
        self.assertEqual(segments, [1])

    def test_endless(self):
        head = frame(HEADERS, END_HEADERS, OK)
        cases = {
            "data": (head, frame(DATA, 0, b"\0" * 4096), "fail protocol"),
            "headers": (frame(HEADERS, 0, OK), frame(CONTINUATION, 0, field("x", "y" * 100) * 50), "fail protocol"),
            "interim": (b"", frame(HEADERS, END_HEADERS, field(":status", "103") + field("x", "y" * 100)), "fail protocol"),
            "nothing": (head, frame(DATA), None),
            "pings": (head, frame(PING, 0, b"\0" * 8, stream=0), None),
            "settings": (head, frame(SETTINGS, stream=0), None),
        }
        for name, (begin, piece, short) in cases.items():
            with self.subTest(name), Server(h2_flood(begin, piece * 8), read=False) as server:
                begun = time.monotonic()
                result = check(server.port, timeout="2s")
                self.assertLess(time.monotonic() - begun, 10)
                self.assertIn(result.short, [short] if short else ["fail protocol", "fail timeout"], result.message)

    def test_not_grpc(self):
        for handler in (answer("hello"), redirect("/"), raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), raw(b"SSH-2.0-x\r\n" * 9)):
            with Server(handler, read=False) as server:
                self.expect(check(server.port), "fail protocol", "does the server speak HTTP/2?")
        with Server(hang, read=False) as server:
            self.expect(check(server.port, timeout="300ms"), "fail timeout", "timeout after 300 ms, connected, no response")
