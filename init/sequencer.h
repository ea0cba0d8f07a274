/*
 * The shutdown as a pure state machine: time and events in, actions out, no system call. tests/unit/test_sequencer.c walks
 * every order of events to a bounded depth and asserts docs/design.md's promises on each.
 *
 * running -> (stop signal, app's end, unhealthy) -> chain -> sweep -> over
 *         -> (to be restarted) -> chain -> waiting -> running
 *
 * Without a chain stop signals are forwarded as they come and only the deadline is kept ("draining").
 */
#ifndef TINYSUP_INIT_SEQUENCER_H
#define TINYSUP_INIT_SEQUENCER_H

#include "init/event.h"
#include "init/restart.h"

enum phase { PHASE_RUNNING, PHASE_DRAINING, PHASE_CHAIN, PHASE_WAITING, PHASE_SWEEP, PHASE_OVER };

enum step_state {
	STATE_PENDING,
	STATE_RUNNING, /* a try is under way, or time passes */
	STATE_PAUSED,  /* between two tries */
	STATE_OK,
	STATE_FAILED,
	STATE_TIMEOUT, /* its time was up */
	STATE_SKIPPED, /* not for this reason, or the app it needs is gone */
	STATE_CUT,     /* no time was left for it, or a second stop signal or an abort passed it over */
};

/* One step's progress. Times are absolute, on the clock that seq_event() is given. */
struct seq_step {
	enum step_state state;
	int attempt;  /* 1 for the first try */
	msec_t begun; /* of the first try */
	msec_t ended;
	msec_t until;         /* the step's end at the latest */
	msec_t try_until;     /* the current try's */
	msec_t again_at;      /* STATE_PAUSED: when the next try starts */
	enum failure failure; /* of the last try */
	int status;           /* HTTP status or exit code of the last try */
};

struct seq {
	const struct plan *plan;
	bool exit_at_once; /* tini's and dumb-init's way: no deadline, no sweep; over when the app is gone */
	uint64_t random;   /* state of the jitter's generator */

	enum phase phase;
	enum reason reason;
	enum reason cause; /* REASON_RESTART: what it would be without a restart */
	struct restart restart;
	msec_t start_at;  /* when the app is started again, at the earliest */
	int signal;       /* that asked for the stop; 0: none did */
	int stop_signals; /* how many stop signals came */
	msec_t begun;     /* the first stop event */
	size_t stage;     /* PHASE_CHAIN: the current one */
	msec_t stage_until;
	bool hurry; /* on to the stop step and the steps with a reserve */
	bool kill_sent;
	uint64_t chains_run[REASON_COUNT], chains_failed[REASON_COUNT]; /* failed: a required step did not succeed */

	bool app_gone;
	bool group_gone; /* the app's process group is empty */
	bool group_told; /* what the app left of its group got the stop signal */
	bool app_killed; /* we had to */
	int app_status;  /* wait status, once app_gone */
	int exec_errno;
	uint64_t stop_sent; /* signals that the app got as a request to stop */
	bool required_failed;

	struct seq_step steps[PLAN_STEPS_MAX]; /* at the end: most of them are never touched */
};

/* seq: zeroed memory. seed: any number; the back-off's jitter follows from it. */
void seq_init(struct seq *seq, const struct plan *plan, bool exit_at_once, uint64_t seed);

/* Take one event at time `now` (never less than at the call before). `out` is filled from its start. */
void seq_event(struct seq *seq, msec_t now, const struct event *event, struct actions *out);

/* When EVENT_TIME is due; INT64_MAX: never. Asked again after every event. */
msec_t seq_wake(const struct seq *seq);

/* The plan's step with this index. */
const struct plan_step *seq_step(const struct plan_chain *chain, size_t index);

/* "ok", "failed" ... */
const char *seq_state_name(enum step_state state);
/* "stop", "crash" ...: as TINYSUP_REASON has it. */
const char *seq_reason_name(enum reason reason);

#endif
