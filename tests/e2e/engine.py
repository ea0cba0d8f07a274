"""A Docker engine of the test's own.

    def setUpModule():
        engine.start()                                     an engine that is missing is an error, never a skip

    class Some(DockerCase):
        def test_it(self):
            c = self.start("python3", "/apps.py", "wait", config="...", options=["--read-only"])
            c.until_log("started"); c.stop(10); c.code()     /test in the container is self.folder here

dockerd runs in a PID and a mount namespace of its own, its data, sockets and cgroups are below names of its own: nothing
that the machine runs is touched, and whatever becomes of the test, all of it dies with the test's process. It has no networks;
with network=True it has bridges, names, published ports and Swarm, in a network namespace of its own: there()
runs a program in it.
"""
import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import images

from harness import LIBC, PR_SET_PDEATHSIG, children, until

COMMAND_SECONDS = 60
CGROUPS = Path("/sys/fs/cgroup")
BOT, SCRATCH = "e2e:bot", "e2e:scratch"

# dash takes in every orphan that the engine leaves; a containerd of the machine's own would be used if it were seen
INSIDE = '[ ! -d /run/containerd ] || mount -t tmpfs none /run/containerd; dockerd "$@" & wait'
# the same by a user who is nobody in particular; its own files stand in for those that an administrator would edit
ROOTLESS = """
[ ! -d /run/containerd ] || mount -t tmpfs none /run/containerd
cd "$ROOT"
printf 'rootless:100000:65536\\n' > sub
{ echo 'rootless:x:1000:1000::/:/bin/sh'; cat /etc/passwd; } > passwd
mount --bind sub /etc/subuid; mount --bind sub /etc/subgid; mount --bind passwd /etc/passwd
mkdir run; chown 1000:1000 . run
export HOME="$ROOT" XDG_RUNTIME_DIR="$ROOT/run" PATH="$PATH:/usr/sbin:/sbin"
setpriv --reuid 1000 --regid 1000 --clear-groups rootlesskit --net=host --copy-up=/etc --copy-up=/run --propagation=rprivate \\
    --state-dir="$ROOT/run/kit" sh -c 'rm -f /run/docker /run/containerd /run/xtables.lock; exec dockerd --rootless "$@"' sh "$@" & wait
"""
REMAP = 200000      # where the container's root begins with remap=True
REMAPPED = f'printf "nobody:{REMAP}:65536\\n" > "$ROOT/sub"; mount --bind "$ROOT/sub" /etc/subuid; mount --bind "$ROOT/sub" /etc/subgid; ' + INSIDE

the_engine = None


