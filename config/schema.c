#include "config/names.h"
#include "config/schema_rows.h"

/* --- steps ------------------------------------------------------------------------------------------------------------- */

#define OF struct plan_retry
static const struct key retry_keys[] = {
    KEY(attempts, INT, "1", "tries in all", .min = 1, .max = 100),
    KEY(backoff, DURATION, "200ms", "longest pause before the second try; doubles with each", .min = 1, .max = 600000),
    KEY(backoff_max, DURATION, "5s", "no pause is longer than this", .min = 1, .max = 600000),
    KEY(on, CHOICES, "connect,timeout,429,5xx,exit", "failures after which another try is made",
	.choices = &names_retry_causes),
    END,
};
static const struct schema schema_retry = SCHEMA("retry", retry_keys, -1, .rule = NULL);
#undef OF

#define OF struct step_text
static const struct key stop_keys[] = {
    ROW("signal", stop.signal, SIGNAL, "SIGTERM", "the signal that asks the app to end"),
    ROW("timeout", stop.timeout, DURATION, NULL, "then its process group is killed", .min = 1, .max = 86400000),
    END,
};
static const struct schema schema_stop = {.name = "stop", .size = 0, .line_offset = -1, .keys = stop_keys};

static const struct key wait_keys[] = {
    ROW("exec", wait.exec, EXEC, NULL, "a program that exits 0 once it is so"),
    ROW("http", wait.http, GROUP, NULL, "a request that succeeds once it is so", .group = &schema_http, .flags = KEY_OPTIONAL),
    ROW("period", wait.period, DURATION, "500ms", "from the end of one try to the next", .min = 10, .max = 600000),
    ROW("timeout", wait.timeout, DURATION, "5s", "one try at most", .min = 1, .max = 600000),
    END,
};
static const struct schema schema_wait = {.name = "wait", .size = 0, .line_offset = -1, .keys = wait_keys, .rule = rule_wait};

static const struct key step_keys[] = {
    ROW("name", step.name, STRING, NULL, "how logs and alerts call it", .flags = KEY_REQUIRED),
    ROW("exec", step.exec, EXEC, NULL, "run a program; exit code 0 is a success"),
    ROW("http", step.http, GROUP, NULL, "send a request", .group = &schema_http, .flags = KEY_OPTIONAL),
    ROW("alert", alert, NAMES, NULL, "tell these channels of `alerts`"),
    {.name = "stop",
     .type = KEY_GROUP,
     .group = &schema_stop,
     .flags = KEY_OPTIONAL,
     .help = "stop the app, and wait until it is gone; exactly one step does this"},
    {.name = "wait",
     .type = KEY_GROUP,
     .group = &schema_wait,
     .flags = KEY_OPTIONAL,
     .help = "ask again and again until it succeeds"},
    ROW("signal", signal, SIGNAL, NULL, "send the app a signal"),
    ROW("sleep", sleep, DURATION, NULL, "let time pass", ANY_TIME),
    ROW("timeout", step.timeout, DURATION, NULL, "the step's longest time, all tries together; default: what the budget leaves",
	.min = 1, .max = 86400000),
    ROW("reserve", step.reserve, DURATION, NULL, "time kept for this step whatever comes before it; the stop step has 3s",
	ANY_TIME),
    ROW("required", step.required, BOOL, "false", "where it fails, tinysup exits with shutdown.failed_exit_code"),
    ROW("needs_app", step.needs_app, BOOL, "false", "skipped where the app is gone; a required step has failed then"),
    ROW("on_failure", step.on_failure, CHOICE, "continue",
	"abort: on to the stop step and the steps that are required or have a reserve", .choices = &names_on_failure),
    ROW("when", step.when, CHOICES, "stop,exit,crash,unhealthy", "the reasons for which it runs", .choices = &names_reasons),
    ROW("user", step.user, USER, NULL, "user or uid, with :group; default: app.user"),
    ROW("retry", step.retry, GROUP, NULL, "what to try again", .group = &schema_retry),
    ROW("idempotency_key", step.idempotency_key, BOOL, "false", "send Idempotency-Key, the same in every try"),
    ROW("environment", step.environment, PAIRS, NULL, "variables added for this step"),
    END,
};
const struct schema schema_step = SCHEMA("step", step_keys, -1, .rule = rule_step);
#undef OF

/* --- the sections ------------------------------------------------------------------------------------------------------ */

