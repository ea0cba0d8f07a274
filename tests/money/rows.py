"""The rows of `make money`: each a way in which the container of a bot with 20 orders and 5 positions ends. ROWS has them, in order.

    @row(NAME)                          NAME(scene, moments) -> scene.result(...)
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness import children, own_loopback, until
from httpd import ask
from memory_limit import MemoryLimit
from scene import ORDERS, POSITIONS, PYTHON, Scene, VenueScene
from test_heartbeats import lease_of

ROWS = []
SEED = int(os.environ.get("MONEY_SEED", "1"))
CANCEL, CLOSE, TRADES = PATHS = ("/orders/cancel-all", "/positions/close-all", "/trades")
GRACE = 10.0


def row(name, kind=Scene):
    def note(function):
        ROWS.append((name, function, kind))
        return function
    return note


# --- stops


@row("stop, 35 s of grace")
def stop(scene, _):
    run = scene.begin()
    code = scene.stop(run)
    scene.expect(scene.is_saved(run), "the state is not saved")
    return scene.result(code, 0)


@row("stop, SIGKILL after 10 s of grace; restart")
def ten_seconds(scene, _):
    """The exchange hangs, so that the chain takes longer; the next start finishes it before the bot trades."""
    run = scene.begin()
    for path in (CANCEL, CLOSE):
        scene.fault("hang", path)
    run.signal("TERM")
    ended = until(lambda: run.process.poll() is not None or time.monotonic() > run.begun + GRACE, "10 s are over")
    scene.expect(ended and run.process.poll() is None, "the chain was through before")
    scene.kill(run)
    scene.expect(scene.summary() == (ORDERS, POSITIONS), "nothing was left to do")
    scene.ask("DELETE", "/faults")
    return scene.result(scene.stop(scene.begin()), 0, ("recovery", "stop"))


@row("SIGTERM twice")
def twice(scene, _):
    return scene.result(scene.stop(scene.begin(), signals=2), 0)


@row("SIGTERM twenty times")
def twenty(scene, _):
    return scene.result(scene.stop(scene.begin(), signals=20), 0)


@row("stop during start-up")
def during_start(scene, _):
    run = scene.start(start='{ name = "slow"; exec = [ "sleep", "20" ]; },')
    run.until_log("slow: started")
    code = scene.stop(run)
    scene.expect(not scene.ask("GET", "/sessions").data, "it went on")
    return scene.result(code, 0, ())


@row("the bot places new orders during the stop")
def places_on(scene, _):
    run = scene.begin(pause="", between='{ name = "late"; sleep = "800ms"; },')
    code = scene.stop(run)
    log = scene.ask("GET", "/log").data
    first = next(i for i, entry in enumerate(log) if entry["path"] == CANCEL)
    scene.expect(any((e["method"], e["path"]) == ("POST", "/orders") for e in log[first:]), "it placed none")
    return scene.result(code, 0)


# --- the app ends by itself


@row("app crash")
def crash(scene, _):
    run = scene.begin()
    run.begun = time.monotonic()
    os.kill(run.app(), signal.SIGKILL)
    return scene.result(scene.end(run), 137, ("crash",))


@row("app hangs")
def hangs(scene, _):
    """Its failed probe shuts it down."""
    run = scene.begin()
    run.until_log("startup: succeeded")     # until then it has 300 rounds
    run.begun = time.monotonic()
    os.kill(run.app(), signal.SIGSTOP)
    return scene.result(scene.end(run), 69, ("unhealthy",))


@row("app crash with a restart policy; stop")
def restarts(scene, _):
    """A restart cancels and leaves positions: that is what this chain says."""
    run = scene.begin(app='restart: { policy = "on-failure"; max = 3; backoff = "100ms"; };')
    os.kill(run.app(), signal.SIGKILL)
    until(lambda: run.out().count("health on") == 2, "it is restarted")
    scene.expect(len(scene.log_of(CANCEL)) == 2, "the restart has not cancelled")
    until(lambda: scene.trades_of(run), "it trades again")
    return scene.result(scene.stop(run), 0)


def leak(run):
    with contextlib.suppress(OSError):
        ask("POST", f"http://127.0.0.1:{run.port}/leak", {"megabytes": 300})


@row("out-of-memory kill of the app")
def app_out_of_memory(scene, _):
    """While the memory of the dead app is not free yet, the kernel may take process 1, too: then the next start finishes it."""
    with MemoryLimit(150) as limit:
        run = scene.begin(setup=limit.enter)
        run.begun = time.monotonic()
        leak(run)
        code = scene.end(run)
        kills = limit.kills()
    scene.expect(kills, "none was killed")
    if kills > 1:
        return scene.result(scene.stop(scene.begin()), 0, ("recovery", "stop"))
    return scene.result(code, 137, ("crash",))


MEMORY_IN_USE = "import sys; kept = b'x' * (60 << 20); print(flush=True); sys.stdin.read()"


@row("out-of-memory kill of the container; restart")
def out_of_memory(scene, _):
    """The kernel takes process 1, and so all of it: it is made the first to go, and the leak is not the larger part of what is in use."""
    with MemoryLimit(150) as limit:
        run = scene.begin(setup=limit.enter)
        Path(f"/proc/{run.pid}/oom_score_adj").write_text("1000\n", encoding="ascii")
        with subprocess.Popen([*PYTHON, "-c", MEMORY_IN_USE], preexec_fn=limit.enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.read(1)
            leak(run)
            run.process.wait(30)
            other.stdin.close()
    scene.expect(scene.summary()[1] == POSITIONS, "its chain has run")
    return scene.result(scene.stop(scene.begin()), 0, ("recovery", "stop"))


# --- the exchange fails


def faulty(scene, kind, times, **settings):
    run = scene.begin()
    for path in PATHS:
        scene.fault(kind, path, times=times, **settings)
    return scene.stop(run)


@row("exchange answers 500, then well")
def server_errors(scene, _):
    return scene.result(faulty(scene, "500", 2), 0)


@row("exchange answers 500 for good; restart")
def server_errors_for_good(scene, _):
    """The shutdown says that it has failed, and leaves the dead man's switch armed; the next start finishes it."""
    run = scene.begin(fires_ms=2000)
    for path in PATHS:
        scene.fault("500", path)
    first = scene.stop(run)
    until(lambda: scene.ask("GET", "/switch").data["fired"], "the switch fires")
    scene.expect(scene.summary() == (0, POSITIONS), "the switch has cancelled nothing")
    scene.ask("DELETE", "/faults")
    return scene.result([first, scene.stop(scene.begin())], [75, 0], ("stop", "stop"))


