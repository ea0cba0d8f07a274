"""A web app for Swarm: every answer names its version and takes a while. BROKEN: it is never healthy. swarm_web.py"""
import http.server
import os
import time

VERSION = os.environ.get("VERSION", "1")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.send_response(500 if "BROKEN" in os.environ else 200)
            self.end_headers()
            return
        time.sleep(0.05)
        body = VERSION.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
