#!/usr/bin/env python3
"""What health checks cost: a program that asks once and ends, beside --probe; and process 1 that asks again and again.

    cost.py [--json FILE] [--rounds N] [--any-cpu] --tools DIRECTORY TINYSUP      DIRECTORY holds cost, serve, get, noop and helper

Reports and never judges, as table.py does, which prints these tables below its own.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS), str(TESTS / "probes")]
import peers  # noqa: E402
from ports import free_port  # noqa: E402
from rig import PYTHON, line_of, running, until_it_listens  # noqa: E402
from test_tls import make_ca, make_certificate  # noqa: E402

PERIOD_MS, STANDING_MS = 100, 10000
GRPC = TESTS / "probes/grpc_server.py"
CURL = "curl -fsS"
LEAST = "raw HTTP, static"

NGINX = """daemon off; master_process off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{ }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type application/json;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
location / {{ return 200 '{{"status":"ok"}}'; }} }} }}
"""

# the supervisor that is asked asks nobody itself: its one check was answered at the start
RESIDENT = 'probes: { readiness: { checks = ( { name = "up"; file: { path = "/"; }; } ); period = "1h"; }; }; ' \
           'log: { level = "error"; }; shutdown: { platform_grace = "1m"; };\n'
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]


def once_contestants(tinysup, tools, http, https, ca):
    """[name, words]; a first word NAME=VALUE is a variable."""
    curl, wget, busybox = "/usr/bin/curl", "/usr/bin/wget", "/bin/busybox"
    probe, url = [tinysup, "--probe"], f"http://127.0.0.1:{http}/"
    secure = f"https://127.0.0.1:{https}/"
    return [
        ("empty program, static", [tools / "noop"]),
        (LEAST, [tools / "get", http]),
        ("--probe (supervisor)", probe),
        ("--probe --json (supervisor)", [*probe, "--json"]),
        ("--probe URL", [*probe, url]),
        ("busybox wget", [busybox, "wget", "-q", "-O-", url]),
        ("wget", [wget, "-q", "-O-", url]),
        (CURL, [curl, "-fsS", url]),
        ("curl by sh -c, as HEALTHCHECK", ["/bin/sh", "-c", f"curl -fsS {url} || exit 1"]),
        ("--probe https://", [f"SSL_CERT_FILE={ca}", *probe, secure]),
        (CURL + " https://", [curl, "-fsS", "--cacert", ca, secure]),
    ]


def standing_checks(tools, http, https, grpc, ca):
    url = f'url = "http://127.0.0.1:{http}/";'
    return {
        "none": None,
        "http": f"http: {{ {url} }};",
        "http, JSON": f'http: {{ {url} json = ( {{ pointer = "/status"; one_of = [ "ok" ]; }} ); }};',
        "https": f'http: {{ url = "https://127.0.0.1:{https}/"; tls: {{ ca = "{ca}"; }}; }};',
        "grpc": f'grpc: {{ address = "127.0.0.1:{grpc}"; }};',
        "tcp": f'tcp: {{ host = "127.0.0.1"; port = {http}; }};',
        "file": 'file: { path = "/"; };',
        "process": "process: { max_rss = 1000000000; };",
        "exec, static": f'exec = [ "{tools}/noop" ];',
        "exec /bin/true": 'exec = [ "/bin/true" ];',
    }


@contextlib.contextmanager
def servers(tools, folder):
    """The ports of an HTTP, an HTTPS and a gRPC server, which end with the block."""
    with contextlib.ExitStack() as stack:
        make_ca(folder, "ca")
        make_certificate(folder, "ca", "server", "IP:127.0.0.1")
        https, config = free_port(), folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=https))
        nginx = stack.enter_context(running("/usr/sbin/nginx", "-p", folder, "-e", folder / "error.log", "-c", config))
        http = int(line_of(stack.enter_context(running(tools / "serve"))))
        grpc = int(line_of(stack.enter_context(running(PYTHON, GRPC, "127.0.0.1:0", "health"))))
        until_it_listens(nginx, https)
        yield http, https, grpc


def run(command, folder, contestants, seconds):
    """The driver's samples: {name: {what: [values]}}."""
    listed = folder / "contestants"
    listed.write_text("".join("\t".join(map(str, [name, *words])) + "\n" for name, words in contestants))
    done = subprocess.run([str(word) for word in [*command, listed]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=seconds)
    if done.returncode != 0:
        sys.exit(f"the driver ended with {done.returncode}")
    samples = {name: {} for name, _ in contestants}
    for line in done.stdout.splitlines():
        item = json.loads(line)
        samples[item["who"]].setdefault(item["what"], []).append(item["value"])
    return samples


def measure_once(tinysup, tools, folder, ports, rounds):
    """The driver is the app of a tinysup that is process 1: what it starts finds that as any program in a container does."""
    contestants = [(name, words) for name, words in once_contestants(tinysup, tools, *ports[:2], folder / "ca.pem")
                   if os.access(words["=" in str(words[0])], os.X_OK)]
    config = folder / "resident.conf"
    config.write_text(RESIDENT)
    command = [*ALONE, tinysup, "--config", config, "--", tools / "cost", "once", rounds]
    return run(command, folder, contestants, 60 + rounds)


def measure_standing(tinysup, tools, folder, ports, ms):
    """Per check: process 1's own time, and its workers', which is what is left of the namespace's less what is left without checks."""
    contestants = []
    for number, (name, check) in enumerate(standing_checks(tools, *ports, folder / "ca.pem").items()):
        config = folder / f"standing{number}.conf"
        config.write_text(check and f'probes: {{ liveness: {{ checks = ( {{ name = "it"; timeout = "1s"; {check} }} ); '
                                    f'period = "{PERIOD_MS}ms"; }}; }};\n' or "")
        contestants.append((name, [tinysup, "--config", config, "--", tools / "helper", "answer"]))
    samples = {name: {what: values[0] for what, values in found.items()} for name, found in
               run([*ALONE, tools / "cost", "standing", ms], folder, contestants, 60 + ms / 1000).items()}
    rest = samples.pop("none")["rest_us"]
    for found in samples.values():
        found["workers_us"] = (found["rest_us"] - rest) / max(found["checks"], 1)
        found["cpu_us"] = found["first_us"] + found["workers_us"]
    return samples


def summary(values):
    ordered = sorted(values)
    return {"median": statistics.median(ordered), "p90": ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))], "n": len(ordered)}


