"""Dockerfile.example builds, from a base system to an image that runs, and is what it promises."""
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import engine
import images
from engine import DockerCase, until
from images import KEPT, ROOT

IMAGE, BUILDER, COMMIT = "e2e:example", "e2e:example-build", "0123456789ab"
BUILD_SECONDS = 700


def builder_tar():
    """The first stage as it was built last, for --cache-from: its libraries are built again only when .ci changes."""
    ours = hashlib.sha256()
    for path in [ROOT / "Dockerfile.example", images.base_tar(), *sorted(p for p in (ROOT / ".ci").rglob("*") if p.is_file())]:
        ours.update(path.read_bytes() if path.suffix != ".tar" else path.name.encode())
    return KEPT / f"builder-{ours.hexdigest()[:8]}.tar"


def setUpModule():
    e = engine.start(bot=False)
    kept = builder_tar()
    with tempfile.TemporaryDirectory(dir=e.root) as folder:
        # the tree as git has it: the build must not lean on what make left here
        context = Path(folder, "context")
        files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                               stdout=subprocess.PIPE).stdout.decode().rstrip("\0").split("\0")
        for name in files:
            if (ROOT / name).is_file():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, context / name)
        words = ["--network", "host", "--file", context / "Dockerfile.example", "--build-arg", f"BUILD_IMAGE={e.base()}",
                 "--build-arg", f"RUNTIME_IMAGE={e.base()}", "--build-arg", f"COMMIT={COMMIT}", context]
        if kept.exists():
            e.docker("load", "--input", kept, seconds=200)
        e.docker("build", "--target", "tinysup", "--cache-from", BUILDER, "--tag", BUILDER, *words, seconds=BUILD_SECONDS)
        if not kept.exists():
            e.docker("save", "--output", f"{kept}.new", BUILDER, seconds=200)
            for old in KEPT.glob("builder-*.tar"):
                old.unlink()
            Path(f"{kept}.new").rename(kept)
        e.docker("build", "--tag", IMAGE, *words, seconds=BUILD_SECONDS)


class Example(DockerCase):
    def test_it_runs_is_healthy_and_stops_in_order(self):
        c = self.start(image=IMAGE, options=("--read-only", "--cap-drop", "ALL", "--health-interval", "1s"))
        until(lambda: c.inspect("State.Health.Status") == "healthy", "it is healthy", 30)
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

    def test_a_binary_like_ours(self):
        """Small, static, and nothing of the first stage but it."""
        history = engine.the_engine.docker("history", "--no-trunc", "--format", "{{.Size}} {{.CreatedBy}}", IMAGE).stdout
        binary = engine.the_engine.root / "binary"
        c = self.start(image=IMAGE)
        engine.the_engine.docker("cp", f"{c.id}:/sbin/tinysup", binary)
        self.assertLess(binary.stat().st_size, 3_000_000, history)
        self.assertNotIn("INTERP", subprocess.run(["readelf", "-lW", binary], check=True, stdout=subprocess.PIPE, text=True).stdout)
        self.assertNotIn("build-essential", c.execute("sh", "-c", "ls /usr/share/doc; ls /src", check=False).stdout)

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


if __name__ == "__main__":
    unittest.main()
