"""Stands in for the API; its keys come from Key Vault as COSMOS_KEY, STORAGE_CONNECTION and OPENAI_API_KEY."""
from datetime import datetime, timezone

from fastapi import FastAPI

app = FastAPI(title="api", version="1.0")


@app.get("/health")
async def health():
    return {"status": "healthy", "version": app.version, "timestamp": datetime.now(timezone.utc).isoformat()}
