/*
 * What goes into the shutdown sequencer and what comes out. Both are plain values: a test can make every one of them.
 */
#ifndef TINYSUP_INIT_MACHINE_EVENT_H
#define TINYSUP_INIT_MACHINE_EVENT_H

#include "config/plan.h"
#include "probes/result.h"

enum event_kind {
	EVENT_TIME,         /* the time seq_wake() asked for has come */
	EVENT_SIGNAL,       /* somebody sent tinysup a signal */
	EVENT_APP_EXIT,     /* the app was reaped */
	EVENT_GROUP_GONE,   /* nobody is left in the app's process group */
	EVENT_STEP_DONE,    /* one try of a step has ended */
	EVENT_CLEARED,      /* nothing of the app's old life is left */
	EVENT_NOTHING_LEFT, /* no process is left to wait for */
	EVENT_UNHEALTHY,    /* liveness or startup has failed; .unhealthy is what is to be done about it */
	EVENT_EXTEND,       /* the app asks for .time from now on to stop in (EXTEND_TIMEOUT_USEC) */
	EVENT_APP_STARTED,  /* once more */
	EVENT_NOT_STARTED,  /* no process for it was to be had */
};

struct event {
	enum event_kind kind;
	int signal;      /* EVENT_SIGNAL: after app.rewrite */
	int wait_status; /* EVENT_APP_EXIT: as waitpid() gives it */
	int exec_errno;  /* EVENT_APP_EXIT: why it could not be executed; 0: it was */
	bool group_left; /* EVENT_APP_EXIT: others are left in its process group */
	size_t step;     /* EVENT_STEP_DONE: index in the chain */
	enum unhealthy unhealthy;
	msec_t time;
	const struct check_result *result;
};

enum action_kind {
	ACTION_FORWARD,       /* send .signal to the app, as app.signals says */
	ACTION_STOP_GROUP,    /* send .signal to what is left of the app's process group */
	ACTION_KILL_APP,      /* SIGKILL to the app's process group */
	ACTION_CHAIN_STARTED, /* for the log: why is in the sequencer */
	ACTION_STEP_START,    /* one try of .step, which has .time */
	ACTION_STEP_KILL,     /* the process group of .step's try */
	ACTION_STEP_RETRY,    /* for the log: .step failed, the next try comes in .time */
	ACTION_STEP_ENDED,    /* for the log: .step has come to its end state, .code, for .why, .time after its begin */
	ACTION_HURRY,         /* for the log: steps without a reserve are skipped from here on */
	ACTION_SWEEP_TERM,    /* SIGTERM to every process left */
	ACTION_SWEEP_KILL,    /* SIGKILL to every process left */
	ACTION_CLEAR_TERM,    /* SIGTERM to every process that the app's old life left */
	ACTION_CLEAR_KILL,    /* SIGKILL to them */
	ACTION_NOT_CLEARED,   /* for the log: one of them cannot be ended, the app is not started again */
	ACTION_RESTART_IN,    /* for the log: the app is started again in .time */
	ACTION_GIVEN_UP,      /* for the log: it was restarted too often already */
	ACTION_APP_START,     /* start the app again */
	ACTION_EXIT,          /* tinysup exits with .code */
};

/* Why a step ended as it did. */
enum why {
	WHY_RESULT, /* its last try's, or the clock's */
	WHY_REASON, /* it does not run for this reason */
	WHY_NO_APP, /* the app it needs is gone */
	WHY_HURRY,  /* neither required nor with a reserve */
	WHY_TIME,   /* none was left for it */
	WHY_STOP,   /* a stop came before the restart was done */
};

/* Small: process 1 has many of them on its stack, whose pages every fork copies. */
struct action {
	enum action_kind kind : 8;
	int signal : 8;
	int code : 16;
	unsigned step : 8;
	enum why why : 8;
	msec_t time;
};

/* The most one event can bring: every step may end, and start and end anew where a restart becomes a shutdown. */
#define ACTIONS_MAX (PLAN_STEPS_MAX * 4 + 8)

struct actions {
	size_t count;
	struct action items[ACTIONS_MAX];
};

static inline void actions_push(struct actions *out, struct action action)
{
	if (out->count < ACTIONS_MAX)
		out->items[out->count++] = action;
}

#endif
