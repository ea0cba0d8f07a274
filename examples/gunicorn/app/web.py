"""Stands in for your WSGI app: /slow takes 5 s."""
import time


def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        print("slow: asked", flush=True)
        time.sleep(5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done\n"]
