/* Input and output of the shutdown sequencer, as plain values. */
#ifndef TINYSUP_INIT_MACHINE_EVENT_H
#define TINYSUP_INIT_MACHINE_EVENT_H

#include "config/plan.h"
#include "init/journal/account.h"
#include "probes/result.h"

enum event_kind {
	EVENT_TIME,         /* the time that seq_wake() returned has come */
	EVENT_SIGNAL,       /* tinysup received a signal */
	EVENT_APP_EXIT,     /* the app was reaped */
	EVENT_GROUP_GONE,   /* the app's process group is empty */
	EVENT_STEP_DONE,    /* an attempt has ended */
	EVENT_CLEARED,      /* no process of the old app is left */
	EVENT_NOTHING_LEFT, /* no process is left to wait for */
	EVENT_UNHEALTHY,    /* liveness or startup failed; .unhealthy: on_failure */
	EVENT_EXTEND,       /* EXTEND_TIMEOUT_USEC: the app needs .time from now on to stop */
	EVENT_APP_STARTED,  /* the app was started */
	EVENT_NOT_STARTED,  /* it could not be started: no process available */
	EVENT_OPEN,         /* instead of an app that runs: do what comes before its first start. .journal: there is one.
			       .manual: --step */
	EVENT_CHAIN_OVER,   /* in answer to ACTION_CHAIN_ENDED, before anything else */
	EVENT_ACCOUNT,      /* the journal was read: .account; .time is the wall clock */
	EVENT_LOST,         /* a heartbeat is lost that nothing may be done without */
	EVENT_ARMED,        /* PHASE_ARMING: every heartbeat with `start` is armed */
	EVENT_CLOSED,       /* in answer to ACTION_CLOSE: nothing is to be sent any more */
};

struct event {
	enum event_kind kind;
	int signal;      /* EVENT_SIGNAL: after app.rewrite */
	int wait_status; /* EVENT_APP_EXIT: from waitpid() */
	int exec_errno;  /* EVENT_APP_EXIT: errno if it could not be executed, else 0 */
	bool journal, manual;
	bool group_left; /* EVENT_APP_EXIT: its process group is not empty */
	size_t step;     /* EVENT_STEP_DONE: index in the chain */
	enum unhealthy unhealthy;
	msec_t time;
	const struct check_result *result;
	const struct account *account; /* NULL: it could not be read */
};

enum action_kind {
	ACTION_FORWARD,       /* send .signal to the app, as app.signals says */
	ACTION_STOP_GROUP,    /* send .signal to the rest of the app's process group */
	ACTION_KILL_APP,      /* SIGKILL to the app's process group */
	ACTION_CHAIN_STARTED, /* for the log */
	ACTION_CHAIN_ENDED,   /* for the journal; EVENT_CHAIN_OVER follows: what is logged of the steps is still there */
	ACTION_NO_ACCOUNT,    /* for the log: the journal was not read in time */
	ACTION_REFUSED,       /* for the log: a required step failed, so the app is not started */
	ACTION_STOP_OPENING,  /* for the log: a stop signal came before the app was started */
	ACTION_HELD,          /* for the log: tinysup stays up without the app */
	ACTION_STEP_START,    /* start an attempt of .step with the timeout .time */
	ACTION_STEP_KILL,     /* kill the process group of .step's attempt */
	ACTION_STEP_RETRY,    /* for the log: .step failed, next attempt in .time */
	ACTION_STEP_ENDED,    /* for the log: .step ended in state .code because of .why after .time */
	ACTION_HURRY,         /* for the log: optional steps are skipped from here on */
	ACTION_SWEEP_TERM,    /* SIGTERM to every process left */
	ACTION_SWEEP_KILL,    /* SIGKILL to every process left */
	ACTION_CLEAR_TERM,    /* SIGTERM to every process of the old app */
	ACTION_CLEAR_KILL,    /* SIGKILL to them */
	ACTION_NOT_CLEARED,   /* for the log: one cannot be killed, no restart */
	ACTION_RESTART_IN,    /* for the log: restart in .time */
	ACTION_GIVEN_UP,      /* for the log: too many restarts */
	ACTION_ARM,           /* heartbeats with `start` are wanted now; EVENT_ARMED follows */
	ACTION_APP_START,     /* start the app */
	ACTION_CLOSE,         /* what is sent after the chain: disarms, if .code says so */
	ACTION_EXIT,          /* tinysup exits with .code */
};

/* Why a step ended as it did. */
enum why {
	WHY_RESULT,  /* the last attempt, or a timeout */
	WHY_REASON,  /* `when` excludes this reason */
	WHY_NO_APP,  /* it needs the app, which is not running */
	WHY_HURRY,   /* it is optional */
	WHY_TIME,    /* no time left */
	WHY_STOP,    /* a stop signal interrupted a restart or start.chain */
	WHY_REFUSED, /* a required step of start.chain has failed */
	WHY_LOST,    /* a heartbeat was lost before the app ran, or between two lives */
	WHY_DONE,    /* it succeeded in the run that was interrupted */
};

/* Small: many are on the stack of process 1, and every fork copies its pages. */
struct action {
	enum action_kind kind : 8;
	int signal : 8;
	int code : 16;
	unsigned step : 8;
	enum why why : 8;
	msec_t time;
};

/* Maximum per event: every step may end, and start and end again if a restart becomes a shutdown. */
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