@row("exchange answers 429 with Retry-After")
def rate(scene, _):
    code = faulty(scene, "429", 1, seconds=1)
    first, second, *_ = [entry["monotonic"] for entry in scene.log_of(CLOSE)]
    scene.expect(second - first >= 1, "it has not waited")
    return scene.result(code, 0)


@row("exchange hangs")
def silence(scene, _):
    return scene.result(faulty(scene, "hang", 1), 0)


@row("exchange loses replies")
def lost_replies(scene, _):
    code = faulty(scene, "lost-reply", 1)
    scene.expect([entry["replayed"] for entry in scene.log_of(TRADES)] == [False, True], "the trade was not repeated under its key")
    return scene.result(code, 0)


@row("a bot on ccxt at OKX, signed; stop", VenueScene)
def ccxt(scene, _):
    return scene.result(scene.stop(scene.begin()), 0)


def refuses(scene, refuse, relent):
    """The first stop fails and tells somebody, so that the recovery need not; once the exchange relents, the next start finishes it."""
    run = scene.begin()
    refuse()
    first = scene.stop(run)
    scene.expect(scene.summary()[1] == POSITIONS, "it was not refused")
    relent()
    return scene.result([first, scene.stop(scene.begin())], [75, 0], ("stop", "stop"))


@row("200 with an error inside (OKX); restart", VenueScene)
def errors_inside(scene, _):
    return refuses(scene, lambda: scene.ask("/say", {"what": "refused", "times": 10 ** 6}), lambda: scene.ask("/say", {"what": "refused", "times": 0}))


@row("exchange refuses the clock (OKX); restart", VenueScene)
def clock(scene, _):
    return refuses(scene, lambda: scene.ask("/clock", {"ahead": 3600}), lambda: scene.ask("/clock", {"ahead": 0}))


