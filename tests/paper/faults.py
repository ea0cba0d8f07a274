"""Faults to order, and a log of every request: what paper exchange and webhook sink share.

    app = Faulty(work, admin)       # both: Request -> Reply; admin: {path: function} that is never faulted
    httpd.listen(app)

Faulty adds these paths, on which no fault ever falls:

    POST   /faults   {"path": P, "kind": K, "times": N, "seconds": S, "status": CODE, "method": M} -> 201
                     P: the exact path, or "*" for all (the default); M: only this method (default: any).
                     N requests are hit, 0 (the default) means until cleared. The oldest fault that fits hits.
    GET    /faults   those still waiting, with `times` left
    DELETE /faults   clears them
    GET    /log      every request received, oldest first: method, path, idempotency_key, monotonic, wall,
                     status (null: not answered, or not yet), fault (null: none), replayed

The kinds, and whether the work is done:

    429         no    429 (or `status`), Retry-After: `seconds` rounded up, default 1
    500         no    500 (or `status`)
    hang        no    accepts the request, never answers
    slow        yes   does the work at once, answers after `seconds` (default 1)
    reset       no    RST
    wrong-json  no    200 with a body that is not the JSON promised
    lost-reply  yes   does the work, then closes without answering
    down        no    every path 503 (or `status`), whatever `path` says
"""

import math
import threading
import time
from dataclasses import asdict, dataclass, replace

from httpd import Reply

KINDS = ("429", "500", "hang", "slow", "reset", "wrong-json", "lost-reply", "down")


@dataclass
class Fault:
    kind: str
    path: str = "*"
    times: int = 0
    seconds: float = 1.0
    status: int | None = None
    method: str | None = None

    def __post_init__(self):
        self.kind = str(self.kind)
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {self.kind}")
        if self.times < 0 or self.seconds < 0:
            raise ValueError("times and seconds are not negative")

    def fits(self, request):
        somewhere = self.kind == "down" or self.path in ("*", request.path)
        return somewhere and self.method in (None, request.method)

    def apply(self, request, work):
        match self.kind:
            case "429":
                return Reply(self.status or 429, {"error": "too many requests"},
                             {"Retry-After": math.ceil(self.seconds)})
            case "500":
                return Reply(self.status or 500, {"error": "internal error"})
            case "down":
                return Reply(self.status or 503, {"error": "closed for maintenance"})
            case "wrong-json":
                return Reply(200, "<html>closed for maintenance</html>\n")
            case "slow":
                return replace(work(request), delay=self.seconds)
            case "lost-reply":
                return replace(work(request), delivery="drop")
            case silent:            # hang, reset
                return Reply(delivery=silent)


class Faulty:
    """An application with faults in front of it and a log behind it."""

    def __init__(self, work, admin):
        self.work = work
        self.admin = {"/faults": self.on_faults, "/log": self.on_log, **admin}
        self.lock = threading.Lock()
        self.faults = []
        self.log = []

    def __call__(self, request):
        entry = {"method": request.method, "path": request.path, "idempotency_key": request.idempotency_key,
                 "monotonic": time.monotonic(), "wall": time.time(), "status": None, "fault": None,
                 "replayed": False}
        with self.lock:
            self.log.append(entry)
        reply = self.admin[request.path](request) if request.path in self.admin else self.trade(request, entry)
        if reply.delivery == "send":
            entry["status"] = reply.status
        entry["replayed"] = "Idempotent-Replay" in reply.headers
        return reply

    def trade(self, request, entry):
        fault = self.next_fault(request)
        if fault is None:
            return self.work(request)
        entry["fault"] = fault.kind
        return fault.apply(request, self.work)

    def next_fault(self, request):
        with self.lock:
            fault = next((fault for fault in self.faults if fault.fits(request)), None)
            if fault and fault.times:
                fault.times -= 1
                if fault.times == 0:
                    self.faults.remove(fault)
            return fault

    def forget(self):
        """No faults, an empty log."""
        with self.lock:
            self.faults.clear()
            self.log.clear()

    def on_faults(self, request):
        if request.method == "DELETE":
            with self.lock:
                self.faults.clear()
        elif request.method == "POST":
            try:
                fault = Fault(**request.data)
            except (TypeError, ValueError) as error:
                return Reply(400, {"error": str(error)})
            with self.lock:
                self.faults.append(fault)
            return Reply(201, asdict(fault))
        with self.lock:
            return Reply(200, [asdict(fault) for fault in self.faults])

    def on_log(self, _request):
        with self.lock:
            return Reply(200, [dict(entry) for entry in self.log])
