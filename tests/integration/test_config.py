"""The configuration from the outside: every class of error with its message, expansion, includes, --check, and that no secret shows."""
import os
import subprocess

from binaries import tinysup
from harness import Case, run

BINARIES = ("plain", "sanitized")
SECRET = "hunter2-very-secret"
CHAIN = 'shutdown: {{ platform_grace = "60s"; chain = ( {} ); }};'
STOP = '{ name = "stop"; stop: {}; }'


def step(text):
    return CHAIN.format(text + ", " + STOP)


OKX = 'signers: { main: { scheme = "okx"; key = "k"; secret = "s"; passphrase = "p"; }; };'


def signer(text):
    return 'signers: { main: { key = "k"; secret = "s"; %s }; };' % text


def signed(text, scheme="okx"):
    """A check that is signed for a preset."""
    return ('signers: { main: { scheme = "%s"; key = "k"; secret = "YWJj"; %s}; };'
            'checks = ( { name = "a"; http: { sign = "main"; %s }; } );' % (scheme, 'passphrase = "p"; ' if scheme == "okx" else "", text))


SWITCHES = [
    ("binance", "/fapi/v1/countdownCancelAll?symbol=X&countdownTime=0", ""),
    ("okx", "/api/v5/trade/cancel-all-after", '{ \\"timeOut\\" : \\"0\\" }'),
    ("bingx", "/openApi/swap/v2/trade/cancelAllAfter?type=CLOSE&timeOut=0", ""),
    ("delta", "/v2/heartbeat", '{\\"heartbeat_id\\":\\"bot\\",\\"ttl\\":0}'),
    ("kraken", "/0/private/CancelAllOrdersAfter", "timeout=0"),
    ("krakenfutures", "/derivatives/api/v3/cancelallordersafter", "timeout=0"),
    ("gate", "/api/v4/futures/usdt/countdown_cancel_all", '{\\"timeout\\": 0, \\"contract\\":\\"X\\"}'),
]


def switch(_scheme, target, body):
    """The settings of a request that disarms the exchange's switch."""
    return 'url = "http://x%s"; method = "POST"; %s' % (target, f'body = "{body}"; ' if body else "")


