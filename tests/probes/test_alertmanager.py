"""A real Alertmanager takes the alert, and knows how long it fires. amtool is its own client."""

import json
import subprocess

from ports import free_port
from rig import PROCESS_SECONDS, ask, folder, running, until_it_listens
from services import moment
from test_alerts import HEAD, ID, TEXT
from test_http import Case

CONFIG = "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n"


class Alertmanager(Case):
    def test_it_arrives_and_ends(self):
        with folder() as path:
            (path / "am.yml").write_text(CONFIG)
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            with running("prometheus-alertmanager", f"--config.file={path}/am.yml", f"--storage.path={path}/data", "--cluster.listen-address=",
                         f"--web.listen-address=127.0.0.1:{port}", stderr=subprocess.DEVNULL) as server:
                until_it_listens(server, port)
                self.expect(ask("alert", "alertmanager", url, 5000, "level=error"), "ok none")
                self.expect(ask("alert", "alertmanager", url, 5000, "level=error"), "ok none")   # the same one
                told = subprocess.run(["amtool", f"--alertmanager.url={url}", "alert", "query", "alertname=tinysup", "-o", "json"],
                                      check=True, capture_output=True, timeout=PROCESS_SECONDS).stdout
                alert, = json.loads(told)
                self.assertEqual(alert["labels"], {"alertname": "tinysup", "event": "shutdown", "app": "paper-bot <&> \ufffd", "severity": "error",
                                                   "instance": "slot-1", "reason": "stop"})
                self.assertEqual(alert["annotations"], {"summary": HEAD, "description": TEXT, "shutdown_id": ID})
                self.assertEqual(alert["status"]["state"], "active")
                begun, ends = (moment(alert[name][:19] + "Z") for name in ("startsAt", "endsAt"))
                self.assertAlmostEqual((ends - begun).total_seconds(), 3600, delta=PROCESS_SECONDS)
                refused = self.expect(ask("alert", "alertmanager", url + "/no/such", 5000), "fail status")
                self.assertRegex(refused.message, "^status 40[45]")
