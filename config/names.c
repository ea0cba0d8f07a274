#include "config/names.h"

#include <string.h>

#include "config/plan_signer.h"

#define NAMES(table)                                                                                                           \
	{                                                                                                                      \
		.words = (table), .count = sizeof(table) / sizeof *(table)                                                     \
	}

static const char *const alert_levels[] = {
    [LEVEL_INFO] = "info", [LEVEL_WARNING] = "warning", [LEVEL_ERROR] = "error", [LEVEL_CRITICAL] = "critical"};
const struct names names_alert_levels = NAMES(alert_levels);

static const char *const alert_types[] = {[ALERT_SLACK] = "slack",
					  [ALERT_DISCORD] = "discord",
					  [ALERT_TELEGRAM] = "telegram",
					  [ALERT_EMAIL] = "email",
					  [ALERT_PAGERDUTY] = "pagerduty",
					  [ALERT_NTFY] = "ntfy",
					  [ALERT_ALERTMANAGER] = "alertmanager",
					  [ALERT_WEBHOOK] = "webhook"};
const struct names names_alert_types = NAMES(alert_types);

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

static const char *const reasons[] = {
    [REASON_STOP] = "stop",           [REASON_EXIT] = "exit",       [REASON_CRASH] = "crash",
    [REASON_UNHEALTHY] = "unhealthy", [REASON_RESTART] = "restart", [REASON_RECOVERY] = "recovery",
    [REASON_START] = "start",         [REASON_HELD] = "held",       [REASON_MANUAL] = "manual"};
const struct names names_reasons = NAMES(reasons);
/* what `when` may hold */
const struct names names_when = {.words = reasons, .count = REASON_RECOVERY + 1};

static const char *const restart_policies[] = {
    [RESTART_NEVER] = "never", [RESTART_ON_FAILURE] = "on-failure", [RESTART_ALWAYS] = "always"};
const struct names names_restart_policies = NAMES(restart_policies);

static const char *const recovery_failures[] = {[RECOVERY_CONTINUE] = "continue", [RECOVERY_REFUSE] = "refuse"};
const struct names names_recovery_failures = NAMES(recovery_failures);

static const char *const digests[] = {
    [DIGEST_SHA256] = "sha256", [DIGEST_SHA384] = "sha384", [DIGEST_SHA512] = "sha512", [DIGEST_NONE] = "none"};
const struct names names_digests = NAMES(digests);
const struct names names_hash_digests = {.words = digests, .count = DIGEST_NONE};

static const char *const encodings[] = {
    [ENCODING_RAW] = "raw", [ENCODING_HEX] = "hex", [ENCODING_BASE64] = "base64", [ENCODING_BASE64URL] = "base64url"};
const struct names names_encodings = NAMES(encodings);
static const char *const outputs[] = {[ENCODING_HEX] = "hex", [ENCODING_BASE64] = "base64", [ENCODING_BASE64URL] = "base64url"};
const struct names names_outputs = NAMES(outputs);

static const char *const body_forms[] = {[BODY_ANY] = "any", [BODY_JSON] = "json", [BODY_FORM] = "form", [BODY_NONE] = "none"};
const struct names names_body_forms = NAMES(body_forms);

static const char *const nonce_units[] = {[NONCE_MS] = "ms", [NONCE_US] = "us", [NONCE_NS] = "ns"};
const struct names names_nonce_units = NAMES(nonce_units);

static const char *const exhausted[] = {[EXHAUSTED_EXIT] = "exit", [EXHAUSTED_HOLD] = "hold"};
const struct names names_exhausted = NAMES(exhausted);

static const char *const retry_causes[] = {[RETRY_ON_CONNECT] = "connect",
					   [RETRY_ON_TIMEOUT] = "timeout",
					   [RETRY_ON_429] = "429",
					   [RETRY_ON_5XX] = "5xx",
					   [RETRY_ON_EXIT] = "exit"};
const struct names names_retry_causes = NAMES(retry_causes);

static const char *const signal_targets[] = {[TARGET_CHILD] = "child", [TARGET_GROUP] = "group"};
const struct names names_signal_targets = NAMES(signal_targets);

static const char *const step_kinds[] = {
    [STEP_EXEC] = "exec", [STEP_HTTP] = "http", [STEP_TCP] = "tcp",       [STEP_ALERT] = "alert",
    [STEP_STOP] = "stop", [STEP_WAIT] = "wait", [STEP_SIGNAL] = "signal", [STEP_SLEEP] = "sleep"};
const struct names names_step_kinds = NAMES(step_kinds);

static const char *const step_states[] = {
    [STATE_PENDING] = "pending", [STATE_RUNNING] = "running", [STATE_PAUSED] = "running",  [STATE_OK] = "ok",
    [STATE_FAILED] = "failed",   [STATE_TIMEOUT] = "timeout", [STATE_SKIPPED] = "skipped", [STATE_CUT] = "cut"};
const struct names names_step_states = NAMES(step_states);

static const char *const unhealthy[] = {
    [UNHEALTHY_NONE] = "none", [UNHEALTHY_RESTART] = "restart", [UNHEALTHY_SHUTDOWN] = "shutdown"};
const struct names names_unhealthy = NAMES(unhealthy);

static const char *const beat_whiles[] = {[WHILE_READY] = "ready", [WHILE_LIVE] = "live", [WHILE_RUNNING] = "running"};
const struct names names_while = NAMES(beat_whiles);

static const char *const beat_failures[] = {[BEAT_NONE] = "none", [BEAT_ALERT] = "alert", [BEAT_SHUTDOWN] = "shutdown"};
const struct names names_beat_failures = NAMES(beat_failures);

static const char *const notices[] = {[NOTICE_CRASH] = "crash",         [NOTICE_UNHEALTHY] = "unhealthy",
				      [NOTICE_RECOVERED] = "recovered", [NOTICE_STEP_FAILED] = "step_failed",
				      [NOTICE_STOP] = "stop",           [NOTICE_RESTART] = "restart",
				      [NOTICE_HELD] = "held",           [NOTICE_START_REFUSED] = "start_refused",
				      [NOTICE_HEARTBEAT] = "heartbeat"};
const struct names names_notices = NAMES(notices);

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