# configuration -> what is said of it, after FILE:LINE:
ERRORS = [
    # syntax, unknown, types
    ('app: { name = "x"', "syntax error"),
    ('app = 3;', "app: expected a group { ... }, got a number"),
    ('ap: { };', 'ap: unknown setting; did you mean "app"?'),
    ('shutdown: { deadlin = "3s"; };', 'shutdown.deadlin: unknown setting; did you mean "deadline"?'),
    ('shutdown: { zzzzzz = 1; };', "shutdown.zzzzzz: unknown setting"),
    ('shutdown: { deadline = true; };', "shutdown.deadline: expected a duration"),
    ('app: { name = 3; };', "app.name: expected a string in quotes, got a number"),
    ('app: { name = [ "x" ]; };', "app.name: expected a string in quotes, got an array [ ]"),
    ('checks = ( { name = "a"; tcp: { port = "80"; }; } );', "checks[0].tcp.port: expected a whole number, got a string"),
    ('checks = ( { name = "a"; tcp: { port = 80; }; soft = "true"; } );', "checks[0].soft: expected true or false, got a string"),
    ('checks = { };', "checks: expected a list"),
    ('checks = ( 3 );', "checks[0]: expected a group"),
    ('app: { environment = [ "A=b" ]; };', 'app.environment: expected a group such as { NAME = "value"; }'),
    ('app: { environment: { A = ( ); }; };', "app.environment.A: expected a string in quotes"),
    # ranges
    ('shutdown: { deadline = "500ms"; };', "shutdown.deadline: must be between 1 s and"),
    ('shutdown: { deadline = "5 parsecs"; };', "shutdown.deadline: expected a duration such as"),
    ('shutdown: { deadline = "-5s"; };', "shutdown.deadline: expected a duration such as"),
    ('shutdown: { failed_exit_code = 256; };', "shutdown.failed_exit_code: must be between 0 and 255"),
    ('checks = ( { name = "a"; tcp: { port = 65536; }; } );', "checks[0].tcp.port: must be between 1 and 65535"),
    ('app: { success_codes = [ 0, 300 ]; };', "app.success_codes[1]: expected exit codes between 0 and 255"),
    ('app: { umask = "99"; };', "app.umask: expected an octal mask"),
    ('app: { umask = 22; };', 'app.umask: expected an octal mask in quotes such as "022", got a number'),
    ('shutdown: { platform_grace = "soon"; };', 'shutdown.platform_grace: expected "auto" or a duration'),
    ('shutdown: { platform_grace = "2s"; };', "shutdown.platform_grace: leaves no time"),
    ('shutdown: { platform_grace = "2500ms"; kill_reserve = "1s"; };', "add up to 1 s, but the effective deadline is 0.5 s"),
    # choices and signals
    ('listen = "localhost:9180";', 'listen: expected a numeric address and a port'),
    ('listen = "0.0.0.0:99999";', 'listen: expected a numeric address and a port'),
    ('log: { level = "inf"; };', 'log.level: expected one of "error", "warn", "info", "debug", "trace"; did you mean "info"?'),
    ('app: { signals = "all"; };', 'app.signals: expected one of "child", "group"'),
    ('shutdown: { signals = [ "SIGTREM" ]; };', 'shutdown.signals[0]: unknown signal; did you mean "SIGTERM"?'),
    ('shutdown: { signals = [ ]; };', "shutdown.signals: expected at least one value; the default is SIGTERM,SIGINT"),
    ('shutdown: { chain = ( { name = "a"; exec = [ "true" ]; when = ( ); }, { name = "s"; stop: { timeout = "1s"; }; } ); };',
     "shutdown.chain[0].when: expected at least one value; the default is stop,exit,crash,unhealthy"),
    ('shutdown: { signals = [ "SIGKILL" ]; };', "shutdown.signals[0]: expected signals that can be caught"),
    ('app: { rewrite: { SIGFOO = "SIGHUP"; }; };', "app.rewrite.SIGFOO: unknown signal"),
    ('app: { rewrite: { SIGHUP = "SIGFOO"; }; };', "app.rewrite.SIGHUP: expected a signal"),
    # files, users, words
    ('app: { directory = "/nonexistent"; };', "app.directory: No such file or directory"),
    ('app: { directory = "/etc/passwd"; };', "app.directory: Not a directory"),
    ('app: { user = "no-such-user"; };', "app.user: user not found in /etc/passwd"),
    ('app: { user = "0:no-such-group"; };', "app.user: group not found in /etc/group"),
    ('app: { command = "sleep 5"; };', "app.command: expected an array"),
    ('app: { command = [ ]; };', "app.command: empty command"),
    ('@include "missing.conf"', "cannot open include file"),
    # expansion
    ('app: { name = "${NOT_THERE}"; };', "app.name: ${NOT_THERE} is not set in the environment and has no default"),
    ('app: { name = "${unfinished"; };', 'app.name: "${" without a closing "}"'),
    ('app: { name = "${a b}"; };', "app.name: ${a b}: expected ${NAME}"),
    ('app: { name = "${file:/nonexistent/secret}"; };', "app.name: cannot read /nonexistent/secret: No such file or directory"),
    ('app: { command = [ "x", "${file:/etc/hostname}" ]; };', "app.command[1]: every process can read arguments"),
    # checks
    ('checks = ( { tcp: { port = 1; }; } );', "checks[0].name: must be set"),
    ('checks = ( { name = "a/b"; exec = [ "x" ]; } );', 'checks[0].name: must not be empty or contain spaces, ":" or "/"'),
    ('checks = ( { name = "a"; } );', "checks[0]: set exactly one of http, tcp, exec, file, grpc, notify, process"),
    ('checks = ( { name = "a"; exec = [ "x" ]; tcp: { port = 1; }; } );', "checks[0]: has both tcp and exec"),
    ('checks = ( { name = "a"; exec = [ "x" ]; }, { name = "a"; exec = [ "y" ]; } );', 'duplicate check name "a"'),
    ('checks = ( { name = "a"; http: { }; } );', "checks[0].http.url: must be set"),
    ('checks = ( { name = "a"; http: { url = "ftp://x"; }; } );', "checks[0].http.url: expected a URL starting with http://"),
    ('checks = ( { name = "a"; http: { url = "http://x"; status = "2xx"; }; } );', "checks[0].http.status: expected statuses"),
    ('checks = ( { name = "a"; http: { url = "http://x"; status = "300-200"; }; } );', "checks[0].http.status: expected statuses"),
    ('checks = ( { name = "a"; http: { url = "http://x"; method = "get"; }; } );', "checks[0].http.method: expected a method in capitals"),
    ('checks = ( { name = "a"; http: { url = "http://x"; matches = "("; }; } );', "checks[0].http.matches: Unmatched ("),
    ('checks = ( { name = "a"; http: { url = "http://x"; basic_password = "p"; }; } );', "basic_password: needs basic_user"),
    ('checks = ( { name = "a"; http: { url = "http://x"; basic_user = "u"; bearer = "t"; }; } );', "bearer: cannot be sent together"),
    ('checks = ( { name = "a"; http: { url = "http://x"; headers = [ "nocolon" ]; }; } );', 'headers[0]: expected "Name: value"'),
    ('checks = ( { name = "a"; http: { url = "http://x"; headers: { A = "b\\r\\nC: d"; }; }; } );', "a header cannot contain a line break"),
    ('checks = ( { name = "a"; http: { url = "https://x"; tls: { ca = "/nonexistent"; }; }; } );', "tls.ca: No such file or directory"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "a"; equals = 1; } ); }; } );', "a JSON pointer (RFC 6901)"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; } ); }; } );', "json[0]: asserts nothing"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; minimum = "5"; } ); }; } );', "minimum: expected a number"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; exists = 1; } ); }; } );', "exists: expected true or false"),
    *(('checks = ( { name = "a"; grpc: { address = "%s"; }; } );' % address, "grpc.address: expected \"host:port\"")
      for address in ("", "x", ":1", "x:", "x:0", "x:65536", "x:1a", "x:000001", "::1", "::1:5", "[::1]", "[x]:1", "[::1:5", "x y:1",
                      "me@x:1", "dns:///x:1", "http://x:1", "x:1/path", "unix:", "unix:x")),
    ('checks = ( { name = "a"; grpc: { service = "x"; }; } );', "checks[0].grpc.address: must be set"),
    ('checks = ( { name = "a"; grpc: { address = "x:1"; tls: { ca = "/nonexistent"; }; }; } );', "grpc.tls.ca: No such file"),
    # each
    (step('{ name = "a"; each = [ "x" ]; exec = [ "y" ]; }'), "shutdown.chain[0]: no setting of the step contains ${each}"),
    (step('{ name = "a"; each = [ ]; exec = [ "${each}" ]; }'), "shutdown.chain[0].each: is empty"),
    (step('{ name = "a"; each = 5; exec = [ "${each}" ]; }'), "shutdown.chain[0].each: expected names such as"),
    (step('{ name = "a"; each = [ "x", "x" ]; exec = [ "${each}" ]; }'), "shutdown.chain[0].each: names one twice"),
    (step('{ name = "a"; each = [ "x y" ]; exec = [ "${each}" ]; }'), "shutdown.chain[0].each: expected words of 1 to 63 printable"),
    (step('{ name = "a"; each = [ "x" ]; sleep = "1s"; }'), "shutdown.chain[0].each: only for exec, http, tcp and wait"),
    (step('{ name = "a"; exec = [ "${each}" ]; }'), "shutdown.chain[0].exec[0]: ${each} is for steps with `each`"),
    (step('{ name = "a"; each = [ "x", "y" ]; exek = [ "${each}" ]; }'), 'shutdown.chain[0].exek: unknown setting; did you mean "exec"?'),
    (step('{ name = "a/x"; exec = [ "true" ]; }, { name = "a"; each = [ "x" ]; exec = [ "${each}" ]; }'), 'duplicate step name "a/x"'),
    (step('{ name = "' + "n" * 40 + '"; each = [ "' + "x" * 23 + '" ]; exec = [ "${each}" ]; }'), "longer than 63 bytes"),
    (step('{ name = "a"; each = [ %s ]; exec = [ "${each}" ]; }' % ", ".join(f'"x{i}"' for i in range(70))), "71 steps; the maximum is 64"),
    ('app: { name = "${each}"; };', "app.name: ${each} is for steps with `each`"),
    # signed requests
    ('signers: { main: { scheme = "okxx"; key = "k"; }; };', 'signers.main.scheme: expected one of "binance", "bybit", "okx", "bitget", "bingx", '
     '"delta", "kraken", "krakenfutures", "gate", "kucoin", "deribit"; did you mean "okx"?'),
    ('signers: { main: { scheme = "okx"; key = "k"; secret = "s"; }; };', "signers.main.passphrase: must be set"),
    ('signers: { main: { scheme = "gate"; key = "k"; }; };', "signers.main.secret: must be set"),
    ('signers: { main: { scheme = "gate"; secret = "s"; }; };', "signers.main.key: must be set"),
    ('signers: { main: { scheme = "okx"; key = "k"; secret = "s"; passphrase = ""; }; };', "signers.main.passphrase: is empty"),
    (signer('message = "{ms}"; headers: { K = "{key}"; };'), "signers.main.headers: no {sign} in them, and no sign_query: nothing is signed"),
    (signer('message = "{ms}"; headers: { S = "{sign}"; }; hash: { of = "{body}"; };'), "signers.main.hash: has no effect"),
    (signer('message = "{ms}{query}"; headers: { S = "{sign}"; }; strip = "/api";'), "signers.main.strip: has no effect"),
    (signer('message = "{ms}"; headers: { S = "{sign}"; host = "x"; };'), "signers.main.headers: Host is the request's own"),
    (signer('message = "{ms}"; headers: { S = "{sign}"; Content-Length = "1"; };'), "signers.main.headers: Content-Length is the request's own"),
    ('shutdown: { chain = ( { name = "a"; http: { url = "http://x/?id=${idempotency_key}"; }; }, { name = "s"; stop: {}; } ); };',
     "chain[0].idempotency_key: must be true for ${idempotency_key}"),
    ('checks = ( { name = "a"; http: { url = "http://x"; body = "${idempotency_key}"; }; } );', "http.body: ${idempotency_key} is for the url and the body"),
    ('shutdown: { chain = ( { name = "a,b"; exec = [ "true" ]; }, { name = "s"; stop: {}; } ); };', 'chain[0].name: must not be empty or contain ","'),
    ('shutdown: { chain = ( { name = "a"; exec = [ "true" ]; required = true; when = []; }, { name = "s"; stop: {}; } ); };',
     "chain[0].required: the step never runs"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a"; empty = "yes"; } ); }; } );', "json[0].empty: expected true or false"),
    ('signers: { main: { scheme = "gate"; key = ""; secret = "s"; }; };', "signers.main.key: is empty"),
    ('signers: { main: { scheme = "gate"; key = "k"; secret = ""; }; };', "signers.main.secret: is empty"),
    ('signers: { main: { scheme = "kraken"; key = "k"; secret = "hunter2-very-secret!"; }; };', "signers.main.secret: is not base64"),
    ('signers: { main: { scheme = "gate"; key = "k"; secret = "s"; output = "hex"; }; };', "signers.main.output: part of the scheme"),
    ('signers: { main: { scheme = "gate"; key = "k"; secret = "s"; recv = "2m"; }; };', "signers.main.recv: must be between 1 s and 1m"),
    ('signers: { main: { scheme = "gate"; key = "k"; secret = "s"; nonce = "s"; }; };', 'signers.main.nonce: expected one of "ms", "us", "ns"'),
    ('signers: { main: { scheme = "gate"; key = "k"; secret = "s"; secrt = "s"; }; };', 'secrt: unknown setting; did you mean "secret"?'),
    ('signers: { main: { scheme = "gate"; key = "${file:/nonexistent/key}"; secret = "s"; }; };', "signers.main.key: cannot read /nonexistent/key"),
    (signer(""), "signers.main.message: must be set: it is what is signed"),
    (signer('message = "{nonse}";'), 'signers.main.message: {nonse}: unknown variable; did you mean "{nonce}"?'),
    (signer('message = "{sign}";'), "signers.main.message: {sign} cannot be used here"),
    (signer('message = "{hash}";'), "signers.main.message: {hash} cannot be used here"),
    (signer('message = "{ms";'), 'signers.main.message: "{" without a closing "}"'),
    (signer('message = "{ms}"; headers: { A = "{sing}"; };'), 'signers.main.headers: {sing}: unknown variable; did you mean "{sign}"?'),
    (signer('message = "{ms}"; hash: { of = "{secret}"; };'), "signers.main.hash.of: {secret} cannot be used here"),
    (signer('message = "{ms}"; hash: { digest = "none"; of = "{body}"; };'), 'signers.main.hash.digest: expected one of "sha256", "sha384", "sha512"'),
    (signer('message = "{ms}"; output = "raw";'), 'signers.main.output: expected one of "hex", "base64", "base64url"'),
    (signer('message = "{ms}"; add_body = "nonce={nonce}";'), 'signers.main.add_body: requires body = "form"'),
    (signer('digest = "none"; message = "{ms}";'), 'signers.main.digest: "none" signs nothing'),
    (signer('digest = "none"; headers: { A = "{sign}"; };'), "signers.main.headers: {sign} cannot be used here"),
    (signer('message = "{ms}"; clock = ( { pointer = "code"; equals = 1; } );'), "signers.main.clock[0].pointer: a JSON pointer (RFC 6901)"),
    (signer('message = "{ms}"; disarms = ( { path = "/x"; } );'), "signers.main.disarms[0].parameter: must be set"),
    (signed('url = "http://x";').replace('sign = "main"', 'sign = "mian"'), 'checks[0].http.sign: no signer "mian"; did you mean "main"?'),
    (signed('url = "http://x";').replace('sign = "main"', 'sign = "other"'), 'checks[0].http.sign: no signer "other"'),
    (signed('url = "http://x"; body = "a=b";'), "checks[0].http.body: this scheme sends JSON"),
    (signed('url = "http://x"; body = "{}";', "kraken"), "checks[0].http.body: this scheme sends a form"),
    (signed('url = "http://x"; body = "a=b";', "binance"), "checks[0].http.body: this scheme sends parameters in the query"),
    (signed('url = "http://x"; method = "GET"; body = "{}";', "bybit"), "checks[0].http.body: a signed GET has no body"),
    (signed('url = "http://x"; method = "GET";', "kraken"), "checks[0].http.method: this scheme sends a body: POST"),
    (signed('url = "http://x"; bearer = "t";'), "checks[0].http.bearer: cannot be sent together with sign"),
    (signed('url = "http://x"; redirects = 1;'), "checks[0].http.redirects: a signed request follows no redirects"),
    (signed('url = "http://x"; headers: { ok-access-key = "x"; };'), "checks[0].http.headers: OK-ACCESS-KEY comes from the signer"),
    *((signed(switch(*request), request[0]), "checks[0]: disarms the exchange's dead man's switch: only a step does that") for request in SWITCHES),
    (OKX + step('{ name = "off"; http: { sign = "main"; %s }; }' % switch(*SWITCHES[1])),
     "shutdown.chain[0]: disarms the exchange's dead man's switch, which would no longer cancel open orders: only after a wait step"),
    (OKX + step('{ name = "off"; wait: { http: { sign = "main"; %s }; }; }' % switch(*SWITCHES[1])),
     "shutdown.chain[0].wait: disarms the exchange's dead man's switch"),
    # the chain
    ('shutdown: { chain = { }; };', "shutdown.chain: expected a list of steps"),
    (CHAIN.format('{ name = "a"; exec = [ "x" ]; }'), "shutdown.chain: no step stops the app"),
    (CHAIN.format(STOP + ', { name = "b"; stop: {}; }'), "shutdown.chain: 2 steps stop the app"),
    (CHAIN.format('( { name = "a"; exec = [ "x" ]; }, ' + STOP + " )"), "the stop step cannot run in parallel"),
    (step("()"), "shutdown.chain[0]: is empty"),
    (step('( ( { name = "a"; exec = [ "x" ]; } ) )'), "shutdown.chain[0][0]: expected a step"),
    (step('{ exec = [ "x" ]; }'), "shutdown.chain[0].name: must be set"),
    (step('{ name = ""; exec = [ "x" ]; }'), "shutdown.chain[0].name: must not be empty"),
    (step('{ name = "a"; }'), "shutdown.chain[0]: set exactly one of exec, http, tcp, alert, stop, wait, signal, sleep"),
    (step('{ name = "a"; exec = [ "x" ]; sleep = "1s"; }'), "shutdown.chain[0]: has both exec and sleep"),
    (step('{ name = "stop"; exec = [ "x" ]; }'), 'duplicate step name "stop"'),
    (step('{ name = "a"; exec = [ "x" ]; on_failure = "abrot"; }'), 'on_failure: expected one of "continue", "abort"; did you mean "abort"?'),
    (step('{ name = "a"; exec = [ "x" ]; when = [ "stopp" ]; }'), 'did you mean "stop"?'),
    (step('{ name = "a"; exec = [ "x" ]; timeout = "1s"; reserve = "2s"; }'), "reserve is longer than timeout"),
    (step('{ name = "a"; exec = [ "x" ]; retry: { attempts = 0; }; }'), "retry.attempts: must be between 1 and 100"),
    (step('{ name = "a"; exec = [ "x" ]; retry: { on = [ "6xx" ]; }; }'), "retry.on[0]: expected one of"),
    (step('{ name = "a"; sleep = "1s"; retry: { attempts = 2; }; }'), "retry: only for exec, http, tcp and alert"),
    (step('{ name = "a"; sleep = "1s"; timeout = "2s"; }'), "timeout: not allowed: a sleep step has its own duration"),
    (step('{ name = "a"; wait: { period = "1s"; }; }'), "shutdown.chain[0].wait: set exactly one of exec, http, tcp"),
    (step('{ name = "a"; alert = [ "slack" ]; }'), 'no alert channel "slack"'),
    ('alerts: { slack: { type = "slack"; url = "http://x"; }; };' + step('{ name = "a"; alert = [ "slak" ]; }'), 'did you mean "slack"?'),
    (step('{ name = "a"; exec = [ "x" ]; reserve = "20s"; }, { name = "b"; exec = [ "x" ]; reserve = "20s"; }'),
     "the reserves and kill_reserve add up to 40.5 s, but the effective deadline is 30 s"),
    (step('{ name = "a"; exec = [ "x" ]; when = [ "start" ]; }'), "when[0]: expected one of"),
    # before the app starts, the journal
    ('start: { chain = ( { name = "a"; exec = [ "x" ]; when = [ "stop" ]; } ); };', "start.chain[0]: start.chain has no `when`"),
    ('start: { chain = ( { name = "a"; stop: { }; } ); };', "start.chain[0]: there is no app yet"),
    ('start: { chain = ( { name = "a"; signal = "SIGUSR1"; } ); };', "start.chain[0]: there is no app yet"),
    ('start: { chain = ( { name = "a"; exec = [ "x" ]; needs_app = true; } ); };', "start.chain[0]: there is no app yet"),
    ('start: { deadline = "5s"; chain = ( { name = "a"; exec = [ "x" ]; reserve = "8s"; } ); };',
     "start.deadline: the reserves and kill_reserve add up to 8.5 s, but this is 5 s (a 8 s, kill_reserve 0.5 s)"),
    ('start: { chain = ( { name = "a"; exek = [ "x" ]; } ); };', 'exek: unknown setting; did you mean "exec"?'),
    ('recovery: { deadline = "2s"; };' + step('{ name = "a"; exec = [ "x" ]; reserve = "4s"; when = [ "recovery" ]; }'),
     "recovery.deadline: the reserves and kill_reserve add up to 4.5 s, but this is 2 s"),
    ('recovery: { on_failure = "abort"; };', 'recovery.on_failure: expected one of "continue", "refuse"'),
    ('state_dir = "data";', "state_dir: expected an absolute path"),
    ('instance = "a";', "instance: requires state_dir"),
    ('state_dir = "/x"; instance = "a/b";', "instance: expected at most 63 letters"),
    ('state_dir = "/x"; instance = "steps";', "are tinysup's own"),
    ('state_dir = "/x"; instance = "slot-1";', "are tinysup's own"),
    ('state_dir = "/x"; instance = ".a";', "instance: expected at most 63 letters"),
    ('app: { restart: { exhausted = "stay"; }; };', 'app.restart.exhausted: expected one of "exit", "hold"'),
    ('shutdown: { deadline = "10s"; platform_grace = "60s"; chain = ( { name = "save"; exec = [ "x" ]; reserve = "8s"; }, ' + STOP + ' ); };',
     "add up to 11.5 s, but the effective deadline is 10 s (reason stop: save 8 s, stop 3 s (default), kill_reserve 0.5 s)"),
    ('shutdown: { deadline = "10s"; platform_grace = "60s"; chain = ( ' + STOP + ', { name = "late"; exec = [ "x" ]; reserve = "9s"; when = [ "crash" ]; } ); };',
     "add up to 12.5 s, but the effective deadline is 10 s (reason crash: stop 3 s (default), late 9 s, kill_reserve 0.5 s)"),
    ("shutdown: { chain = ( " + ", ".join(f'{{ name = "c{i}"; exec = [ "x" ]; }}' for i in range(65)) + " ); };", "65 steps; the maximum is 64"),
    # addresses
    *(('checks = ( { name = "a"; http: { url = "%s"; }; } );' % url, "checks[0].http.url: expected a URL " + said) for url, said in (
        ("http://127.0.0.1:80800/", "with a port from 1 to 65535"), ("http://x:0/", "with a port"), ("http://x:8o/", "with a port"),
        ("http://[::1]:99999/", "with a port"), ("http:///x", "with a host name"), ("http://:80/", "with a host name"), ("https://", "with a host name"),
        ("http://me@/", "with a host name"), ("http://a b/", "without spaces"), ("http://a/b c", "without spaces"), ("http://a\\n/", "without spaces"),
        ("http://[::1/", "with an IPv6 address in the brackets"), ("http://[x]/", "with an IPv6 address in the brackets"), ("http://[::1]x/", "with only a port"),
        ("http://a$b/", "with a valid host name"))),
    # alerts
    ('alerts: { a: { url = "http://x"; }; };', "alerts.a.type: must be set"),
    ('alerts: { a: { type = "slakc"; url = "http://x"; }; };', 'alerts.a.type: expected one of'),
    ('alerts: { a: { type = "slack"; url = "x"; }; };', "alerts.a.url: expected a URL"),
    *(('alerts: { a: { %s }; };' % settings, said) for settings, said in (
        ('type = "slack";', "alerts.a.url: must be set for slack"),
        ('type = "discord";', "alerts.a.url: must be set for discord"),
        ('type = "webhook";', "alerts.a.url: must be set for webhook"),
        ('type = "alertmanager";', "alerts.a.url: must be set for alertmanager"),
        ('type = "telegram"; chat_id = "1";', "alerts.a.token: must be set for telegram"),
        ('type = "telegram"; token = "1:a";', "alerts.a.chat_id: must be set for telegram"),
        ('type = "telegram"; token = "1:a/b"; chat_id = "1";', "alerts.a.token: expected letters, digits"),
        ('type = "telegram"; token = ""; chat_id = "1";', "alerts.a.token: expected letters, digits"),
        ('type = "telegram"; token = "1:a"; chat_id = "me";', 'alerts.a.chat_id: expected a number such as "-1001234567890" or "@channel"'),
        ('type = "telegram"; token = "1:a"; chat_id = "1"; topic = "x";', "alerts.a.topic: not for telegram"),
        ('type = "telegram"; token = "1:a"; chat_id = "1"; url = "smtp://x";', "alerts.a.url: expected a URL starting with http:// or https://"),
        ('type = "pagerduty"; routing_key = "short";', "alerts.a.routing_key: expected the 32 letters and digits"),
        ('type = "pagerduty";', "alerts.a.routing_key: must be set for pagerduty"),
        ('type = "ntfy"; topic = "a b";', 'alerts.a.topic: expected 1 to 64 letters'),
        ('type = "ntfy"; url = "https://ntfy.sh/x";', "alerts.a.topic: must be set for ntfy"),
        ('type = "ntfy"; topic = "a"; token = "x\\ny";', "alerts.a.token: expected"),
        ('type = "alertmanager"; url = "http://x"; labels: { "1x" = "y"; };', "syntax error"),
        ('type = "alertmanager"; url = "http://x"; labels: { a-b = "y"; };', "alerts.a.labels: the name of a label"),
        ('type = "slack"; url = "http://x"; labels: { a = "y"; };', "alerts.a.labels: not for slack"),
        ('type = "email"; from = "a@b"; to = [ "a@b" ];', "alerts.a.url: must be set for email"),
        ('type = "email"; url = "http://x"; from = "a@b"; to = [ "a@b" ];', "alerts.a.url: expected a URL starting with smtp:// or smtps://"),
        ('type = "email"; url = "smtp://me:pw@x"; from = "a@b"; to = [ "a@b" ];', "alerts.a.url: expected a URL without user and password"),
        ('type = "email"; url = "smtp://x:0"; from = "a@b"; to = [ "a@b" ];', "alerts.a.url: expected a URL with a port"),
        ('type = "email"; url = "smtp://x"; to = [ "a@b" ];', "alerts.a.from: must be set for email"),
        ('type = "email"; url = "smtp://x"; from = "a@b";', "alerts.a.to: must be set for email"),
        ('type = "email"; url = "smtp://x"; from = "a@b"; to = [ ];', "alerts.a.to: expected an address"),
        *((f'type = "email"; url = "smtp://x"; from = "a@b"; to = [ "{to}" ];', "alerts.a.to: expected an address")
          for to in ("a", "a@", "@b", "a@b@c", "a b@c", "a@b\\r\\nBcc: c@d", "Me <a@b", "Me a@b>", "M\\ne <a@b>", "a@b, c@d", "<>", "")),
        ('type = "email"; url = "smtp://x"; from = "a@b"; to = "a@b"; user = "me";', "alerts.a.user: user and password go together"),
        ('type = "email"; url = "smtp://x"; from = "a@b"; to = "a@b"; user = "me"; password = "x"; starttls = false;',
         "alerts.a.starttls: must be true: the password would be sent in clear text"),
        ('type = "email"; url = "smtp://x"; from = "a@b"; to = "a@b"; headers: { A = "b"; };', "alerts.a.headers: not for email"),
        ('type = "email"; url = "smtp://x"; from = "a@b"; to = "a@b"; tls: { server_name = "y"; };', "alerts.a.tls: server_name is not for email"),
        ('type = "slack"; url = "http://x"; text = "${rason}";', 'alerts.a.text: ${rason}: unknown variable; did you mean "${reason}"?'),
        ('type = "slack"; url = "http://x"; text = "${PATH}";', 'alerts.a.text: ${PATH}: unknown variable'),
        ('type = "slack"; url = "http://x"; text = "${app";', 'alerts.a.text: "${" without a closing "}"'),
        ('type = "slack"; url = "http://x"; text = 5;', "alerts.a.text: expected a string in quotes, got a number"),
        ('type = "slack"; url = "http://x"; level = "bad";', 'alerts.a.level: expected one of "info", "warning", "error", "critical"'),
        ('type = "slack"; url = "http://x"; on = [ "boom" ];', "alerts.a.on[0]: expected one of"))),
    (step('{ name = "a"; sleep = "1s"; text = "x"; }'), "shutdown.chain[0].text: only for alert"),
    (step('{ name = "a"; exec = [ "x" ]; level = "info"; }'), "shutdown.chain[0].level: only for alert"),
    ('alerts: { a: { type = "slack"; url = "http://x"; }; };' + step('{ name = "a"; alert = [ "a" ]; text = "${x}"; }'), "shutdown.chain[0].text: ${x}: unknown variable"),
    # announced, and not here yet
    ('heartbeats = ( { name = "a"; period = "1s"; timeout = "2s"; tcp: { host = "h"; port = 1; }; } );', "heartbeats[0].timeout: longer than period"),
    ('notify_on = [ "crash" ];', "notify_on: there is no channel in `alerts`"),
    ('heartbeats = ( { name = "a"; period = "1s"; on_failure = "alert"; tcp: { host = "h"; port = 1; }; } );', "no channel of `alerts` gets it"),
    ('probes: { readiness: { checks = ( "a" ); }; };', 'probes.readiness.checks: no check "a"'),
    ('checks = ( { name = "api"; exec = [ "x" ]; } ); probes: { readiness: { checks = ( "apy" ); }; };', 'no check "apy"; did you mean "api"?'),
    ('probes: { readiness: { }; };', "probes.readiness.checks: required: the probe has nothing to check"),
    ('probes: { readiness: { checks = "a"; }; };', "probes.readiness.checks: expected a list of checks"),
    ('probes: { liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); success_threshold = 2; }; };',
     "probes.liveness.success_threshold: must be 1 for startup and liveness, as in Kubernetes"),
    ('probes: { readiness: { checks = ( { name = "a"; exec = [ "x" ]; } ); on_failure = "restart"; }; };',
     "probes.readiness.on_failure: only for startup and liveness"),
    ('probes: { liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); on_failure = "reboot"; }; };', 'probes.liveness.on_failure: expected one of'),
    ('probes: { startup: { checks = ( { name = "a"; exec = [ "x" ]; } ); }; liveness: { checks = ( { name = "a"; exec = [ "x" ]; } ); }; };',
     'duplicate check name "a"'),
    ('probes: { startup: { checks = ( { name = "a"; exek = [ "x" ]; } ); }; };', 'exek: unknown setting; did you mean "exec"?'),
    ('probes: { livenes: { }; };', 'probes.livenes: unknown setting; did you mean "liveness"?'),
    ('probes: { readiness: { checks = ( { name = "a"; notify: { max_age = "5s"; }; } ); }; };', '"a": a notify check requires app.notify = true'),
    ('checks = ( { name = "' + "x" * 64 + '"; exec = [ "x" ]; } );', "checks[0].name: longer than 63 bytes"),
    ('checks = ( { name = "a"; http: { url = "http://x"; json = ( { pointer = "/a~2"; exists = true; } ); }; } );', 'write "~" as ~0'),
    ('app: { watchdog = "5s"; };', "app.watchdog: requires notify = true"),
    ('app: { restart: { policy = "sometimes"; }; };', 'app.restart.policy: expected one of'),
    ('app: { restart: { max = 0; }; };', "app.restart.max: "),
    ("checks = ( " + ", ".join(f'{{ name = "c{i}"; exec = [ "x" ]; }}' for i in range(65)) + " );", "65 checks; the maximum is 64"),
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

    def test_a_switch_that_is_armed_or_off_once_flat_is_fine(self):
        for scheme, target, body in SWITCHES:
            armed = [(scheme, target.replace("=0", "=60").replace("CLOSE", "ACTIVATE"), body.replace("0", "60"))]
            elsewhere = [(scheme, target.replace("?", "x?") if "?" in target else target + "x", body)]
            for request in (*armed, *elsewhere):
                with self.subTest(request=request):
                    code, _, log = run("--check", config=signed(switch(*request), scheme), first=False)
                    self.assertEqual(code, 0, log)
        look = '{ name = "flat"; wait: { http: { url = "http://x/"; }; }; on_failure = "abort"; }'
        off = '{ name = "off"; http: { sign = "main"; %s }; }' % switch(*SWITCHES[1])
        code, out, log = run("--check", config=OKX + CHAIN.format(f"{look}, {off}, {STOP}"), first=False)
        self.assertEqual(code, 0, log)
        self.assertIn("main: okx\n", out)
        for flat, disarm in ((look.replace("abort", "continue"), off), (look.replace("abort", 'abort"; when = [ "stop" ]; timeout = "3s'), off),
                             (look, off.replace('name = "off";', 'name = "off"; required = true;')),
                             (look, off.replace('name = "off";', 'name = "off"; reserve = "1s";'))):
            code, _, log = run("--check", config=OKX + CHAIN.format(f"{flat}, {disarm}, {STOP}"), first=False)
            self.assertEqual(code, 78)
            self.assertIn("dead man's switch", log)

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
        self.assertEqual((code, log), (78, "/nonexistent.conf: cannot read: No such file or directory\n"))
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
        self.assertIn("app.user: cannot switch to uid 0, gid 0: tinysup runs as uid 65534", log)

    def test_no_command_is_usage(self):
        self.assertEqual(run(config="", first=False)[0], 64)


class Files(Case):
    """What a configuration may be, and is not: whatever it is, process 1 ends with 78, --probe with 1, and neither waits."""

    def setUp(self):
        super().setUp()
        self.at = self.start("--", "true", ready=False).directory

    def refused(self, file, said, stdin=None):
        for words, code in ((["--", "true"], 78), (["--check"], 78), (["--probe", "--timeout", "9s"], 1), (["--probe", "x", "--json", "--timeout", "9s"], 1)):
            with self.subTest(file=str(file), words=words):
                done = subprocess.run([tinysup(), "--config", file, *words], stdin=stdin or subprocess.DEVNULL, capture_output=True,
                                      text=True, timeout=10, check=False, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(f"{file}: {said}", done.stderr)
                if "--probe" in words:
                    self.assertEqual(done.stdout.count("\n"), 1)

    def test_a_directory(self):
        (self.at / "d.conf").mkdir()
        self.refused(self.at / "d.conf", "is a directory (Docker creates one if the source of a bind mount is missing)")

    def test_what_is_no_file(self):
        os.mkfifo(self.at / "fifo")
        self.refused(self.at / "fifo", "is a pipe, not a regular file")
        self.refused("/dev/null", "is not a regular file")
        self.refused("/dev/zero", "is not a regular file")
        self.refused("/dev/full", "is not a regular file")

    def test_too_large(self):
        (self.at / "large").write_text("#" * (1 << 20) + "\n")
        self.refused(self.at / "large", "is larger than 1048576 bytes")
        (self.at / "fits").write_text("#" * ((1 << 20) - 1) + "\n")
        self.assertEqual(run("--config", self.at / "fits", "--", "true", first=False)[0], 0)

    def test_a_plan_that_is_too_large(self):
        (self.at / "plan").write_text("checks = ( " + "{}, " * 60000 + "{} );")
        self.refused(self.at / "plan", "too large: the plan needs more than 16 MiB")

    def test_a_nul_byte(self):
        (self.at / "nul").write_bytes(b"app: { };\0 nonsense")
        self.refused(self.at / "nul", "contains a NUL byte")

    def test_unclosed(self):
        (self.at / "string").write_text('app: {\n name = "x; };\n')
        self.assertIn("string:2: unterminated string", run("--config", self.at / "string", "--check", first=False)[2])
        (self.at / "comment").write_text('\n/* app: {\n')
        self.assertIn("comment:2: unterminated comment", run("--config", self.at / "comment", "--check", first=False)[2])

    def test_standard_input(self):
        for text, code in (('app: { name = "piped"; };', 0), ("nonsense = 1;", 78)):
            done = subprocess.run([tinysup(), "--config", "-", "--check"], input=text, capture_output=True, text=True, timeout=10, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("-:1: nonsense: unknown setting", done.stderr)

    def test_secrets_that_are_no_files(self):
        os.mkfifo(self.at / "fifo")
        (self.at / "large").write_bytes(b"x" * 65537)
        for file, said in (("fifo", "is a pipe, not a regular file"), (".", "is a directory"), ("large", "is larger than 65536 bytes")):
            with self.subTest(file=file):
                text = 'app: { environment: { A = "${file:%s}"; }; };' % (self.at / file)
                code, _, log = run("--", "true", config=text, first=False)
                self.assertEqual(code, 78)
                self.assertIn(f"conf:1: app.environment.A: {self.at / file} {said}", log)
                self.assertEqual(run("--check", config=text, first=False)[0], 0)

    def includes(self, **files):
        for name, text in files.items():
            (self.at / name).write_text(text)
        return run("--check", "--config", self.at / "main", first=False)

    def test_includes_keep_their_lines(self):
        code, _, log = self.includes(main='# one\napp: {\n  @include "part"  nam = "x";\n  umask = "9";\n};\nwrong = 1;\n',
                                     part='name = "a\n@include \\"no\\"\n";\n/*\n@include "neither"\n*/\n# @include "nor"\nsignals = "all";')
        self.assertEqual(code, 78)
        self.assertEqual([line.split("/")[-1].split(": ")[0] + " " + line.split(": ")[1] for line in log.splitlines()],
                         ["main:3 app.nam", "main:4 app.umask", "main:6 wrong", "part:8 app.signals"], log)

    def test_a_syntax_error_in_an_include(self):
        self.assertRegex(self.includes(main='\n\n@include "part"\n', part="app: {\n name = = 1;\n};\n")[2], "part:2: syntax error")

    def test_a_syntax_error_shows_the_habit(self):
        for text, line, said in (
                ("app: {\n name = 'x';\n};\n", 2, "strings must be in double quotes\n    name = 'x';\n           ^\n"),
                ("shutdown: {\n deadline = 10s;\n};\n", 2, 'a duration with a unit must be in quotes, such as "10s"\n    deadline = 10s;\n                 ^\n'),
                ("app:\n  name: bot\n", 2, "strings must be in double quotes and groups in braces: "),
                ('app: {\n name = "x";\n', 3, "missing closing brace, parenthesis or bracket at the end\n"),
                ('checks = (\n { name = "a"; }\n # two\n { name = "b"; }\n);\n', 2,
                 'missing comma between list elements\n    { name = "a"; }\n                   ^\n'),
                ("checks = ( ] );", 1, "\n    checks = ( ] );\n")):
            with self.subTest(text=text):
                log = self.includes(main=text)[2]
                self.assertIn(f"main:{line}: syntax error", log)
                self.assertIn(said, log)
                log = run("--config", self.at / "main", "--", "true", first=False)[2]
                self.assertEqual(log.count("\n"), 1, "a log is no place for what may hold a secret")

    def test_includes_have_bounds(self):
        self.assertRegex(self.includes(main='\n@include "main"\n')[2], r'main:2: "main" includes itself')
        self.assertRegex(self.includes(main='@include "a"\n', a='\n@include "main"\n')[2], r'/a:2: "main" includes itself')
        deep = {f"f{i}": f'@include "f{i + 1}"\n' for i in range(20)}
        self.assertRegex(self.includes(main='@include "f0"\n', **deep)[2], "/f9:1: includes are nested too deep")
        self.assertRegex(self.includes(main='@include "one"\n' * 70, one="# nothing\n")[2], "main:65: too many includes")
        self.assertRegex(self.includes(main='@include "big"\n@include "big"\n', big="#" * 600000)[2],
                         'main:2: cannot open include file ".*/big": is larger than')
        (self.at / "dir").mkdir()
        self.assertRegex(self.includes(main='@include "dir"\n')[2], 'main:1: cannot open include file ".*/dir": is a directory')


class Probes(Case):
    def test_check_prints_them(self):
        code, out, _ = run("--check", first=False, config='app: { notify = true; watchdog = "20s"; restart: { policy = "on-failure"; }; }; listen = ":9180"; '
                           'checks = ( { name = "a"; process: { }; } ); probes: { readiness: { checks = ( "a", { name = "b"; exec = [ "x" ]; } ); '
                           'mode = "any"; period = "5s"; }; liveness: { on_failure = "restart"; }; };')
        self.assertEqual(code, 0)
        for line in ("notify         startup waits for READY=1; WATCHDOG=1 at least every 20 s", "listens on     :9180",
                     "restarts       on failure, at most 5 within 10m, back-off 1 s to 30 s",
                     "readiness      any of a, b; delay 0 s, period 5 s, timeout 1 s; fails after 3, succeeds after 1\n",
                     "liveness       WATCHDOG=1; on failure: restart"):
            self.assertIn(line, out)
        _, out, _ = run("--check", first=False, config='probes: { readiness: { checks = ( { name = "a"; soft = true; exec = [ "x" ]; } ); }; };')
        self.assertIn("all its checks are soft: it never fails", out)


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


class Channels(Case):
    ALL = """alerts: {
        a: { type = "slack"; url = "https://hooks.slack.com/services/%(secret)s"; text = "${failed} $$ $x"; };
        b: { type = "discord"; url = "https://discord.com/api/webhooks/1/%(secret)s"; level = "warning"; };
        c: { type = "telegram"; token = "1:%(secret)s"; chat_id = "-1001"; };
        d: { type = "email"; url = "smtp://mail.example.com:587"; from = "Bot <bot@example.com>"; to = [ "a@example.com", "<b@example.com>" ];
             user = "me"; password = "%(secret)s"; };
        e: { type = "email"; url = "smtp://localhost"; from = "bot@localhost"; to = "root@localhost"; starttls = false; };
        f: { type = "email"; url = "smtps://mail.example.com"; from = "bot@localhost"; to = "root@localhost"; user = "u"; password = "%(secret)s";
             starttls = false; };
        g: { type = "pagerduty"; routing_key = "%(secret)sABCDEFGHIJKLMNOPQRSTU1"; };
        h: { type = "ntfy"; topic = "bot_1"; token = "tk_%(secret)s"; };
        i: { type = "alertmanager"; url = "http://alertmanager:9093"; labels: { team = "x"; }; };
        j: { type = "webhook"; url = "http://x/"; headers: { X = "%(secret)s"; }; };
        k: { type = "telegram"; token = "${NOT_SET_HERE}"; chat_id = "${NOT_SET_HERE}"; url = "http://x"; };
    };""" % {"secret": "s3cret9Qx0"}

    def test_all_types_are_shown_without_secrets(self):
        code, out, log = run("--check", config=self.ALL + step('{ name = "t"; alert = [ "a", "k" ]; text = "${app}"; level = "error"; }'),
                             first=False)
        self.assertEqual(code, 0, log)
        self.assertNotIn("s3cret9Qx0", out + log)
        self.assertRegex(out, "alerts +a: slack, with a text of its own\n +b: discord, level warning\n +c: telegram\n +d: email\n +e: email\n"
                              " +f: email\n +g: pagerduty\n +h: ntfy\n +i: alertmanager\n +j: webhook\n +k: telegram\n")


class Check(Case):
    def test_a_reference_that_no_container_can_expand_is_an_error(self):
        for value, code in (("${unfinished", 78), ("${}", 78), ("${1x}", 78), ("${A b}", 78), ("${NOT_SET_HERE}", 0), ("$${", 0), ("a$", 0),
                            ("${file:/nonexistent}", 0), ("${NOT_SET_HERE:-x}", 0)):
            with self.subTest(value=value):
                self.assertEqual(run("--check", config=f'app: {{ environment: {{ B = "{value}"; }}; }};', first=False)[0], code)

    def test_the_timeline_and_what_is_cut(self):
        _, out, _ = run("--check", config=CHAIN.format(
            '{ name = "drain"; sleep = "5s"; }, ( { name = "a"; exec = [ "x" ]; timeout = "4s"; reserve = "2s"; }, '
            '{ name = "b"; exec = [ "y" ]; timeout = "15s"; } ), { name = "stop"; stop: { timeout = "12s"; }; }, '
            '{ name = "late"; exec = [ "z" ]; timeout = "3s"; when = [ "crash" ]; }, { name = "never"; http: { url = "http://x"; }; '
            'needs_app = true; }'), first=False)
        lines = {line.split()[1 if line[0] in "/\\|" else 0]: line for line in out.splitlines() if line.strip() and "|" in line or "excluded" in line}
        self.assertIn("5 s      0 s", lines["drain"])
        self.assertIn("2 s      4 s      5 s", lines["a"])
        self.assertIn("9.5 s     20 s", lines["stop"])
        self.assertIn("stop: 9.5 s left of 12 s", out)
        self.assertIn("skipped: excluded by `when`", lines["late"])
        self.assertIn("never: never runs: it has needs_app, but the app is stopped before it", out)

    def test_what_may_differ_in_the_container_is_a_warning(self):
        code, out, log = run("--check", first=False, config=(
            'app: { directory = "/nonexistent";\nuser = "no-such-user";\ncommand = [ "/etc/passwd" ];\n'
            'environment: { A = "${NOT_THERE}";\nB = "${file:/nonexistent/secret}"; }; };\n'
            'checks = ( { name = "c"; exec = [ "no-such-program" ]; },\n{ name = "d"; http: { url = "${URL}"; };\n timeout = 30000; } );\n'
            'alerts: { s: { type = "slack"; url = "https://x"; tls: {\nca = "/nonexistent.pem"; }; }; };\n' + step('{ name = "a"; exec = [ "sh" ]; }')))
        said = [line.split("conf:", 1)[1] for line in log.splitlines()]
        self.assertEqual(code, 78, log)   # 30000 s are too long for a check
        code, out, log = run("--check", first=False, config=(
            'app: { directory = "/nonexistent";\nuser = "no-such-user";\ncommand = [ "/etc/passwd" ];\n'
            'environment: { A = "${NOT_THERE}";\nB = "${file:/nonexistent/secret}"; }; };\n'
            'checks = ( { name = "c"; exec = [ "no-such-program" ]; },\n{ name = "d"; http: { url = "${URL}"; }; } );\n'
            'alerts: { s: { type = "slack"; url = "https://x"; tls: {\nca = "/nonexistent.pem"; }; }; };\n'
            'shutdown: { deadline = 30000; platform_grace = "10h"; chain = ( ' + STOP + ' ); };\n'))
        said = [line.split("conf:", 1)[1] for line in log.splitlines()]
        self.assertEqual(code, 0, log)
        self.assertEqual(said, [
            "1: warning: app.directory: No such file or directory",
            "2: warning: app.user: user not found in /etc/passwd",
            "3: warning: app.command[0]: /etc/passwd: not executable",
            "4: warning: app.environment.A: ${NOT_THERE} is not set in the environment and has no default (${NOT_THERE:-...})",
            "5: warning: app.environment.B: cannot read /nonexistent/secret: No such file or directory",
            "6: warning: checks[0].exec[0]: no-such-program: not found in PATH",
            "7: warning: checks[1].http.url: ${URL} is not set in the environment and has no default (${URL:-...})",
            "9: warning: alerts.s.tls.ca: No such file or directory",
            "10: warning: shutdown.deadline: 30000 s = 8h20m: did you mean milliseconds? A number without a unit is seconds"])
        self.assertIn("deadline", out)

    def test_no_certificates_for_https(self):
        config = 'alerts: { s: { type = "slack"; url = "https://x/"; }; };'
        code, _, log = run("--check", config=config, env={"SSL_CERT_FILE": "/nonexistent"}, first=False)
        self.assertEqual(code, 0)
        self.assertIn("conf:1: warning: alerts.s: no CA certificates found", log)

    def test_a_shorter_timeout_of_the_probe_is_told(self):
        _, _, log = run("--check", first=False, config='checks = ( { name = "c"; exec = [ "true" ]; timeout = "3s"; } );\n'
                        'probes: { liveness: { checks = ( "c" );\n timeout = "2s"; }; readiness: { checks = ( "c" ); }; };')
        self.assertRegex(log, r'^\S*conf:3: warning: probes\.liveness\.timeout: 2 s is shorter than the 3 s timeout of check "c", which takes precedence\n$')

    def test_libcurl_has_its_say(self):
        """What our own check lets pass."""
        for words, code in ((["--check"], 78), (["--probe", "--timeout", "9s"], 1)):
            got, _, log = run(*words, config='checks = ( { name = "a"; http: { url = "http://%00/"; }; } );', first=False)
            self.assertEqual(got, code)
            self.assertRegex(log, r"conf:1: checks\[0\]\.http\.url: rejected by libcurl: ")

    def test_a_signal_takes_no_time(self):
        _, out, _ = run("--check", config=CHAIN.format('{ name = "hup"; signal = "SIGHUP"; }, { name = "a"; exec = [ "true" ]; timeout = "2s"; }, ' +
                                                       '{ name = "stop"; stop: { timeout = "5s"; }; }'), first=False)
        self.assertRegex(out, r"hup +signal +- +0 s +0 s")
        self.assertRegex(out, r"a +exec +- +2 s +0 s")
        self.assertIn("no step is cut", out)

    def test_nothing_left_is_a_cut(self):
        _, out, _ = run("--check", config=CHAIN.format('{ name = "all"; exec = [ "true" ]; }, { name = "stop"; stop: { timeout = "3s"; }; }, ' +
                                                       '{ name = "late"; exec = [ "true" ]; }'), first=False)
        self.assertRegex(out, "late +exec +- +none")
        self.assertNotIn("no step is cut", out)
        self.assertIn("late: no time left", out)

    def test_the_plan_of_every_reason(self):
        _, out, _ = run("--check", first=False, config='app: { restart: { policy = "on-failure"; }; };' + CHAIN.format(
            '{ name = "cancel"; exec = [ "true" ]; timeout = "1s"; }, { name = "flat"; exec = [ "true" ]; timeout = "1s"; needs_app = true; }, ' +
            STOP + ', { name = "close"; exec = [ "true" ]; timeout = "1s"; }'))
        self.assertIn("a crash (restart.policy) runs: stop. It does not run: cancel, flat, close\n", out)
        self.assertIn("an exit or a crash once restarts are exhausted runs: cancel, stop, close. It does not run: flat\n", out)
        _, out, _ = run("--check", first=False, config=CHAIN.format('{ name = "a"; exec = [ "true" ]; timeout = "1s"; }, ' + STOP))
        self.assertNotIn("does not run", out)

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
        self.assertTrue(tinysup())

    def test_probe_ends_with_0_or_1_only(self):
        for words, config in ((["--probe", "--nonsense"], ""), (["--probe"], "nonsense"), (["--probe=nosuch"], ""), (["--probe"], ""),
                              (["--probe", "--timeout", "x"], ""), (["--probe", "http://127.0.0.1:1/"], None), (["--probe", "a", "b"], ""),
                              (["--probe", "--check"], ""), (["--timeout", "x", "--probe"], ""), (["--check", "a", "--probe"], ""),
                              (["--nonsense", "--probe"], "")):
            with self.subTest(words=words):
                self.assertEqual(run(*words, config=config, first=False)[0], 1)

    def test_names_that_there_are_not(self):
        config = 'checks = ( { name = "good"; exec = [ "true" ]; } );'
        for words, there, said in ((["--probe=alive"], config, "no check named alive; the checks are: good; the probes are live, ready, startup"),
                                   (["--probe", "x"], "", "no check named x; the probes are live, ready, startup"),
                                   (["--probe", "--check", "x"], config, "no check named x; the checks are: good"),
                                   (["--probe", "--check", "x"], "", "no check named x: no checks are configured")):
            with self.subTest(words=words):
                code, out, _ = run(*words, config=there, first=False)
                self.assertEqual((code, out), (1, f"unhealthy: {said}\n"))

    def test_wrong_values_are_told_what_is_wanted(self):
        for words, said in ((["--probe", "--timeout", "5x"], "expected a duration such as"), (["-r", "x"], "expected S:R"),
                            (["-e", "256", "true"], "exit code must be between 0 and 255"), (["-p", "x", "true"], "expected a signal"),
                            (["--status", "--check"], "--check alone takes no name and no other mode"), (["--check", "--status"], "choose one of")):
            with self.subTest(words=words):
                code, out, log = run(*words, config="", first=False)
                self.assertEqual(code, 1 if "--probe" in words else 64)
                self.assertIn(said, out + log)

    def test_a_configuration_taken_for_the_command(self):
        s = self.start("--", "true", ready=False)
        (s.directory / "tinysup.conf").write_text("app: { };")
        (s.directory / "plain").write_text("app: { };")
        for words in (["-c", s.directory / "tinysup.conf"], ["-c", s.directory / "plain"], [s.directory / "tinysup.conf"]):
            code, _, log = run(*words, first=False)
            self.assertEqual(code, 126)
            self.assertIn("to use it as the configuration, give --config FILE", log)
        self.assertNotIn("--config FILE", run("-c", "true", first=False)[2])

    def test_probe_by_name(self):
        config = 'checks = ( { name = "good"; exec = [ "true" ]; }, { name = "bad"; exec = [ "false" ]; soft = %s; } );'
        for words, soft, code in ((["--probe=good"], "false", 0), (["--probe", "good"], "false", 0), (["--probe=bad"], "true", 1),
                                  (["--probe"], "false", 1), (["--probe"], "true", 0), (["--probe", "--check", "good"], "false", 0),
                                  (["--probe=ready"], "true", 0)):
            with self.subTest(words=words, soft=soft):
                got, out, _ = run(*words, config=config % soft, first=False)
                self.assertEqual(got, code, out)
                self.assertEqual(out.count("\n"), 1)
