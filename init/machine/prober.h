/*
 * Kubernetes' probes as a pure state machine: time and events in, actions out. tests/unit/test_prober.c walks it.
 *
 * Thresholds, gating and initial verdicts are those of the kubelet (kubernetes/pkg/kubelet/prober/worker.go): startup blocks
 * the other two until it has succeeded, readiness starts as failed and liveness as healthy, results below the threshold change
 * nothing, and errors do not count. Added: several checks make one verdict, two probes share one run of a check, and the app's
 * messages (READY=1, WATCHDOG=1) count.
 *
 * State      What runs                                Next state
 * IDLE       nothing: the app has not started yet     ACTIVE (APP_STARTED), DOWN (RESTARTING), FROZEN (STOPPED),
 *                                                     UNMANNED (HELD)
 * ACTIVE     startup's checks; once `started`, those  DOWN (RESTARTING), FROZEN (STOPPED), ACTIVE (APP_STARTED)
 *            of liveness and readiness
 * DOWN       nothing, and nothing is healthy          ACTIVE (APP_STARTED), FROZEN (STOPPED), UNMANNED (HELD)
 * FROZEN     nothing                                  UNMANNED (HELD)
 * UNMANNED   nothing: alive, but not ready            FROZEN (STOPPED)
 *
 * All other events are handled in ACTIVE only.
 *
 * A round     is under_way until the last check that it is `open` for has ended. A round that is due meanwhile is `pending`;
 *             so is one that would need a check whose run this probe has already judged as too slow: one run is one result.
 * A check     is running while at least one round waits for it (`waiting`). Each probe judges it by its age and the probe's
 *             own timeout; it ends with the last round that waits for it.
 * started     startup has succeeded, or there is no startup probe and no READY=1 to wait for.
 * watchdog_spared, watchdog_failed: never both; reset by WATCHDOG=1.
 */
#ifndef TINYSUP_INIT_MACHINE_PROBER_H
#define TINYSUP_INIT_MACHINE_PROBER_H

#include "config/plan.h"
#include "probes/result.h"

/* A worker that does not end at its timeout is killed this much later. */
#define PROBER_GRACE ((msec_t)50)

enum prober_event_kind {
	PROBER_TIME,           /* the time that prober_wake() returned has come */
	PROBER_APP_STARTED,    /* started or restarted: everything is reset */
	PROBER_RESULT,         /* .check ended with .result */
	PROBER_READY,          /* the app sent READY=1 */
	PROBER_WATCHDOG,       /* WATCHDOG=1 */
	PROBER_WATCHDOG_FAIL,  /* WATCHDOG=trigger */
	PROBER_WATCHDOG_EVERY, /* WATCHDOG_USEC=, in .time */
	PROBER_EXTEND,         /* EXTEND_TIMEOUT_USEC=, in .time: startup does not fail before */
	PROBER_APP_STOPPING,   /* STOPPING=1: readiness fails */
	PROBER_RESTARTING,     /* the app is being restarted: no checks, nothing is healthy */
	PROBER_STOPPED,        /* the first stop event: no checks, readiness fails, the others keep their verdicts */
	PROBER_HELD,           /* tinysup stays up without the app: readiness fails, no platform shall restart it */
};

struct prober_event {
	enum prober_event_kind kind;
	size_t check;
	const struct check_result *result;
	msec_t time;
};

enum prober_action_kind {
	PROBER_START_CHECK, /* start .check with the timeout .time (plus PROBER_GRACE) */
	PROBER_KILL,        /* kill .check's worker: no round needs it */
	PROBER_CHANGED,     /* for the log: .check's outcome has changed */
	PROBER_VERDICT,     /* for the log: .probe's verdict has changed */
	PROBER_UNHEALTHY,   /* .probe (startup or liveness) failed: run on_failure */
};

/* Small: many are on the stack of process 1, and every fork copies its pages. */
struct prober_action {
	enum prober_action_kind kind : 8;
	enum probe_kind probe : 8;
	unsigned check : 8;
	int time; /* milliseconds */
};

#define PROBER_ACTIONS_MAX (PLAN_CHECKS_MAX * 3 + PROBE_COUNT * 4)

struct prober_actions {
	size_t count;
	struct prober_action items[PROBER_ACTIONS_MAX];
};

static inline void prober_push(struct prober_actions *out, struct prober_action action)
{
	if (out->count < PROBER_ACTIONS_MAX)
		out->items[out->count++] = action;
}

struct prober_check {
	bool running;
	msec_t check_started;     /* start of the current run */
	unsigned waiting;         /* bit n: probe n's round waits for it */
	bool has_result;          /* the fields below hold a result */
	struct check_result last; /* never OUTCOME_ERROR */
	msec_t at, since;         /* of the last verdict; of the last change */
	uint64_t ok, failed, errors;
	bool erring; /* the last run was an error */
	int64_t total_us;
	char error[sizeof((struct check_result *)0)->message]; /* of the last error */
};

enum verdict { VERDICT_UNKNOWN, VERDICT_FAILURE, VERDICT_SUCCESS };

/* A probe and its rounds. A round runs each of its checks once. */
struct prober_round {
	enum verdict verdict;
	int successes, failures; /* in a row */
	msec_t due;              /* the next round; INT64_MAX: none */
	bool under_way, pending; /* pending: a round was due meanwhile */
	msec_t started;
	uint64_t open, ok, failed; /* of this round, by check; in none of them: an error */
	uint64_t late;             /* of the failed ones: slower than this probe's timeout */
	uint64_t blamed;           /* checks that failed in the last round that ended, without soft ones */
	uint64_t rounds_ok, rounds_failed, rounds_error, skipped;
	char why[sizeof((struct check_result *)0)->message]; /* of the last failure */
};

struct prober {
	const struct plan *plan;
	uint64_t random;
	enum { PROBER_IDLE, PROBER_ACTIVE, PROBER_DOWN, PROBER_FROZEN, PROBER_UNMANNED } state;
	msec_t app_started;
	bool started; /* startup has succeeded, or there is no startup probe */
	bool ready_came, app_stopping;
	msec_t extended;      /* startup does not fail before this */
	msec_t watchdog;      /* 0: none */
	msec_t watchdog_at;   /* the last WATCHDOG=1; 0: none yet */
	msec_t watchdog_from; /* the next one is due `watchdog` after this */
	bool watchdog_failed;
	bool watchdog_spared;       /* we woke up late: it got more time, once */
	bool was_live, was_started; /* PROBER_FROZEN: the verdicts that stay */
	struct prober_round rounds[PROBE_COUNT];
	struct prober_check checks[PLAN_CHECKS_MAX];
};

/* prober: zeroed memory. seed: any number; the jitter follows from it. */
void prober_init(struct prober *prober, const struct plan *plan, uint64_t seed);

/* Handles an event at time `now`, which never decreases. Fills `out` from its start. */
void prober_event(struct prober *prober, msec_t now, const struct prober_event *event, struct prober_actions *out);

/* When PROBER_TIME is due; INT64_MAX: never. Changes with every event. */
msec_t prober_wake(const struct prober *prober);

/* The published verdict. If not healthy, `why` is the reason (valid as long as the prober). */
bool prober_healthy(const struct prober *prober, enum probe_kind kind, const char **why);

/* When verdicts expire unless something happens. INT64_MAX: never. */
msec_t prober_valid_until(const struct prober *prober);
/* The same for a check; 0: it does not run now. */
msec_t prober_check_valid_until(const struct prober *prober, size_t check);

#endif
