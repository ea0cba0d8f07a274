"""The deadline holds whatever the app, its files and its descriptors do to process 1."""
import os
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness import APP, Case, HERE, PLAIN, run, stat_of, until

BINARIES = ("plain", "sealed", "sanitized")
SIGRTMIN = 34


def config(deadline="4s", more=""):
    return f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {{ name = "stop"; stop: {{ timeout = "2s"; }}; }} ); }}; {more}'


class HostileCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.tools = tempfile.TemporaryDirectory(prefix="tinysup-hostile-")
        cls.program = f"{cls.tools.name}/hostile"
        os.chmod(cls.tools.name, 0o755)
        subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-D_GNU_SOURCE", "-o", cls.program, str(HERE / "hostile.c")], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.tools.cleanup()

    def hostile(self, *words, **options):
        s = self.start("--", self.program, *words, piped=True, **options)
        until(lambda: (s.directory / "ready").exists(), "it is ready", 60)
        return s

    def within_the_deadline(self, s, deadline=4.0):
        self.assertLess(s.lasted() if s.copier else s.seconds, deadline - 0.05, s.log())


class Files(HostileCase):
    def test_a_file_size_limit_of_0(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        self.assertEqual(run("sh", "-c", "exit 3", setup=limit)[0], 3)

    def test_a_log_file_at_its_limit(self):
        """Every line that cannot be written would raise SIGXFSZ, and forwarding that would write a line."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        s = self.start("-vvv", "--", *APP, "ignore_term", setup=limit, config=config())
        s.app()
        s.signal("USR1")
        s.signal("TERM")
        self.assertIn(s.wait(), (0, 138))
        self.within_the_deadline(s)

    def test_a_log_file_on_a_disk_that_hangs(self):
        directory = Path(tempfile.mkdtemp(prefix="tinysup-disk-"))
        image, mount = directory / "image", directory / "mount"
        mount.mkdir()
        with open(image, "wb") as f:
            f.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mount)], check=True)
        try:
            with open(mount / "log", "wb") as log:
                s = self.start("-v", "--", *APP, "plain", stderr=log, config=config())
                s.until_file("ready")
                subprocess.run(["fsfreeze", "-f", str(mount)], check=True)
                try:
                    for _ in range(3):
                        s.signal("USR2" if s.begun is None else "WINCH")
                    s.begun = None
                    s.signal("TERM")
                    # the kernel ends a PID namespace when its last process is gone, and one waits for the disk: what process 1
                    # can do is done once it has let go of its memory
                    until(lambda: not Path(f"/proc/{s.pid}/cmdline").read_bytes(), "it exits")
                    s.seconds = time.monotonic() - s.begun
                finally:
                    subprocess.run(["fsfreeze", "-u", str(mount)], check=True)
                self.within_the_deadline(s)
        finally:
            s.__exit__()
            until(lambda: subprocess.run(["umount", str(mount)], stderr=subprocess.DEVNULL).returncode == 0, "it is unmounted")
            subprocess.run(["rm", "-rf", str(directory)], check=True)

    def test_the_last_line_is_in_the_file(self):
        for _ in range(20):
            _, _, log = run("--", "true", config=config())
            self.assertRegex(log, r"exit code 0, .* after the first stop event\n$")

    def test_the_log_process_is_killed(self):
        """What it had not written is written by the next one, and the app never hears of it."""
        s = self.app("signals", "0", config=config(), options=["-v"])
        for n in range(20):
            s.signal("USR1")
            until(lambda: s.log().count("SIGUSR1 to") > n, "it is forwarded")
            writer = [p for p in Path("/proc").glob("[0-9]*") if name_of(p) == "tinysup-log" and parent_of(p) == s.pid]
            for p in writer:
                os.kill(int(p.name), signal.SIGKILL)
            s.until_file("signals", "10\n" * (n + 1))  # a second one that came before would be the same one
        self.assertEqual(s.log().count("SIGUSR1 to"), 20)


def name_of(process):
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""


def parent_of(process):
    try:
        return int(stat_of(process.name)[1])
    except OSError:
        return 0


class Processes(HostileCase):
    def test_thousands_of_orphans_and_more_all_the_time(self):
        # the kernel needs its time to end so many, the more so where the machine has other work
        s = self.hostile("orphans", "2000", config=config("8s").replace("chain =", 'kill_reserve = "3s"; chain ='))
        s.signal("TERM")
        s.wait(60)
        self.within_the_deadline(s, 8.0)

    def test_a_storm_of_forks(self):
        """It takes nearly all there is of the processors, and none is named or counted in the time that is left."""
        for first in (True, False):
            with self.subTest(first=first):
                s = self.hostile("storm", "30", config=config("3s").replace('"2s"', '"500ms"'), first=first)
                s.signal("TERM")
                s.wait(60)
                self.within_the_deadline(s, 3 + 1)

    def test_a_flood_of_signals_hides_no_stop_signal(self):
        for number in (SIGRTMIN + 3, SIGRTMIN + 20, signal.SIGCHLD):
            with self.subTest(number=number):
                s = self.hostile("flood", str(number), config=config())
                s.signal("TERM")
                self.assertEqual(s.wait(), 0)
                self.within_the_deadline(s)

    def test_a_zombie_that_nobody_reaps_is_not_waited_for(self):
        s = self.hostile("zombie", config=config("20s").replace('"2s"', '"10s"'))
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.within_the_deadline(s, 8)
        self.assertNotIn("SIGKILL", s.log())

    def test_what_is_stopped_is_woken(self):
        for options in ([], ["-g"]):
            with self.subTest(options=options):
                s = self.hostile("stopped", config=config("20s").replace('"2s"', '"8s"'))
                s.signal("TERM")
                self.assertEqual(s.wait(), 0)
                self.within_the_deadline(s, 7)

    def test_hooks_do_not_inherit_descriptors(self):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        chain = config().replace("chain = (", 'chain = ( { name = "look"; exec = [ "sh", "-c", "ls /proc/self/fd > $TEST_DIR/seen" ]; }, ')
        s = self.start("--", "sleep", "60", config=chain, wrap=["sh", "-c", f'exec "$@" 8>&1 9</dev/null', "sh"])
        s.app()
        s.signal("TERM")
        s.wait()
        self.assertEqual(s.file("seen").split(), ["0", "1", "2", "3"])  # 3 is the directory that ls reads
        os.close(read)
        os.close(write)


class Lives(HostileCase):
    RESTART = 'app: { restart: { policy = "on-failure"; max = 3; backoff = "10ms"; backoff_max = "10ms"; }; };'

    def test_nothing_of_an_old_life_meets_the_new_one(self):
        """What left the app's group and session, what ignores SIGTERM: at each start it is alone."""
        look = 'ps -o pid= -C sleep | wc -l >> $TEST_DIR/lives'
        for more in ("", "trap \"\" TERM; "):
            with self.subTest(more=more):
                s = self.start("--", "sh", "-c", f'{look}; {more}setsid sleep 1000 & sleep 0.3; exit 3',
                               config=self.RESTART + 'shutdown: { deadline = "3s"; platform_grace = "60s"; kill_reserve = "1500ms"; };')
                self.assertEqual(s.wait(60), 3)
                self.assertEqual(s.file("lives").split(), ["0"] * 4)
                self.assertIn("leftover processes: sleep (", s.log())

    def test_a_process_without_its_first_thread_is_no_zombie(self):
        s = self.start("--", *APP, "headless", config=self.RESTART)
        self.assertEqual(s.wait(60), 3)
        self.assertEqual(s.file("lives").split(), ["0"] * 4)

    def test_without_proc_the_old_life_is_ended_too(self):
        s = self.start("--", "sh", "-c", "sleep 0.1; kill -0 $(cat $TEST_DIR/old) 2>/dev/null && echo alive >> $TEST_DIR/lives; "
                       "setsid sleep 1000 & echo $! > $TEST_DIR/old; sleep 0.2; exit 3", config=self.RESTART, ready=False, piped=True,
                       wrap=["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"], binary=PLAIN)
        self.assertEqual(s.wait(60), 3)
        self.assertEqual(s.file("lives"), "")

    def test_docker_exec_is_not_the_old_life(self):
        s = self.start("--", "sh", "-c", "sleep 1; exit 3", config=self.RESTART)
        outside = subprocess.Popen(["nsenter", "-t", str(s.pid), "-p", "-m", "sleep", "60"])
        self.addCleanup(outside.wait)
        self.addCleanup(outside.kill)
        s.until_log("restart")
        until(lambda: s.log().count("before restarting") == 2 or "restarting" in s.log(), "a new life")
        self.assertIsNone(outside.poll())

    def test_leftovers_have_5_seconds(self):
        s = self.start("--", "sh", "-c", "trap '' TERM; setsid sleep 600 & echo > $TEST_DIR/ready; while :; do sleep 0.1; done",
                       config=config("30s").replace('"2s"', '"500ms"'))
        s.until_file("ready")
        s.signal("TERM")
        self.assertEqual(s.wait(), 137)
        self.assertLess(s.seconds, 15)
        self.assertGreater(s.seconds, 4)
        self.assertRegex(s.log(), r"SIGTERM to leftover processes: sleep \(\d+\)")
        self.assertRegex(s.log(), r"SIGKILL to leftover processes: sleep \(\d+\)")

    def test_a_group_hears_one_sigterm(self):
        child = "trap 'echo TERM >> $TEST_DIR/heard' TERM; echo > $TEST_DIR/ready; n=0; while [ $n -lt 30 ]; do sleep 0.05; n=$((n+1)); done"
        for options, more in (["-g"], ""), ([], 'app: { signals = "group"; };'):
            with self.subTest(options=options):
                s = self.start(*options, "--", "sh", "-c", f'sh -c "$CHILD" & wait', env={"CHILD": child}, config=more or None)
                s.until_file("ready")
                s.signal("TERM")
                s.wait()
                self.assertEqual(s.file("heard").split(), ["TERM"])


class Messages(HostileCase):
    NOTIFY = 'app: { notify = true; };'

    def test_a_socket_that_lingers(self):
        s = self.app("lingers", config=config(more=self.NOTIFY))
        s.signal("TERM")
        s.wait(60)
        self.within_the_deadline(s)

    def test_a_flood_from_a_deep_tree(self):
        s = self.hostile("deep", "900", config=config(more=self.NOTIFY))
        s.signal("TERM")
        s.wait(60)
        self.within_the_deadline(s)

    def test_the_relay_is_started_again(self):
        s = self.app("notifies", config='app: { notify = true; }; probes: { startup: { checks = ( { name = "f"; file: { path = "/"; }; } ); '
                     'period = "50ms"; failure_threshold = 1000; }; };')

        def relays():
            return [p for p in Path("/proc").glob("[0-9]*") if name_of(p) == "tinysup-notify" and parent_of(p) == s.pid]

        first, = until(relays, "a relay")
        os.kill(int(first.name), signal.SIGKILL)
        until(lambda: relays() not in ([], [first]), "another relay")
        with open(s.directory / "say", "w") as f:
            f.write("READY=1\n")
        s.until_probe(0, "startup")
