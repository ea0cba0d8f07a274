"""Small HTTP server and client under the paper exchange, the paper bot and the webhook sink.

A server is a function from Request to Reply; everything about sockets stays here:

    server = listen(lambda request: Reply(200, {"hello": request.path}))
    publish_port(server, "port.txt")          # whole or not at all: temp file, then rename
    server.serve_forever()

A Reply also says how it travels: "send" it, "hang" (never answer), "reset" the connection, or "drop"
(close without a word); `delay` holds it back. That is all a fault needs, see faults.py.

`ask(method, url, ...)` is the client: one request on a fresh connection, never through a proxy. Whatever keeps
an answer from coming (refused, reset, timed out, nonsense) is an OSError.
"""

import argparse
import ctypes
import http.client
import json
import os
import signal
import socket
import socketserver
import struct
import sys
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

LOOPBACK = "127.0.0.1"
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Request:
    method: str
    path: str               # without the query
    headers: dict           # names as they came
    text: str
    data: object            # the body as JSON; None where it is not JSON
    idempotency_key: str | None
    query: str = ""         # as it came, without "?"


@dataclass(frozen=True)
class Reply:
    status: int | None = None
    data: object = None     # str and bytes are sent as they are, anything else as JSON
    headers: dict = field(default_factory=dict)
    delivery: str = "send"  # send | hang | reset | drop
    delay: float = 0.0      # seconds between the work and the answer


def parse_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def serve(self):
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self.send(Reply(411, {"error": "send Content-Length"}))
        self.deliver(self.server.answer(self.read_request()))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

    def read_request(self):
        length = self.headers.get("Content-Length", "0")
        text = self.rfile.read(int(length) if length.isdigit() else 0).decode("utf-8", "replace")
        path, _, query = self.path.partition("?")
        return Request(self.command, path, dict(self.headers.items()), text, parse_json(text),
                       self.headers.get("Idempotency-Key"), query)

    def deliver(self, reply):
        if reply.delay:
            time.sleep(reply.delay)
        if reply.delivery == "send":
            return self.send(reply)
        self.close_connection = True
        if reply.delivery == "hang":
            self.wait_until_the_client_gives_up()
        elif reply.delivery == "reset":
            self.reset()

    def send(self, reply):
        as_is = isinstance(reply.data, (str, bytes))
        body = reply.data if as_is else json.dumps(reply.data) + "\n"
        body = body.encode() if isinstance(body, str) else body
        (self.send_response_only if "Date" in reply.headers else self.send_response)(reply.status)
        self.send_header("Content-Type", "text/plain" if as_is else "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def wait_until_the_client_gives_up(self):
        while self.rfile.read(1):
            pass

    def reset(self):
        """RST instead of FIN: no lingering, and both holders of the socket let go of it."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, answer, port):
        self.answer = answer
        super().__init__((LOOPBACK, port), Handler)

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):      # a client that went away is no news
            super().handle_error(request, client_address)


def listen(answer, port=0):
    """A server that accepts connections already; port 0 takes a free one."""
    return Server(answer, port)


def write_atomically(path, text):
    """Readers see the old file or the new one, never a part: temp file, fsync, rename."""
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def publish_port(server, port_file):
    write_atomically(port_file, f"{server.port}\n")


def die_with_parent():
    """SIGKILL for this process when the one that started it ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")


def serve_as_program(description, answer):
    """The whole main() of a program that is only a server: --port-file FILE [--die-with-parent]."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port-file", required=True, help="gets the port once the server listens")
    parser.add_argument("--die-with-parent", action="store_true")
    options = parser.parse_args()
    if options.die_with_parent:
        die_with_parent()
    server = listen(answer)
    publish_port(server, options.port_file)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


def ask(method, url, body=None, key=None, timeout=5.0):
    """One request; the Reply has status, data (parsed JSON, else the text) and headers. OSError when none came."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Connection": "close"}
    if key:
        headers["Idempotency-Key"] = key
    text = None
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path or "/", text, headers)
        answer = connection.getresponse()
        content = answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise ConnectionError(f"no usable answer from {url}: {error!r}") from error
    finally:
        connection.close()
    data = parse_json(content)
    return Reply(answer.status, content if data is None else data, dict(answer.getheaders()))
