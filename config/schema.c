#include "config/names.h"
#include "config/schema_rows.h"

/* --- steps ------------------------------------------------------------------------------------------------------------- */

#define OF struct plan_retry
static const struct key retry_keys[] = {
    KEY(attempts, INT, "1", "maximum number of attempts", .min = 1, .max = 100),
    KEY(backoff, DURATION, "200ms", "maximum delay before the second attempt; doubles with each attempt", .min = 1,
	.max = 600000),
    KEY(backoff_max, DURATION, "5s", "maximum delay", .min = 1, .max = 600000),
    KEY(on, CHOICES, "connect,timeout,429,5xx,exit", "failures to retry", .choices = &names_retry_causes),
    END,
};
static const struct schema schema_retry = SCHEMA("retry", retry_keys, -1, .rule = NULL);
#undef OF

#define OF struct step_text
static const struct key stop_keys[] = {
    ROW("signal", stop.signal, SIGNAL, "SIGTERM", "signal that stops the app"),
    ROW("timeout", stop.timeout, DURATION, NULL, "time before its process group is killed", .min = 1, .max = 86400000),
    END,
};
static const struct schema schema_stop = {.name = "stop", .size = 0, .line_offset = -1, .keys = stop_keys};

static const struct key wait_keys[] = {
    ROW("exec", wait.exec, EXEC, NULL, "program that exits with 0 once the condition holds"),
    ROW("http", wait.http, GROUP, NULL, "request that succeeds once the condition holds", .group = &schema_http,
	.flags = KEY_OPTIONAL),
    ROW("tcp", wait.tcp, GROUP, NULL, "connection that succeeds once the condition holds", .group = &schema_tcp,
	.flags = KEY_OPTIONAL),
    ROW("period", wait.period, DURATION, "500ms", "delay between attempts", .min = 10, .max = 600000),
    ROW("timeout", wait.timeout, DURATION, "5s", "timeout of one attempt", .min = 1, .max = 600000),
    END,
};
static const struct schema schema_wait = {.name = "wait", .size = 0, .line_offset = -1, .keys = wait_keys, .rule = rule_wait};

static const struct key step_keys[] = {
    ROW("name", step.name, STRING, NULL, "name of the step in logs and alerts", .flags = KEY_REQUIRED),
    ROW("exec", step.exec, EXEC, NULL, "run a program; exit code 0 means success"),
    ROW("http", step.http, GROUP, NULL, "send an HTTP request", .group = &schema_http, .flags = KEY_OPTIONAL),
    ROW("tcp", step.tcp, GROUP, NULL, "connect, send and expect bytes", .group = &schema_tcp, .flags = KEY_OPTIONAL),
    ROW("alert", alert, NAMES, NULL, "send an alert to these channels of `alerts`"),
    ROW("text", step.wording.text, WORDING, NULL, "alert: text to send instead of the channel's"),
    ROW("level", step.wording.level, CHOICE, NULL, "alert: severity instead of the channel's", .choices = &names_alert_levels),
    {.name = "stop",
     .type = KEY_GROUP,
     .group = &schema_stop,
     .flags = KEY_OPTIONAL,
     .help = "stop the app and wait until it has exited; exactly one step must do this"},
    {.name = "wait",
     .type = KEY_GROUP,
     .group = &schema_wait,
     .flags = KEY_OPTIONAL,
     .help = "poll until a request, a connection or a program succeeds"},
    ROW("signal", signal, SIGNAL, NULL, "send a signal to the app"),
    ROW("sleep", sleep, DURATION, NULL, "wait", ANY_TIME),
    ROW("each", each, NAMES, NULL, "run the step once for each of these, side by side; ${each} in its settings is the one"),
    ROW("timeout", step.timeout, DURATION, NULL,
	"maximum time for the step, retries included; default: the time left in the budget", .min = 1, .max = 86400000),
    ROW("reserve", step.reserve, DURATION, NULL,
	"guaranteed time: earlier steps are cut short for it; the stop step reserves 3s by default", ANY_TIME),
    ROW("required", step.required, BOOL, "false", "if the step fails, tinysup exits with shutdown.failed_exit_code"),
    ROW("needs_app", step.needs_app, BOOL, "false", "skip the step if the app is not running; a required step fails instead"),
    ROW("rehearsable", step.rehearsable, BOOL, "false", "tinysup --rehearse=live runs the step"),
    ROW("on_failure", step.on_failure, CHOICE, "continue", "abort: skip the remaining optional steps",
	.choices = &names_on_failure),
    ROW("when", step.when, CHOICES, "stop,exit,crash,unhealthy", "reasons for which the step runs", .choices = &names_when),
    ROW("user", step.user, USER, NULL, "user or uid, optionally with :group; default: app.user"),
    ROW("retry", step.retry, GROUP, NULL, "retries", .group = &schema_retry),
    ROW("idempotency_key", step.idempotency_key, BOOL, "false", "send an Idempotency-Key header, the same in every attempt"),
    ROW("environment", step.environment, PAIRS, NULL, "environment variables for this step"),
    END,
};
const struct schema schema_step = SCHEMA("step", step_keys, -1, .rule = rule_step);
#undef OF

