"""Requests that a rolling restart loses: `make drain` prints them, test_drain.py judges them.

Two instances of a real server are restarted in turn while 8 clients send requests. Each client asks every instance whether
it is ready, five times a second, and sends only to those that have said so: what a load balancer does. Half of the clients
keep their connections open. The same is done with tinysup, whose chain drains before it stops the server, and without, where the
server gets its stop signal at once and the clients ask the server itself.
"""
import argparse
import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS), str(TESTS / "integration")]

from harness import LIBC, PLAIN, PR_SET_PDEATHSIG, Supervised, until
from ports import free_port

HERE = Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
CLIENTS, LOOK_SECONDS, DRAIN_SECONDS, ROUNDS = 8, 0.2, 1, 2
LENGTH = 1000   # bytes of every answer


@dataclass
class Kind:
    """How to start a server, and the signal that lets it finish what it has begun."""
    command: callable
    signal: str = "SIGTERM"


def nginx(port, folder):
    (folder / "page").write_bytes(b"done\n" * 200)
    (folder / "nginx.conf").write_text((HERE / "nginx.conf").read_text().format(port=port, folder=folder))
    folder.chmod(0o755)
    return ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]


KINDS = {
    "uvicorn": Kind(lambda port, _: [PYTHON, "-m", "uvicorn", "--app-dir", str(HERE), "--port", str(port), "--log-level", "warning", "web:asgi"]),
    "gunicorn": Kind(lambda port, _: ["gunicorn", "--chdir", str(HERE), "--workers", "2", "--threads", "8", "--bind", f"127.0.0.1:{port}",
                                      "--log-level", "warning", "web:wsgi"]),
    "nginx": Kind(nginx, "SIGQUIT"),
    "node": Kind(lambda port, _: ["node", str(HERE / "web.mjs"), str(port)]),
}

CONFIG = """
listen = "127.0.0.1:{listen}";
checks = ( {{ name = "web"; http: {{ url = "http://127.0.0.1:{port}/health"; }}; }} );
probes: {{ readiness: {{ checks = ( "web" ); period = "200ms"; }}; }};
shutdown: {{
  deadline = "15s"; platform_grace = "20s";
  chain = (
    {{ name = "drain"; sleep = "{drain}s"; needs_app = true; when = [ "stop" ]; }},
    {{ name = "stop"; stop: {{ signal = "{signal}"; timeout = "8s"; }}; }}
  );
}};
"""


def get(connection, path="/"):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


class Instance:
    """One server, behind tinysup or alone, at the same ports in each of its lives."""

    def __init__(self, kind, ports, alone):
        self.kind, self.alone = kind, alone
        self.port, self.ready_port = ports[0], ports[0] if alone else ports[1]
        self.folder = Path(tempfile.mkdtemp(prefix="tinysup-drain-"))
        self.life = None

    def start(self):
        command = self.kind.command(self.port, self.folder)
        if self.alone:
            self.life = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        else:
            config = CONFIG.format(listen=self.ready_port, port=self.port, drain=DRAIN_SECONDS, signal=self.kind.signal)
            self.life = Supervised("--", *command, config=config, piped=True)
        until(self.is_ready, "it is ready")

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.ready_port, timeout=2)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            return get(connection, "/health" if self.alone else "/readyz")[0] == 200
        return False

    def stop(self):
        if self.alone:
            self.life.send_signal(getattr(signal, self.kind.signal))
            self.life.wait(30)
        else:
            self.life.signal("TERM")
            self.life.wait(30)

    def close(self):
        if self.alone and self.life:
            self.life.kill()
            self.life.wait()
        elif self.life:
            self.life.__exit__()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


@dataclass
class Client:
    """Sends requests, one after another, to instances that are ready. One of them is asked about every LOOK_SECONDS."""
    instances: list
    keeps: bool
    over: threading.Event
    answered: int = 0
    lost: list = field(default_factory=list)
    ready: list = field(default_factory=list)

    def look(self):
        while not self.over.is_set():
            self.ready = [i for i in self.instances if i.is_ready()]
            self.over.wait(LOOK_SECONDS)

    def send(self):
        open_to = {}
        while not self.over.is_set():
            ready = self.ready
            for instance in set(open_to) - set(map(id, ready)):
                open_to.pop(instance).close()
            if not ready:
                time.sleep(0.01)
                continue
            instance = random.choice(ready)
            connection = open_to.pop(id(instance), None) or http.client.HTTPConnection("127.0.0.1", instance.port, timeout=10)
            try:
                status, body = get(connection)
                if (status, len(body)) != (200, LENGTH):
                    raise http.client.HTTPException(f"{status}, {len(body)} bytes")
                self.answered += 1
                if self.keeps:
                    open_to[id(instance)] = connection
                    continue
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
            connection.close()
        for connection in open_to.values():
            connection.close()


def measure(name, alone, rounds=ROUNDS):
    """(answered, what each lost request met)"""
    ports = [free_port() for _ in range(4)]
    instances = [Instance(KINDS[name], ports[2 * n:2 * n + 2], alone) for n in range(2)]
    over = threading.Event()
    clients = [Client(instances, n % 2 == 0, over) for n in range(CLIENTS)]
    threads = [threading.Thread(target=work, daemon=True) for client in clients for work in (client.look, client.send)]
    try:
        for instance in instances:
            instance.start()
        for thread in threads:
            thread.start()
        until(lambda: all(c.answered for c in clients), "all clients have been answered")
        for _ in range(rounds):
            for instance in instances:
                until(lambda: all(len(c.ready) == 2 for c in clients), "all clients know both")
                instance.stop()
                instance.start()
        until(lambda: all(len(c.ready) == 2 for c in clients), "all clients know both")
    finally:
        over.set()
        for thread in threads:
            if thread.ident:
                thread.join(15)
        for instance in instances:
            instance.close()
    return sum(c.answered for c in clients), [error for c in clients for error in c.lost]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tinysup", default=PLAIN)
    parser.add_argument("kinds", nargs="*", default=KINDS, metavar="SERVER", help=", ".join(KINDS))
    arguments = parser.parse_args()
    os.environ.setdefault("TINYSUP", str(arguments.tinysup))
    print(f"{2 * ROUNDS} restarts, {CLIENTS} clients that follow readiness\n")
    print("server      with tinysup      without")
    for name in arguments.kinds:
        cells = []
        for alone in (False, True):
            answered, lost = measure(name, alone)
            cells.append(f"{len(lost):4} of {answered + len(lost):5}")
        print(f"{name:10}  {cells[0]:16}  {cells[1]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
