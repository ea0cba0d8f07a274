/*
 * The plan: everything the configuration says, checked and expanded, as plain structs.
 *
 * config_load() fills one struct plan before process 1 seals itself; from then on it is read-only memory (see arena.h),
 * so init/, probes/ and hooks/ only ever hold const pointers into it. Nobody frees a part of it.
 *
 * Units: every msec_t is milliseconds. Strings are never NULL where a default exists; where "not set" is meaningful they
 * are NULL, and the comment says so. Lists are a pointer and a count; a count of 0 means the pointer must not be read.
 */
#ifndef TINYSUP_CONFIG_PLAN_H
#define TINYSUP_CONFIG_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t msec_t;
#define MSEC_UNSET ((msec_t)-1) /* not set */
#define MSEC_AUTO  ((msec_t)-2) /* "auto", where a setting knows it; resolved before the plan is handed out */

/* A string as the program uses it, and as it may be shown: `shown` is the text before ${...} was expanded. */
struct plan_text {
	const char *value;
	const char *shown;
};

struct plan_pair {
	const char *name;
	const char *value;
};

struct plan_pairs {
	const struct plan_pair *items;
	size_t count;
};

struct plan_names {
	const char *const *items;
	size_t count;
};

/* argv is NULL-terminated; NULL where not set. shown is the words joined by blanks, unexpanded. */
struct plan_exec {
	char *const *argv;
	const char *shown;
};

/* --- what can be asked (probes/) ---------------------------------------------------------------------------------- */

struct plan_tls {
	bool verify;
	const char *ca;          /* PEM file; NULL: the image's own certificates */
	const char *cert;        /* client certificate, PEM; NULL: none */
	const char *key;         /* its key; NULL: in `cert` */
	const char *server_name; /* name to verify and send as SNI; NULL: the URL's host */
};

enum value_type { VALUE_UNSET, VALUE_STRING, VALUE_NUMBER, VALUE_BOOL };

struct plan_value {
	enum value_type type;
	const char *string;
	double number;
	bool boolean;
};

struct plan_values {
	const struct plan_value *items;
	size_t count;
};

/* One JSON assertion: every operator that is set must hold. Pointers are RFC 6901; `*` in one is every member. */
struct plan_json {
	const char *pointer;
	struct plan_value equals;
	struct plan_value not_equals;
	struct plan_values one_of;
	struct plan_value exists; /* VALUE_BOOL: the pointer must (not) lead somewhere */
	struct plan_value minimum;
	struct plan_value maximum;
	struct plan_value empty;    /* VALUE_BOOL: an array or object that is (not) empty */
	struct plan_value all_true; /* VALUE_BOOL: every member of the array or object is (not all are) true */
	msec_t age_below;           /* Unix time or RFC 3339 in the body is younger than this; MSEC_UNSET: not checked */
	bool optional;              /* a value that does not exist is fine */
};

struct plan_jsons {
	const struct plan_json *items;
	size_t count;
};

struct plan_range {
	int low, high; /* both included */
};

struct plan_ranges {
	const struct plan_range *items;
	size_t count;
};

struct plan_signer; /* plan_signer.h */
struct nonces;      /* nonces.h */

struct plan_signers {
	const struct plan_signer *items;
	size_t count;
};

struct plan_http {
	struct plan_text url;    /* value NULL: no http here */
	const char *unix_socket; /* NULL: TCP */
	const char *method;      /* NULL: GET, or POST where there is a body */
	struct plan_pairs headers;
	const char *body; /* NULL: none */
	const char *basic_user;
	const char *basic_password;
	const char *bearer;
	struct plan_ranges status;
	const char *contains;
	const char *matches; /* POSIX extended */
	int redirects;       /* maximum number, on the same host only */
	bool anywhere;       /* --probe --location: on any host */
	int64_t max_body;    /* bytes read; the rest is ignored */
	msec_t slower_than;  /* a response slower than this fails; MSEC_UNSET: not checked */
	struct plan_tls tls;
	struct plan_jsons json;
	const char *sign;                 /* a name under `signers`; NULL: not signed */
	const struct plan_signer *signer; /* the same */
	bool disarms;                     /* it disarms a dead man's switch, as far as that can be seen */
	bool nothing_is_done;             /* "nothing to do" is a success */
};

struct plan_tcp {
	const char *host; /* NULL: no tcp here */
	int port;
	const char *send;   /* NULL: connecting is enough */
	const char *expect; /* NULL: nothing is read */
};

