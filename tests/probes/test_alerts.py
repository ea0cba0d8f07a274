"""Alerts against services that enforce their rules: payloads, limits, escaping, texts, levels, refusals, delays, secrets."""

import json
import os
import random
import re
import subprocess

from rig import PROCESS_SECONDS, answer, ask, driver, environment, hang, redirect, reset
from services import DISCORD, NTFY_TOKEN, ROUTING_KEY, SERVICES, SLACK, TOKEN, Service, moment, utf16
from test_http import Case

TEXT = ("paper-bot <&> \ufffd on host-1: stop (SIGTERM): cancel ok 0.2 s, close failed 3.0 s (status 503; attempt 3 of 3), "
        "1.2 s of 28 s")
HEAD = "paper-bot <&> \ufffd on host-1: stop (SIGTERM)"
ID = "0123456789abcdef" * 2
EMOJI = "\U0001f680"
EVERYTHING = {
    "event": "shutdown", "severity": "critical", "app": "paper-bot <&> \ufffd", "host": "host-1", "instance": "slot-1",
    "reason": "stop", "signal": "SIGTERM", "shutdown_id": ID, "app_state": "running", "exit_code": None, "elapsed_ms": 1234,
    "deadline_ms": 28000, "text": TEXT,
    "steps": [{"name": "cancel", "result": "ok", "took_ms": 200},
              {"name": "close", "result": "failed", "took_ms": 3000, "error": "status 503"},
              {"name": "tell", "result": "running", "took_ms": 0}, {"name": "save", "result": "pending", "took_ms": 0}]}


