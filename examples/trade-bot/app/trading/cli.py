"""Stands in for the bot. `run` trades until SIGTERM; pause, cancel, close and save are what tinysup's chain calls."""
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path

DATA = Path("data")
HEARTBEAT, PAUSED, STATE = DATA / "heartbeat", DATA / "paused", DATA / "state.json"
MODEL_SECONDS = int(os.environ.get("MODEL_SECONDS", 1))     # what a call to the language model takes
ORDER = {"symbol": "BTC/USDT", "side": "buy", "qty": 0.01, "price": 50000}


def exchange(method, path, body=None):
    headers = {"Content-Type": "application/json"}
    if method == "POST" and "TINYSUP_IDEMPOTENCY_KEY" in os.environ:
        headers["Idempotency-Key"] = os.environ["TINYSUP_IDEMPOTENCY_KEY"]
    request = urllib.request.Request(os.environ["EXCHANGE_URL"] + path, body and json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


def run():
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    PAUSED.unlink(missing_ok=True)
    print("trading", flush=True)
    while not stop.is_set():
        try:
            if not PAUSED.exists():
                trade()
        except OSError as error:
            print(f"exchange: {error}", flush=True)
        ask_model()
    return "stopped"


def ask_model():
    for _ in range(MODEL_SECONDS):
        HEARTBEAT.touch()
        time.sleep(1)


def trade():
    if not exchange("GET", "/positions"):
        exchange("POST", "/positions", {"symbol": ORDER["symbol"], "qty": ORDER["qty"]})
    for _ in range(3 - len(exchange("GET", "/orders"))):
        exchange("POST", "/orders", ORDER)


def pause():
    PAUSED.touch()
    return "paused"


def cancel():
    return f"cancelled {exchange('POST', '/orders/cancel-all')['cancelled']} orders"


def close():
    return f"closed {exchange('POST', '/positions/close-all')['closed']} positions"


def save():
    new = STATE.with_suffix(".new")
    new.write_text(json.dumps({"orders": exchange("GET", "/orders"), "positions": exchange("GET", "/positions")}))
    new.replace(STATE)
    return "saved"


if __name__ == "__main__":
    try:
        print({f.__name__: f for f in (run, pause, cancel, close, save)}[sys.argv[1]]())
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