struct plan_grpc {
	const char *address; /* "host:port", "[IPv6]:port" or "unix:/path"; NULL: no grpc here */
	const char *service; /* "": the server as a whole */
	bool secure;         /* the configuration has a tls group */
	struct plan_tls tls;
};

struct plan_file {
	const char *path; /* NULL: no file here */
	msec_t max_age;   /* MSEC_UNSET: it must exist */
};

struct plan_notify {
	msec_t max_age; /* since the app's last WATCHDOG=1 */
};

struct plan_process {
	int64_t max_rss; /* resident bytes of the app; 0: not checked */
	int max_fds;     /* open descriptors of the app; 0: not checked */
};

enum check_kind { CHECK_NONE, CHECK_HTTP, CHECK_TCP, CHECK_EXEC, CHECK_FILE, CHECK_GRPC, CHECK_NOTIFY, CHECK_PROCESS };

struct plan_check {
	const char *name;
	enum check_kind kind;
	struct plan_http http;
	struct plan_tcp tcp;
	struct plan_grpc grpc;
	struct plan_exec exec;
	struct plan_file file;
	struct plan_notify notify;
	struct plan_process process;
	msec_t timeout; /* MSEC_UNSET: the probe's */
	bool soft;      /* reported, never decides */
	int line;
};

#define CHECK_NAME_MAX 64 /* bytes, the NUL included */

struct plan_checks {
	const struct plan_check *items;
	size_t count;
};

#define PLAN_CHECKS_MAX 64 /* including those defined inside probes */

/* --- Kubernetes' probes (init/prober) ------------------------------------------------------------------------------- */

enum probe_kind { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS, PROBE_COUNT };
enum probe_mode { PROBE_ALL, PROBE_ANY };
enum unhealthy { UNHEALTHY_NONE, UNHEALTHY_RESTART, UNHEALTHY_SHUTDOWN };

struct plan_probe {
	bool given;
	uint64_t checks; /* bit n for plan.checks.items[n]; 0: none (notify, watchdog) */
	enum probe_mode mode;
	msec_t initial_delay; /* from the app's start */
	msec_t period;
	msec_t timeout; /* of each check */
	msec_t jitter;  /* the longest random addition to the first delay */
	int failure_threshold;
	int success_threshold;
	enum unhealthy on_failure; /* of startup and liveness */
};

/* --- who to tell (hooks/) ------------------------------------------------------------------------------------------ */

enum alert_type {
	ALERT_SLACK,
	ALERT_DISCORD,
	ALERT_TELEGRAM,
	ALERT_EMAIL,
	ALERT_PAGERDUTY,
	ALERT_NTFY,
	ALERT_ALERTMANAGER,
	ALERT_WEBHOOK
};

/* PagerDuty's severities. */
enum alert_level { LEVEL_DERIVED, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR, LEVEL_CRITICAL };

/* What alerts are sent for besides alert steps: notify_on. */
enum notice {
	NOTICE_CRASH,
	NOTICE_UNHEALTHY,
	NOTICE_RECOVERED,
	NOTICE_STEP_FAILED,
	NOTICE_STOP,
	NOTICE_RESTART,
	NOTICE_HELD,
	NOTICE_START_REFUSED,
	NOTICE_HEARTBEAT,
	NOTICE_COUNT
};

#define NOTICE_OWN (1u << NOTICE_COUNT) /* in `on`: the channel has a list of its own, which may be empty */

/* How an alert is worded. */
struct plan_wording {
	const char *text; /* a template: alert_text.h; NULL: tinysup's own text */
	enum alert_level level;
};

/* Which settings a type has: channels.h. */
struct plan_alert {
	const char *name; /* its key under `alerts` */
	enum alert_type type;
	struct plan_text url;
	const char *token;
	const char *chat_id;
	const char *routing_key;
	const char *topic;
	const char *from;
	struct plan_names to;
	const char *user;
	const char *password;
	bool starttls; /* required; false: neither asked for nor used */
	struct plan_pairs labels;
	struct plan_pairs headers;
	struct plan_tls tls;
	struct plan_wording wording;
	unsigned on; /* mask of 1 << enum notice and NOTICE_OWN; 0: notify_on */
};

struct plan_alerts {
	const struct plan_alert *items;
	size_t count;
};

/* --- the shutdown chain (init/sequencer) ---------------------------------------------------------------------------- */

enum step_kind { STEP_EXEC, STEP_HTTP, STEP_TCP, STEP_ALERT, STEP_STOP, STEP_WAIT, STEP_SIGNAL, STEP_SLEEP };
enum on_failure { ON_FAILURE_CONTINUE, ON_FAILURE_ABORT };

