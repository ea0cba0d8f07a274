"""Stands in for the backend."""
import asyncio
import atexit
import os
import signal
import urllib.request

from fastapi import FastAPI, WebSocket

OLLAMA = os.environ.get("OLLAMA_BASE_URL", "http://ollama:11434")
AZURE = os.environ.get("AZURE_OPENAI_ENDPOINT")

app = FastAPI(title="crypto backend")


@app.get("/api/v1/health")
async def health():
    return {"status": "healthy"}


@app.get("/api/v1/health/startup")
async def startup():
    return {"status": "started"}


@app.get("/api/v1/health/live")
async def live():
    return {"status": "alive"}


@app.get("/api/v1/health/ready")
def ready():    # in a thread: it may take 5 s
    model = {"azure_openai": True} if AZURE else {"ollama": answers(OLLAMA + "/api/tags")}
    checks = {"api": True, "secrets_vault": True, **model}
    return {"status": "ready" if all(checks.values()) else "degraded", "checks": checks}


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@app.websocket("/api/v1/ws")
async def prices(socket: WebSocket):
    await socket.accept()
    while True:     # as most handlers: it never asks whether somebody wants it to end
        await socket.send_json({"BTC": 50000})
        await asyncio.sleep(0.5)


@app.on_event("shutdown")
async def die_of_sigterm():
    """As uvicorn does since 0.29: after a stop in order, the process ends by the signal it was stopped by."""
    def kill():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    atexit.register(kill)
