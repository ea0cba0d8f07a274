"""Stands in for the ML service."""
import random
from typing import Union

from fastapi import FastAPI, Header

from once import once

app = FastAPI(title="ML service")


@app.get("/health")
async def health():
    return {"status": "healthy"}


@app.post("/predict")
def predict(idempotency_key: Union[str, None] = Header(default=None)):
    return once(idempotency_key, lambda: {"action": random.choice(["buy", "hold", "sell"]), "confidence": random.random()})
