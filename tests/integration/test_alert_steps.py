"""Alert steps of a chain: what they say of the steps before them, when they are sent again, and that they cost no more than their time."""
import json

from harness import APP
from rig import Server, answer, folder, hang
from services import DISCORD, NTFY_TOKEN, ROUTING_KEY, SLACK, TOKEN, Service, by_default
from smtp_server import PASSWORD, USER, Mailbox, smtp_server
from test_recovery import Memory
from test_tls import make_ca, make_certificate

BINARIES = ("plain", "sealed", "sanitized")
STOP = '{ name = "stop"; stop: { timeout = "2s"; }; }'
BUSY = answer("", "503 Busy")


def channels(**urls):
    """A channel for each of {name: (type, url, more)}."""
    return "alerts: { " + " ".join(f'{name}: {{ type = "{kind}"; url = "{url}"; {more} }};' for name, (kind, url, more) in urls.items()) + " };"


def chain(*steps, deadline="6s"):
    return f'shutdown: {{ deadline = "{deadline}"; platform_grace = "60s"; chain = ( {", ".join(steps)} ); }};'


class AlertSteps(Memory):
    def stopped(self, config, code, app=("plain",)):
        s = self.start("--", *APP, *app, config=config)
        s.until_file("ready")
        s.signal("TERM")
        self.assertEqual(s.wait(), code, s.log())
        return s

    def test_which_steps_failed_and_why(self):
        text = '${reason} ${signal} ${exit_code}: ${failed}'
        with Service("webhook") as sink, Server(BUSY) as busy:
            s = self.stopped(channels(a=("webhook", sink.url, f'text = "{text}";')) + chain(
                f'{{ name = "cancel"; required = true; http: {{ url = "{busy.url}/"; }}; retry: {{ attempts = 2; backoff = "1ms"; }}; }}',
                '{ name = "save"; exec = [ "sh", "-c", "exit 3" ]; }', '{ name = "good"; exec = [ "true" ]; }',
                '{ name = "slow"; exec = [ "sleep", "60" ]; timeout = "50ms"; }',
                STOP, '{ name = "ask"; exec = [ "true" ]; needs_app = true; required = true; }', '{ name = "tell"; alert = [ "a" ]; }'), 75)
            got, = sink.taken
        self.assertEqual(got["text"], "stop SIGTERM : cancel: status 503 (attempt 2 of 2); save: exit code 3; slow: timeout after 0.1 s; "
                                      "ask: the app is not running", s.log())
        self.assertEqual((got["event"], got["severity"], got["exit_code"], got["app_state"]),
                         ("shutdown", "critical", None, "killed by SIGTERM"))
        self.assertEqual({step["name"]: step.get("error") for step in got["steps"]},
                         {"cancel": "status 503", "save": "exit code 3", "good": None, "slow": "killed", "stop": None,
                          "ask": "the app is not running", "tell": None})

    def test_the_default_text_says_why(self):
        with Service("telegram") as sink:
            self.stopped(channels(a=("telegram", sink.url, by_default("telegram"))) + chain(
                '{ name = "save"; exec = [ "sh", "-c", "exit 3" ]; }', STOP, '{ name = "tell"; alert = [ "a" ]; }'), 0)
            got, = sink.taken
        self.assertRegex(got["text"], r"^app\.py on \S+: stop \(SIGTERM\): save failed 0\.\d s \(exit code 3\), stop ok \d\.\d s, "
                                      r"\d\.\d s of 6 s$|: save failed 0\.\d s \(exit code 3\), stop ok")

    def test_a_steps_text_and_level_come_first(self):
        with Service("ntfy") as sink:
            self.stopped(channels(a=("ntfy", sink.url, by_default("ntfy") + 'text = "channel"; level = "warning";')) + chain(
                '{ name = "one"; alert = [ "a" ]; }', '{ name = "two"; alert = [ "a" ]; text = "step ${level}"; level = "error"; }',
                '{ name = "three"; alert = [ "a" ]; text = "a ${event}"; }', STOP), 0)
            self.assertEqual([(got["message"], got["priority"]) for got in sink.taken], [("channel", 3), ("step error", 4), ("a shutdown", 3)])

    def test_what_an_alert_is_about(self):
        tell = '{ name = "tell"; alert = [ "a" ]; %s }'
        with Service("webhook") as sink:
            more = channels(a=("webhook", sink.url, "")) + "start: { chain = ( " + tell % "" + " ); };"
            s = self.running(tell % 'when = [ "stop", "recovery" ];', more=more)
            self.assertEqual([(got["event"], got["reason"], got["app_state"]) for got in sink.taken], [("start", "start", "not started")])
            self.kill(s)
            s = self.running(tell % 'when = [ "stop", "recovery" ];', more=more)
            self.assertEqual([got["event"] for got in sink.taken[1:]], ["recovery", "start"])
            self.assertEqual(s.probe("tell", how="step")[0], 0)
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
            self.assertEqual([(got["event"], got["reason"]) for got in sink.taken[3:]], [("manual", "manual"), ("shutdown", "stop")])

    def test_a_service_that_asks_to_wait_is_asked_again_in_time(self):
        busy = answer('{"message":"later","retry_after":0.2}', "429 Too Many Requests")
        tell = '{ name = "tell"; alert = [ "a" ]; timeout = "3s"; retry: { attempts = 3; backoff = "1ms"; }; }'
        with Service("discord", [busy, busy]) as sink:
            s = self.stopped(channels(a=("discord", sink.url, "")) + chain(STOP, tell), 0)
            self.assertEqual((len(sink.requests), len(sink.taken)), (3, 1))
            self.assertIn("attempt 1 failed: status 429: later; retrying in 0.2 s", s.log())

    def test_it_takes_no_longer_than_its_time(self):
        later = answer('{"message":"later","retry_after":3000}', "429 Too Many Requests")
        tell = '{{ name = "tell"; alert = [ "a" ]; timeout = "300ms"; {} }}'
        for before, more in (([later], 'retry: { attempts = 3; };'), ([hang], ""), ([hang] * 3, 'retry: { attempts = 3; };')):
            with self.subTest(more=more), Service("discord", before) as sink:
                s = self.stopped(channels(a=("discord", sink.url, "")) + chain(tell.format(more), STOP), 0)
                self.assertEqual(sink.taken, [])
                self.assertRegex(s.log(), r"tell: (failed|timeout) after .*(status 429: later|timeout after|killed)")
                self.assertLess(s.seconds, 3)

    def test_no_secret_is_told(self):
        """By services that repeat all they are told."""
        def echo(connection, request):
            answer(json.dumps({"description": f"no: {request.raw} {request.body.decode()}"[1:], "error": request.target,
                               "message": request.get("Authorization") or "no"}), "400 Bad Request")(connection, request)
        secrets = {"telegram": TOKEN, "pagerduty": ROUTING_KEY, "ntfy": NTFY_TOKEN, "slack": SLACK.split("/")[-1], "discord": DISCORD.split("/")[-1]}
        password = "pa55-w0rd"
        with Server(echo) as server:
            paths = {"slack": SLACK, "discord": DISCORD}
            urls = {kind: (kind, server.url + paths.get(kind, ""), by_default(kind)) for kind in secrets}
            urls["mail"] = ("email", f"smtp://127.0.0.1:{server.port}",
                            f'user = "me@example.com"; password = "{password}"; from = "a@example.com"; to = "b@example.com";')
            names = ", ".join(f'"{name}"' for name in urls)
            config = 'log: { level = "trace"; };' + channels(**urls) + chain(
                STOP, f'{{ name = "tell"; alert = [ {names} ]; timeout = "500ms"; text = "${{app}}"; }}')
            s = self.start("--", *APP, "plain", config=config)
            s.until_file("ready")
            said = s.probe(how="check", config=True)[1] + s.probe(how="status=json")[1] + s.probe(how="status")[1]
            s.signal("TERM")
            self.assertEqual(s.wait(), 0)
        for kind in secrets:
            self.assertIn(f"tell/{kind}: failed", s.log())
        self.assertIn("alerts         slack: slack", said.replace("telegram: telegram", "slack: slack"))
        for secret in [*secrets.values(), TOKEN.split(":")[1], password]:
            self.assertNotIn(secret, s.log() + s.out() + said)

    def test_a_rehearsal_reaches_each_channel(self):
        with Service("telegram") as one, Service("webhook") as two:
            config = channels(a=("telegram", one.url, by_default("telegram")), b=("webhook", two.url, "")) + chain(
                STOP, '{ name = "tell"; alert = [ "a", "b" ]; }')
            s = self.start("--rehearse", config=config, ready=False, first=False)
            self.assertEqual(s.wait(), 0, s.log())
            self.assertEqual(s.out().count("reached in"), 2, s.out())
            self.assertEqual((one.requests, two.requests), ([], []))

    def test_a_rehearsal_reaches_a_mail_server_without_logging_in(self):
        mailbox = Mailbox()
        with folder() as path:
            make_ca(path, "ca")
            make_ca(path, "other")
            make_certificate(path, "ca", "server", "IP:127.0.0.1")
            with smtp_server(mailbox, path, authenticator=mailbox.authenticate) as url:
                for ca, code in (("ca", 0), ("other", 1)):
                    more = (f'from = "a@example.com"; to = "b@example.com"; user = "{USER}"; password = "{PASSWORD}"; '
                            f'tls: {{ ca = "{path}/{ca}.pem"; }};')
                    config = channels(a=("email", url, more)) + chain(STOP, '{ name = "tell"; alert = [ "a" ]; }')
                    s = self.start("--rehearse", config=config, ready=False, first=False)
                    self.assertEqual(s.wait(), code, s.log() + s.out())
                    self.assertRegex(s.out(), "reached in" if code == 0 else "WRONG: tls: ")
        self.assertEqual((mailbox.mails, mailbox.logins), ([], []))
