"""Process 1: signals, exit codes, orphans, descriptors."""
import ctypes
import errno
import os
import re
import signal
import struct
import subprocess

from binaries import tinysup
from harness import APP, Case, LIBC, PLAIN, children, run, until

BINARIES = ("plain", "sealed", "sanitized")
FORWARDABLE = [n for n in range(1, 65) if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]


PIDFD_SEND_SIGNAL, PIDFD_OPEN = 424, 434


def refuse(number):
    """That system call fails with EPERM, as by an engine's filter: load the number; is it this one? return the error; allow."""
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | errno.EPERM), (0x06, 0, 0, 0x7fff0000)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filters))
    PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
    if LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0:
        raise OSError("no filter of system calls")


def lines(text):
    return [int(x) for x in text.split()]


class ExitCodes(Case):
    def test_every_code_comes_through(self):
        for code in range(256):
            with self.subTest(code=code):
                got = subprocess.run(["timeout", "20", "unshare", "-pf", "--kill-child", tinysup(), "sh", "-c", f"exit {code}"],
                                     stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
                self.assertEqual(got, code)

    def test_death_by_every_signal_is_128_plus_n(self):
        for n in FORWARDABLE:
            if n in (signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH):
                continue  # these kill nobody
            with self.subTest(signal=n):
                got = subprocess.run(["timeout", "20", "unshare", "-pf", "--kill-child", tinysup(), "sh", "-c",
                                      f"ulimit -c 0; kill -{n} $$; sleep 9"], stdin=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL).returncode
                self.assertEqual(got, 128 + n)

    def test_not_found_is_127(self):
        code, _, log = run("/nonexistent/program")
        self.assertEqual(code, 127)
        self.assertIn("cannot execute /nonexistent/program: No such file or directory", log)

    def test_not_executable_is_126(self):
        self.assertEqual(run("/etc/passwd")[0], 126)

    def test_e_makes_a_code_zero(self):
        self.assertEqual(run("-e", "3", "-e", "143", "sh", "-c", "exit 3")[0], 0)
        self.assertEqual(run("-e", "3", "sh", "-c", "exit 4")[0], 4)

    def test_usage_is_64(self):
        for words in (["--nonsense"], ["-Z"], ["-e", "256", "true"], ["-p", "FOO", "true"], ["-e"], []):
            with self.subTest(words=words):
                code, _, log = run(*words)
                self.assertEqual(code, 64)
                self.assertIn("; see --help\n", log)

    def test_options_end_at_the_first_word(self):
        code, out, _ = run("sh", "-c", "echo -E x")
        self.assertEqual((code, out), (0, "-E x\n"))
        self.assertEqual(run("--", "--", "true")[0], 127)


class Forwarding(Case):
    def test_every_signal_is_forwarded(self):
        s = self.app("signals", "0")
        for n in FORWARDABLE:
            if n == signal.SIGTERM:
                continue
            s.signal(n)
            s.until_file("signals", f"\n{n}\n" if n > 1 else "1\n")
        self.assertEqual(lines(s.file("signals")), [n for n in FORWARDABLE if n != signal.SIGTERM])
        s.signal(signal.SIGTERM)
        s.until_file("signals", "\n15\n")

    def test_real_time_signals_queue(self):
        s = self.app("signals")
        for _ in range(50):
            s.signal(40)
        until(lambda: s.file("signals").count("40") == 50, "50 signals")

    def test_a_stop_signal_before_exec_stops(self):
        for _ in range(20):
            s = self.start("--", "sleep", "60", ready=False)
            s.pid = s.find(s.binary.decode())
            s.signal("TERM")
            self.assertEqual(s.wait(10), 143)

    def test_rewrite(self):
        s = self.app("signals", options=["-r", "HUP:USR1", "-r", "12:0"])
        s.signal("HUP")
        s.until_file("signals", "10")
        s.signal("USR2")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(lines(s.file("signals")), [10, 15])

    def test_group_gets_it(self):
        s = self.start("-g", "--", "sh", "-c", 'trap : TERM; sh -c "trap \'echo inner > $TEST_DIR/inner; exit\' TERM; '
                       'echo > $TEST_DIR/ready; while :; do sleep 0.05; done"')
        s.until_file("ready")
        s.signal("TERM")
        s.until_file("inner", "inner")

    def test_child_alone_gets_it_by_default(self):
        s = self.app("signals")
        s.signal("USR1")
        s.until_file("signals", "10")

    def test_its_mask_and_dispositions_are_what_tinysup_was_given(self):
        def setup():
            signal.pthread_sigmask(signal.SIG_SETMASK, [signal.SIGUSR1, signal.SIGTTOU])
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)

        s = self.start("--", "grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status", setup=setup, ready=False, first=False)
        self.assertEqual(s.wait(), 0)
        masks = dict(line.split(":\t") for line in s.out().splitlines())
        blocked, ignored = int(masks["SigBlk"], 16), int(masks["SigIgn"], 16)
        self.assertEqual(blocked, 1 << 9 | 1 << 21)
        self.assertEqual(ignored, 1 << 0 | 1 << 16)

    def test_a_log_nobody_reads_any_more_sends_the_app_no_sigpipe(self):
        read, write = os.pipe()
        s = self.app("signals", stderr=write, options=["-vvv"])
        os.close(write)
        os.close(read)
        s.signal("USR1")
        s.until_file("signals", "10")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertEqual(lines(s.file("signals")), [10, 15])


