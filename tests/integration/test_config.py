"""The configuration from the outside: every class of error with its message, expansion, includes, --check, and that no secret shows."""
# also sanitized
import os
import unittest

from harness import Case, TINYSUP, run

SECRET = "hunter2-very-secret"
CHAIN = 'shutdown: {{ platform_grace = "60s"; chain = ( {} ); }};'
STOP = '{ name = "stop"; stop: {}; }'


def step(text):
    return CHAIN.format(text + ", " + STOP)


# configuration -> what is said of it, after FILE:LINE:
ERRORS = [
    # syntax, unknown, types
    ('app: { name = "x"', "syntax error"),
    ('app = 3;', "app: wants a group { ... }, not a number"),
    ('ap: { };', 'ap: unknown setting; did you mean "app"?'),
    ('shutdown: { deadlin = "3s"; };', 'shutdown.deadlin: unknown setting; did you mean "deadline"?'),
    ('shutdown: { zzzzzz = 1; };', "shutdown.zzzzzz: unknown setting"),
    ('shutdown: { deadline = true; };', "shutdown.deadline: wants a duration"),
    ('app: { name = 3; };', "app.name: wants a string in quotes, not a number"),
    ('app: { name = [ "x" ]; };', "app.name: wants a string in quotes, not an array [ ]"),
    ('checks = ( { name = "a"; tcp: { port = "80"; }; } );', "checks[0].tcp.port: wants a whole number, not a string"),
    ('checks = ( { name = "a"; tcp: { port = 80; }; soft = "true"; } );', "checks[0].soft: wants true or false, not a string"),
    ('checks = { };', "checks: wants a list"),
    ('checks = ( 3 );', "checks[0]: wants a group"),
    ('app: { environment = [ "A=b" ]; };', 'app.environment: wants a group such as { NAME = "value"; }'),
    ('app: { environment: { A = ( ); }; };', "app.environment.A: wants a string in quotes"),
    # ranges
    ('shutdown: { deadline = "500ms"; };', "shutdown.deadline: must be from 1 s to"),
    ('shutdown: { deadline = "5 parsecs"; };', "shutdown.deadline: wants a duration such as"),
    ('shutdown: { deadline = "-5s"; };', "shutdown.deadline: wants a duration such as"),
    ('shutdown: { failed_exit_code = 256; };', "shutdown.failed_exit_code: must be from 0 to 255"),
    ('checks = ( { name = "a"; tcp: { port = 65536; }; } );', "checks[0].tcp.port: must be from 1 to 65535"),
    ('app: { success_codes = [ 0, 300 ]; };', "app.success_codes[1]: wants exit codes from 0 to 255"),
    ('app: { umask = "99"; };', "app.umask: wants an octal mask"),
    ('app: { umask = 22; };', 'app.umask: wants an octal mask in quotes, such as "022", not a number'),
    ('shutdown: { platform_grace = "soon"; };', 'shutdown.platform_grace: wants "auto" or a duration'),
    ('shutdown: { platform_grace = "2s"; };', "shutdown.platform_grace: leaves no time"),
    ('shutdown: { platform_grace = "2500ms"; kill_reserve = "1s"; };', "add up to 1 s, but the deadline in effect is 0.5 s"),
    # choices and signals
    ('listen = "localhost:9180";', 'listen: wants a numeric address and a port'),
    ('listen = "0.0.0.0:99999";', 'listen: wants a numeric address and a port'),
    ('log: { level = "inf"; };', 'log.level: wants one of "error", "warn", "info", "debug", "trace"; did you mean "info"?'),
    ('app: { signals = "all"; };', 'app.signals: wants one of "child", "group"'),
    ('shutdown: { signals = [ "SIGTREM" ]; };', 'shutdown.signals[0]: names no signal; did you mean "SIGTERM"?'),
    ('shutdown: { signals = [ "SIGKILL" ]; };', "shutdown.signals[0]: wants signals that can be received"),
    ('app: { rewrite: { SIGFOO = "SIGHUP"; }; };', "app.rewrite.SIGFOO: names no signal"),
    ('app: { rewrite: { SIGHUP = "SIGFOO"; }; };', "app.rewrite.SIGHUP: wants a signal"),
    # files, users, words
    ('app: { directory = "/nonexistent"; };', "app.directory: No such file or directory"),
    ('app: { directory = "/etc/passwd"; };', "app.directory: Not a directory"),
    ('app: { user = "no-such-user"; };', "app.user: names a user that is not in /etc/passwd"),
    ('app: { user = "0:no-such-group"; };', "app.user: names a group that is not in /etc/group"),
    ('app: { command = "sleep 5"; };', "app.command: wants words"),
    ('app: { command = [ ]; };', "app.command: names no program"),
    ('@include "missing.conf"', "cannot open include file"),
    # expansion
    ('app: { name = "${NOT_THERE}"; };', "app.name: ${NOT_THERE} is not in the environment and has no default"),
    ('app: { name = "${unfinished"; };', 'app.name: a "${" without its "}"'),
    ('app: { name = "${a b}"; };', "app.name: ${a b} is neither"),
    ('app: { name = "${file:/nonexistent/secret}"; };', "app.name: cannot read /nonexistent/secret: No such file or directory"),
    ('app: { command = [ "x", "${file:/etc/hostname}" ]; };', "app.command[1]: a secret in an argument can be read by every process"),
    # checks
    ('checks = ( { tcp: { port = 1; }; } );', "checks[0].name: must be set"),
    ('checks = ( { name = "a/b"; exec = [ "x" ]; } );', 'checks[0].name: wants a name without blanks, ":" and "/"'),
    ('checks = ( { name = "a"; } );', "checks[0]: wants exactly one of http, tcp, grpc, exec, file, notify, process"),
    ('checks = ( { name = "a"; exec = [ "x" ]; tcp: { port = 1; }; } );', "checks[0]: has both tcp and exec"),
    ('checks = ( { name = "a"; exec = [ "x" ]; }, { name = "a"; exec = [ "y" ]; } );', 'another check is called "a" already'),
    ('checks = ( { name = "a"; http: { }; } );', "checks[0].http.url: must be set"),
    ('checks = ( { name = "a"; http: { url = "ftp://x"; }; } );', "checks[0].http.url: wants an address that begins with http://"),
    ('checks = ( { name = "a"; http: { url = "http://x"; status = "2xx"; }; } );', "checks[0].http.status: wants statuses"),
    ('checks = ( { name = "a"; http: { url = "http://x"; status = "300-200"; }; } );', "checks[0].http.status: wants statuses"),
    ('checks = ( { name = "a"; http: { url = "http://x"; method = "get"; }; } );', "checks[0].http.method: wants a method in capitals"),
    ('checks = ( { name = "a"; http: { url = "http://x"; matches = "("; }; } );', "checks[0].http.matches: Unmatched ("),
    ('checks = ( { name = "a"; http: { url = "http://x"; basic_password = "p"; }; } );', "basic_password: needs basic_user"),
    ('checks = ( { name = "a"; http: { url = "http://x"; basic_user = "u"; bearer = "t"; }; } );', "bearer: cannot be sent together"),
    ('checks = ( { name = "a"; http: { url = "http://x"; headers = [ "nocolon" ]; }; } );', 'headers[0]: wants "Name: value"'),
    ('checks = ( { name = "a"; http: { url = "http://x"; headers: { A = "b\\r\\nC: d"; }; }; } );', "a header cannot hold a line break"),
    ('checks = ( { name = "a"; http: { url = "https://x"; tls: { ca = "/nonexistent"; }; }; } );', "tls.ca: No such file or directory"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "a"; equals = 1; } ); }; } );', "wants an RFC 6901 pointer"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; } ); }; } );', "json[0]: asserts nothing"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; minimum = "5"; } ); }; } );', "minimum: wants a number"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; exists = 1; } ); }; } );', "exists: wants true or false"),
    *(('checks = ( { name = "a"; grpc: { address = "%s"; }; } );' % address, "grpc.address: wants \"host:port\"")
      for address in ("", "x", ":1", "x:", "x:0", "x:65536", "x:1a", "x:000001", "::1", "::1:5", "[::1]", "[x]:1", "[::1:5", "x y:1",
                      "me@x:1", "dns:///x:1", "http://x:1", "x:1/path", "unix:", "unix:x")),
    ('checks = ( { name = "a"; grpc: { service = "x"; }; } );', "checks[0].grpc.address: must be set"),
    ('checks = ( { name = "a"; grpc: { address = "x:1"; tls: { ca = "/nonexistent"; }; }; } );', "grpc.tls.ca: No such file"),
    # the chain
    ('shutdown: { chain = { }; };', "shutdown.chain: wants a list of steps"),
    (CHAIN.format('{ name = "a"; exec = [ "x" ]; }'), "shutdown.chain: no step stops the app"),
    (CHAIN.format(STOP + ', { name = "b"; stop: {}; }'), "shutdown.chain: 2 steps stop the app"),
    (CHAIN.format('( { name = "a"; exec = [ "x" ]; }, ' + STOP + " )"), "the stop step cannot run in parallel"),
    (step("()"), "shutdown.chain[0]: is empty"),
    (step('( ( { name = "a"; exec = [ "x" ]; } ) )'), "shutdown.chain[0][0]: wants a step"),
    (step('{ exec = [ "x" ]; }'), "shutdown.chain[0].name: must be set"),
    (step('{ name = ""; exec = [ "x" ]; }'), "shutdown.chain[0].name: cannot be empty"),
    (step('{ name = "a"; }'), "shutdown.chain[0]: wants exactly one of exec, http, alert, stop, wait, signal, sleep"),
    (step('{ name = "a"; exec = [ "x" ]; sleep = "1s"; }'), "shutdown.chain[0]: has both exec and sleep"),
    (step('{ name = "stop"; exec = [ "x" ]; }'), 'another step is called "stop" already'),
    (step('{ name = "a"; exec = [ "x" ]; on_failure = "abrot"; }'), 'on_failure: wants one of "continue", "abort"; did you mean "abort"?'),
    (step('{ name = "a"; exec = [ "x" ]; when = [ "stopp" ]; }'), 'did you mean "stop"?'),
    (step('{ name = "a"; exec = [ "x" ]; timeout = "1s"; reserve = "2s"; }'), "its reserve is longer than its timeout"),
    (step('{ name = "a"; exec = [ "x" ]; retry: { attempts = 0; }; }'), "retry.attempts: must be from 1 to 100"),
    (step('{ name = "a"; exec = [ "x" ]; retry: { on = [ "6xx" ]; }; }'), "retry.on[0]: wants one of"),
    (step('{ name = "a"; sleep = "1s"; retry: { attempts = 2; }; }'), "retry: is for exec, http and alert"),
    (step('{ name = "a"; sleep = "1s"; timeout = "2s"; }'), "timeout: a sleep has its own time"),
    (step('{ name = "a"; wait: { period = "1s"; }; }'), "shutdown.chain[0].wait: wants exactly one of exec, http"),
    (step('{ name = "a"; alert = [ "slack" ]; }'), 'there is no "slack" in alerts'),
    ('alerts: { slack: { type = "slack"; url = "http://x"; }; };' + step('{ name = "a"; alert = [ "slak" ]; }'), 'did you mean "slack"?'),
    (step('{ name = "a"; exec = [ "x" ]; reserve = "20s"; }, { name = "b"; exec = [ "x" ]; reserve = "20s"; }'),
     "the reserves and kill_reserve add up to 40.5 s, but the deadline in effect is 30 s"),
    # alerts
    ('alerts: { a: { url = "http://x"; }; };', "alerts.a.type: must be set"),
    ('alerts: { a: { type = "slakc"; url = "http://x"; }; };', 'alerts.a.type: wants one of'),
    ('alerts: { a: { type = "slack"; url = "x"; }; };', "alerts.a.url: wants an address"),
    # announced, and not here yet
    ('state_dir = "/x";', "state_dir: not in this version"),
    ('heartbeats = ( );', "heartbeats: not in this version"),
    ('start: { };', "start: not in this version"),
    ('recovery: { };', "recovery: not in this version"),
    ('notify_on = [ "crash" ];', "notify_on: not in this version"),
    ('probes: { readiness: { checks = ( "a" ); }; };', 'probes.readiness.checks: there is no check "a"'),
    ('checks = ( { name = "api"; exec = [ "x" ]; } ); probes: { readiness: { checks = ( "apy" ); }; };', 'there is no check "apy"; did you mean "api"?'),
    ('probes: { readiness: { }; };', "probes.readiness.checks: must be set: there is nothing to ask"),
    ('probes: { readiness: { checks = "a"; }; };', "probes.readiness.checks: wants a list of checks"),
    ('probes: { liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); success_threshold = 2; }; };',
     "probes.liveness.success_threshold: is 1 for startup and liveness, as in Kubernetes"),
    ('probes: { readiness: { checks = ( { name = "a"; exec = [ "x" ]; } ); on_failure = "restart"; }; };',
     "probes.readiness.on_failure: is for startup and liveness"),
    ('probes: { liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); on_failure = "reboot"; }; };', 'probes.liveness.on_failure: wants one of'),
    ('probes: { startup: { checks = ( { name = "a"; exec = [ "x" ]; } ); }; liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); }; };',
     'another check is called "a" already'),
    ('probes: { startup: { checks = ( { name = "a"; exek = [ "x" ]; } ); }; };', 'exek: unknown setting; did you mean "exec"?'),
    ('probes: { livenes: { }; };', 'probes.livenes: unknown setting; did you mean "liveness"?'),
    ('probes: { readiness: { checks = ( { name = "a"; notify: { max_age = "5s"; }; } ); }; };', '"a": notify needs app.notify = true'),
    ('checks = ( { name = "' + "x" * 64 + '"; exec = [ "x" ]; } );', "checks[0].name: is longer than 63 bytes"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a~2"; exists = true; } ); }; } );', 'a "~" is written ~0'),
    ('app: { watchdog = "5s"; };', "app.watchdog: needs notify = true"),
    ('app: { restart: { policy = "sometimes"; }; };', 'app.restart.policy: wants one of'),
    ('app: { restart: { max = 0; }; };', "app.restart.max: "),
    ("checks = ( " + ", ".join(f'{{ name = "c{i}"; exec = [ "x" ]; }}' for i in range(65)) + " );", "65 checks; 64 are the most"),
    ('alerts: { a: { type = "telegram"; url = "http://x"; }; };', '"telegram" is not in this version'),
]