def measure(tinysup, tools, rounds, cpu, ms=STANDING_MS):
    ours = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="tinysup-bench-") as name:
        folder = Path(name)
        try:
            if cpu is not None:
                os.sched_setaffinity(0, {cpu})
            with servers(tools, folder) as ports:
                once = measure_once(tinysup, tools, folder, ports, rounds)
                standing = measure_standing(tinysup, tools, folder, ports, ms)
        finally:
            os.sched_setaffinity(0, ours)
    once = {name: {what: summary(values) for what, values in found.items()} for name, found in once.items()}
    for found in once.values():
        for title, peer in (("to_curl", CURL), ("to_least", LEAST)):
            if peer in once:
                found[title] = found["cpu_us"]["median"] / once[peer]["cpu_us"]["median"]
    return {"once": once, "standing": standing, "period_ms": PERIOD_MS, "standing_ms": ms, "peers": peers.measure(tinysup, tools, ms)}


def print_tables(costs):
    print("| a check, median / p90 | CPU, ms | of curl | of raw HTTP | wall, ms | page faults |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, found in costs["once"].items():
        cpu, wall = (" / ".join(f"{found[what][which] / unit:.3f}" for which in ("median", "p90"))
                     for what, unit in (("cpu_us", 1e3), ("wall_ns", 1e6)))
        of_curl = f"1/{1 / found['to_curl']:.1f}" if found.get("to_curl", 1) < 0.5 else f"{found.get('to_curl', 0):.2f}"
        print(f"| {name} | {cpu} | {of_curl} | {found['to_least']:.1f} | {wall} | {found['faults']['median']:.0f} |")
    print(f"\nProcess 1 asks every {costs['period_ms']} ms:\n")
    print("| kind | CPU a check, µs | of it process 1 | of it the worker | wake-ups of process 1 | checks |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, found in costs["standing"].items():
        bad = f" ({found['bad']:.0f} failed)" if found["bad"] else ""
        print(f"| {name} | {found['cpu_us']:.0f} | {found['first_us']:.0f} | {found['workers_us']:.0f} | {found['wakeups']:.1f} | "
              f"{found['checks']:.0f}{bad} |")
    print("\nBeside what supervises apps elsewhere:\n")
    peers.print_table(costs["peers"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--ms", type=int, default=STANDING_MS)
    parser.add_argument("--any-cpu", action="store_true")
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("tinysup", type=Path)
    arguments = parser.parse_args()
    cpu = None if arguments.any_cpu else max(os.sched_getaffinity(0))
    costs = measure(arguments.tinysup.resolve(), arguments.tools.resolve(), arguments.rounds, cpu, arguments.ms)
    print_tables(costs)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(costs, indent=1) + "\n")


if __name__ == "__main__":
    main()
