#!/usr/bin/python3
"""A FastAPI backend as one finds it: a health route with a time stamp, one that is degraded, one that is down, one that hangs.

    fastapi_app.py [PORT]     prints its port

/mode does what the file `mode` in $TEST_DIR says: one of the routes.
"""

import asyncio
import datetime
import os
import signal
import socket
import sys
import time

import fastapi
import uvicorn

SECRET = "s3cret"
app = fastapi.FastAPI()


def state(status, age=0.0):
    now = time.time() - age
    stamp = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return {"status": status, "ts": now, "at": stamp.isoformat(), "token": SECRET, "checks": {"db": True, "loop": status == "ok"},
            "lag": 3}


@app.get("/health")
async def health():
    return state("ok")


@app.get("/stale")
async def stale():
    return state("ok", age=100)


@app.get("/degraded")
async def degraded():
    return state("degraded")


@app.get("/down")
async def down():
    raise fastapi.HTTPException(503, state("down"))


@app.get("/broken")
async def broken():
    raise RuntimeError(SECRET)


@app.get("/hang")
async def hang():
    await asyncio.sleep(60)


@app.get("/block")
async def block():
    """The event loop stands still, as with a forgotten blocking call; the server accepts connections all the same."""
    signal.pause()


@app.get("/mode")
async def mode():
    with open(os.path.join(os.environ["TEST_DIR"], "mode")) as f:
        return await globals()[f.read().strip()]()


@app.post("/only-post")
async def only_post(body: dict):
    return body


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])


main()
