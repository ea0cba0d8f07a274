#!/usr/bin/env python3
"""What a user would pick instead of the supervisor's checks: monit and supervisord, each as process 1 with the same app.

    peers.py [--json FILE] [--ms N] --tools DIRECTORY TINYSUP      DIRECTORY holds helper

An HTTP check every second, monit's shortest cycle; supervisord checks nothing by itself. Prints a table and never judges.
"""
import argparse
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[1:1] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("", "integration")]
from harness import children, command_line, kill_tree, until  # noqa: E402

SETTLE_MS, WINDOW_MS = 3000, 10000
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"

TINYSUP = """probes: {{ liveness: {{ checks = ( {{ name = "web"; http: {{ url = "http://127.0.0.1:{port}/"; }}; }} ); period = "1s"; }}; }};
log: {{ level = "error"; }}; shutdown: {{ platform_grace = "1m"; }};
"""
MONIT = """set daemon 1
set log {folder}/log
set pidfile {folder}/monit.pid
set idfile {folder}/id
set statefile {folder}/state
check process app with pidfile {folder}/app.pid
  start program = "/bin/sh -c '{app} & echo $! > {folder}/app.pid'" with timeout 1 seconds
  if failed host 127.0.0.1 port {port} protocol http request "/" then restart
"""
SUPERVISORD = """[supervisord]
nodaemon=true
user=root
logfile={folder}/log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[program:app]
command={app}
"""


class Server(socketserver.ThreadingTCPServer):
    """Answers, and counts who asked."""
    daemon_threads = allow_reuse_address = True
    asked = 0

    class RequestHandlerClass(socketserver.BaseRequestHandler):
        def handle(self):
            if self.request.recv(65536):
                self.server.asked += 1
                self.request.sendall(ANSWER)

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def write_back(file):
    """Pages of a file that has just been built count as dirty memory of whoever maps them."""
    with open(file, "rb") as opened:
        os.fsync(opened)


def descendants(pid):
    for child in children(pid):
        yield child
        yield from descendants(child)


def memory_of(pid):
    """kB: resident, and private and dirty."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return [int(text.split(f"\n{what}:")[1].split()[0]) for what in ("Rss", "Private_Dirty")]


def cpu_us_of(pid):
    """Of all its threads."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1000


def run(text, words, app, folder, server, ms):
    """A life of SETTLE_MS and `ms`: (CPU of itself in the latter, and of all else with its end, in us; questions in all; memory)."""
    asked = server.asked
    folder.mkdir()  # monit believes a pid file of an earlier life
    conf = folder / "conf"
    conf.write_text(text.format(folder=folder, port=server.server_address[1], app=app + " answer"))
    conf.chmod(0o600)
    words = [*words, conf, *(["--", app, "answer"] if text == TINYSUP else [])]
    with open(folder / "output", "wb") as output:
        process = subprocess.Popen([str(w) for w in [*ALONE, *words]], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   cwd=folder)
    try:
        until(lambda: any(app.encode() in b" ".join(command_line(p)) for p in descendants(process.pid)), f"{words[0]} starts the app")
        time.sleep(SETTLE_MS / 1000)
        first, = children(process.pid)
        settled = cpu_us_of(first)
        time.sleep(ms / 1000)
        itself = cpu_us_of(first)
        memory = memory_of(first)
        os.kill(first, 9)
    except BaseException:
        kill_tree(process.pid)
        raise
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return itself - settled, (usage.ru_utime + usage.ru_stime) * 1e6 - itself, server.asked - asked, memory


def measure(tinysup, tools, ms=WINDOW_MS):
    """{name: what it costs}: what is not process 1's own is the difference of a long life and a short one, free of start and end."""
    found = {}
    write_back(tinysup)
    with tempfile.TemporaryDirectory(prefix="tinysup-bench-") as name, Server() as server:
        for who, text, words in (("tinysup", TINYSUP, [tinysup, "--config"]), ("monit", MONIT, ["/usr/bin/monit", "-I", "-c"]),
                                 ("supervisord, no checks", SUPERVISORD, ["/usr/bin/supervisord", "-c"])):
            if not os.access(words[0], os.X_OK):
                continue
            lives = [run(text, words, str(tools / "helper"), Path(name, f"{len(found)}-{life}"), server, life)
                     for life in (0, ms)]
            (_, rest, few, _), (itself, more, many, (rss, dirty)) = lives
            checks, cpu = many - few, itself + more - rest
            found[who] = {"checks": checks, "cpu_us_a_check": cpu / checks if checks else None, "cpu_us_a_second": cpu * 1000 / ms,
                          "rss_kb": rss, "private_dirty_kb": dirty}
    for costs in found.values():
        for what in ("cpu_us_a_check", "cpu_us_a_second", "rss_kb", "private_dirty_kb"):
            costs[f"{what}_to_ours"] = costs[what] and costs[what] / max(found["tinysup"][what], 1e-9)
    return found


def print_table(found):
    print("| an HTTP check every second | CPU a check, ms | CPU a second, ms | resident, kB | private dirty, kB | checks |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, costs in found.items():
        cells = [name]
        for what, unit, digits in (("cpu_us_a_check", 1000, 2), ("cpu_us_a_second", 1000, 2), ("rss_kb", 1, 0), ("private_dirty_kb", 1, 0)):
            ratio = "" if name == "tinysup" or costs[what] is None else f" ({costs[what + '_to_ours']:.1f}x)"
            cells.append("-" if costs[what] is None else f"{costs[what] / unit:.{digits}f}{ratio}")
        print("| " + " | ".join([*cells, str(costs["checks"])]) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--ms", type=int, default=WINDOW_MS)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.tinysup.resolve(), arguments.tools.resolve(), arguments.ms)
    print_table(found)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