class Errors(Case):
    def test_every_class_names_file_line_and_setting(self):
        for text, said in ERRORS:
            with self.subTest(config=text):
                code, _, log = run("--", "touch", os.environ.get("TMPDIR", "/tmp") + "/never", config="\n\n" + text, first=False)
                self.assertEqual(code, 78, log)
                self.assertIn(said, log)
                if said.startswith("cannot open") or said == "syntax error":
                    self.assertRegex(log, r"conf:3: ")
                else:
                    self.assertRegex(log, r"/conf:3: [a-z_]+")

    def test_all_in_one_run_in_the_order_of_the_file(self):
        code, _, log = run("--check", config='app: {\n nam = "x";\n umask = 3;\n};\nshutdown: {\n deadline = "x";\n kill_reserve = "x";\n};\n',
                           first=False)
        self.assertEqual(code, 78)
        self.assertEqual([line.split(":")[1] for line in log.splitlines()], ["2", "3", "6", "7"])

    def test_a_probe_that_makes_no_sense_is_in_that_run_too(self):
        check = 'checks = ( { name = "c"; exec = [ "true" ]; } );'
        code, _, log = run("--check", config=f'app: {{ nam = "x"; }};\nprobes: {{ liveness: {{ {check}\n success_threshold = 2; }};\n'
                                             f' readiness: {{ checks = ( "c" );\n on_failure = "restart"; }}; }};\n', first=False)
        self.assertEqual((code, [line.split(":")[1] for line in log.splitlines()]), (78, ["1", "3", "5"]), log)

    def test_a_missing_file(self):
        code, _, log = run("--config", "/nonexistent.conf", "--", "true", first=False)
        self.assertEqual((code, log), (78, "/nonexistent.conf: cannot read it: No such file or directory\n"))
        self.assertEqual(run("--", "true", env={"TINYSUP_CONFIG": "/nonexistent.conf"}, first=False)[0], 78)

    def test_nothing_is_started(self):
        s = self.start("--", "sh", "-c", "touch $TEST_DIR/started", config="nonsense = 1;", ready=False)
        self.assertEqual(s.wait(), 78)
        self.assertFalse((s.directory / "started").exists())

    def test_a_user_that_one_cannot_become(self):
        s = self.start("--", "true", ready=False)
        (s.directory / "user.conf").write_text('app: { user = "0"; };')
        s.directory.chmod(0o755)
        code, _, log = run("--config", s.directory / "user.conf", "--", "true", first=False,
                           wrap=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
        self.assertEqual(code, 78)
        self.assertIn("app.user: cannot become uid 0, gid 0: tinysup runs as uid 65534", log)

    def test_no_command_is_usage(self):
        self.assertEqual(run(config="", first=False)[0], 64)


class Probes(Case):
    def test_check_prints_them(self):
        code, out, _ = run("--check", first=False, config='app: { notify = true; watchdog = "20s"; restart: { policy = "on-failure"; }; }; listen = ":9180"; '
                           'checks = ( { name = "a"; process: { }; } ); probes: { readiness: { checks = ( "a", { name = "b"; exec = [ "x" ]; } ); '
                           'mode = "any"; period = "5s"; }; liveness: { on_failure = "restart"; }; };')
        self.assertEqual(code, 0)
        for line in ("notify         READY=1 is part of startup; WATCHDOG=1 every 20 s", "listens on     :9180",
                     "restarted      on failure, 5 times within 10m at most, after 1 s to 30 s",
                     "readiness      any of a, b; after 0 s, every 5 s, 1 s each; fails after 3, succeeds after 1\n",
                     "liveness       WATCHDOG=1 from the app; on failure: restart"):
            self.assertIn(line, out)
        _, out, _ = run("--check", first=False, config='probes: { readiness: { checks = ( { name = "a"; soft = true; exec = [ "x" ]; } ); }; };')
        self.assertIn("all of its checks are soft: it never fails", out)


class Expansion(Case):
    def value(self, text, **env):
        return run("--", "sh", "-c", 'printf "%s" "$V"', config=f'app: {{ environment: {{ V = "{text}"; }}; }};', env=env, first=False)[1]

    def test_forms(self):
        self.assertEqual(self.value("a${X}b", X="1"), "a1b")
        self.assertEqual(self.value("${X:-y}"), "y")
        self.assertEqual(self.value("${X:-y}", X=""), "y")
        self.assertEqual(self.value("${X:-}"), "")
        self.assertEqual(self.value("$${X} $ $a"), "${X} $ $a")

    def test_a_file_loses_its_line_break(self):
        s = self.start("--", "true", ready=False)
        (s.directory / "x").write_text("secret\n")
        self.assertEqual(self.value("${file:%s}" % (s.directory / "x")), "secret")

    def test_numbers_and_durations_may_be_expanded(self):
        _, out, _ = run("--check", config='shutdown: { deadline = "${D}"; platform_grace = "${G:-60s}"; failed_exit_code = "${N}"; };',
                        env={"D": "12s", "N": "7"}, first=False)
        self.assertIn("deadline       12 s", out)

    def test_include(self):
        s = self.start("--", "true", ready=False)
        (s.directory / "more.conf").write_text('shutdown: {\n deadline = "11s";\n platform_grace = "x";\n};\n')
        (s.directory / "main.conf").write_text('log: { };\n@include "more.conf"\n')
        code, _, log = run("--check", "--config", s.directory / "main.conf", first=False)
        self.assertEqual(code, 78)
        self.assertRegex(log, r"^\S*more\.conf:3: shutdown\.platform_grace: ")

    def test_no_secret_shows(self):
        s = self.start("--", "true", ready=False)
        (s.directory / "secret").write_text(SECRET + "\n")
        secret = "${file:%s}" % (s.directory / "secret")
        config = (f'app: {{ environment: {{ KEY = "{secret}"; OTHER = "${{TOKEN}}"; }}; }}; log: {{ level = "trace"; }};'
                  f'checks = ( {{ name = "a"; http: {{ url = "http://127.0.0.1:1/{secret}"; bearer = "{secret}"; '
                  f'headers: {{ X = "${{TOKEN}}"; }}; basic_user = "{secret}"; }}; }} );'.replace('bearer = ', 'body = ') +
                  f'alerts: {{ s: {{ type = "slack"; url = "http://127.0.0.1:1/{secret}"; }}; }};' +
                  CHAIN.format(f'{{ name = "x"; http: {{ url = "http://127.0.0.1:1/{secret}"; body = "{secret}"; }}; '
                               f'retry: {{ attempts = 2; backoff = "1ms"; }}; }}, {{ name = "t"; alert = [ "s" ]; }}, {STOP}'))
        for words in (["--check"], ["-vvvv", "--", "true"], ["--probe"], ["--probe", "--json"]):
            with self.subTest(words=words):
                _, out, log = run(*words, config=config, env={"TOKEN": SECRET}, first=False)
                self.assertNotIn(SECRET, out + log)
                self.assertTrue(out + log)

    def test_a_wrong_secret_is_not_repeated(self):
        _, out, log = run("--check", config='shutdown: { deadline = "${TOKEN}"; }; log: { level = "${TOKEN}"; }; app: { user = "${TOKEN}"; };',
                          env={"TOKEN": SECRET}, first=False)
        self.assertNotIn(SECRET, out + log)


class Check(Case):
    def test_the_timeline_and_what_is_cut(self):
        _, out, _ = run("--check", config=CHAIN.format(
            '{ name = "drain"; sleep = "5s"; }, ( { name = "a"; exec = [ "x" ]; timeout = "4s"; reserve = "2s"; }, '
            '{ name = "b"; exec = [ "y" ]; timeout = "15s"; } ), { name = "stop"; stop: { timeout = "12s"; }; }, '
            '{ name = "late"; exec = [ "z" ]; timeout = "3s"; when = [ "crash" ]; }, { name = "never"; http: { url = "http://x"; }; '
            'needs_app = true; }'), first=False)
        lines = {line.split()[1 if line[0] in "/\\|" else 0]: line for line in out.splitlines() if line.strip() and "|" in line or "not for" in line}
        self.assertIn("5 s      0 s", lines["drain"])
        self.assertIn("2 s      4 s      5 s", lines["a"])
        self.assertIn("9.5 s     20 s", lines["stop"])
        self.assertIn("stop: 9.5 s of its 12 s are left", out)
        self.assertIn("not for this reason", lines["late"])
        self.assertIn("never: needs_app, but the app is stopped before it", out)

    def test_empty_file_is_valid(self):
        code, out, _ = run("--check", config="", first=False)
        self.assertEqual(code, 0)
        self.assertIn("no chain", out)

    def test_default_stop_reserve_shrinks_where_there_is_no_room(self):
        code, out, _ = run("--check", config='shutdown: { chain = ( { name = "stop"; stop: {}; } ); };', env={"FLY_APP_NAME": "x"}, first=False)
        self.assertEqual(code, 0)
        self.assertIn("2.5 s", out)


class Modes(Case):
    def test_version_and_license(self):
        for option in ("--version", "-V"):
            code, out, _ = run(option, first=False)
            self.assertEqual(code, 0)
            self.assertRegex(out, r"^tinysup version \d+\.\d+\.\d+\ncommit \S+\nlibcurl/\S+ .*\njansson \S+\nlibconfig \S+\nlibmicrohttpd \S+\n$")
        self.assertIn("MIT License", run("--license", first=False)[1])
        self.assertEqual(run("--help", first=False)[0], 0)
        self.assertTrue(TINYSUP)

    def test_probe_ends_with_0_or_1_only(self):
        for words, config in ((["--probe", "--nonsense"], ""), (["--probe"], "nonsense"), (["--probe=nosuch"], ""), (["--probe"], ""),
                              (["--probe", "--timeout", "x"], ""), (["--probe", "http://127.0.0.1:1/"], None), (["--probe", "a", "b"], ""),
                              (["--probe", "--check"], ""), (["--timeout", "x", "--probe"], ""), (["--check", "a", "--probe"], ""),
                              (["--nonsense", "--probe"], "")):
            with self.subTest(words=words):
                self.assertEqual(run(*words, config=config, first=False)[0], 1)

    def test_probe_by_name(self):
        config = 'checks = ( { name = "good"; exec = [ "true" ]; }, { name = "bad"; exec = [ "false" ]; soft = %s; } );'
        for words, soft, code in ((["--probe=good"], "false", 0), (["--probe", "good"], "false", 0), (["--probe=bad"], "true", 1),
                                  (["--probe"], "false", 1), (["--probe"], "true", 0), (["--probe", "--check", "good"], "false", 0),
                                  (["--probe=ready"], "true", 0)):
            with self.subTest(words=words, soft=soft):
                got, out, _ = run(*words, config=config % soft, first=False)
                self.assertEqual(got, code, out)
                self.assertEqual(out.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