/* Why a chain runs. A step's `when` is a mask of 1 << reason. */
enum reason {
	REASON_STOP,
	REASON_EXIT,
	REASON_CRASH,
	REASON_UNHEALTHY,
	REASON_RESTART,
	REASON_RECOVERY, /* the shutdown of an earlier run was not finished */
	REASON_START,    /* start.chain, before the app starts */
	REASON_HELD,     /* alerts: restarts are exhausted */
	REASON_MANUAL,   /* --step */
	REASON_COUNT
};

enum step_state {
	STATE_PENDING,
	STATE_RUNNING, /* an attempt is running, or time passes */
	STATE_PAUSED,  /* between two attempts */
	STATE_OK,
	STATE_FAILED,
	STATE_TIMEOUT, /* timed out */
	STATE_SKIPPED, /* excluded by `when`, done before, or it needs the app, which is gone */
	STATE_CUT,     /* no time left, or optional and skipped */
};

#define STATE_COUNT (STATE_CUT + 1)

/* Whether the step has ended without having done what it is for. A skipped one was not to. */
bool plan_state_failed(enum step_state state);

/* retry.on is a mask of 1 << cause. */
enum retry_cause { RETRY_ON_CONNECT, RETRY_ON_TIMEOUT, RETRY_ON_429, RETRY_ON_5XX, RETRY_ON_EXIT };

#define RETRY_CONNECT (1u << RETRY_ON_CONNECT)
#define RETRY_TIMEOUT (1u << RETRY_ON_TIMEOUT)
#define RETRY_429     (1u << RETRY_ON_429)
#define RETRY_5XX     (1u << RETRY_ON_5XX)
#define RETRY_EXIT    (1u << RETRY_ON_EXIT)

struct plan_retry {
	int attempts; /* 1: no retry */
	msec_t backoff;
	msec_t backoff_max;
	unsigned on;
};

#define PLAN_GROUPS_MAX 32

/* A user to switch to. set == false: no switch. */
struct plan_user {
	bool set;
	unsigned uid, gid;
	unsigned groups[PLAN_GROUPS_MAX];
	size_t group_count;
	const char *home; /* from the password file; NULL where it has none */
};

struct plan_step {
	const char *name;
	size_t family; /* bytes of the name as configured, of a step that became several, "NAME/ONE"; 0: it did not */
	enum step_kind kind;
	struct plan_exec exec;          /* STEP_EXEC, STEP_WAIT */
	struct plan_http http;          /* STEP_HTTP, STEP_WAIT */
	struct plan_tcp tcp;            /* STEP_TCP, STEP_WAIT */
	const struct plan_alert *alert; /* STEP_ALERT: one channel; several become a parallel group */
	struct plan_wording wording;    /* STEP_ALERT: instead of the channel's, as far as it is set */
	int signal;                     /* STEP_STOP, STEP_SIGNAL */
	msec_t period;                  /* STEP_WAIT: delay between attempts */
	msec_t attempt_timeout;         /* STEP_WAIT: timeout of one attempt */
	msec_t timeout;                 /* MSEC_UNSET: as much as the budget gives. STEP_SLEEP: the time slept */
	msec_t reserve;                 /* 0: none */
	bool required;
	bool needs_app;
	bool rehearsable; /* --rehearse=live runs it */
	enum on_failure on_failure;
	unsigned when; /* mask of 1 << enum reason */
	struct plan_user user;
	struct plan_retry retry;
	bool idempotency_key;
	struct plan_pairs environment;
};

/* Steps that run side by side. Most stages have one. */
struct plan_stage {
	const struct plan_step *steps;
	size_t count;
	size_t first;   /* how many steps the stages before it have */
	msec_t timeout; /* the largest of its members'; MSEC_UNSET if one has none */
	bool has_stop;
};

#define PLAN_STEPS_MAX 64 /* in a chain; an alert counts once for each channel */

struct plan_chain {
	const struct plan_stage *stages;
	size_t count; /* 0: no chain */
	size_t steps; /* in all stages */
};

/* --- dead man's switches and leases (init/machine/heartbeat) ------------------------------------------------------------ */

enum beat_while { WHILE_READY, WHILE_LIVE, WHILE_RUNNING };
enum beat_failure { BEAT_NONE, BEAT_ALERT, BEAT_SHUTDOWN };

struct plan_heartbeat {
	struct plan_step beat;   /* an exec, http or tcp step with a timeout; its name is the heartbeat's */
	struct plan_step disarm; /* the same */
	bool disarms;            /* there is a disarm */
	msec_t period;
	enum beat_while gate;
	bool start; /* the app does not start before it has succeeded */
	int failure_threshold;
	enum beat_failure on_failure;
};

