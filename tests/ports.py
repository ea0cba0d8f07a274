"""Ports for servers that begin later, or again."""
import random
import socket

RANGE = 16000, 32000  # below those that the kernel gives to clients: one of them would take it meanwhile


def free_port():
    while True:
        port = random.randrange(*RANGE)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
