"""Stands in for the trader: an API on port 8001 that logs JSON lines to stdout and to a file, and keeps the file's lines in SQLite."""
import asyncio
import json
import os
import sys
import time
from pathlib import Path

from fastapi import FastAPI

import database

LOG = Path(os.environ["BACKEND_LOG_PATH"])
POLL = float(os.environ["BACKEND_LOG_POLL_INTERVAL"])
BATCH = int(os.environ["BACKEND_LOG_BATCH_SIZE"])
RETENTION = float(os.environ["BACKEND_LOG_RETENTION_DAYS"]) * 86400

app = FastAPI(title="delta trader")
db = database.connect()
db.execute("CREATE TABLE IF NOT EXISTS log (time REAL, line TEXT)")


def log(**facts):
    line = json.dumps({"time": time.time(), "note": "ü\t", **facts}, ensure_ascii=False) + "\n"
    for to in (sys.stdout, LOG.open("a", encoding="utf-8")):
        to.write(line)
        to.flush()


async def tail():
    with LOG.open(encoding="utf-8") as file:
        while True:
            while batch := [line for _ in range(BATCH) if (line := file.readline())]:
                db.executemany("INSERT INTO log VALUES (?, ?)", [(time.time(), line) for line in batch])
            db.execute("DELETE FROM log WHERE time < ?", [time.time() - RETENTION])
            await asyncio.sleep(POLL)


@app.on_event("startup")
async def start():
    log(event="started")
    app.state.tail = asyncio.create_task(tail())


@app.on_event("shutdown")
async def stop():
    app.state.tail.cancel()
    log(event="stopped")


@app.get("/logs")
async def logs():
    return [line for line, in db.execute("SELECT line FROM log ORDER BY rowid DESC LIMIT 100")]