#define PLAN_HEARTBEATS_MAX 16

struct plan_heartbeats {
	const struct plan_heartbeat *items;
	size_t count;
	bool arms; /* one has `start` */
};

struct plan_shutdown {
	uint64_t signals;     /* bit n-1 for signal n */
	msec_t deadline;      /* as configured */
	msec_t grace;         /* the platform's grace period; MSEC_UNSET: unknown */
	bool granted;         /* it is configured, not found by the environment */
	const char *platform; /* its source: "Kubernetes", "platform_grace" ...; NULL: unknown */
	const char *raise;    /* the platform's setting that raises it; NULL: there is none, or it is unknown */
	msec_t effective;     /* min(deadline, grace - margin); the deadline where a platform leaves no time at all */
	msec_t kill_reserve;
	int clean_exit_code; /* -1: the app's own */
	int failed_exit_code;
	bool chained;            /* the configuration has a chain */
	struct plan_chain chain; /* where it has none: one stop step, for restarts only */
};

struct plan_start {
	msec_t deadline;
	struct plan_chain chain; /* before the app starts for the first time */
};

enum recovery_failure { RECOVERY_CONTINUE, RECOVERY_REFUSE };

struct plan_recovery {
	msec_t deadline;
	enum recovery_failure on_failure;
	bool possible; /* there is a journal, and a step with `recovery` in its `when` */
};

/* The step with this index in the whole chain. */
const struct plan_step *plan_step_at(const struct plan_chain *chain, size_t index);

enum signal_target { TARGET_CHILD, TARGET_GROUP };

enum restart_policy { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum exhausted { EXHAUSTED_EXIT, EXHAUSTED_HOLD };

struct plan_restart {
	enum restart_policy policy; /* of an app that ended by itself; liveness has its own on_failure */
	int max;                    /* at most so many ... */
	msec_t within;              /* ... in this time */
	msec_t backoff;             /* before the first; doubles with each one within the time */
	msec_t backoff_max;
	enum exhausted exhausted; /* what to do after `max` */
};

#define PLAN_RESTARTS_MAX 100

/* A copy of what the app writes to its stdout and stderr. */
struct plan_output {
	const char *file; /* NULL: none, and the app has the container's own descriptors */
	int64_t max_size; /* bytes; then the file is rotated */
	int keep;         /* rotated files: FILE.1, FILE.2 ... */
	int tail;         /* last lines, for alerts, --status and --history */
};

#define PLAN_TAIL_MAX 100

struct plan_app {
	const char *name;
	struct plan_exec command; /* argv NULL: neither configured nor on the command line */
	const char *directory;    /* NULL: ours */
	struct plan_user user;
	int umask; /* -1: ours */
	struct plan_pairs environment;
	enum signal_target signals;
	uint8_t rewrite[65];       /* [n]: what to send for signal n; itself by default, 0 to drop it */
	uint64_t success_codes[4]; /* bit n for exit code n: success */
	uint64_t zero_codes[4];    /* -e: exit codes that become 0 */
	bool notify;               /* an sd_notify socket; READY=1 is part of the startup probe */
	msec_t watchdog;           /* maximum interval of WATCHDOG=1; 0: off */
	struct plan_output output;
	struct plan_restart restart;
};

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_TEXT, LOG_JSON };

struct plan {
	const char *file; /* NULL: no configuration file */
	const char *path; /* the same, absolute; NULL: none that can be read again */
	struct plan_app app;
	struct plan_checks checks;
	struct plan_probe probes[PROBE_COUNT];
	const char *listen; /* "host:port" of the HTTP listener, the host numeric or empty; NULL: none */
	struct plan_alerts alerts;
	unsigned notify_on; /* mask of 1 << enum notice: of channels without `on` */
	bool notifies;      /* some channel gets some of them */
	struct plan_signers signers;
	struct plan_heartbeats heartbeats;
	struct nonces *nonces; /* of signers; NULL: none has any */
	struct plan_shutdown shutdown;
	struct plan_start start;
	struct plan_recovery recovery;
	struct plan_chain held; /* an alert for each channel, for REASON_HELD; without any: no steps */
	const char *state_dir;  /* NULL: no journal */
	const char *instance;   /* NULL: the first free slot */
	enum log_level log_level;
	enum log_format log_format;
};

/* Whether the app may ever be started a second time. */
bool plan_may_restart(const struct plan *plan);

#endif
