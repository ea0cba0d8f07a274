"""/metrics as Prometheus reads it, and tinysup --status."""

import os
import re
import subprocess

from binaries import tinysup
from listener import FAILED, HTTP, TCP, WAIT, Case

BINARIES = ("plain", "sanitized")


class Metrics(Case):
    LINE = re.compile(r'([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (-?\d[-\d.e+]*)')

    def parse(self):
        answer = self.get("/metrics")
        self.assertEqual((answer.status, answer.type), (200, "text/plain; version=0.0.4; charset=utf-8"))
        series, types, helped = {}, {}, set()
        for line in answer.text.splitlines():
            if line.startswith("# HELP "):
                self.assertNotIn(line.split()[2], helped)
                helped.add(line.split()[2])
            elif line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.assertIn(name, helped)
                self.assertEqual(name.endswith("_total"), kind == "counter", line)
                types[name] = kind
            else:
                match = self.LINE.fullmatch(line)
                self.assertTrue(match, line)
                self.assertNotIn(line.rsplit(" ", 1)[0], series)
                self.assertTrue(match[1] in types or match[1].removesuffix("_sum").removesuffix("_count") in types, line)
                series[line.rsplit(" ", 1)[0]] = float(match[3])
        return series

    def test_values(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 no", "app 7 2",
                  f"check late {TCP} hard unasked 0 0 60000", f"step flat {FAILED}", "chain over 1 SIGTERM 0")
        series = self.parse()
        for name, value in {'tinysup_info{version="1.2.3",app="bot"}': 1, 'tinysup_healthy{probe="readiness"}': 1,
                            'tinysup_check_healthy{check="api",kind="http"}': 1,
                            'tinysup_check_healthy{check="cache",kind="tcp"}': 0,
                            'tinysup_check_last_duration_seconds{check="api",kind="http"}': 0.0032,
                            'tinysup_check_duration_seconds_sum{check="api",kind="http"}': 0.0128,
                            'tinysup_check_duration_seconds_count{check="api",kind="http"}': 4,
                            'tinysup_check_results_total{check="api",kind="http",result="error"}': 2,
                            'tinysup_app_up': 1, 'tinysup_app_restarts_total': 2, 'tinysup_app_start_time_seconds': 1700000000,
                            'tinysup_phase{phase="running"}': 1, 'tinysup_phase{phase="stopping"}': 0,
                            'tinysup_chain_runs_total{reason="stop"}': 1, 'tinysup_chain_running': 0,
                            'tinysup_last_chain_success{reason="stop"}': 1,
                            'tinysup_chain_step_state{step="flat",position="1",state="failed"}': 1}.items():
            self.assertAlmostEqual(series[name], value, msg=name)
        self.assertAlmostEqual(series['tinysup_check_age_seconds{check="api",kind="http"}'], 0.5, delta=0.4)
        self.assertAlmostEqual(series['tinysup_last_chain_duration_seconds{reason="stop"}'], 1.5, delta=0.4)
        self.assertNotIn('tinysup_check_healthy{check="late",kind="tcp"}', series)

    def test_labels_are_escaped(self):
        self.tell('name a"b\\c{d}', f'check x"y\\z {HTTP} hard ok 1 1 60000')
        series = self.parse()
        self.assertIn('tinysup_info{version="1.2.3",app="a\\"b\\\\c{d}"}', series)
        self.assertIn('tinysup_check_healthy{check="x\\"y\\\\z",kind="http"}', series)
        self.assertEqual(self.get("/status").json["app"]["name"], 'a"b\\c{d}')


class Status(Case):
    def test_text(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000", f"check cache {TCP} soft fail 900 10 60000 connect: refused",
                  "app 7 2 Trading BTC/USDT", "verdict readiness unhealthy -1 cache: connect", f"step flat {FAILED}",
                  "chain over 1 SIGTERM 0")
        lines = [self.ask_driver("status")]
        while lines[-1] != ".":
            lines.append(self.driver.stdout.readline().rstrip("\n"))
        text = "\n".join(lines)
        for pattern in (r"^bot: pid 7, up [\d.]+ m?s, restarts 2$", r"^status: Trading BTC/USDT$", r"^tinysup 1\.2\.3: pid \d+, up ",
                        r"^liveness   healthy ", r"^readiness  UNHEALTHY for .*: cache: connect$", r"^api    http .* ok .* 3\.2 ms ",
                        r"^cache  tcp .* yes .* FAILED .*  connect: refused$", r"^last chain: stop by SIGTERM, took 1\.5 s$",
                        r"^  flat +failed +"):
            self.assertRegex(text, f"(?m){pattern}")

    def test_no_supervisor(self):
        done = subprocess.run([tinysup(), "--config", "/nonexistent", "--status"], capture_output=True, text=True,
                              timeout=WAIT, env={**os.environ, "TINYSUP_TEST_PAGE": "/nonexistent"})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^tinysup: no running tinysup [^\n]*\n$")

    def test_wrong_format(self):
        done = subprocess.run([tinysup(), "--status=xml"], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((done.returncode, done.stdout), (64, ""))
