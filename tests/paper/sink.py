#!/usr/bin/env python3
"""A webhook sink: takes whatever is posted to it, says "ok" as Slack does, and shows it on request.

    sink.py --port-file FILE [--die-with-parent]

Binds 127.0.0.1 on a free port, which FILE holds once the sink listens.

    POST /any/path   recorded -> 200 ok
    GET  /received   [{path, headers, body, json, time}, ...] oldest first; body is the text as it came,
                     json what it parses to (null where it does not), time Unix seconds
    POST /reset      forgets it all, the faults and the log too
    /faults, /log    as in faults.py

A request that a fault kept from its work (429, 500, hang, reset, wrong-json, down) is in /log but not in
/received: the channel never took it. With slow and lost-reply it is in both.

A test reads it so:

    ask("POST", f"{sink}/faults", {"path": "/slack", "kind": "429", "times": 1, "seconds": 1})
    ...                                              # the alert is sent here
    texts = [item["json"]["text"] for item in ask("GET", f"{sink}/received").data if item["path"] == "/slack"]
    attempts = [line for line in ask("GET", f"{sink}/log").data if line["path"] == "/slack"]

Query strings are dropped from `path`, and header names keep the letters they came with; look them up without
regard to case.
"""

import threading
import time

from faults import Faulty
from httpd import Reply, serve_as_program

OK = Reply(200, "ok")       # to the letter, without a newline, as Slack answers


class Sink:
    """What was posted, in the order it came."""

    def __init__(self):
        self.lock = threading.Lock()
        self.received = []
        self.app = Faulty(self.work, {"/received": self.on_received, "/reset": self.on_reset})

    def work(self, request):
        if request.method != "POST":
            return Reply(405, {"error": "a webhook sink takes POST"}, {"Allow": "POST"})
        item = {"path": request.path, "headers": request.headers, "body": request.text, "json": request.data,
                "time": time.time()}
        with self.lock:
            self.received.append(item)
        return OK

    def on_received(self, _request):
        with self.lock:
            return Reply(200, list(self.received))

    def on_reset(self, _request):
        with self.lock:
            self.received.clear()
        self.app.forget()
        return OK


if __name__ == "__main__":
    serve_as_program("A webhook sink.", Sink().app)