/* --- the sections ------------------------------------------------------------------------------------------------------ */

#define OF struct plan_restart
static const struct key restart_keys[] = {
    KEY(policy, CHOICE, "never", "when to restart an app that exits on its own", .choices = &names_restart_policies),
    KEY(max, INT, "5", "maximum number of restarts within `within`, whatever their cause", .min = 1, .max = PLAN_RESTARTS_MAX),
    KEY(within, DURATION, "10m", "period that `max` applies to", SECONDS(1, 86400)),
    KEY(backoff, DURATION, "1s",
	"delay before a restart, counted from the end of the old processes; doubles with each restart within `within`",
	.min = 0, .max = 86400000),
    KEY(backoff_max, DURATION, "30s", "maximum delay", .min = 0, .max = 86400000),
    KEY(exhausted, CHOICE, "exit", "after `max` restarts: exit, or hold: stay up without the app until somebody acts",
	.choices = &names_exhausted),
    END,
};
static const struct schema schema_restart = SCHEMA("restart", restart_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_output
static const struct key output_keys[] = {
    KEY(file, STRING, NULL, "absolute path of a file that gets a copy of what the app writes to stdout and stderr",
	.flags = KEY_REQUIRED),
    KEY(max_size, SIZE, "50MB", "size at which the file is rotated", .min = 65536, .max = INT64_MAX / 2),
    KEY(keep, INT, "5", "number of rotated files to keep: FILE.1 is the newest", .min = 1, .max = 100),
    KEY(tail, INT, "20", "last lines for alerts about a crash or an unhealthy app, --status and --history; 0: none", .min = 0,
	.max = PLAN_TAIL_MAX),
    END,
};
static const struct schema schema_output = SCHEMA("output", output_keys, -1, .rule = rule_output);
#undef OF

#define OF struct plan_app
static const struct key app_keys[] = {
    KEY(name, STRING, NULL, "name of the app in logs and alerts; default: the name of its program"),
    ROW("command", command, EXEC, NULL, "program and arguments; a command on the command line takes precedence"),
    KEY(directory, STRING, NULL, "working directory of the app and of all steps and checks"),
    KEY(user, USER, NULL, "user or uid, optionally with :group"),
    KEY(umask, UMASK, NULL, "file mode creation mask in octal, such as \"022\""),
    KEY(environment, PAIRS, NULL, "environment variables, added to those of the container"),
    KEY(signals, CHOICE, "child", "receiver of forwarded signals: the app or its process group",
	.choices = &names_signal_targets),
    KEY(rewrite, REWRITE, NULL, "replace signals, such as SIGHUP = \"SIGUSR1\"; \"none\" drops a signal"),
    KEY(notify, BOOL, "false", "provide an sd_notify socket; the startup probe then waits for READY=1"),
    KEY(watchdog, DURATION, "0s",
	"maximum interval between WATCHDOG=1 messages, else liveness fails; 0: off; requires `notify`", ANY_TIME),
    KEY(success_codes, CODES, "0", "exit codes that mean success"),
    KEY(restart, GROUP, NULL, "restarts of the app", .group = &schema_restart),
    KEY(output, GROUP, NULL, "a copy of the app's output in a file", .group = &schema_output, .flags = KEY_OPTIONAL),
    END,
};
static const struct schema schema_app = SCHEMA("app", app_keys, -1, .rule = rule_app);
#undef OF

#define OF struct plan_probe
static const struct key probe_keys[] = {
    {.name = "checks", .type = KEY_CHECKS, .help = "names from `checks`, or inline checks { ... }"},
    KEY(mode, CHOICE, "all", "whether all checks or any check must succeed", .choices = &names_probe_modes),
    KEY(initial_delay, DURATION, "0s", "delay between the start of the app and the first round", ANY_TIME),
    KEY(period, DURATION, "10s", "interval between rounds of checks", .min = 10, .max = 86400000),
    KEY(timeout, DURATION, "1s", "timeout of checks that do not set their own", .min = 1, .max = 240000),
    KEY(failure_threshold, INT, "3", "consecutive failed rounds before the probe fails", .min = 1, .max = 100000),
    KEY(success_threshold, INT, "1",
	"consecutive successful rounds before the probe succeeds; must be 1 for startup and liveness", .min = 1, .max = 100000),
    KEY(jitter, DURATION, "0s", "maximum random delay added to initial_delay", ANY_TIME),
    KEY(on_failure, CHOICE, NULL,
	"what to do when the probe fails; default: \"none\" for liveness, the same as liveness for startup; not for readiness",
	.choices = &names_unhealthy),
    END,
};
static const struct schema schema_probe = SCHEMA("probe", probe_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan
static const struct key probes_keys[] = {
    ROW("startup", probes[PROBE_STARTUP], GROUP, NULL, "has the app started? The other probes wait for it",
	.group = &schema_probe),
    ROW("liveness", probes[PROBE_LIVENESS], GROUP, NULL, "does the app still work?", .group = &schema_probe),
    ROW("readiness", probes[PROBE_READINESS], GROUP, NULL, "can the app accept work?", .group = &schema_probe),
    END,
};
static const struct schema schema_probes = {.name = "probes", .size = 0, .line_offset = -1, .keys = probes_keys};
#undef OF

#define OF struct plan_start
static const struct key start_keys[] = {
    KEY(chain, CHAIN, NULL, "steps that run before the app starts; if a required one fails, the app does not start"),
    KEY(deadline, DURATION, "60s", "maximum time for all of them", SECONDS(1, 86400)),
    END,
};
static const struct schema schema_start = SCHEMA("start", start_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_shutdown
static const struct key shutdown_keys[] = {
    KEY(signals, SIGNALS, "SIGTERM,SIGINT", "signals that start the shutdown; without a chain the default is SIGTERM only"),
    KEY(deadline, DURATION, "30s", "maximum time from the first stop event to the exit of tinysup", SECONDS(1, 86400)),
    ROW("platform_grace", grace, DURATION, "auto",
	"grace period of the platform before it sends SIGKILL; auto: the default of a detected platform", SECONDS(1, 97200),
	.flags = KEY_AUTO),
    KEY(kill_reserve, DURATION, "500ms",
	"time reserved for SIGKILL and reaping at the end; hundreds of leftover processes need 500 ms", .min = 50,
	.max = 60000),
    KEY(chain, CHAIN, NULL, "steps, in order; a nested list runs in parallel"),
    KEY(clean_exit_code, INT, NULL, "exit code after a clean stop; default: 0 with a chain, else the exit code of the app",
	.min = 0, .max = 255),
    KEY(failed_exit_code, INT, "75", "exit code if a required step fails", .min = 0, .max = 255),
    END,
};
static const struct schema schema_shutdown = SCHEMA("shutdown", shutdown_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan_alert
static const struct key alert_keys[] = {
    KEY(type, CHOICE, NULL, "type of the channel", .flags = KEY_REQUIRED, .choices = &names_alert_types),
    KEY(url, TEXT, NULL,
	"URL to post to; email: smtp:// or smtps:// and the server; telegram, pagerduty, ntfy: the service, if it is another "
	"one"),
    KEY(token, STRING, NULL, "telegram: the bot's token; ntfy: an access token"),
    KEY(chat_id, STRING, NULL, "telegram: number of the chat, or \"@channel\""),
    KEY(routing_key, STRING, NULL, "pagerduty: integration key of the service"),
    KEY(topic, STRING, NULL, "ntfy: the topic"),
    KEY(from, STRING, NULL, "email: sender, such as \"Bot <bot@example.com>\""),
    KEY(to, NAMES, NULL, "email: recipients"),
    KEY(user, STRING, NULL, "email: user name"),
    KEY(password, STRING, NULL, "email: password"),
    KEY(starttls, BOOL, "true", "email: whether smtp:// must be encrypted before anything else is sent"),
    KEY(labels, PAIRS, NULL, "alertmanager: additional labels"),
    KEY(headers, HEADERS, NULL, "additional request headers"),
    KEY(tls, GROUP, NULL, "TLS settings", .group = &schema_tls),
    ROW("text", wording.text, WORDING, NULL, "text to send, with variables such as ${failed}; default: see ALERTS"),
    ROW("level", wording.level, CHOICE, NULL, "severity; default: \"critical\" if something failed, else \"info\"",
	.choices = &names_alert_levels),
    KEY(on, CHOICES, NULL, "events that send an alert to this channel; default: those of notify_on", .choices = &names_notices),
    END,
};
static const struct schema schema_alert = SCHEMA("alert", alert_keys, -1, .rule = rule_alert);
#undef OF

#define OF struct plan_recovery
static const struct key recovery_keys[] = {
    KEY(deadline, DURATION, "30s", "maximum time for reading the journal, and then for the steps with \"recovery\" in `when`",
	SECONDS(1, 86400)),
    KEY(on_failure, CHOICE, "continue", "if a required one fails or the journal cannot be read: start the app, or refuse to",
	.choices = &names_recovery_failures),
    END,
};
static const struct schema schema_recovery = SCHEMA("recovery", recovery_keys, -1, .rule = NULL);
#undef OF

#define OF struct plan
static const struct key log_keys[] = {
    ROW("level", log_level, CHOICE, "info", "minimum level to log", .choices = &names_log_levels),
    ROW("format", log_format, CHOICE, "text", "json: one object per line", .choices = &names_log_formats),
    END,
};
static const struct schema schema_log = {.name = "log", .size = 0, .line_offset = -1, .keys = log_keys};

static const struct key root_keys[] = {
    KEY(app, GROUP, NULL, "the app to run", .group = &schema_app),
    KEY(signers, MAP, NULL, "keys for signed requests", .group = &schema_signer),
    KEY(checks, LIST, NULL, "checks that probes refer to by name; at most 64, including those defined in probes",
	.group = &schema_check),
    KEY(start, GROUP, NULL, "what happens before the app starts", .group = &schema_start),
    {.name = "probes", .type = KEY_GROUP, .group = &schema_probes, .help = "startup, liveness and readiness"},
    KEY(heartbeats, LIST, NULL, "dead man's switches and leases; at most 16", .group = &schema_heartbeat),
    KEY(shutdown, GROUP, NULL, "the shutdown", .group = &schema_shutdown),
    KEY(alerts, MAP, NULL, "alert channels", .group = &schema_alert),
    KEY(notify_on, CHOICES, NULL, "events that send an alert to all channels without an `on` of their own",
	.choices = &names_notices),
    KEY(recovery, GROUP, NULL, "what happens if an earlier run did not finish its shutdown", .group = &schema_recovery),
    KEY(state_dir, STRING, NULL, "absolute path of the directory for the journal; created if missing"),
    KEY(instance, STRING, NULL, "name of the journal; default: the first one that no running instance uses"),
    KEY(listen, STRING, NULL,
	"address of the HTTP listener, such as \"0.0.0.0:9180\" or \"[::]:9180\": / /livez /readyz /startupz /status /metrics"),
    {.name = "log", .type = KEY_GROUP, .group = &schema_log, .help = "tinysup's own log, on stderr"},
    END,
};
const struct schema schema_root = SCHEMA("tinysup.conf", root_keys, -1, .rule = rule_root);
#undef OF
