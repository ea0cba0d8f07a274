"""Dockerfile.example builds, from a base system to an image that runs, and is what it promises."""
import os
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import engine
import images
from engine import DockerCase, until
from images import KEPT, ROOT

IMAGE, BUILDER = "e2e:example", "e2e:example-build"
BUILD_SECONDS = 700
LIBRARIES = "/src/build-static/deps"    # where the first stage has them


def build_image(e, kept):
    """Debian; with the libraries of an earlier run, where there are any: deps.sh knows whether they are still the right ones."""
    if not kept.exists():
        return e.base()
    e.image("e2e:build-base", f"FROM {e.base()}\nADD deps.tar {Path(LIBRARIES).parent}/\n", **{"deps.tar": kept})
    return "e2e:build-base"


def tools(manifest):
    """The compiler and what goes with it; the kernel's headers leave no trace."""
    return [line for line in manifest.splitlines() if line.startswith("tool ") and "linux-libc-dev" not in line]


def setUpModule():
    global COMMIT, OURS
    binary = images.static_binary()
    COMMIT, OURS = re.search("^commit (.*)", images.run(binary, "--version"), re.M)[1], binary.read_bytes()
    e = engine.start(bot=False)
    kept = KEPT / "deps.tar"
    words = ["--network", "host", "--build-arg", f"BUILD_IMAGE={build_image(e, kept)}", "--build-arg", f"RUNTIME_IMAGE={e.base()}",
             "--build-arg", f"COMMIT={COMMIT}", "--file", "Dockerfile.example", "."]
    e.docker("build", "--target", "tinysup", "--tag", BUILDER, *words, seconds=BUILD_SECONDS, cwd=ROOT)
    e.docker("build", "--tag", IMAGE, *words, seconds=BUILD_SECONDS, cwd=ROOT)
    made = e.docker("create", BUILDER, "none").stdout.strip()
    with open(f"{kept}.new", "wb") as to:
        subprocess.run(e.command("cp", f"{made}:{LIBRARIES}", "-"), env=e.environment, stdout=to, check=True, timeout=60)
    Path(f"{kept}.new").rename(kept)


class Example(DockerCase):
    def test_it_runs_is_healthy_and_stops_in_order(self):
        c = self.start(image=IMAGE, options=("--read-only", "--cap-drop", "ALL", "--health-interval", "1s"))
        until(lambda: c.inspect("State.Health.Status") == "healthy", "it is healthy")
        self.assertEqual(c.execute("id", "-u").stdout, "1000\n")
        self.assertIn("/sbin/tinysup", c.execute("cat", "/proc/1/cmdline").stdout)
        self.assertNotIn("Docker kills after 10 s", c.log())
        self.assertLess(c.stop(35), 10)
        log = c.log()
        self.assertEqual(c.inspect("State.ExitCode"), 0, log)
        places = [log.index(text) for text in ("drain: ok", "stop: ok", "after: everything is saved", "exit code 0")]
        self.assertEqual(places, sorted(places), log)

    def test_what_it_says_of_itself(self):
        code, said = self.once("--version", image=IMAGE)
        self.assertEqual((code, said.splitlines()[1]), (0, f"commit {COMMIT}"))

    def test_nothing_of_the_first_stage_but_the_binary(self):
        c = self.start(image=IMAGE)
        self.assertEqual(c.execute("sh", "-c", "ls /src /usr/bin/make /usr/bin/gcc 2>/dev/null", check=False).stdout, "")
        binary = engine.the_engine.root / "binary"
        engine.the_engine.docker("cp", f"{c.id}:/sbin/tinysup", binary)
        self.assertLess(binary.stat().st_size, 3 << 20)
        self.assertNotIn("INTERP", images.run("readelf", "-lW", binary))
        with tarfile.open(KEPT / "deps.tar") as tar:
            theirs = tar.extractfile("deps/MANIFEST").read().decode()
        if "TINYSUP_STATIC" not in os.environ and tools(theirs) == tools((ROOT / "build-static/deps/MANIFEST").read_text()):
            self.assertTrue(binary.read_bytes() == OURS, "Docker has made other bytes of this tree (or it was edited meanwhile)")

    def test_context_is_the_sources_only(self):
        """.dockerignore, on the tree as it lies here."""
        with tempfile.TemporaryDirectory(dir=engine.the_engine.root) as folder:
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text("FROM scratch\nCOPY . /\n")
            engine.the_engine.docker("build", "--file", dockerfile, "--tag", "e2e:context", ROOT)
            c = engine.the_engine.docker("create", "e2e:context", "none").stdout.strip()
            engine.the_engine.docker("export", "--output", f"{folder}/tar", c)
            with tarfile.open(f"{folder}/tar") as tar:
                names = {member.name.split("/")[0] for member in tar.getmembers()}
        self.assertTrue({"Makefile", "init", ".ci", "tests", "LICENSE"} <= names)
        self.assertFalse([name for name in names if name == ".git" or name.startswith("build")])
