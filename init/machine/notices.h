/*
 * Alerts about events, for notify_on: which notice goes to which channels, and when. Pure: events and times in, orders out.
 *
 * The first event of a kind is told at once. Further ones are collected, and told together a minute after the alert before: at
 * most one alert a minute and kind while something flaps, and each says how often it has happened since that began. Nothing is
 * lost in silence: what was not told alone is in the next alert of its kind, and what could not be told at all is counted.
 *
 * One notice is in flight at a time, to all of its channels at once. So process 1 keeps one notice's facts and no more workers
 * than there are channels, every channel gets notices in the order of events, and a channel that hangs delays later notices by
 * NOTICE_TIMEOUT at most, and nothing else. Kinds wait in the order of their first event that has not been told: the queue is
 * as long as there are kinds.
 */
#ifndef TINYSUP_INIT_MACHINE_NOTICES_H
#define TINYSUP_INIT_MACHINE_NOTICES_H

#include "config/plan.h"

#define NOTICE_QUIET   ((msec_t)60000)  /* between two alerts of a kind */
#define NOTICE_EPISODE ((msec_t)300000) /* without an event of the kind: the next one is a new story */
#define NOTICE_TIMEOUT ((msec_t)10000)  /* of one notice */
#define NOTICE_TRIES   3                /* of a notice that no channel took */

/* One notice. */
struct notice_order {
	enum notice kind;
	uint64_t channels; /* bit n: plan.alerts.items[n] */
	uint64_t untold;   /* events that no alert has told yet; 1 or more */
	uint64_t total;    /* events of the episode, these included */
	msec_t since;      /* the episode's first event */
	msec_t last;       /* the last event */
	msec_t until;      /* its end: workers are killed */
};

struct notice_kind {
	uint64_t untold, total;
	msec_t waiting_since; /* the first event that has not been told */
	msec_t since, last;   /* of the episode */
	msec_t told_at;       /* when the last alert began; only if `told` */
	bool told;
	int tries; /* alerts that no channel took, in a row */
};

/* All zero but `plan`: nothing has happened. */
struct notices {
	struct notice_kind kinds[NOTICE_COUNT];
	bool flying;
	struct notice_order order; /* flying: the notice; its channels that have not answered yet */
	bool taken;                /* flying: a channel has taken it */
	bool closing;
	msec_t closed; /* closing: nothing is sent after this */
	uint64_t lost; /* events that no alert has told and none will */
	const struct plan *plan;
};

/* Something has happened. Kinds that notify_on does not name, or no channel wants, are ignored. */
void notices_event(struct notices *notices, msec_t now, enum notice kind);

/* True: send *order now; it is in flight from here on. False: nothing is to be sent now. */
bool notices_next(struct notices *notices, msec_t now, struct notice_order *order);

/* A channel of the notice in flight has taken it, or has not. */
void notices_done(struct notices *notices, size_t channel, bool taken);

/* The notice in flight is out of time: the channels whose workers are to be killed; they have not taken it. 0: none. */
uint64_t notices_expired(struct notices *notices, msec_t now);

/* When notices_next() or notices_expired() has something; INT64_MAX: not before another event. */
msec_t notices_wake(const struct notices *notices);

/* tinysup is about to exit: whatever waits is told now, without the minute between, and nothing after `until`. */
void notices_close(struct notices *notices, msec_t until);

/* Closed: whether the exit has to wait. *until: at most so long. False: what was left is counted as lost. */
bool notices_pending(struct notices *notices, msec_t now, msec_t *until);

#define NOTICE_WORDS 128

/*
 * "unhealthy", or "unhealthy 14 times in the last 12 min, last at 22:05:10 UTC". now: as for the order; wall: the same in
 * seconds since 1970. Returns buffer.
 */
const char *notice_words(const struct notice_order *order, msec_t now, int64_t wall, char buffer[NOTICE_WORDS]);

#endif
