"""Stands in for freqtrade: those parts of its REST API that the chain uses, with its status codes. Each line of stdout is what it did."""
import base64
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOGIN = "Basic " + base64.b64encode(f"{os.environ['FREQTRADE_USER']}:{Path('/run/secrets/freqtrade').read_text().strip()}".encode()).decode()
TRADES = int(os.environ.get("TRADES", 2))
FILL_SECONDS = float(os.environ.get("FILL_SECONDS", 1))     # what an exit order takes


class Trader:
    def __init__(self):
        self.running, self.entries, self.open, self.last = True, True, TRADES, time.time()

    def loop(self):
        while True:
            if self.running:
                self.last = time.time()
            time.sleep(1)

    def fill(self):
        if self.open:
            self.open -= 1
            print(f"exit filled, {self.open} open", flush=True)

    def answer(self, method, path, body):
        match method, path:
            case "GET", "ping":
                return 200, {"status": "pong"}
            case "GET", "health":
                return 200, {"last_process_ts": int(self.last)}
            case "GET", "count":
                return (200, {"current": self.open, "max": TRADES}) if self.running else self.error("count")
            case "POST", "stopentry" | "stopbuy":
                self.entries = False
                return 200, {"status": "No more entries will occur from now. Run /reload_config to reset."}
            case "POST", "forceexit":
                if not self.running:
                    return self.error("forceexit")
                assert body["tradeid"] == "all"
                for number in range(self.open):
                    threading.Timer(FILL_SECONDS * (number + 1), self.fill).start()
                return 200, {"result": "Created exit orders for all open trades."}
            case "POST", "stop":
                was, self.running = self.running, False
                return 200, {"status": "stopping trader ..." if was else "already stopped"}
        return 404, {"detail": "Not Found"}

    @staticmethod
    def error(what):
        return 502, {"error": f"Error querying /api/v1/{what}: trader is not running"}


class Handler(BaseHTTPRequestHandler):
    def serve(self):
        path = self.path.removeprefix("/api/v1/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if path != "ping" and self.headers.get("Authorization") != LOGIN:
            status, reply = 401, {"detail": "Unauthorized"}
        else:
            status, reply = trader.answer(self.command, path, body)
        if self.command == "POST":
            print(f"{path}: {status}", flush=True)
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


def stop(*_):
    print(f"process died: {trader.open} trades open", flush=True)     # freqtrade's own words; it closes no position
    os._exit(0)


if __name__ == "__main__":
    assert sys.argv[1:] == ["trade"]
    trader = Trader()
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=trader.loop, daemon=True).start()
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
