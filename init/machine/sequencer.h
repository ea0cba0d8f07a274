/*
 * The shutdown as a pure state machine: time and events in, actions out. tests/unit/test_sequencer.c walks every order of
 * events to a bounded depth, test_plans.c does so over generated plans.
 *
 * Phase     Waits for                            Next phase
 * RUNNING   APP_EXIT, a stop signal, UNHEALTHY   CHAIN; without a chain DRAINING, or SWEEP if the app is gone
 * DRAINING  APP_EXIT (no chain: stop signals     SWEEP
 *           are forwarded as they arrive)
 * CHAIN     its steps: SIGNAL, APP_EXIT,         SWEEP; for a restart CLEARING, or CHAIN again with `cause` as reason
 *           GROUP_GONE, STEP_DONE, EXTEND
 * CLEARING  CLEARED, a stop signal               WAITING; CHAIN or SWEEP with `cause` as reason
 * WAITING   APP_STARTED or NOT_STARTED after     RUNNING
 *           `start_at`, a stop signal
 * SWEEP     NOTHING_LEFT                         OVER
 * OVER      nothing; events have no effect       -
 *
 * TIME is handled in every phase; every phase but RUNNING has a time limit. A stop signal during a restart (CHAIN with
 * REASON_RESTART, CLEARING, WAITING) turns it into a stop. Other events, and these in other phases, change nothing.
 *
 * app_gone         the app was reaped. True in CLEARING and WAITING, false in RUNNING and DRAINING.
 * group_gone       with app_gone: its process group is empty.
 * group_signalled  with app_gone: the rest of the group got the stop signal.
 * app_killed       the app and its group got SIGKILL from us. With app_gone: it may have exited before.
 * entered          CHAIN: the steps of `stage` were started.
 * hurry            CHAIN: optional steps are skipped, running ones included.
 * kill_sent        DRAINING, CLEARING, SWEEP: what is left got SIGKILL.
 *
 * Steps are RUNNING or PAUSED only in CHAIN and only in the current stage. Ended steps keep their state until the next chain.
 */
#ifndef TINYSUP_INIT_MACHINE_SEQUENCER_H
#define TINYSUP_INIT_MACHINE_SEQUENCER_H

#include "init/machine/event.h"
#include "init/machine/restart.h"

enum phase { PHASE_RUNNING, PHASE_DRAINING, PHASE_CHAIN, PHASE_CLEARING, PHASE_WAITING, PHASE_SWEEP, PHASE_OVER };

enum step_state {
	STATE_PENDING,
	STATE_RUNNING, /* an attempt is running, or time passes */
	STATE_PAUSED,  /* between two attempts */
	STATE_OK,
	STATE_FAILED,
	STATE_TIMEOUT, /* timed out */
	STATE_SKIPPED, /* excluded by `when`, or it needs the app, which is gone */
	STATE_CUT,     /* no time left, or optional and skipped */
};

/* One step's progress. Times are absolute, on the clock that seq_event() is given. */
struct seq_step {
	enum step_state state;
	int attempt;    /* 1 for the first attempt */
	int unstarted;  /* attempts that could not start */
	msec_t started; /* of the first attempt, even if it could not start */
	msec_t ended;
	msec_t until;         /* deadline of the step */
	msec_t attempt_until; /* deadline of the attempt */
	msec_t retry_at;      /* STATE_PAUSED: start of the next attempt */
	enum failure failure; /* of the last attempt */
	int status;           /* HTTP status or exit code of the last attempt */
};

struct seq {
	const struct plan *plan;
	bool exit_at_once; /* as tini and dumb-init: exit with the app, no deadline, no sweep */
	uint64_t random;   /* state of the jitter's generator */

	enum phase phase;
	enum reason reason;
	enum reason cause; /* REASON_RESTART: the reason without a restart */
	struct restart restart;
	msec_t pause;     /* REASON_RESTART: delay before the app is started */
	msec_t start_at;  /* PHASE_WAITING: when to restart the app */
	int signal;       /* the stop signal; 0: none */
	int stop_signals; /* how many stop signals came */
	msec_t started;   /* the first stop event */
	size_t stage;     /* PHASE_CHAIN: the current one */
	bool entered;
	bool hurry;
	msec_t term_at; /* PHASE_CLEARING, PHASE_SWEEP: when SIGTERM was sent */
	bool kill_sent;
	uint64_t chains_run[REASON_COUNT], chains_failed[REASON_COUNT]; /* failed: a required step failed */

	bool app_gone;
	bool group_gone;
	bool group_signalled;
	bool app_killed;
	int app_status; /* wait status, once app_gone */
	int exec_errno;
	uint64_t stop_sent; /* stop signals sent to the app */
	bool required_failed;

	struct seq_step steps[PLAN_STEPS_MAX]; /* at the end: mostly untouched */
};

/* seq: zeroed memory. seed: for the jitter of back-off. */
void seq_init(struct seq *seq, const struct plan *plan, bool exit_at_once, uint64_t seed);

/* Handles an event at time `now`, which never decreases. Fills `out` from its start. */
void seq_event(struct seq *seq, msec_t now, const struct event *event, struct actions *out);

/* When EVENT_TIME is due; INT64_MAX: never. Changes with every event. */
msec_t seq_wake(const struct seq *seq);

/* Whether a restart is in progress. */
bool seq_is_restarting(const struct seq *seq);

/* "ok", "failed" ... */
const char *seq_state_name(enum step_state state);

#endif
