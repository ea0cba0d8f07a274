"""A trader whose lives are counted: trader.c, its configuration, and what its journal and its exchange must say of them.

    build(path)                                  compiles trader.c
    config(trader, port, state_dir, folder)      recovery cancels and closes at the exchange, and notes its keys in FOLDER/notes
    books = Books(); books.judge(records, requests, notes) -> what is wrong, after each life
"""
import collections
import subprocess
from pathlib import Path

CONFIG = """
state_dir = "{state}";
app: {{ name = "trader"; command = [ "{trader}", "run", "{port}" ];
       restart: {{ policy = "on-failure"; max = 100; within = "1s"; backoff = "0s"; }}; }};
start: {{ chain = ( {{ name = "prepare"; exec = [ "{trader}", "note", "{folder}/prepared" ]; required = true; }} ); deadline = "30s"; }};
recovery: {{ deadline = "30s"; on_failure = "refuse"; }};
shutdown: {{ deadline = "30s"; platform_grace = "60s"; chain = (
  {{ name = "stop"; stop: {{ signal = "SIGTERM"; }}; }},
  {{ name = "cancel"; http: {{ url = "http://127.0.0.1:{port}/orders/cancel-all"; method = "POST"; }}; {always} }},
  {{ name = "late"; exec = [ "true" ]; when = [ "stop" ]; }},
  ( {{ name = "note"; exec = [ "{trader}", "note", "{folder}/notes" ]; {always} }},
    {{ name = "close"; http: {{ url = "http://127.0.0.1:{port}/positions/close-all"; method = "POST"; }}; {always} }} ),
  {{ name = "tell"; exec = [ "{trader}", "note", "{folder}/notes" ]; {always} }} ); }};
"""
ALWAYS = 'idempotency_key = true; required = true; when = [ "stop", "exit", "crash", "unhealthy", "restart", "recovery" ];'



RECOVERED = {"cancel", "note", "close", "tell"}  # steps with "recovery" in `when`
STEP_OF = {"/orders/cancel-all": "cancel", "/positions/close-all": "close"}


def build(path, *options, source="trader.c"):
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-D_GNU_SOURCE", *options, "-o", path, Path(__file__).parent / source], check=True)


def config(trader, port, state, folder):
    return CONFIG.format(trader=trader, port=port, state=state, folder=folder, always=ALWAYS)


class Books:
    def __init__(self):
        self.settled = {}  # (id, step) whose success was on record -> how often it had run by then
        self.replayed = 0  # requests that the exchange answered from memory

    def judge(self, records, requests, notes, torn=False):
        """requests: of the exchange's log, those for a trader; notes: the words of each line."""
        ids, done, _, problems = story_of(records, torn)
        runs = collections.Counter()
        for request in requests:
            key = request["idempotency_key"]
            if key:
                shutdown, step = key.rsplit("-", 1)
                runs[shutdown, step] += 1
                if STEP_OF[request["path"]] != step:
                    problems.append(f"{request['path']} with the key {key}")
        for shutdown, step, key, _ in notes:
            runs[shutdown, step] += 1
            if key != f"{shutdown}-{step}":
                problems.append(f"{step} of {shutdown} had the key {key}")
        problems += [f"{step} ran under {shutdown}, which is not on record" for shutdown, step in runs if shutdown not in ids]
        worked = collections.Counter(r["idempotency_key"] for r in requests if r["idempotency_key"] and not r["replayed"] and not r["fault"])
        problems += [f"the exchange did the work of {key} {count} times" for key, count in worked.items() if count > 1]
        for (shutdown, step), count in self.settled.items():
            if runs[shutdown, step] != count:
                problems.append(f"{step} of {shutdown} had run {count} times when its success was on record, and {runs[shutdown, step]} by now")
        self.replayed = sum(r["replayed"] for r in requests)
        self.settled = {(i, step): runs[i, step] for i, steps in done.items() for step in steps if step in RECOVERED}
        return numbers(records) + problems


def numbers(records):
    """In each run from 1, one after the other; ticks have none of their own."""
    problems, last = [], {}
    for r in records:
        if r.kind == "lost":
            problems.append(f"records were lost: {r}")
        if r.kind == "tick":
            continue
        if r.number != last.get(r.run, 0) + 1:
            problems.append(f"run {r.run}: {r} after number {last.get(r.run, 0)}")
        last[r.run] = r.number
    return problems


def story_of(records, torn=False):
    """(ids on record, {id: steps that have succeeded}, what the next start owes, what is wrong).

    torn: a line may be, and may have been the start of an app.
    """
    problems, done, ids = [], {}, set()
    owed, shutdown = set(), None  # what has not succeeded, and the id that it runs under; None: none yet
    for r in records:
        name = r.get("name")
        if r.kind == "chain_start" and r["reason"] not in ("start", "held") and r.get("count"):
            if r["reason"] == "recovery" and shutdown and r["id"] != shutdown and (owed or not torn):
                problems.append(f"recovery of {shutdown} runs under {r['id']}")
            if r["reason"] != "recovery" and r["id"] in ids:
                problems.append(f"the id {r['id']} was used before")
            shutdown = r["id"]
            owed = RECOVERED - done.setdefault(shutdown, set())
        elif r.kind == "step_start" and name in done.get(r["id"], ()):
            problems.append(f"{name} of {r['id']} had succeeded and ran again")
        elif r.kind == "step_end" and r["state"] == "ok":
            done.setdefault(r["id"], set()).add(name)
            if r["id"] == shutdown:
                owed.discard(name)
        elif r.kind == "app_start":
            if owed:
                problems.append(f"the app was started, but {sorted(owed)} of {shutdown} had not succeeded")
            owed, shutdown = set(RECOVERED), None
        elif r.kind == "end" and not r.get("unfinished"):
            if owed:
                problems.append(f"it ended, but {sorted(owed)} of {shutdown} had not succeeded")
            owed, shutdown = set(), None
        if "id" in r and r.kind == "chain_start":
            ids.add(r["id"])
    return ids, done, owed, problems
