"""The examples, built as a user builds them, and run on networks of the engine's own: under docker-compose where they have a compose.yaml.

    class Bot(ExampleCase):
        NAME = "trade-bot"
        def test_it(self):
            self.up(environment={"bot": {"MODEL_SECONDS": "30"}}); bot = self.service("bot")
            self.exchange("GET", "/orders"); self.alerts()         peers.py, which containers reach as exchange, venues and alerts

The folder is copied for each test: what a test writes there is gone with it.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

import engine
import images
from engine import Container
from harness import LIBC, PATIENCE
from harness import until as at_once
from httpd import ask
from peers import PORTS

EXAMPLES = images.ROOT / "examples"
BASE = "e2e:examples"
CLONE_NEWNET = 0x40000000


def until(condition, what, seconds=PATIENCE):
    """Each question is a program of its own: not too many of them."""
    return at_once(lambda: condition() or time.sleep(0.1), what, seconds)


def start(*names):
    """For setUpModule."""
    e = engine.start(bot=False, network=True)
    # what a Dockerfile installs is there: apt-get has nothing to look for, and no network to look in
    e.image(BASE, f"FROM {e.apps()}\nRUN rm -rf /etc/apt/sources.list.d /var/lib/apt/lists/*\n")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(build, names))
    return e


def build(name):
    e = engine.the_engine
    with tempfile.TemporaryDirectory(dir=e.root) as folder:
        context = copy(name, folder)
        shutil.copy(images.static_binary(), context / "tinysup")
        if (context / "app/package.json").exists():
            # what `npm ci` would install, but for what browsers get
            shutil.copytree(images.ROOT / "build/node/node_modules", context / "app/node_modules", ignore=shutil.ignore_patterns("dist"))
        e.docker("build", "--network", "none", "--build-arg", f"RUNTIME_IMAGE={BASE}", "--tag", image_of(context), context, seconds=120)


def image_of(folder):
    """The first one that compose.yaml names is the example's own."""
    compose = folder / "compose.yaml"
    return re.search(r"^ +image: (\S+)", compose.read_text(), re.M)[1] if compose.exists() else folder.name


def copy(name, folder):
    """What git has of it, and nothing that lies beside it."""
    files = images.run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", ".", cwd=EXAMPLES / name).split("\0")
    for file in filter(None, files):
        to = Path(folder, name, file)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / name / file, to)
    return Path(folder, name)


@contextlib.contextmanager
def inside():
    """In the engine's network, this thread alone."""
    with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{engine.the_engine.daemon()}/ns/net") as theirs:
        if LIBC.setns(theirs.fileno(), CLONE_NEWNET) != 0:
            raise OSError("setns")
        try:
            yield
        finally:
            LIBC.setns(ours.fileno(), CLONE_NEWNET)


def reach(method, url, body=None, **options):
    with inside():
        return ask(method, url, body, **options)


class Service(Container):
    def __init__(self, name):      # of one that runs already
        self.id = name

    def address(self):
        return next(n["IPAddress"] for n in self.inspect("NetworkSettings.Networks").values())

    def ask(self, method, port, path, body=None, **options):
        return reach(method, f"http://{self.address()}:{port}{path}", body, **options)

    def until_answer(self, port, path, status=200, seconds=PATIENCE):
        """It answers so."""
        def reply():
            try:
                found = self.ask("GET", port, path)
                return found.status == status and found
            except OSError:
                return None
        return until(reply, f"{self.id} answers {status} to {path}; {self.log()}", seconds)

    def healthy(self, seconds=60):
        return until(lambda: self.inspect("State.Health.Status") == "healthy" or self.inspect("State.Status") == "exited",
                     f"{self.id} is healthy", seconds) and self

    def probe(self, what="--probe"):
        """Exit code and words."""
        done = self.execute("/sbin/tinysup", what, check=False)
        return done.returncode, done.stdout

    def status(self):
        return json.loads(self.execute("/sbin/tinysup", "--status=json").stdout)

    def until_log(self, text, seconds=PATIENCE):
        return until(lambda: text in self.log(), f"the log has {text!r}; it has {self.log()}", seconds)

    def signal_app(self, name):
        """To the app itself; tinysup does not hear of it."""
        self.execute("sh", "-c", f"kill -{name} {self.status()['app']['pid']}", options=["--user", "0"])

    def check(self, name):
        """The last result of a check."""
        return next(c for c in self.status()["checks"] if c["name"] == name)

    def rehearsed(self):
        """What --rehearse finds wrong, here where its peers are."""
        done = self.execute("/sbin/tinysup", "--rehearse", check=False)
        return "" if done.returncode == 0 else done.stdout


