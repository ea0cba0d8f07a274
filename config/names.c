#include "config/names.h"

#include <string.h>

#include "config/plan.h"

#define NAMES(table)                                                                                                           \
	{                                                                                                                      \
		.words = (table), .count = sizeof(table) / sizeof *(table)                                                     \
	}
#define NAMES_AND(table, unbuilt)                                                                                              \
	{                                                                                                                      \
		.words = (table), .count = sizeof(table) / sizeof *(table), .later = (unbuilt)                                 \
	}

static const char *const alert_types[] = {[ALERT_SLACK] = "slack", [ALERT_WEBHOOK] = "webhook"};
const struct names names_alert_types = NAMES_AND(alert_types, "discord|telegram|email|pagerduty|ntfy|alertmanager");

static const char *const check_kinds[] = {
    [CHECK_HTTP] = "http", [CHECK_TCP] = "tcp",       [CHECK_EXEC] = "exec",      [CHECK_FILE] = "file",
    [CHECK_GRPC] = "grpc", [CHECK_NOTIFY] = "notify", [CHECK_PROCESS] = "process"};
const struct names names_check_kinds = NAMES(check_kinds);

static const char *const log_formats[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json"};
const struct names names_log_formats = NAMES(log_formats);

static const char *const log_levels[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", [LOG_TRACE] = "trace"};
const struct names names_log_levels = NAMES(log_levels);

static const char *const on_failure[] = {[ON_FAILURE_CONTINUE] = "continue", [ON_FAILURE_ABORT] = "abort"};
const struct names names_on_failure = NAMES(on_failure);

static const char *const probe_modes[] = {[PROBE_ALL] = "all", [PROBE_ANY] = "any"};
const struct names names_probe_modes = NAMES(probe_modes);

static const char *const probes[] = {
    [PROBE_STARTUP] = "startup", [PROBE_LIVENESS] = "liveness", [PROBE_READINESS] = "readiness"};
const struct names names_probes = NAMES(probes);

static const char *const reasons[] = {[REASON_STOP] = "stop",
				      [REASON_EXIT] = "exit",
				      [REASON_CRASH] = "crash",
				      [REASON_UNHEALTHY] = "unhealthy",
				      [REASON_RESTART] = "restart"};
const struct names names_reasons = NAMES_AND(reasons, "recovery");

static const char *const restart_policies[] = {
    [RESTART_NEVER] = "never", [RESTART_ON_FAILURE] = "on-failure", [RESTART_ALWAYS] = "always"};
const struct names names_restart_policies = NAMES(restart_policies);

static const char *const retry_causes[] = {[RETRY_ON_CONNECT] = "connect",
					   [RETRY_ON_TIMEOUT] = "timeout",
					   [RETRY_ON_429] = "429",
					   [RETRY_ON_5XX] = "5xx",
					   [RETRY_ON_EXIT] = "exit"};
const struct names names_retry_causes = NAMES(retry_causes);

static const char *const signal_targets[] = {[TARGET_CHILD] = "child", [TARGET_GROUP] = "group"};
const struct names names_signal_targets = NAMES(signal_targets);

static const char *const step_kinds[] = {
    [STEP_EXEC] = "exec", [STEP_HTTP] = "http",     [STEP_ALERT] = "alert", [STEP_STOP] = "stop",
    [STEP_WAIT] = "wait", [STEP_SIGNAL] = "signal", [STEP_SLEEP] = "sleep"};
const struct names names_step_kinds = NAMES(step_kinds);

static const char *const unhealthy[] = {
    [UNHEALTHY_NONE] = "none", [UNHEALTHY_RESTART] = "restart", [UNHEALTHY_SHUTDOWN] = "shutdown"};
const struct names names_unhealthy = NAMES(unhealthy);

const struct names names_while = {.later = "live|ready|running"};
const struct names names_recovery = {.later = "continue|refuse"};
const struct names names_notify_on = {.later = "crash|unhealthy|recovered|step_failed|stop|restart"};

const char *name_of(const struct names *names, size_t value)
{
	return value < names->count && names->words[value] != NULL ? names->words[value] : "unknown";
}

int name_find(const struct names *names, const char *word)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->words[i] != NULL && strcmp(names->words[i], word) == 0)
			return (int)i;
	return -1;
}
