"""A small DNS server, for A records of the zone it is given:

    with NameServer({"app.e2e.test": "127.0.0.1"}, truncated=["big.e2e.test"]) as names: ...
    names.address                   one of our loopback, by chance: the port is always 53
    names.asked                     [(name, type, "udp"|"tcp"), ...] in order

Every other name is NXDOMAIN, every other type has no data. Names of `truncated` get an answer without data and with TC set over
UDP, and their address over TCP. A zone of None: it never answers.
"""
import contextlib
import select
import socket
import socketserver
import struct
import threading

from harness import own_loopback

A = 1
NXDOMAIN, TRUNCATED, ANSWER = 3, 0x0200, 0x8180


class NameServer(contextlib.AbstractContextManager):
    def __init__(self, zone, truncated=()):
        self.zone, self.truncated, self.asked = zone, truncated, []
        self.address = own_loopback()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, 53))
        self.tcp = socketserver.ThreadingTCPServer((self.address, 53), self.on_tcp, bind_and_activate=False)
        self.tcp.allow_reuse_address = self.tcp.daemon_threads = True
        self.tcp.server_bind()
        self.tcp.server_activate()
        self.stopping, self.wake = socket.socketpair()
        self.threads = [threading.Thread(target=self.on_udp), threading.Thread(target=self.tcp.serve_forever, args=(0.02,))]
        for thread in self.threads:
            thread.start()

    def on_udp(self):
        while self.stopping not in select.select([self.udp, self.stopping], [], [])[0]:
            query, sender = self.udp.recvfrom(4096)
            reply = self.answer(query, "udp")
            if reply:
                self.udp.sendto(reply, sender)

    def on_tcp(self, connection, _address, _server):
        while head := connection.recv(2, socket.MSG_WAITALL):
            reply = self.answer(connection.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL), "tcp")
            if reply:
                connection.sendall(struct.pack(">H", len(reply)) + reply)

    def answer(self, query, how):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii"))
            at += 1 + query[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack_from(">H", query, at + 1)
        self.asked.append((name, kind, how))
        if self.zone is None:
            return None
        flags, address = ANSWER, self.zone.get(name)
        if address is None:
            flags |= NXDOMAIN
        if how == "udp" and name in self.truncated:
            flags, address = flags | TRUNCATED, None
        data = b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 60, 4) + socket.inet_aton(address) if address and kind == A else b""
        return query[:2] + struct.pack(">HHHHH", flags, 1, bool(data), 0, 0) + query[12:at + 5] + data

    def names(self, kind=A):
        return [name for name, k, _ in self.asked if k == kind]

    def __exit__(self, *failure):
        self.wake.close()
        self.tcp.shutdown()
        for thread in self.threads:
            thread.join()
        for s in (self.udp, self.stopping):
            s.close()
        self.tcp.server_close()
