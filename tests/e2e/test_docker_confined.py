"""Engines that grant less: user namespaces, rootless, gVisor, seccomp profiles that refuse what is new. Nothing is missing there.

In each: health by the page, hooks, requests, the journal and what it remembers of a SIGKILL, a stop in order, exit codes.
"""
import json
import shutil

import engine
from engine import SCRATCH, DockerCase, until

CONFIG = """
state_dir = "/test/state";
checks = ( { name = "up"; file: { path = "/test/up"; }; } );
probes: { liveness: { checks = ( "up" ); period = "200ms"; failure_threshold = 2; }; };
shutdown: {
  deadline = "20s"; platform_grace = "30s";
  chain = (
    { name = "tell"; http: { url = "http://127.0.0.1:1/"; }; timeout = "5s"; },
    { name = "stop"; stop: { timeout = "5s"; }; },
    { name = "hook"; exec = [ "/sbin/tinysup", "--version" ]; timeout = "10s"; required = true;
      when = [ "stop", "exit", "crash", "unhealthy", "recovery" ]; }
  );
};
"""
NEW = ("memfd_create", "clone3", "pidfd_open", "pidfd_send_signal", "close_range", "openat2", "faccessat2", "statx", "rseq", "execveat")


class Acceptance:
    """What holds wherever it runs."""
    OPTIONS = ()
    PAGE = True     # the verdict is read from the supervisor

    def up(self):
        (self.shared / "up").touch()
        (self.shared / "up").chmod(0o666)
        c = self.start("--", "/sbin/idle", config=CONFIG, image=SCRATCH, options=self.OPTIONS)
        c.until_log("up: ok")
        return c

    def tinysup(self, c, *words):
        done = c.execute("/sbin/tinysup", *words, check=False)
        return done.returncode, done.stdout

    def test_health(self):
        c = self.up()
        if self.PAGE:
            until(lambda: self.tinysup(c, "--probe") == (0, "healthy: started, live and ready\n"), "it is healthy")
            code, said = self.tinysup(c, "--status")
            self.assertEqual(code, 0, said)
            self.assertRegex(said, "liveness +healthy")
        else:
            self.assertEqual(self.tinysup(c, "--probe")[0], 0)
        (self.shared / "up").unlink()
        until(lambda: self.tinysup(c, "--probe=live")[0] == 1, "it is unhealthy")

    def test_a_stop_in_order(self):
        c = self.up()
        self.assertLess(c.stop(30), 22)
        log = c.log()
        self.assertEqual(c.inspect("State.ExitCode"), 0, log)
        self.assertRegex(log, "(?s)tell: failed after .*connection refused.*stop: ok.*hook: tinysup .*hook: ok.*exit code 0, ")
        self.assertNotRegex(log, "cannot (?!publish)")

    def test_the_next_start_finishes_what_sigkill_left(self):
        c = self.up()
        c.kill("KILL")
        c.code()
        c = self.up()
        c.until_log("hook: ok")
        code, said = self.tinysup(c, "--history")
        self.assertEqual(code, 0, said)
        self.assertIn("killed", said)


class Remapped(Acceptance, DockerCase):
    NETWORK = "none"

    @classmethod
    def setUpClass(cls):
        engine.start(bot=False, remap=True, cleanup=cls.addClassCleanup)

    def test_root_is_nobody_here(self):
        first = self.up().first()
        with open(f"/proc/{first}/status", encoding="ascii") as status:
            self.assertIn(f"\nUid:\t{engine.REMAP}\t", status.read())


class Rootless(Acceptance, DockerCase):
    NETWORK = "none"

    @classmethod
    def setUpClass(cls):
        engine.start(bot=False, rootless=True, cleanup=cls.addClassCleanup)


class GVisor(Acceptance, DockerCase):
    NETWORK = "none"
    OPTIONS = ("--runtime", "runsc")

    @classmethod
    def setUpClass(cls):
        runsc = shutil.which("runsc")
        if runsc is None:
            raise RuntimeError("these tests need gVisor (Debian: runsc); they are not skipped")
        folder = engine.tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, folder)
        wrapper = engine.Path(folder, "runsc")
        wrapper.write_text(f'#!/bin/sh\nexec {runsc} --platform=ptrace --ignore-cgroups --network=none "$@"\n')
        wrapper.chmod(0o755)
        engine.start("--add-runtime", f"runsc={wrapper}", bot=False, cleanup=cls.addClassCleanup)


class Refusing(Acceptance, DockerCase):
    """Refused as a kernel that does not know them does (38), and as an old profile does (1)."""
    ERROR = 38

    @classmethod
    def setUpClass(cls):
        the_engine = engine.start(bot=False, cleanup=cls.addClassCleanup)
        profile = the_engine.root / "profile.json"
        profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {"names": NEW, "action": "SCMP_ACT_ERRNO", "errnoRet": cls.ERROR}]}))
        cls.OPTIONS = ("--security-opt", f"seccomp={profile}")

    PAGE = False    # without memfd_create there is none: --probe asks by itself


class RefusingByPermission(Refusing):
    ERROR = 1
