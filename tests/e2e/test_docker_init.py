"""tinysup in the place of Docker's own init: dockerd is told to mount it into every container that is run with --init."""
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import engine
from engine import DockerCase
from images import static_binary


def setUpModule():
    folder = tempfile.mkdtemp(prefix="tinysup-e2e-init-")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    shutil.copy(static_binary(), Path(folder, "docker-init"))
    engine.start("--init-path", f"{folder}/docker-init")


class DockerInit(DockerCase):
    def start(self, *words, options=(), **more):
        return super().start(*words, options=("--init", "--entrypoint", "python3", *options), **more)

    def test_the_engine_knows_it(self):
        components = json.loads(engine.the_engine.docker("version", "--format", "{{json .Server.Components}}").stdout)
        self.assertEqual([c["Version"] for c in components if c["Name"] == "docker-init"], ["0.19.0"])
        self.assertIn("/docker-init", engine.the_engine.docker("info", "--format", "{{.InitBinary}}").stdout)
        self.assertNotIn("failed to parse", engine.the_engine.log.read_text())

    def test_it_is_process_1_and_reads_no_configuration(self):
        c = self.start("/apps.py", "wait", config="nonsense", options=("--user", "1000", "--read-only", "--cap-drop", "ALL"))
        self.until_file("ready")
        self.assertEqual(c.execute("cat", "/proc/1/cmdline").stdout.split("\0")[:3], ["/sbin/docker-init", "--", "python3"])
        self.assertNotEqual(self.file("ready"), "1\n")
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 0)
        self.assertEqual(c.log(), "")

    def test_exit_codes(self):
        def code(*words):
            return self.once(*words, options=("--init", "--entrypoint", ""))[0]
        for number in (0, 1, 77, 255):
            self.assertEqual(code("sh", "-c", f"exit {number}"), number)
        self.assertEqual(code("sh", "-c", "kill -SEGV $$"), 139)
        self.assertEqual(code("sh", "-c", "kill -TERM $$"), 143)
        self.assertEqual(code("/nonexistent"), 127)
        self.assertEqual(code("/etc/passwd"), 126)

    def test_signals(self):
        c = self.start("/app.py", "signals")
        self.until_file("ready")
        sent = [10, 12, 1, 3, 34, 64, 15]
        for number in sent:
            c.kill(number)
            self.until_file("signals", f"{number}\n")
        self.assertEqual(c.code(), 0)
        self.assertEqual(self.file("signals").split(), [str(n) for n in sent])

    def test_stop_of_an_app_that_dies_of_it(self):
        c = self.start("/app.py", "plain")
        self.until_file("ready")
        self.assertLess(c.stop(10), 5)
        self.assertEqual(c.inspect("State.ExitCode"), 143)

    def test_stop_of_an_app_that_is_deaf(self):
        """No deadline is kept under this name: it is Docker that kills."""
        c = self.start("/app.py", "ignore_term")
        self.until_file("ready")
        self.assertGreater(c.stop(1), 0.9)
        self.assertEqual(c.inspect("State.ExitCode"), 137)

    def test_orphans_are_reaped_and_not_waited_for(self):
        c = self.start("/app.py", "zombies", "20")
        self.until_file("ready")
        self.assertEqual(c.execute("sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status", check=False).stdout, "")
        c = self.start("/app.py", "orphans", "3", "ignore")
        self.until_file("ready")
        self.assertLess(c.stop(10), 5)
