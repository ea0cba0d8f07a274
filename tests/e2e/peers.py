#!/usr/bin/env python3
"""What the examples talk to, in the engine's network: `peers.py HOST` serves there until it is killed.

    :8081  the paper exchange    :8082  exchanges that want signed requests    :8083  what alerts go to    :11434  Ollama
"""
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "paper"))

import httpd
from exchange import Exchange
from faults import Faulty
from httpd import Reply
from sink import Sink
from venues import Venues

PORTS = {"exchange": 8081, "venues": 8082, "alerts": 8083, "ollama": 11434}


class Alerts(Sink):
    """Telegram has an answer of its own."""

    def work(self, request):
        reply = super().work(request)
        return Reply(200, {"ok": True}) if request.path.endswith("/sendMessage") and reply.status == 200 else reply


def main():
    httpd.LOOPBACK = sys.argv[1]
    ollama = Faulty(lambda request: Reply(200, {"models": []}), {})
    for name, app in (("exchange", Exchange().app), ("venues", Venues().app), ("alerts", Alerts().app), ("ollama", ollama)):
        threading.Thread(target=httpd.listen(app, PORTS[name]).serve_forever).start()


if __name__ == "__main__":
    main()
