"""The HTTP listener under process 1: answered by a child that comes back, to the end of the shutdown."""
import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path

from harness import Case, children, until
from ports import free_port

BINARIES = ("plain", "sealed", "sanitized")
UP = '{ name = "up"; file: { path = "${TEST_DIR}/up"; }; }'
PROBES = f'probes: {{ liveness: {{ checks = ( {UP} ); period = "100ms"; }}; readiness: {{ checks = ( "up" ); period = "100ms"; }}; }}; '
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'
DRAIN = '{ name = "drain"; exec = [ "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.01; done" ]; }'


def chain(*steps):
    return f'shutdown: {{ deadline = "6s"; platform_grace = "60s"; chain = ( {", ".join(steps)} ); }}; '


class Listen(Case):
    def listening(self, config, app=("plain",), **options):
        self.port = free_port()
        s = self.app(*app, config=config + f'listen = "127.0.0.1:{self.port}";', **options)
        s.touch("up")
        return s

    def get(self, path):
        """(status, body); 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def listener(self, s):
        """The child that serves: its only descriptor of ours is the socket."""
        inode = os.stat(f"/proc/{s.pid}/exe").st_ino
        for pid in children(s.pid):
            try:
                if os.stat(f"/proc/{pid}/exe").st_ino == inode and os.readlink(f"/proc/{pid}/fd/3").startswith("socket:"):
                    return pid
            except OSError:
                continue  # a worker that has ended
        return None

    def test_verdicts(self):
        s = self.listening(PROBES)
        until(lambda: self.get("/readyz")[0] == 200, "it is ready")
        self.assertEqual([self.get(p)[0] for p in ("/livez", "/startupz", "/status", "/metrics", "/x")], [200, 200, 200, 200, 404])
        s.remove("up")
        until(lambda: self.get("/readyz") == (503, "up: file: missing\n"), "it is not")
        until(lambda: 'tinysup_healthy{probe="readiness"} 0' in self.get("/metrics")[1], "nor by its metrics")
        # what the app has written is nobody's business on the network
        self.assertEqual({*json.loads(self.get("/status")[1]), "output"}, {*json.loads(s.probe(how="status=json")[1])})

    def test_without_probes(self):
        s = self.listening("")
        until(lambda: self.get("/readyz")[0] == 200, "an app that runs is ready where nobody says what ready is")
        self.assertEqual(s.probe(), (0, "healthy: started, live and ready\n"))  # and that is what everybody hears
        self.assertEqual(self.get(f"http://127.0.0.1:{self.port}/livez")[0], 200)

    def test_it_is_there_before_the_app_says_a_word(self):
        self.listening("app: { notify = true; }; ")
        until(lambda: self.get("/livez")[0] == 200, "nothing else wakes process 1")
        self.assertEqual(self.get("/startupz")[0], 503)

    def test_killed_it_comes_back_and_nobody_is_refused(self):
        s = self.listening(PROBES)
        until(lambda: self.get("/livez")[0] == 200, "it is alive")
        app = s.app()
        for _ in range(3):
            old = until(lambda: self.listener(s), "a listener")
            os.kill(old, signal.SIGKILL)
            with socket.create_connection(("127.0.0.1", self.port), 5):
                pass  # not refused, whenever it is answered
            until(lambda: self.listener(s) not in (None, old), "another one")
            until(lambda: self.get("/livez")[0] == 200, "it answers")
        self.assertEqual(s.app(), app)
        self.assertIn("tinysup_listener_restarts_total 3", self.get("/metrics")[1])

    def test_it_answers_through_the_whole_shutdown(self):
        """Of an app that will not go, too: until it is killed, and to the very end."""
        s = self.listening(PROBES + chain(DRAIN, '{ name = "stop"; stop: { timeout = "700ms"; }; }'), app=("orphans", "3", "ignore"))
        until(lambda: self.get("/readyz")[0] == 200, "it is ready")
        s.signal("TERM")
        s.until_log("drain: started")
        self.assertEqual(self.get("/livez")[0], 200)
        status, body = self.get("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("drain", body)
        for _ in range(3):
            s.signal("TERM")  # those that hurry it
        answers = []
        while s.process.poll() is None:
            answers.append(self.get("/readyz")[0])
            time.sleep(0.02)
        self.assertEqual(s.wait(), 0)
        while answers and answers[-1] == 0:
            answers.pop()  # it is gone
        self.assertGreater(len(answers), 5)
        self.assertEqual(set(answers), {503})

    def test_nothing_waits_for_it(self):
        for config in (PROBES, PROBES + chain(STOP)):
            s = self.listening(config)
            until(lambda: self.get("/livez")[0] == 200, "it is alive")
            s.signal("TERM")
            s.wait()
            self.assertLess(s.seconds, 4)

    def test_nothing_waits_for_it_where_tinysup_is_not_process_1(self):
        s = self.listening(PROBES + chain(STOP), first=False)
        until(lambda: self.get("/livez")[0] == 200, "it is alive")
        listener = until(lambda: self.listener(s), "a listener")
        s.signal("TERM")
        s.wait()
        self.assertLess(s.seconds, 4)
        until(lambda: not Path(f"/proc/{listener}").exists(), "it is gone")

    def test_it_dies_with_its_supervisor(self):
        s = self.listening(PROBES, first=False)
        until(lambda: self.get("/livez")[0] == 200, "it is alive")
        listener = until(lambda: self.listener(s), "a listener")
        os.kill(s.pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{listener}").exists(), "it is gone")

    def test_an_address_that_is_taken_is_tried_on(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
            s = self.app("plain", config=f'listen = "127.0.0.1:{self.port}";')
            s.until_log(f"cannot listen on 127.0.0.1:{self.port}: Address already in use; retrying")
        until(lambda: self.get("/livez")[0] == 200, "it listens")

    def test_it_is_not_root(self):
        self.port = free_port()
        s = self.start("--", "sleep", "100", config=f'app: {{ user = "12345:12345"; }}; listen = "127.0.0.1:{self.port}";')
        until(lambda: self.get("/livez")[0] == 200, "it listens")
        listener = until(lambda: self.listener(s), "a listener")
        status = Path(f"/proc/{listener}/status").read_text()
        self.assertIn("Uid:\t12345\t12345", status)
        self.assertRegex(Path(f"/proc/{listener}/maps").read_text(), "r--s .*/memfd:tinysup")
        self.assertNotRegex(Path(f"/proc/{listener}/maps").read_text(), "rw-s")
        self.assertEqual(sorted(os.listdir(f"/proc/{listener}/fd"), key=int)[:4], ["0", "1", "2", "3"])