class Orphans(Case):
    DEADLINE = 'shutdown: { deadline = "3s"; platform_grace = "10s"; chain = ( { name = "stop"; stop: {  }; } ); };'

    def test_500_are_reaped_and_ended(self):
        s = self.app("orphans", "500")
        self.assertGreaterEqual(len(children(s.pid)), 500)
        s.signal("TERM")
        self.assertEqual(s.wait(), 143)
        self.assertLess(s.seconds, 10)

    def test_zombies_do_not_stay(self):
        s = self.app("zombies", "300")
        until(lambda: len(children(s.pid)) == 1, "only the app is left")

    def test_those_that_ignore_sigterm_are_killed_within_the_deadline(self):
        s = self.app("orphans", "20", "ignore", piped=True, config=self.DEADLINE)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertLess(s.lasted(), 3)
        self.assertGreater(s.lasted(), 2)

    def test_a_daemon_is_told(self):
        s = self.start("--", *APP, "daemon")
        self.assertEqual(s.wait(), 0)
        # it may be told before it can listen; what matters is that nobody waited for it
        self.assertIn(s.file("daemon"), ("", "term\n"))

    def test_descendants_are_swept_where_it_is_not_process_1(self):
        for how, wrap, setup in (("by lists of children", (), None),
                                 ("pidfd_open() is refused", (), lambda: refuse(PIDFD_OPEN)),
                                 ("pidfd_send_signal() is refused", (), lambda: refuse(PIDFD_SEND_SIGNAL)),
                                 ("in all of /proc",
                                  ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc/$$/task && exec "$@"', "sh"], None)):
            with self.subTest(how), subprocess.Popen(["sleep", "60"]) as other:
                self.addCleanup(other.kill)
                s = self.app("orphans", "20", first=False, wrap=wrap, setup=setup)
                orphans = [p for p in children(s.pid) if p != s.app()]
                self.assertEqual(len(orphans), 20)
                s.signal("TERM")
                self.assertEqual(s.wait(), 143)
                until(lambda: not any(os.path.exists(f"/proc/{p}") for p in orphans), "they are gone")
                self.assertIsNone(other.poll())  # nobody else on the machine was touched
                other.kill()

    def test_the_child_of_a_thread_is_told(self):
        for first in (True, False):
            with self.subTest(first=first):
                s = self.app("child_of_a_thread", config=self.DEADLINE, first=first, piped=True)
                s.signal("TERM")
                self.assertEqual(s.wait(), 0)
                self.assertEqual(s.file("told"), "term\n")

    def test_it_does_not_look_at_the_others_of_a_machine(self):
        """There may be thousands, and a look at each may take longer than the deadline leaves."""
        self.app("orphans", "300")
        s = self.app("orphans", "5", "ignore", first=False, piped=True, config=self.DEADLINE)

        def reads():
            return int(re.search(r"^syscr: (\d+)$", open(f"/proc/{s.pid}/io", encoding="ascii").read(), re.M)[1])

        before = reads()
        s.signal("TERM")
        s.until_log("sending SIGTERM to leftover processes: python3")
        self.assertLess(reads() - before, 300)
        self.assertEqual(s.wait(), 0)

    def test_w_warns(self):
        s = self.app("zombies", "1", options=["-w"])
        s.until_log("Reaped zombie process with pid=")

    def test_forks_during_shutdown_do_not_escape(self):
        for first in (True, False):
            with self.subTest(first=first):
                s = self.app("forks", config=self.DEADLINE, first=first, piped=True)
                s.signal("TERM")
                self.assertEqual(s.wait(), 0)
                self.assertLess(s.lasted(), 3)


class Descriptors(Case):
    def test_nothing_of_ours_leaks(self):
        s = self.start("--", *APP, "status", ready=False)
        self.assertEqual(s.wait(), 0)
        self.assertEqual(s.file("descriptors"), "[]\n")
        pid, group, _, _ = s.file("group").split(maxsplit=3)
        self.assertEqual(pid, group)

    def test_inherited_descriptors_reach_the_app(self):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        with subprocess.Popen(["timeout", "20", tinysup(), "sh", "-c", f"echo hello > /proc/self/fd/{write}"], pass_fds=[write]) as p:
            os.close(write)
            self.assertEqual(os.read(read, 10), b"hello\n")
            self.assertEqual(p.wait(), 0)
        os.close(read)

    def test_standard_descriptors_are_untouched(self):
        s = self.start("--", *APP, "status", ready=False)
        s.wait()
        self.assertEqual(s.file("standard"),
                         repr([os.stat("/dev/null").st_ino, s.stdout.stat().st_ino, s.stderr.stat().st_ino]) + "\n")

    def test_closed_standard_descriptors(self):
        def setup():
            os.closerange(0, 3)

        for words in (["status"], ["exit", "5"]):
            s = self.start("--", *APP, *words, setup=setup, ready=False, first=False, stdin=None)
            self.assertEqual(s.wait(), 5 if words[0] == "exit" else 0)

    def test_a_reader_of_stderr_that_never_reads(self):
        read, write = os.pipe()
        s = self.start("--", "sh", "-c", "echo > $TEST_DIR/ready; sleep 60", stderr=write,
                       config='shutdown: { deadline = "8s"; platform_grace = "20s"; chain = ('
                              ' { name = "flood"; exec = [ "sh", "-c", "yes | head -c 3000000" ]; timeout = "5s"; },'
                              ' { name = "stop"; stop: { timeout = "2s"; }; } ); };')
        s.until_file("ready")
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)
        self.assertLess(s.seconds, 6)
        os.close(read)
        os.close(write)


class Surroundings(Case):
    def test_not_root_and_read_only_root(self):
        # ASan's run-time wants a /proc it can read: this and the next one take the plain build
        s = self.start("--", "sh", "-c", "touch /x 2>/dev/null || exit 7", ready=False, binary=PLAIN,
                       wrap=["unshare", "--mount", "sh", "-c",
                             'mount --bind / /mnt && mount -o remount,bind,ro /mnt && exec chroot --userspec=65534:65534 /mnt "$@"',
                             "sh"])
        self.assertEqual(s.wait(), 7)

    def test_no_proc(self):
        s = self.start("--", "sh", "-c", "ls /proc | grep -c . ; trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done",
                       wrap=["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"], ready=False, binary=PLAIN)
        until(lambda: "up" in s.out(), "the app runs")
        below = until(lambda: children(s.process.pid) and children(children(s.process.pid)[0]), "process 1")
        os.kill(below[0], signal.SIGTERM)
        self.assertEqual(s.wait(), 3)
        self.assertEqual(s.out().split()[0], "0")

    def test_ignored_sigterm_is_killed_at_the_deadline(self):
        s = self.app("ignore_term", config='shutdown: { deadline = "3s"; kill_reserve = "1s"; platform_grace = "10s"; };')
        s.signal("TERM")
        self.assertEqual(s.wait(), 137)
        self.assertLess(s.seconds, 3)
        self.assertGreater(s.seconds, 1.5)

    def test_sigint_starts_no_deadline_without_a_chain(self):
        s = self.app("signals", "15", config='shutdown: { deadline = "1s"; platform_grace = "10s"; };')
        s.signal("INT")
        s.until_file("signals", "2")
        with self.assertRaises(subprocess.TimeoutExpired):
            s.process.wait(1.5)
        s.signal("TERM")
        self.assertEqual(s.wait(), 0)

    def test_user_directory_umask_environment(self):
        s = self.start("--", "sh", "-c", "id -u; id -g; pwd; umask; echo $A $HOME; cat /proc/self/status | grep ^Groups",
                       config='app: { user = "65534:65533"; directory = "/usr"; umask = "027"; environment: { A = "b"; }; };',
                       ready=False)
        self.assertEqual(s.wait(), 0)
        self.assertEqual(s.out().split()[:6], ["65534", "65533", "/usr", "0027", "b", "/nonexistent"])
        self.assertIn("Groups:\t65533", s.out())

    def test_a_stopped_app_is_stopped_in_order(self):
        s = self.app("stopped")
        until(lambda: b"\nState:\tT" in open(f"/proc/{s.app()}/status", "rb").read(), "it is stopped")
        s.signal("TERM")
        self.assertEqual(s.wait(10), 143)

    def test_idle_it_does_not_wake(self):
        s = self.app("plain")

        def switches():
            text = open(f"/proc/{s.pid}/status").read()
            return sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)

        before = switches()
        with self.assertRaises(subprocess.TimeoutExpired):
            s.process.wait(2)
        self.assertEqual(switches(), before)
