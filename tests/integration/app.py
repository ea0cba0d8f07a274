"""The app under test: `app.py SUBCOMMAND ...`, a function each. It notes what happens to it in files of $TEST_DIR."""
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time

DIRECTORY = os.environ.get("TEST_DIR", ".")
LIBC = ctypes.CDLL(None, use_errno=True)
SYS_RT_SIGPROCMASK, SYS_RT_SIGTIMEDWAIT = {"x86_64": (14, 128), "aarch64": (135, 137)}[os.uname().machine]


def note(name, text):
    with open(os.path.join(DIRECTORY, name), "a") as f:
        f.write(text + "\n")


def ready():
    note("ready", str(os.getpid()))


def exit_with(code):
    """exit CODE"""
    os._exit(int(code))


def die(number):
    """die SIGNAL: of that signal, as the kernel sees it."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [int(number)])
    if int(number) not in (9, 19):
        signal.signal(int(number), signal.SIG_DFL)
    os.kill(os.getpid(), int(number))
    time.sleep(10)


def signals(end="15"):
    """signals [END]: notes every signal of 1 to 64 by number, by raw system calls; ends with 0 after signal END (0: never)."""
    everything = ctypes.c_uint64(2**64 - 1)
    LIBC.syscall(SYS_RT_SIGPROCMASK, 2, ctypes.byref(everything), None, 8)
    ready()
    while True:
        number = LIBC.syscall(SYS_RT_SIGTIMEDWAIT, ctypes.byref(everything), None, None, 8)
        if number > 0:
            note("signals", str(number))
            if number == int(end):
                os._exit(0)


def ignore_term():
    """ignore_term: cannot be stopped but by SIGKILL."""
    for n in (signal.SIGTERM, signal.SIGINT):
        signal.signal(n, signal.SIG_IGN)
    ready()
    while True:
        time.sleep(60)


def plain():
    """plain: dies of SIGTERM, as most programs do."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ready()
    while True:
        time.sleep(60)


def code_on_term(code):
    """code_on_term CODE"""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(int(code)))
    ready()
    while True:
        time.sleep(60)


def ends_when(name, code="0"):
    """ends_when FILE [CODE]: once FILE is there."""
    ready()
    while not os.path.exists(os.path.join(DIRECTORY, name)):
        time.sleep(0.002)
    os._exit(int(code))


def ends_once(name, code="0"):
    """ends_once FILE [CODE]: once FILE is there, which it takes away: the next life stays."""
    ready()
    while not os.path.exists(os.path.join(DIRECTORY, name)):
        time.sleep(0.002)
    os.remove(os.path.join(DIRECTORY, name))
    os._exit(int(code))


def orphans(count, how="plain"):
    """orphans COUNT [ignore]: leaves so many behind, in sessions of their own, then waits for SIGTERM."""
    for _ in range(int(count)):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                if how == "ignore":
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    time.sleep(60)
            os._exit(0)
        os.wait()
    plain()


def zombies(count):
    """zombies COUNT: so many orphans that end at once; then says that it is ready."""
    for _ in range(int(count)):
        if os.fork() == 0:
            if os.fork() == 0:
                os._exit(0)
            os._exit(0)
        os.wait()
    plain()