class Engine:
    def __init__(self, *options, network=False, rootless=False, remap=False):
        dockerd = shutil.which("dockerd", path=os.environ["PATH"] + ":/usr/sbin")
        if dockerd is None or os.geteuid() != 0:
            raise RuntimeError("these tests need root and dockerd (Debian: docker.io); they are not skipped")
        beside = Path(dockerd).parent.parent / "bin/docker"     # the client that came with it
        self.client = str(beside) if beside.exists() else "docker"
        self.root = Path(tempfile.mkdtemp(prefix="tinysup-e2e-"))
        self.cgroup = self.root.name
        atexit.register(self.close)
        (self.root / "daemon.json").write_text("{}")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")}
        self.environment |= {"DOCKER_HOST": f"unix://{self.root}/sock", "DOCKER_CONFIG": f"{self.root}/client", "DOCKER_BUILDKIT": "0"}
        words = ["--config-file", self.root / "daemon.json", "--data-root", self.root / "data", "--exec-root", self.root / "exec",
                 "--pidfile", self.root / "pid", "-H", f"unix://{self.root}/sock", "--log-level=warn", "--raw-logs", *options]
        if rootless:
            words += ["--storage-driver=vfs"]
        else:
            words += ["--cgroup-parent", f"/{self.cgroup}", "--exec-opt", "native.cgroupdriver=cgroupfs"]
        if remap:
            self.root.chmod(0o711)
            words += ["--userns-remap=nobody:nogroup"]
        if not network:
            words += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", *(["--net"] if network else [])]
        script = ROOTLESS if rootless else REMAPPED if remap else INSIDE
        self.log = self.root / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", *namespaces, "sh", "-c", ("ip link set lo up; " if network else "") + script, "sh", *map(str, words)],
                env=os.environ | {"ROOT": str(self.root)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        until(self.answers, f"dockerd answers; {self.log}", 60)

    def answers(self):
        if self.docker("version", check=False).returncode == 0:
            return True
        if self.daemon() is None and self.process.poll() is not None:
            raise RuntimeError(f"dockerd ended: {self.log.read_text()}")
        return False

    def daemon(self):
        """dockerd's pid."""
        for shell in children(self.process.pid):
            for pid in children(shell):
                return pid
        return None

    def there(self, *words, **options):
        """A program of this machine in the engine's network, which is gone with the test: a process to talk to."""
        return subprocess.Popen(["nsenter", "--net", "--target", str(self.daemon()), *map(str, words)],
                                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **options)

    def command(self, *words):
        return [self.client, *map(str, words)]

    def docker(self, *words, check=True, seconds=COMMAND_SECONDS, **options):
        """stdout and stderr are one, but where the container's id is printed: the client may warn after it."""
        apart = words[0] == "create" or "--detach" in words
        done = subprocess.run(self.command(*words), env=self.environment, stdin=options.pop("stdin", subprocess.DEVNULL),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE if apart else subprocess.STDOUT,
                              text=True, errors="replace", timeout=seconds, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, words))}: {done.returncode}: {done.stdout[-3000:]}{done.stderr or ''}")
        return done

    def compose(self, project, *words, check=True, seconds=COMMAND_SECONDS, **options):
        """docker-compose on the project in a folder, which is its name, too."""
        done = subprocess.run(["docker-compose", "--ansi", "never", *map(str, words)], cwd=project, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds, check=False, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"docker-compose {' '.join(map(str, words))}: {done.returncode}: {done.stdout[-3000:]}")
        return done

    def image(self, tag, dockerfile, **files):
        """Builds one; files: name -> where it is here."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            Path(folder, "Dockerfile").write_text(dockerfile)
            for name, source in files.items():
                (shutil.copytree if Path(source).is_dir() else shutil.copy)(source, Path(folder, name))
            self.docker("build", "--network", "none", "--tag", tag, folder)

    def imported(self, tag, tar):
        if self.docker("image", "inspect", tag, check=False).returncode != 0:
            self.docker("import", tar(), tag, seconds=300)
        return tag

    def base(self):
        """Debian with Python."""
        return self.imported(images.BASE, images.base_tar)

    def apps(self):
        """Debian with what examples run: uvicorn, gunicorn, nginx, Redis, PostgreSQL, Node."""
        return self.imported(images.APPS, images.apps_tar)

    def close(self):
        if self.process is None:
            return
        for state in CGROUPS.glob(f"freezer/{self.cgroup}/*/freezer.state"):
            state.write_text("THAWED")      # what is frozen cannot be killed
        for shell in children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(shell, signal.SIGKILL)      # process 1 of the namespace: nothing outlives it
        self.process.wait(60)
        self.process = None
        for hierarchy in (CGROUPS, *CGROUPS.glob("*/")):
            for folder, _, _ in os.walk(hierarchy / self.cgroup, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        shutil.rmtree(self.root, ignore_errors=True)

    process = None


def interrupt(*_):
    raise KeyboardInterrupt     # unittest takes anything else for a test's own


def start(*options, bot=True, cleanup=unittest.addModuleCleanup, **kind):
    """For setUpModule: the engine, with the images that tests use. For setUpClass: cleanup=cls.addClassCleanup."""
    global the_engine
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    the_engine = Engine(*options, **kind)
    cleanup(the_engine.close)
    the_engine.image(SCRATCH, "FROM scratch\nCOPY . /sbin/\nENTRYPOINT [\"/sbin/tinysup\"]\n", tinysup=images.static_binary(),
                     idle=images.idle_binary())
    if bot:
        the_engine.image(BOT, f"FROM {the_engine.base()}\nCOPY . /\nCOPY tinysup /sbin/tinysup\nENV PYTHONDONTWRITEBYTECODE=1\n"
                              "ENTRYPOINT [\"/sbin/tinysup\"]\n", tinysup=images.static_binary(), paper=images.ROOT / "tests/paper",
                         **{"apps.py": Path(__file__).parent / "apps.py", "app.py": images.ROOT / "tests/integration/app.py"})
    return the_engine


class Container:
    def __init__(self, *words):
        self.id = the_engine.docker("run", "--detach", *words).stdout.split()[-1]

    def remove(self):
        the_engine.docker("rm", "--force", "--volumes", self.id, check=False)

    def inspect(self, what):
        return json.loads(the_engine.docker("inspect", "--format", f"{{{{json .{what}}}}}", self.id).stdout)

    def log(self):
        return the_engine.docker("logs", self.id).stdout

    def until_log(self, text):
        return until(lambda: text in self.log(), f"the log has {text!r}; it has {self.log()}")

    def execute(self, *words, options=(), check=True):
        return the_engine.docker("exec", *options, self.id, *words, check=check)

    def kill(self, name):
        the_engine.docker("kill", "--signal", name, self.id)

    def stop(self, seconds):
        """docker stop --time; how long that took."""
        begun = time.monotonic()
        the_engine.docker("stop", "--time", seconds, self.id)
        return time.monotonic() - begun

    def start(self):
        the_engine.docker("start", self.id)

    def code(self, seconds=40):
        """The exit code, once it has ended."""
        return int(the_engine.docker("wait", self.id, seconds=seconds).stdout)

    def processes(self):
        """pid here -> pid in there, of all its processes."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.id in (folder / "cgroup").read_text():
                    found[int(folder.name)] = int((folder / "status").read_text().split("NSpid:")[1].split("\n")[0].split()[-1])
        return found

    def first(self):
        """Process 1's pid here."""
        return next(here for here, there in self.processes().items() if there == 1)