#define OF struct plan_restart
static const struct key restart_keys[] = {
    KEY(policy, CHOICE, "never", "when an app that ended by itself is started again", .choices = &names_restart_policies),
    KEY(max, INT, "5", "restarts within `within`, whatever their reason; then tinysup gives up", .min = 1,
	.max = PLAN_RESTARTS_MAX),
    KEY(within, DURATION, "10m", "the time `max` speaks of", SECONDS(1, 86400)),
    KEY(backoff, DURATION, "1s",
	"pause from the end of the old life to the first restart; doubles with each one within the time", .min = 0,
	.max = 86400000),
    KEY(backoff_max, DURATION, "30s", "no pause is longer than this", .min = 0, .max = 86400000),
    END,
};
static const struct schema schema_restart = SCHEMA("restart", restart_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_app
static const struct key app_keys[] = {
    KEY(name, STRING, NULL, "how logs and alerts call the app; default: its program's name"),
    ROW("command", command, EXEC, NULL, "program and arguments; the command line wins over this"),
    KEY(directory, STRING, NULL, "working directory of the app and of every step"),
    KEY(user, USER, NULL, "user or uid, with :group"),
    KEY(umask, UMASK, NULL, "octal, such as \"022\""),
    KEY(environment, PAIRS, NULL, "variables added to the container's"),
    KEY(signals, CHOICE, "child", "who gets forwarded signals: the app, or its process group",
	.choices = &names_signal_targets),
    KEY(rewrite, REWRITE, NULL, "signals to send instead, such as SIGHUP = \"SIGUSR1\"; \"none\" drops one"),
    KEY(notify, BOOL, "false", "an sd_notify socket for the app; its READY=1 is then part of the startup probe"),
    KEY(watchdog, DURATION, "0s", "WATCHDOG=1 must come this often, else liveness fails; 0: not asked (wants notify)",
	ANY_TIME),
    KEY(success_codes, CODES, "0", "exit codes of an app that ended well"),
    KEY(restart, GROUP, NULL, "how the app is started again", .group = &schema_restart),
    END,
};
static const struct schema schema_app = SCHEMA("app", app_keys, -1, .rule = rule_app);
#undef OF

#define OF struct plan_probe
static const struct key probe_keys[] = {
    {.name = "checks", .type = KEY_CHECKS, .help = "names of `checks`, or checks { ... }"},
    KEY(mode, CHOICE, "all", "how several checks make one verdict", .choices = &names_probe_modes),
    KEY(initial_delay, DURATION, "0s", "from the app's start to the first check", ANY_TIME),
    KEY(period, DURATION, "10s", "from the begin of one round of checks to the next", .min = 10, .max = 86400000),
    KEY(timeout, DURATION, "1s", "one check at most, where the check has no timeout of its own", .min = 1, .max = 240000),
    KEY(failure_threshold, INT, "3", "failures in a row that make a failure", .min = 1, .max = 100000),
    KEY(success_threshold, INT, "1", "successes in a row that make a success; 1 for startup and liveness", .min = 1,
	.max = 100000),
    KEY(jitter, DURATION, "0s", "random time, this at most, added to the first delay", ANY_TIME),
    KEY(on_failure, CHOICE, NULL, "liveness: what its failure does, default \"none\"; startup: default as liveness",
	.choices = &names_unhealthy),
    END,
};
static const struct schema schema_probe = SCHEMA("probe", probe_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan
static const struct key probes_keys[] = {
    ROW("startup", probes[PROBE_STARTUP], GROUP, NULL, "the app has started; blocks the other two until then",
	.group = &schema_probe),
    ROW("liveness", probes[PROBE_LIVENESS], GROUP, NULL, "the app works, or needs help", .group = &schema_probe),
    ROW("readiness", probes[PROBE_READINESS], GROUP, NULL, "the app can take work", .group = &schema_probe),
    END,
};
static const struct schema schema_probes = {.name = "probes", .size = 0, .line_offset = -1, .keys = probes_keys};
#undef OF

static const struct key start_keys[] = {
    LATER("chain", CHAIN, NULL, "steps before the app starts"),
    LATER("deadline", DURATION, "60s", "for all of them"),
    END,
};
static const struct schema schema_start = LATER_SCHEMA("start", start_keys);

static const struct key disarm_keys[] = {
    LATER("http", GROUP, NULL, "a request", .group = &schema_http),
    LATER("exec", EXEC, NULL, "a program"),
    END,
};
static const struct schema schema_disarm = LATER_SCHEMA("disarm", disarm_keys);

static const struct key heartbeat_keys[] = {
    LATER("name", STRING, NULL, "how logs call it"),
    LATER("period", DURATION, NULL, "how often it is sent"),
    LATER("while", CHOICE, "live", "sent as long as this holds", .choices = &names_while),
    LATER("http", GROUP, NULL, "a request", .group = &schema_http),
    LATER("exec", EXEC, NULL, "a program"),
    LATER("disarm", GROUP, NULL, "what switches it off after a clean stop", .group = &schema_disarm),
    END,
};
static const struct schema schema_heartbeat = LATER_SCHEMA("heartbeat", heartbeat_keys);

#define OF struct plan_shutdown
static const struct key shutdown_keys[] = {
    KEY(signals, SIGNALS, "SIGTERM,SIGINT", "signals that ask for a stop; without a chain only SIGTERM starts the deadline"),
    KEY(deadline, DURATION, "30s", "from the first stop event to tinysup's exit; never exceeded", SECONDS(1, 86400)),
    ROW("platform_grace", grace, DURATION, "auto", "what the platform grants before SIGKILL; auto: what known platforms grant",
	SECONDS(1, 86400), .flags = KEY_AUTO),
    KEY(kill_reserve, DURATION, "500ms", "kept for SIGKILL, reaping and the last record", .min = 50, .max = 60000),
    KEY(chain, CHAIN, NULL, "the steps, in order; a nested list runs in parallel"),
    KEY(clean_exit_code, INT, NULL, "exit code after a clean stop; default: 0 with a chain, else the app's own", .min = 0,
	.max = 255),
    KEY(failed_exit_code, INT, "75", "exit code where a required step failed", .min = 0, .max = 255),
    END,
};
static const struct schema schema_shutdown = SCHEMA("shutdown", shutdown_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_alert
static const struct key alert_keys[] = {
    KEY(type, CHOICE, NULL, "the channel's kind", .flags = KEY_REQUIRED, .choices = &names_alert_types),
    KEY(url, TEXT, NULL, "where to post", .flags = KEY_REQUIRED),
    KEY(headers, HEADERS, NULL, "request headers added"),
    KEY(tls, GROUP, NULL, "TLS", .group = &schema_tls),
    LATER("smtp", STRING, NULL, "email: the server, smtp:// or smtps://"),
    LATER("user", STRING, NULL, "email: user"),
    LATER("password", STRING, NULL, "email: password"),
    LATER("from", STRING, NULL, "email: sender"),
    LATER("to", NAMES, NULL, "email: receivers"),
    END,
};
static const struct schema schema_alert = SCHEMA("alert", alert_keys, -1, .rule = rule_alert);
#undef OF

static const struct key recovery_keys[] = {
    LATER("deadline", DURATION, "30s", "for the steps of an interrupted shutdown"),
    LATER("on_failure", CHOICE, "continue", "or refuse to start the app", .choices = &names_recovery),
    END,
};
static const struct schema schema_recovery = LATER_SCHEMA("recovery", recovery_keys);

#define OF struct plan
static const struct key log_keys[] = {
    ROW("level", log_level, CHOICE, "info", "the least that is logged", .choices = &names_log_levels),
    ROW("format", log_format, CHOICE, "text", "json: one object a line", .choices = &names_log_formats),
    END,
};
static const struct schema schema_log = {.name = "log", .size = 0, .line_offset = -1, .keys = log_keys};

static const struct key root_keys[] = {
    KEY(app, GROUP, NULL, "what to run", .group = &schema_app),
    KEY(checks, LIST, NULL, "what can be asked, defined once; 64 at most, with those in probes", .group = &schema_check),
    LATER("start", GROUP, NULL, "steps before the app starts", .group = &schema_start),
    {.name = "probes", .type = KEY_GROUP, .group = &schema_probes, .help = "Kubernetes' probes"},
    LATER("heartbeats", LIST, NULL, "dead man's switches", .group = &schema_heartbeat),
    KEY(shutdown, GROUP, NULL, "how to stop", .group = &schema_shutdown),
    KEY(alerts, MAP, NULL, "who to tell", .group = &schema_alert),
    LATER("notify_on", CHOICES, NULL, "events told besides the chain's own", .choices = &names_notify_on),
    LATER("recovery", GROUP, NULL, "after a shutdown that was cut off", .group = &schema_recovery),
    LATER("state_dir", STRING, NULL, "directory of the journal"),
    KEY(listen, STRING, NULL,
	"address of the HTTP listener, such as \"0.0.0.0:9180\" or \"[::]:9180\": /livez /readyz /startupz /status /metrics"),
    {.name = "log", .type = KEY_GROUP, .group = &schema_log, .help = "tinysup's own log, on stderr"},
    END,
};
const struct schema schema_root = SCHEMA("tinysup.conf", root_keys, -1, .rule = rule_root);
#undef OF