def daemon():
    """daemon: the parent ends with 0, the daemon stays until SIGTERM, which it notes."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    if os.fork() != 0:
        os._exit(0)

    def term(*_):
        note("daemon", "term")
        os._exit(0)

    signal.signal(signal.SIGTERM, term)
    ready()
    while True:
        time.sleep(60)


def child_of_a_thread():
    """child_of_a_thread: leaves a process behind that ignores SIGTERM; a child of its second thread notes it."""
    def bear():
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, lambda *_: (note("told", "term"), os._exit(0)))
            ready()
        while True:
            time.sleep(60)

    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Thread(target=bear).start()
    while True:
        time.sleep(60)


def forks():
    """forks: on SIGTERM it leaves twenty behind that fork 100 times a second, all of them ignoring SIGTERM, and ends."""
    def term(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(20):
            if os.fork() == 0:
                os.setsid()
                for _ in range(50):
                    if os.fork() == 0:
                        time.sleep(0.05)
                        os._exit(0)
                    time.sleep(0.01)
                time.sleep(60)
                os._exit(0)
        os._exit(0)

    signal.signal(signal.SIGTERM, term)
    ready()
    while True:
        time.sleep(60)


def leader_and_worker():
    """leader_and_worker: the leader dies of SIGTERM, a worker in its group needs a moment after its own."""
    if os.fork() == 0:
        def term(*_):
            note("worker", "begun")
            time.sleep(0.3)
            note("worker", "done")
            os._exit(0)
        signal.signal(signal.SIGTERM, term)
        note("worker", "ready")
        while True:
            time.sleep(60)
    plain()


def status():
    """status: what the kernel says of it."""
    with open("/proc/self/status") as f:
        note("status", f.read())
    note("group", f"{os.getpid()} {os.getpgrp()} {os.getsid(0)} {os.getcwd()}")
    descriptors = []
    for fd in range(3, 256):
        try:
            os.fstat(fd)
            descriptors.append(fd)
        except OSError:
            pass
    note("descriptors", repr(descriptors))
    note("standard", repr([standard(fd) for fd in range(3)]))
    ready()


def standard(fd):
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None


def tell(text):
    """One datagram to $NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))


def notifies(end="term"):
    """notifies [ignore]: sends what lines of the file `say` say, as they come; `child:...` from a child, `fd:...` with one."""
    note("environment", "\n".join(f"{k}={v}" for k, v in os.environ.items() if k.startswith(("NOTIFY", "WATCHDOG"))))
    if end == "ignore":
        signal.signal(signal.SIGTERM, lambda *_: note("term", "came"))
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    said = 0
    ready()
    while True:
        try:
            with open(os.path.join(DIRECTORY, "say")) as f:
                lines = f.read().split("\n")[:-1]
        except OSError:
            lines = []
        for line in lines[said:]:
            say(line.replace("|", "\n"))
            said += 1
        time.sleep(0.002)


def say(line):
    if line == "exit":
        os._exit(3)
    elif line.startswith("child:"):
        if os.fork() == 0:
            os.setsid()
            tell(line[6:])
            time.sleep(0.2)  # a sender that is gone cannot be looked up
            os._exit(0)
    elif line.startswith("fd:"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
            r, w = os.pipe()
            socket.send_fds(s, [line[3:].encode()], [w])
            os.close(w)
            os.read(r, 1)  # as sd_notify_barrier(): until the other end has closed it
            note("barrier", "passed")
    else:
        tell(line)


def lingers():
    """lingers: passes sockets along that take 30 s to close, since their peer reads nothing; whoever closes one last waits."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = socket.create_server(("127.0.0.1", 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    peers = []
    for _ in range(20):
        c = socket.create_connection(server.getsockname())
        peers.append(server.accept())
        c.setblocking(False)
        try:
            while True:
                c.send(b"x" * 65536)
        except BlockingIOError:
            pass
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 30))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
            socket.send_fds(s, [b"STATUS=x"], [c.fileno()])
        threading.Thread(target=c.close, daemon=True).start()
    ready()
    time.sleep(60)


def headless():
    """headless: a child in a session of its own whose first thread ends while another runs on; then exits with 3."""
    note("lives", str(len([p for p in os.listdir("/proc") if p.isdigit() and threads(p) > 1])))
    if os.fork() == 0:
        os.setsid()
        threading.Thread(target=lambda: time.sleep(60)).start()
        LIBC.syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)  # exit: of this thread alone
    time.sleep(0.2)
    os._exit(3)


def threads(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return int(f.read().rsplit(")", 1)[1].split()[17])
    except OSError:
        return 0


def stopped():
    """stopped: stops itself."""
    ready()
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)


if __name__ == "__main__":
    {"exit": exit_with}.get(sys.argv[1], globals().get(sys.argv[1]))(*sys.argv[2:])