class ExampleCase(engine.DockerCase):
    NAME = None
    SECRETS = {}        # file below secrets/ -> text
    FOLDERS = ()        # to bind, for the app's user to write to
    ENV = {}            # .env

    def setUp(self):
        super().setUp()
        self.folder = copy(self.NAME, self.shared)
        for name in self.FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            os.chown(self.folder / name, 1000, 1000)
        for name, text in self.SECRETS.items():
            path = self.folder / "secrets" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text + "\n")
        for example in self.folder.glob(".env*.example"):
            self.assertLessEqual(set(re.findall(r"^(\w+)=", example.read_text(), re.M)), set(self.ENV))
            example.with_suffix("").write_text("".join(f"{name}={value}\n" for name, value in self.ENV.items()))
        self.peers = None

    def serve(self):
        """peers.py, for this test."""
        if self.peers is None:
            with inside():
                self.peers = subprocess.Popen([sys.executable, Path(__file__).with_name("peers.py"), "0.0.0.0"])
            self.addCleanup(self.peers.wait)
            self.addCleanup(self.peers.kill)
            until(self.peers_answer, "the peers serve")

    def peers_answer(self):
        try:
            return [self.peer(name, "GET", "/log") for name in PORTS]
        except OSError:
            return False

    def peer(self, name, method, path, body=None):
        return reach(method, f"http://127.0.0.1:{PORTS[name]}{path}", body).data

    def exchange(self, method, path, body=None):
        return self.peer("exchange", method, path, body)

    def open(self):
        """Orders and positions."""
        return tuple(self.exchange("GET", "/summary").values())

    def alerts(self, path="/"):
        return [a["json"] for a in self.peer("alerts", "GET", "/received") if a["path"].startswith(path)]

    def compose(self, *words, **options):
        return engine.the_engine.compose(self.folder, *words, **options)

    def prepare(self, environment=None, more=None):
        """For compose: what a test adds to services, and the names of the peers."""
        self.serve()
        names = yaml.safe_load((self.folder / "compose.yaml").read_text())["services"]
        services = {name: {"extra_hosts": [f"{peer}:host-gateway" for peer in PORTS]} for name in names}
        for name, settings in (more or {}).items():
            services[name] |= settings
        for name, settings in (environment or {}).items():
            services[name]["environment"] = settings
        (self.folder / "compose.override.yaml").write_text(json.dumps({"services": services}))
        self.addCleanup(self.compose, "down", "--timeout", "0", "--volumes", check=False)

    def up(self, *words, **options):
        self.prepare(**options)
        self.compose("up", "--detach", "--no-build", *words)

    def run_it(self, *options):
        """One container, without compose."""
        container = Container(*(f"--add-host={peer}:host-gateway" for peer in PORTS), *options, self.NAME)
        self.addCleanup(container.remove)
        return Service(container.id)

    def service(self, name, number=1):
        return Service(f"{self.NAME}_{name}_{number}")

    def history(self, folder):
        """The events of the journal in a folder of the example's."""
        text = images.run(images.static_binary(), "--history=1000", "--json", "--state", self.folder / folder)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    @staticmethod
    def steps(events, result="ok"):
        """The steps that ended so, in the order in which they did."""
        return [e["step"] for e in events if e["event"] == "step_end" and e["result"] == result]

    def in_order(self, wanted, found):
        self.assertEqual([name for name in found if name in wanted], list(wanted), found)