def text_of(kind, data):
    """The text as people see it."""
    if kind == "slack":
        return data["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if kind == "alertmanager":
        return data[0]["annotations"]["description"]
    if kind == "pagerduty":
        return data["payload"]["summary"]
    return data[{"discord": "content", "ntfy": "message"}.get(kind, "text")]


class Alerts(Case):
    def send(self, kind, *words, short="ok none"):
        with Service(kind) as service:
            result = self.expect(ask("alert", kind, service.url, 5000, *service.words, *words), short)
            self.assertEqual(service.refused, [])
            data, = service.taken
            return data, result

    def test_payloads(self):
        payloads = {
            "slack": {"text": TEXT.replace("<&>", "&lt;&amp;&gt;")},
            "discord": {"content": TEXT, "allowed_mentions": {"parse": []}},
            "telegram": {"chat_id": "-1001234567890", "text": TEXT},
            "pagerduty": {"routing_key": ROUTING_KEY, "event_action": "trigger", "dedup_key": f"{ID}/shutdown/critical", "client": "tinysup",
                          "payload": {"summary": TEXT, "source": "host-1", "severity": "critical",
                                      "component": "paper-bot <&> \ufffd", "custom_details": EVERYTHING}},
            "ntfy": {"topic": "paper_bot", "title": HEAD, "message": TEXT, "priority": 5, "tags": ["rotating_light"]},
            "webhook": EVERYTHING,
        }
        for kind, payload in payloads.items():
            with self.subTest(kind=kind):
                self.assertEqual(self.send(kind)[0], payload)

    def test_alertmanager_is_told_how_long_it_fires(self):
        alert, = self.send("alertmanager")[0]
        seconds = (moment(alert.pop("endsAt")) - moment(alert.pop("startsAt"))).total_seconds()
        self.assertAlmostEqual(seconds, 3600, delta=2)
        self.assertEqual(alert, {
            "labels": {"alertname": "tinysup", "event": "shutdown", "app": "paper-bot <&> \ufffd", "instance": "slot-1",
                       "reason": "stop", "severity": "critical"},
            "annotations": {"summary": HEAD, "description": TEXT, "shutdown_id": ID}})

    def test_a_text_of_its_own(self):
        text = ("$$ $${app} $5 ${host}|${instance}|${event}|${level}|${reason}|${signal}|${exit_code}|${app_state}|${steps}|"
                "${failed}|${took}|${deadline}|${shutdown_id}|${tail}|\n${app}")
        said = ("$ ${app} $5 host-1|slot-1|shutdown|critical|stop|SIGTERM||running|cancel ok 0.2 s, close failed 3.0 s (status 503; "
                f"attempt 3 of 3)|close: status 503 (attempt 3 of 3)|1.2 s|28 s|{ID}|x\ny|\npaper-bot <&> \ufffd")
        for kind in SERVICES:
            with self.subTest(kind=kind):
                data, _ = self.send(kind, f"text={text}", "tail=x\r\ny")
                self.assertEqual(text_of(kind, data), said)

    def test_a_blank_text_is_none(self):
        self.assertEqual(self.send("telegram", "text= ${tail}\n")[0]["text"], TEXT)

    def test_levels(self):
        for level, priority in (("info", 2), ("warning", 3), ("error", 4), ("critical", 5)):
            self.assertEqual(self.send("ntfy", f"level={level}")[0]["priority"], priority)
            self.assertEqual(self.send("pagerduty", f"level={level}")[0]["payload"]["severity"], level)
            self.assertEqual(self.send("webhook", f"level={level}")[0]["severity"], level)
            self.assertEqual(self.send("alertmanager", f"level={level}")[0][0]["labels"]["severity"], level)

    LIMITS = {"slack": (3000, lambda text: utf16(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))),
              "discord": (2000, len), "telegram": (4096, utf16), "pagerduty": (1024, utf16),
              "ntfy": (4096, lambda text: len(json.dumps(text, ensure_ascii=False).encode()) - 2), "webhook": (10000, len),
              "alertmanager": (10000, len)}

    def test_a_text_is_cut_between_characters(self):
        for kind, (limit, measure) in self.LIMITS.items():
            for piece in ("a", "\xe9", "\u20ac", EMOJI, "&", "<b>", '"\\', "\n.\t", "a" + EMOJI):
                with self.subTest(kind=kind, piece=piece):
                    fits = limit // measure(piece)
                    whole = piece * fits
                    self.assertEqual(text_of(kind, self.send(kind, f"text=x${{tail}}", f"tail={whole[:-1]}")[0]), "x" + whole[:-1])
                    got = text_of(kind, self.send(kind, f"text={whole}{piece}")[0])
                    self.assertTrue(got.endswith("\u2026"))
                    self.assertTrue((whole + piece).startswith(got[:-1]))
                    self.assertLessEqual(measure(got), limit)
                    self.assertGreater(measure(got), limit - max(map(measure, piece)) - measure("\u2026"))

    def test_the_default_text_ends_with_the_time_even_if_cut(self):
        for kind in ("discord", "pagerduty", "telegram"):
            text = text_of(kind, self.send(kind, "app=" + "a" * 500, "why=" + "w" * 4000)[0])
            self.assertRegex(text, r"\.\.\., 1\.2 s of 28 s$")

    def test_any_bytes_are_a_valid_alert(self):
        chance = random.Random(11)
        pieces = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x01", b"\x7f", b"\r\n", b"\r", b"\n.\n", b'"', b"\\",
                  b"&", b"<!channel>", b"@everyone", b"${app}", b"$${", "\u2028\u0130".encode(), EMOJI.encode(), b"a" * 100, b"%s%n"]

        def noise(most):
            return b"".join(chance.choice(pieces) for _ in range(chance.randint(0, most)))
        for turn in range(120):
            kind = chance.choice(list(SERVICES))
            text = noise(200)
            while re.search(rb"\$\{(?!app\})", text.replace(b"$$", b"")):
                text = noise(200)
            words = [b"app=" + noise(20), b"host=" + noise(3), b"reason=" + noise(3), b"why=" + noise(60), b"tail=" + noise(200)]
            if turn % 2:
                words.append(b"text=" + text)
            with self.subTest(turn=turn, kind=kind, words=words), Service(kind) as service:
                raw = ask_bytes("alert", kind, service.url, "5000", *service.words, *words)
                self.assertEqual((raw["outcome"], service.refused), (0, []), raw)

    def test_a_service_that_asks_to_wait(self):
        limited = "429 Too Many Requests"
        waits = {
            "telegram": (answer('{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":'
                                '{"retry_after":3}}', limited), 3000, "status 429: Too Many Requests: retry after 3"),
            "discord": (answer('{"message":"You are being rate limited.","retry_after":0.65,"global":false}', limited,
                               ["Retry-After: 1", "X-RateLimit-Reset-After: 0.66"]), 650, "status 429: You are being rate limited."),
            "slack": (answer("rate_limited", limited, ["Retry-After: 7"]), 7000, "status 429: rate_limited"),
            "pagerduty": (answer('{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly."}',
                                 limited), -1, "status 429: Requests for this service are arriving too quickly."),
            "webhook": (answer("", "503 Busy", ["X-RateLimit-Reset-After: 1.2345"]), 1235, "status 503"),
        }
        for kind, (reply, wait, message) in waits.items():
            with self.subTest(kind=kind), Service(kind, [reply]) as service:
                result = self.expect(ask("alert", kind, service.url, 2000, *service.words), "fail status")
                self.assertEqual((result.retry_after, result.message), (wait, message))

    def test_delays_that_are_nonsense_are_ignored(self):
        for delay in ("-1", "1e300", '"soon"', "null", "[1]"):
            reply = answer('{"retry_after":%s}' % delay, "429 Too Many Requests", ["X-RateLimit-Reset-After: x", "Retry-After: 2"])
            with Service("discord", [reply]) as service:
                self.assertEqual(ask("alert", "discord", service.url, 2000).retry_after, 2000)

    def test_refusals_in_the_services_own_words(self):
        for kind, reply, short, message in (
                ("telegram", answer('{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'), "fail status",
                 "refused with 400: Bad Request: chat not found"),
                ("telegram", answer('{"ok":false,"error_code":429,"description":"later","parameters":{"retry_after":2}}'),
                 "fail status", "refused with 429: later"),
                ("telegram", answer("<html>log in to this network</html>"), "fail body", "refused"),
                ("telegram", answer(""), "fail body", "refused"),
                ("slack", answer("invalid_token"), "fail body", "refused: invalid_token"),
                ("slack", answer('{"ok":false,"error":"channel_not_found"}'), "fail body", "refused: channel_not_found"),
                ("slack", answer("no_service", "404 Not Found"), "fail status", "status 404: no_service"),
                ("pagerduty", answer('{"status":"invalid event","message":"Event object is invalid","errors":["\'x\' is\\nmissing"]}',
                                     "400 Bad Request"), "fail status", "status 400: Event object is invalid: 'x' is missing"),
                ("ntfy", answer('{"code":40301,"http":403,"error":"forbidden"}', "403 Forbidden"), "fail status",
                 "status 403: forbidden"),
                ("alertmanager", answer('"bad \u20ac label"', "400 Bad Request"), "fail status", "status 400: bad ??? label"),
                ("webhook", answer("<p>oops</p>", "500 Oops"), "fail status", "status 500"),
                ("webhook", answer("x" * 5000, "500 Oops"), "fail status", "status 500: " + "x" * 149),
                ("discord", redirect("/login"), "fail status", "status 302"),
                ("discord", redirect("http://localhost/"), "fail status", "status 302")):
            with self.subTest(kind=kind, message=message), Service(kind, [reply]) as service:
                result = self.expect(ask("alert", kind, service.url, 2000, *service.words), short)
                self.assertEqual(result.message, message)
                self.assertEqual(len(service.requests), 1)

    def test_whoever_speaks_slack(self):
        for body in ("", "ok\n", '{"success":true}', '{"ok":true}'):
            with Service("slack", [answer(body)]) as service:
                self.expect(ask("alert", "slack", service.url, 2000), "ok none")

    def test_no_secret_is_repeated(self):
        parts = {"telegram": [TOKEN, TOKEN.split(":")[1]], "slack": SLACK.split("/")[2:], "discord": DISCORD.split("/")[3:],
                 "pagerduty": [ROUTING_KEY], "ntfy": [NTFY_TOKEN]}
        for kind, secrets in parts.items():
            for secret in secrets:
                body = json.dumps({"description": f"no such {secret}, see https://x.test/{secret} and {secret.upper()}"})
                with self.subTest(kind=kind, secret=secret), Service(kind, [answer(body, "401 No")]) as service:
                    message = self.expect(ask("alert", kind, service.url, 2000, *service.words), "fail status").message
                    self.assertNotIn(secret.lower(), message.lower())
                    self.assertIn("status 401: no such ***", message)

    def test_servers_that_hang_or_hang_up(self):
        for handler, short in ((hang, "fail timeout"), (reset, "fail protocol")):
            for kind in SERVICES:
                with self.subTest(kind=kind), Service(kind, [handler]) as service:
                    result = self.expect(ask("alert", kind, service.url, 300, *service.words), short)
                    self.assertNotIn(TOKEN, result.message)

    def test_a_url_that_has_the_path_already(self):
        for kind, path in (("pagerduty", "/v2/enqueue"), ("ntfy", ""), ("alertmanager", "api/v2/alerts")):
            with self.subTest(kind=kind), Service(kind) as service:
                self.expect(ask("alert", kind, service.url + path, 2000, *service.words), "ok none")
                self.assertEqual(len(service.taken), 1)


def ask_bytes(*words):
    """ask() for words that are no text."""
    done = subprocess.run([driver(), *(os.fsencode(word) for word in words)], env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PROCESS_SECONDS)
    if done.returncode or done.stderr:
        raise AssertionError(f"{words}: exit {done.returncode}, {done.stderr}")
    return json.loads(done.stdout)
