/* Opens and closes heartbeats as the app's life wants it, and carries out what their machine says. */
#ifndef TINYSUP_INIT_HEARTBEATS_H
#define TINYSUP_INIT_HEARTBEATS_H

#include "init/child/jobs.h"
#include "init/machine/heartbeat.h"
#include "init/machine/prober.h"
#include "init/remember.h"

/* The start touches the last members only: see struct supervisor. */
struct heartbeats {
	char why[PLAN_HEARTBEATS_MAX][sizeof((struct check_result *)0)->message]; /* of the last failure */
	struct beats beats;
	const struct seq *seq;
	const struct prober *prober;
	struct shutdown_facts *facts; /* the supervisor's */
	struct memory *memory;        /* the same */
	bool closed;                  /* nothing is in flight, and nothing will be sent */
	bool changed;                 /* something to publish; the caller resets it */
	unsigned lost;                /* bit n: on_failure has somebody told that it is lost; the caller resets it */
	unsigned unstarted;           /* bit n: its process could not start: reported to the machine after its actions */
};

/* heartbeats: zeroed memory. Before the seal. */
void heartbeats_init(struct heartbeats *heartbeats, const struct seq *seq, const struct prober *prober,
		     struct shutdown_facts *facts, struct memory *memory);

/* Does what is due, after anything that may have changed the app's life or health. app: its pid; 0: it does not run. */
void heartbeats_tick(struct heartbeats *heartbeats, pid_t app);

/* A beat's process has ended. */
void heartbeats_done(struct heartbeats *heartbeats, size_t index, const struct check_result *result);

/* The chain is over: they stop, and are disarmed if it was in order. */
void heartbeats_close(struct heartbeats *heartbeats, bool disarm);

/* tinysup exits: says which ones should have been disarmed and were not. */
void heartbeats_leave(const struct heartbeats *heartbeats);

#endif
