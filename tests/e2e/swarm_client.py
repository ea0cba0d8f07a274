"""Asks http://NAME:8000/ in 4 threads, a connection and a look at the DNS for each request, and writes counts as JSON: swarm_client.py NAME FILE"""
import collections
import json
import os
import sys
import threading
import time
import urllib.request

name, path = sys.argv[1:]
counts, lock = collections.Counter(), threading.Lock()


def ask():
    while True:
        try:
            with urllib.request.urlopen(f"http://{name}:8000/", timeout=10) as answer:
                got = answer.read().decode()
        except Exception as error:      # whatever it is, the request is lost
            got = f"lost: {error!r}"
        with lock:
            counts[got] += 1


for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
while True:
    time.sleep(0.1)
    with lock:
        text = json.dumps(counts)
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write(text)
    os.replace(f"{path}.new", path)
