"""The listener without a supervisor: listener_driver.c's page, and a client or two."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest

from binaries import tinysup

HTTP, TCP = 1, 2    # enum check_kind
PENDING, RUNNING, OK, FAILED = 0, 1, 3, 4   # enum step_state
REQUEST_SECONDS = 5
WAIT = 60


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
        self.driver = subprocess.Popen([pathlib.Path(tinysup()).parent / "tests/listener_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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

    def one_connection(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            got = b""
            while more := connection.recv(4096):
                got += more
        if b" 200 " not in got:
            self.fail(got)
