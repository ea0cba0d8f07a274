"""examples/monitoring: its own tests, and a real Prometheus and Alertmanager that watch a real tinysup come to harm."""
import http.server
import json
import re
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from binaries import ROOT
from harness import Case, until
from ports import free_port
from rig import running, until_it_listens

FOLDER = ROOT / "examples/monitoring"
RULES = FOLDER / "tinysup.rules.yml"
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())


def run(*words, code=0, **options):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False, **options)
    assert code is None or done.returncode == code, done.stdout
    return done


def rules():
    return yaml.safe_load(RULES.read_text())["groups"][0]["rules"]


def queries():
    """(panel, PromQL), as Grafana would ask for all instances."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$instance", ".+").replace("$__rate_interval", "10s").replace("$__interval", "10s")


def is_ready(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


class Files(unittest.TestCase):
    def test_their_own_tools(self):
        run("promtool", "check", "rules", RULES)
        run("promtool", "check", "config", FOLDER / "prometheus.yml")
        run("promtool", "test", "rules", FOLDER / "tinysup.rules.test.yml")
        run("amtool", "check-config", FOLDER / "alertmanager.yml")

    def test_each_rule_and_each_part_of_it_is_tested(self):
        text = RULES.read_text()
        broken = [text.replace(f"alert: {rule['alert']}\n", f"alert: {rule['alert']}Not\n") for rule in rules()]
        broken += [text[:m.start()] + f"({m.group(1)})" + text[m.end():] for m in re.finditer(r"\((.*) unless on \(job, instance\) \(.*?\)\)", text)]
        broken += [text[:m.start()] + "for: 0s" + text[m.end():] for m in re.finditer(r"for: \w+", text)]
        self.assertEqual(len(broken), 9 + 3 + 6)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "test.yml").write_text((FOLDER / "tinysup.rules.test.yml").read_text())
            for rules_text in broken:
                (Path(folder) / "tinysup.rules.yml").write_text(rules_text)
                run("promtool", "check", "rules", "tinysup.rules.yml", cwd=folder)
                self.assertEqual(run("promtool", "test", "rules", "test.yml", code=None, cwd=folder).returncode, 1, rules_text)

    def test_who_is_told(self):
        for labels, receiver in (*((("alertname=tinysup", f"severity={s}"), "pager") for s in ("error", "critical")), (("alertname=tinysup", "severity=info"), "chat"),
                                 *(((f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}"),
                                    {"critical": "pager", "warning": "chat"}[rule["labels"]["severity"]]) for rule in rules())):
            with self.subTest(labels):
                said = run("amtool", "config", "routes", "test", f"--config.file={FOLDER}/alertmanager.yml", *labels).stdout
                self.assertEqual(said.splitlines()[-1], receiver)

    def test_the_manual_knows_every_metric(self):
        manual = (ROOT / "docs/tinysup.conf.5").read_text()
        used = set(re.findall(r"\btinysup_[a-z_]+", RULES.read_text() + "".join(query for _, query in queries())))
        self.assertGreater(len(used), 15)
        known = {name + suffix for name in re.findall(r"tinysup_[a-z_]+", manual) for suffix in ("", "_sum", "_count")}
        self.assertEqual(used - known, set())

    def test_the_dashboard_is_in_order(self):
        panels = DASHBOARD["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
            self.assertEqual({t["datasource"]["uid"] for t in panel["targets"]}, {"${datasource}"})
            self.assertEqual(len({t["refId"] for t in panel["targets"]}), len(panel["targets"]))


class Sink(http.server.ThreadingHTTPServer):
    """A receiver of Alertmanager's: what it was told. A GET is a heartbeat."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def do_POST(self):
            self.server.told += json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.told = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Watched(Case):
    """The files as they are, but for addresses, receivers and the time that they take."""

    def begin(self, folder, sink):
        manager, prometheus, self.target = free_port(), free_port(), free_port()
        config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
        config["receivers"] = [{"name": r["name"], "webhook_configs": [{"url": f"http://127.0.0.1:{sink.server_port}/{r['name']}"}]}
                               for r in config["receivers"]]
        config["route"]["group_wait"] = "0s"
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{manager}"]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{self.target}"]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (folder / "tinysup.rules.yml").write_text(re.sub(r"for: \w+", "for: 0s", RULES.read_text()))
        for port, words in ((manager, ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
                                       "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{manager}"]),
                            (prometheus, ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                          f"--web.listen-address=127.0.0.1:{prometheus}"])):
            server = running(*words, stderr=subprocess.DEVNULL)
            until_it_listens(server.__enter__(), port)
            self.addCleanup(server.__exit__, None, None, None)
            until(lambda: is_ready(f"http://127.0.0.1:{port}/-/ready"), f"{words[0]} is ready")  # it answers 503 before
        self.api = f"http://127.0.0.1:{prometheus}/api/v1"

    def ask(self, query):
        with urllib.request.urlopen(f"{self.api}/query?" + urllib.parse.urlencode({"query": query}), timeout=10) as answer:
            found = json.load(answer)
        self.assertEqual(found["status"], "success")
        return found["data"]["result"]

    def test_from_the_crash_to_the_pager(self):
        with tempfile.TemporaryDirectory(prefix="tinysup-test-", ignore_cleanup_errors=True) as name, Sink() as sink:
            self.begin(Path(name), sink)
            url = f"http://127.0.0.1:{sink.server_port}/"
            s = self.start("--", "sh", "-c", "while [ ! -e $TEST_DIR/go ]; do sleep 0.02; done; exit 3", config=f"""
                app: {{ name = "bot"; restart: {{ policy = "on-failure"; backoff = "100ms"; max = 3; exhausted = "hold"; }}; }};
                listen = "127.0.0.1:{self.target}"; log: {{ level = "error"; }};
                probes: {{ liveness: {{ checks = ( {{ name = "pulse"; exec = [ "true" ]; }} ); period = "100ms"; on_failure = "none"; }};
                           readiness: {{ checks = ( {{ name = "no"; exec = [ "false" ]; soft = true; }} ); period = "100ms"; }}; }};
                heartbeats = ( {{ name = "dms"; http: {{ url = "{url}"; }}; period = "300ms"; while = "running"; }} );
                shutdown: {{ platform_grace = "60s"; chain = ( {{ name = "cancel"; exec = [ "sleep", "0.6" ]; required = true; when = [ "crash", "restart" ]; }},
                             {{ name = "stop"; stop: {{ timeout = "1s"; }}; }} ); }};""")
            self.addCleanup(lambda: s.log())
            until(lambda: self.ask('tinysup_healthy{probe="liveness"} == 1'), "it is scraped and live")
            unseen = set(queries())

            def look():
                unseen.difference_update([query for query in unseen if self.ask(query[1])])
                return len(unseen)
            until(lambda: look() <= 5, f"the dashboard has data of an app that runs; not of {unseen}")
            (s.directory / "go").touch()
            until(lambda: look() == 1, f"and of chains; not of {unseen}")
            self.assertIn("tinysup_chain_failures_total", unseen.pop()[1])
            wanted = {"TinysupHeld", "TinysupRestarts", "TinysupCheckFails"}
            until(lambda: wanted <= {alert["labels"]["alertname"] for alert in sink.told}, f"the sink is told; {sink.told}")
            held = next(alert for alert in sink.told if alert["labels"]["alertname"] == "TinysupHeld")
            self.assertEqual(held["annotations"]["summary"], "bot has used up its restarts and is not running")
            self.assertEqual((held["labels"]["app"], held["labels"]["severity"]), ("bot", "critical"))
            s.process.kill()
            until(lambda: "TinysupUnreachable" in {alert["labels"]["alertname"] for alert in sink.told}, f"and of its end; {sink.told}")
