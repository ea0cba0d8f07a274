"""Servers that misbehave on purpose, real ones, and what is sent against them: the driver, or tinysup itself.

Servers listen on a free port of 127.0.0.1 (or on a Unix socket), serve each connection in a thread of its own, and are gone,
threads included, when their `with` block ends. Handlers never sleep: where time must pass they wait for the client to hang up.
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

from binaries import path_of, tinysup

SECRET = "s3cret"       # in bodies, headers and URLs everywhere; must never be in a message
PROCESS_SECONDS = 45
NO_NETWORK = ["unshare", "--net", "--map-root-user"]   # not even a name server
SOCKET_SECONDS = 30
PYTHON = "/usr/bin/python3"     # the one that the distribution's packages are for


def driver():
    return str(pathlib.Path(path_of("plain")).parent / "tests/probe_driver")


def environment(**changed):
    """Ours without anything that leads to a proxy or to certificates."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("SSL_CERT_")}
    return {**kept, **changed}


def drive(*words, env=None, before=()):
    """Runs the driver to its end; `before` are words in front of its name, such as those of unshare."""
    return subprocess.run([*before, driver(), *map(str, words)], env=env or environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PROCESS_SECONDS, text=True)


def may(before):
    """Are we allowed to run something with these words in front?"""
    return subprocess.run([*before, "true"], capture_output=True, timeout=PROCESS_SECONDS).returncode == 0


class Result(dict):
    OUTCOMES = ("ok", "fail", "error")

    def __getattr__(self, name):
        return self[name]

    @property
    def short(self):
        return f'{self.OUTCOMES[self["outcome"]]} {self["class"]}'


def ask(*words, **options):
    done = drive(*words, **options)
    if done.returncode or done.stderr:
        raise AssertionError(f"{words}: exit {done.returncode}, {done.stderr}")
    return checked(Result(json.loads(done.stdout)), words)


def checked(result, words):
    if SECRET in result.message or "://" in result.message or "\n" in result.message or len(result.message.encode()) > 199:
        raise AssertionError(f"{words}: a message that must not be: {result.message!r}")
    return result


def probe(check, timeout="5s", env=None):
    """tinysup --probe of one check, as it stands in a configuration."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(f'checks = ( {{ name = "it"; timeout = "{timeout}"; {check} }} );\n')
        file.flush()
        done = subprocess.run([tinysup(), "--config", file.name, "--probe", "it", "--direct", "--json", "--timeout", "10s"],
                              env=env or environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=PROCESS_SECONDS,
                              text=True)
    if done.stderr or done.stdout.count("\n") != 1:
        raise AssertionError(f"{check}: exit {done.returncode}, {done.stdout} {done.stderr}")
    said = json.loads(done.stdout)
    result, = said["checks"]
    result["outcome"] = Result.OUTCOMES.index(result["outcome"])
    if (done.returncode, said["healthy"]) != ((0, True) if result["outcome"] == 0 else (1, False)):
        raise AssertionError(f"{check}: exit {done.returncode}, {done.stdout}")
    return checked(Result(result), check)


class Request:
    """What came in, as far as a server needs it; `raw` is the head."""

    def __init__(self, raw, body):
        self.raw, self.body = raw.decode("latin-1"), body
        self.line, *lines = self.raw.split("\r\n")
        self.method, self.target = self.line.split(" ")[:2]
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines if line]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        return self.all(name)[0] if self.all(name) else None


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    request = Request(head, body)
    while len(request.body) < int(request.get("Content-Length") or 0):
        request.body += connection.recv(65536)
    return request


def answer(body=b"", status="200 OK", headers=(), length=True):
    """A handler that gives one good answer."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data):
    return lambda connection, request: connection.sendall(data)


def redirect(location, status="302 Found", body=b""):
    return answer(body, status, [f"Location: {location}"])


def by_path(handlers):
    return lambda connection, request: handlers[request.target](connection, request)


def wait_for_hangup(connection, seconds=SOCKET_SECONDS):
    """True where the client has gone before that; what it says is not listened to."""
    end = time.monotonic() + seconds
    while select.select([connection], [], [], max(0, end - time.monotonic()))[0]:
        if not connection.recv(65536):
            return True
    return False


def hang(connection, request):
    wait_for_hangup(connection)


def reset(connection, request):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(head, piece=b"x"):
    """`head`, then `piece` every 10 ms until the client has enough."""
    def handler(connection, request):
        connection.sendall(head)
        while not wait_for_hangup(connection, 0.01):
            connection.sendall(piece)
    return handler


def flood(head, piece):
    """As drip, but as fast as the client takes it."""
    def handler(connection, request):
        connection.sendall(head)
        end = time.monotonic() + SOCKET_SECONDS
        while time.monotonic() < end:
            connection.sendall(piece)
    return handler


class Server(contextlib.AbstractContextManager):
    """`read`: the handler is given a whole request; otherwise it is called with None at once."""

    def __init__(self, handler, path=None, tls=None, read=True):
        self.handler, self.tls, self.read = handler, tls, read
        self.requests, self.threads = [], []
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            self.socket.listen(16)
        else:
            self.socket = socket.create_server(("127.0.0.1", 0), backlog=16)
            self.port = self.socket.getsockname()[1]
            self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.stopping, self.wake = socket.socketpair()
        self.accepting = threading.Thread(target=self._accept)
        self.accepting.start()

    def _accept(self):
        while True:
            ready, _, _ = select.select([self.socket, self.stopping], [], [])
            if self.stopping in ready:
                return
            connection, _ = self.socket.accept()
            thread = threading.Thread(target=self._serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection):
        connection.settimeout(SOCKET_SECONDS)
        with contextlib.suppress(OSError, ssl.SSLError), connection, \
                self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as connection:
            request = read_request(connection) if self.read else None
            if request or not self.read:
                self.requests.append(request)
                self.handler(connection, request)

    def __exit__(self, *failure):
        self.wake.close()
        self.accepting.join()
        for thread in self.threads:
            thread.join()
        self.socket.close()
        self.stopping.close()


@contextlib.contextmanager
def running(*words, **options):
    """A program that ends with the `with` block, and with us. What it prints is the caller's to read."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, words)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process):
    """The next line it prints."""
    if not select.select([process.stdout], [], [], SOCKET_SECONDS)[0]:
        raise AssertionError(f"{process.args}: says nothing")
    return process.stdout.readline()


def until_it_listens(process, port):
    end = time.monotonic() + PROCESS_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), SOCKET_SECONDS):
            return
        time.sleep(0.01)
    raise AssertionError(f"{process.args}: does not listen, exit code {process.poll()}")


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="tinysup-test-")
    try:
        yield pathlib.Path(path)
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def full_backlog():
    """The port of a listener that lets nobody in: the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
