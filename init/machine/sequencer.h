/*
 * The life of the app and its shutdown as a pure state machine: time and events in, actions out. tests/unit/test_sequencer.c
 * walks every order of events to a bounded depth, test_plans.c does so over generated plans.
 *
 * Phase     Waits for                            Next phase
 * READING   ACCOUNT, a stop signal               ARMING; SWEEP if it was stopped or refused
 * ARMING    ARMED, a stop signal; passed through CHAIN (recovery, start), WAITING, HELD; before a restart WAITING; SWEEP or, of
 *           where no heartbeat has `start`       a restart, CHAIN if it was stopped
 * RUNNING   APP_EXIT, a stop signal, UNHEALTHY   CHAIN; without a chain DRAINING, or SWEEP if the app is gone
 * DRAINING  APP_EXIT (no chain: stop signals     SWEEP
 *           are forwarded as they arrive)
 * CHAIN     its steps: SIGNAL, APP_EXIT,         by its reason:
 *           GROUP_GONE, STEP_DONE, EXTEND          recovery   CHAIN (start), WAITING, HELD; SWEEP if it was stopped or refused
 *                                                  start      WAITING; SWEEP if it was stopped or refused
 *                                                  restart    CLEARING, or CHAIN again with `cause` as reason
 *                                                  held       HELD
 *                                                  others     SWEEP; to be held: CLEARING
 * CLEARING  CLEARED, a stop signal               WAITING; CHAIN or SWEEP with `cause` as reason; to be held: CHAIN (held), HELD
 * WAITING   `start_at`, then APP_STARTED or      ARMING and back, RUNNING
 *           NOT_STARTED, a stop signal
 * HELD      a stop signal                        SWEEP
 * SWEEP     NOTHING_LEFT                         CLOSING
 * CLOSING   CLOSED                               OVER
 * OVER      nothing; events have no effect       -
 *
 * Between CHAIN and the next phase is CHAIN_OVER, which only CHAIN_OVER ends: actions about steps are carried out by then, and
 * the next chain may have other steps.
 *
 * TIME is handled in every phase; every phase but ARMING, RUNNING and HELD has a time limit. A stop signal during a restart
 * (CHAIN with REASON_RESTART, CLEARING, ARMING, WAITING) turns it into a stop; LOST likewise, except in ARMING. Before the app
 * was started (opening.c) it breaks off start.chain, while recovery goes on within the shutdown's deadline. Other events, and
 * these in other phases, change nothing.
 *
 * app_gone         no app runs: it was reaped, or it was not started yet. True in READING, ARMING, CLEARING, WAITING and HELD,
 *                  false in RUNNING and DRAINING.
 * group_gone       with app_gone: its process group is empty.
 * group_signalled  with app_gone: the rest of the group got the stop signal.
 * app_killed       the app and its group got SIGKILL from us. With app_gone: it may have exited before.
 * entered          CHAIN: the steps of `stage` were started.
 * hurry            CHAIN: optional steps are skipped, running ones included.
 * kill_sent        DRAINING, CLEARING, SWEEP: what is left got SIGKILL.
 * to_hold          restarts are exhausted, and tinysup is to stay up: on the way to HELD, and there.
 * unfinished       a shutdown's required step failed, or recovery did not succeed: until the app starts.
 * to_recover       before the first start: an earlier run has left something to do.
 * in_order         the shutdown's chain has ended, all of its required steps have succeeded, and the app is gone.
 *
 * Steps are RUNNING or PAUSED only in CHAIN and only in the current stage. Ended steps keep their state until the next chain.
 */
#ifndef TINYSUP_INIT_MACHINE_SEQUENCER_H
#define TINYSUP_INIT_MACHINE_SEQUENCER_H

#include "init/machine/event.h"
#include "init/machine/restart.h"

enum phase {
	PHASE_RUNNING,
	PHASE_READING,
	PHASE_ARMING,
	PHASE_DRAINING,
	PHASE_CHAIN,
	PHASE_CHAIN_OVER, /* all steps have ended; lasts until EVENT_CHAIN_OVER */
	PHASE_CLEARING,
	PHASE_WAITING,
	PHASE_HELD,
	PHASE_SWEEP,
	PHASE_CLOSING,
	PHASE_OVER
};

/* What is left to do before the app is started for the first time. */
enum opening { OPENING_NONE, OPENING_RECOVERY, OPENING_START, OPENING_APP };

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
	enum opening opening;
	bool stop_after; /* REASON_RECOVERY: a stop signal came */
	bool to_hold;
	bool unfinished;
	bool to_recover;
	bool in_order;
	uint64_t done;                  /* REASON_RECOVERY: bit n: step n has succeeded before */
	const struct plan_chain *chain; /* the current or last one */
	msec_t until;                   /* PHASE_CHAIN: its end, without the kill reserve. PHASE_READING: the end of patience */
	enum reason reason;
	enum reason cause; /* REASON_RESTART: the reason without a restart */
	struct restart restart;
	uint64_t restarts; /* of the app */
	msec_t pause;      /* REASON_RESTART: delay before the app is started */
	msec_t start_at;   /* PHASE_WAITING: when to restart the app */
	int signal;        /* the stop signal; 0: none */
	int stop_signals;  /* how many stop signals came */
	msec_t started;    /* the first stop event */
	size_t stage;      /* PHASE_CHAIN: the current one */
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

/* seq: zeroed memory, and an app that runs; else the first event is EVENT_OPEN. seed: for the jitter of back-off. */
void seq_init(struct seq *seq, const struct plan *plan, bool exit_at_once, uint64_t seed);

/* Handles an event at time `now`, which never decreases. Fills `out` from its start. */
void seq_event(struct seq *seq, msec_t now, const struct event *event, struct actions *out);

/* When EVENT_TIME is due; INT64_MAX: never. Changes with every event. */
msec_t seq_wake(const struct seq *seq);

enum seq_state { SEQ_STARTING, SEQ_RUNNING, SEQ_RESTARTING, SEQ_HELD, SEQ_STOPPING };
/* Where the app is in its life. */
enum seq_state seq_state(const struct seq *seq);

/* Whether EVENT_LOST has an effect: there is something that the heartbeat allows. A shutdown goes on without it. */
bool seq_heeds_loss(const struct seq *seq);

/* A step of the current or last chain. */
static inline const struct plan_step *seq_step_at(const struct seq *seq, size_t index)
{
	return plan_step_at(seq->chain, index);
}

/* The deadline of a chain that runs for this reason. */
msec_t seq_deadline(const struct plan *plan, enum reason reason);

#endif
