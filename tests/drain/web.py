"""The application, for uvicorn (asgi) and gunicorn (wsgi): every answer takes a while, so that a stop meets requests under way."""
import asyncio
import time

SECONDS = 0.05
BODY = b"done\n" * 200
HEADERS = [("content-type", "text/plain"), ("content-length", str(len(BODY)))]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    await asyncio.sleep(SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(k.encode(), v.encode()) for k, v in HEADERS]})
    await send({"type": "http.response.body", "body": BODY})


def wsgi(_environ, start_response):
    time.sleep(SECONDS)
    start_response("200 OK", HEADERS)
    return [BODY]