def seconds_until_gone(pid, what, most=40):
    """Does `what`, and waits for the end of a process that is no child of ours."""
    with os.fdopen(os.pidfd_open(pid)) as handle:
        begun = time.monotonic()
        what()
        if not select.select([handle], [], [], most)[0]:
            raise AssertionError(f"{pid} is still there after {most} s")
        return time.monotonic() - begun


class DockerCase(unittest.TestCase):
    NETWORK = "host"

    def setUp(self):
        super().setUp()
        self.shared = Path(tempfile.mkdtemp(prefix="shared-", dir=the_engine.root))
        self.shared.chmod(0o777)

    def start(self, *words, config=None, options=(), image=BOT):
        given = ["--network", self.NETWORK, "--volume", f"{self.shared}:/test", "--env", "TEST_DIR=/test"]
        if config is not None:
            (self.shared / "conf").write_text(config)
            given += ["--env", "TINYSUP_CONFIG=/test/conf"]
        container = Container(*given, *options, image, *words)
        self.addCleanup(container.remove)
        return container

    def once(self, *words, options=(), image=BOT):
        """A container that ends by itself: its exit code and what it said."""
        done = the_engine.docker("run", "--rm", "--network", self.NETWORK, *options, image, *words, check=False)
        return done.returncode, "".join(line for line in done.stdout.splitlines(True) if not line.startswith("WARNING: Localhost DNS"))

    def file(self, name):
        path = self.shared / name
        return path.read_text() if path.exists() else ""

    def until_file(self, name, text=""):
        return until(lambda: (self.shared / name).exists() and text in self.file(name), f"{name} has {text!r}")
