"""Stands in for the dashboard: GET /health is 200, or 503 while the kill switch is on."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KILL_SWITCH = Path("data/kill_switch")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        killed = KILL_SWITCH.exists()
        status = 404 if self.path != "/health" else 503 if killed else 200
        body = json.dumps({"status": "critical" if killed else "healthy"}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 5173), Handler).serve_forever()
