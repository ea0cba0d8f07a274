/*
 * Heartbeats as a pure state machine: dead man's switches that are armed again and again, leases that are renewed. Time and
 * events in, actions out. tests/unit/test_heartbeat.c walks it.
 *
 * A heartbeat
 *   open       is due every `period`; BEATS_GATES says which are open. One is in flight at a time: the next one waits for its
 *              end. Closing forgets that it was armed and how often it failed, but does not take back what is in flight.
 *   armed      its last beat has succeeded since it was opened, and it is not lost.
 *   failed     was reported as lost: failure_threshold beats in a row did not succeed, or none did for that many periods and a
 *              timeout since the last success was sent (process 1 was paused). Until one succeeds or it
 *              is opened again.
 *   exposed    something was sent that a disarm would take back.
 *
 * BEATS_CLOSE is the last event that starts anything: every heartbeat is closed for ever. With `disarm`, each that is exposed
 * and not lost is disarmed once its beat in flight has ended: the server must not see the two in the other order. Other beats
 * in flight are killed. BEATS_CLOSED follows when nothing is in flight any more.
 *
 * A beat that could not be sent for want of a process has failed, too: a lease does not ask why it was not renewed.
 */
#ifndef TINYSUP_INIT_MACHINE_HEARTBEAT_H
#define TINYSUP_INIT_MACHINE_HEARTBEAT_H

#include "config/plan.h"
#include "probes/result.h"

enum beats_event_kind {
	BEATS_TIME,   /* the time that beats_wake() returned has come */
	BEATS_GATES,  /* .open: bit n: heartbeat n is to be sent */
	BEATS_RESULT, /* .index's beat or disarm has ended with .result */
	BEATS_CLOSE,  /* the chain is over. .disarm: and the shutdown was in order */
};

struct beats_event {
	enum beats_event_kind kind;
	unsigned open;
	bool disarm;
	size_t index;
	const struct check_result *result;
};

enum beats_action_kind {
	BEATS_START,    /* send .index's beat, with the timeout .time */
	BEATS_DISARM,   /* send .index's disarm, with the timeout .time */
	BEATS_KILL,     /* kill .index's process: it has timed out */
	BEATS_ARMED,    /* for the log: the first success since it was opened, or after it had failed */
	BEATS_FAILED,   /* for the log: a beat failed */
	BEATS_LOST,     /* it has failed for too long: run on_failure */
	BEATS_DISARMED, /* for the log: .ok says whether */
	BEATS_CLOSED,   /* nothing is in flight, and nothing will be */
};

struct beats_action {
	enum beats_action_kind kind : 8;
	unsigned index : 8;
	bool ok;
	msec_t time;
};

#define BEATS_ACTIONS_MAX (PLAN_HEARTBEATS_MAX * 5 + 1)

struct beats_actions {
	size_t count;
	struct beats_action items[BEATS_ACTIONS_MAX];
};

struct beat {
	bool open, armed, failed, exposed;
	bool disarming; /* BEATS_CLOSE: what is in flight, or to be sent, is the disarm */
	bool in_flight;
	int failures;     /* in a row */
	msec_t due;       /* open: of the next beat */
	msec_t started;   /* in_flight */
	msec_t until;     /* in_flight: its deadline */
	msec_t since;     /* the last success was sent, or it was opened */
	bool ever;        /* `since` is a success */
	uint64_t ok, bad; /* beats, over all */
};

struct beats {
	struct beat items[PLAN_HEARTBEATS_MAX];
	const struct plan_heartbeats *plan;
	bool closing, closed;
};

/* beats: zeroed memory. */
void beats_init(struct beats *beats, const struct plan_heartbeats *plan);

/* Handles an event at time `now`, which never decreases. Fills `out` from its start. */
void beats_event(struct beats *beats, msec_t now, const struct beats_event *event, struct beats_actions *out);

/* When BEATS_TIME is due; INT64_MAX: never. Changes with every event. */
msec_t beats_wake(const struct beats *beats);

/* Whether the app may start: every heartbeat with `start` is armed. */
bool beats_armed(const struct beats *beats);

/* Whether a heartbeat that the app must not run without is lost. */
bool beats_lost(const struct beats *beats);

#endif