@row("DNS dead; restart")
def no_names(scene, _):
    """A server that never answers; the next start has the name in /etc/hosts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((own_loopback(), 53))
        files = {"resolv.conf": f"nameserver {server.getsockname()[0]}\n", "hosts": "127.0.0.1 localhost\n"}
        wrap = ["sh", "-c", "".join(f"mount --bind {scene.path(name)} /etc/{name} && " for name in files) + 'exec "$@"', "sh"]
        url = scene.url.replace("127.0.0.1", "exchange.test")
        parts = {"wrap": wrap, "chain_url": url, "cancel": scene.bot_hook("cancel-orders").replace(scene.url, url)}
        for name, text in files.items():
            Path(scene.path(name)).write_text(text, encoding="ascii")
        run = scene.begin(**parts)
        first = scene.stop(run)
        scene.expect(scene.summary() == (ORDERS, POSITIONS), "the name was resolved")
        Path(scene.path("hosts")).write_text("127.0.0.1 localhost exchange.test\n", encoding="ascii")
        return scene.result([first, scene.stop(scene.begin(**parts))], [75, 0], ("stop", "stop"))


@row("the alert's channel is down")
def deaf_channel(scene, _):
    run = scene.begin()
    ask("POST", scene.sink + "/faults", {"kind": "down"})
    return scene.result(scene.stop(run), 0)


# --- hooks misbehave


@row("an optional hook hangs")
def hook_hangs(scene, _):
    return scene.result(scene.stop(scene.begin(save='exec = [ "sleep", "99" ]')), 0)


@row("a required hook hangs")
def required_hook_hangs(scene, _):
    return scene.result(scene.stop(scene.begin(cancel='exec = [ "sleep", "99" ]')), 75)


@row("a hook ignores SIGTERM and forks")
def hook_forks(scene, _):
    forks = "trap '' TERM INT; setsid sleep 99 & (sleep 98 & sleep 97) & sleep 96"
    return scene.result(scene.stop(scene.begin(cancel=f'exec = [ "sh", "-c", "{forks}" ]')), 75)


# --- SIGKILL


@row("SIGKILL without a restart: dead man's switch")
def no_restart(scene, _):
    """It closes no positions."""
    run = scene.begin(beat="200ms", fires_ms=1500)
    scene.kill(run)
    until(lambda: scene.ask("GET", "/switch").data["fired"], "the switch fires")
    return scene.result([], [], (), positions=POSITIONS)


def kill_everything(process, chance):
    """Process 1 last, or first: the kernel does the rest."""
    pids = children(process.pid)
    below = [pid for first in pids for pid in children(first)]
    chance.shuffle(below)
    for pid in below if chance.random() < 0.5 else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


@row("SIGKILL at random moments; restart")
def random_moments(scene, moments):
    """Of start and recovery, of the run, and of the chain; then one stop in order."""
    chance = random.Random(SEED)
    begun = time.monotonic()
    run = scene.begin()
    lasts = {"start": time.monotonic() - begun}
    scene.stop(run)
    lasts["chain"], scene.slowest, left = run.seconds, None, 0
    for n in range(moments):
        if n % 3 == 0:
            run = scene.start(ready=False)
            time.sleep(chance.uniform(0, 1.5 * lasts["start"]))     # a recovery makes it longer
        elif n % 3 == 1:
            run = scene.begin()     # it trades
        else:
            run = scene.begin()
            run.signal("TERM")
            time.sleep(chance.uniform(0, lasts["chain"]))
        kill_everything(run.process, chance)
        left += any(scene.summary())
        scene.forget(run)
    scene.expect(left > moments / 4, f"of {moments} kills, {left} left anything open: they prove little")
    ask("POST", scene.sink + "/reset")
    run = scene.begin()
    code = scene.stop(run)
    heard = [item["json"]["reason"] for item in ask("GET", scene.sink + "/received").data]
    return scene.result(code, 0, heard[:-1] + ["stop"])


# --- the volume


@contextlib.contextmanager
def volume(scene):
    os.makedirs(scene.state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", scene.state], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", scene.state], check=True)


@row("state volume full; SIGKILL, restart, stop")
def full(scene, _):
    with volume(scene):
        run = scene.begin()
        with contextlib.suppress(OSError), open(os.path.join(scene.state, "fill"), "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        scene.kill(run)
        return scene.result(scene.stop(scene.begin()), 0, ("recovery", "stop"))


@row("state volume read-only; SIGKILL, restart, stop")
def read_only(scene, _):
    with volume(scene):
        scene.kill(scene.begin())
        subprocess.run(["mount", "-o", "remount,ro", scene.state], check=True)
        return scene.result(scene.stop(scene.begin()), 0, ("recovery", "stop"))


# --- two at once


@row("two instances on one volume, both stopped")
def two(scene, _):
    """Each has its own journal. They trade in one account, so they are stopped together."""
    runs = [scene.begin(), scene.start()]
    until(lambda: len(scene.ask("GET", "/sessions").data) == 2 and "health on" in runs[1].out(), "both trade")
    until(lambda: scene.trades_of(runs[1]), "both trade")
    for run in runs:
        run.signal("TERM")
    codes = [scene.end(run) for run in runs]
    slots = sorted(name for name in os.listdir(scene.state) if name.endswith(".journal"))
    scene.expect(slots == ["slot-1.journal", "slot-2.journal"], f"{slots} for two")
    return scene.result(codes, [0, 0], ("stop", "stop"), trades=2, clean=False)


TTL_MS, FIRES_MS = 6000, 3000   # a busy machine takes its time, and the second bot begins after both


@contextlib.contextmanager
def redis(scene):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def before_exec():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)

    server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", scene.folder],
                              stdout=subprocess.DEVNULL, preexec_fn=before_exec)
    try:
        yield port
    finally:
        server.kill()
        server.wait()


@row("two instances with a lease; SIGKILL of the one that trades")
def lease(scene, _):
    """The other one takes over. The switch is not held by the one that waits, so it fires for the one that was killed."""
    with redis(scene) as port:
        def of(name):
            return {"gate": 'while = "live";', "fires_ms": FIRES_MS, "beat": "200ms", "lease": ", " + lease_of(name, port, TTL_MS)}
        one = scene.begin(**of("one"))
        other = scene.start(**of("other"))
        other.until_log("the app starts once it succeeds")
        scene.expect(len(scene.ask("GET", "/sessions").data) == 1, "both trade")
        scene.kill(one)
        until(lambda: len(scene.ask("GET", "/sessions").data) == 2, "the other one takes over")
        session = scene.ask("GET", "/sessions").data[1]
        scene.expect(session["orders"] == 0, f"orders of the first one were open when the second began: {session}")
        until(lambda: scene.trades_of(other), "the other one trades")
        return scene.result(scene.stop(other), 0, clean=False)
