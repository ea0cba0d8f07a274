"""Stands in for the web API."""
from typing import Union

from fastapi import Body, FastAPI, Header

from once import once

app = FastAPI(title="web API")


@app.get("/api/health")
async def health():
    return {"status": "healthy"}


@app.post("/api/jobs/hand-back")
def hand_back(job: dict = Body(), idempotency_key: Union[str, None] = Header(default=None)):
    return once(idempotency_key, lambda: {"free": job["worker"]})
