/* Carries out the prober's actions and feeds it the app's messages. */
#ifndef TINYSUP_INIT_HEALTH_H
#define TINYSUP_INIT_HEALTH_H

#include "init/child/app.h"
#include "init/child/jobs.h"
#include "init/child/notify.h"
#include "init/machine/prober.h"

struct health {
	const struct plan *plan;
	const struct signals_inherited *signals;
	const struct app *app;
	enum unhealthy due; /* on_failure that is due; the caller resets it */
	msec_t extend;      /* EXTEND_TIMEOUT_USEC, for the sequencer; 0: none */
	unsigned judged;    /* bit n: probe n has a new verdict; the caller resets it */
	bool changed;       /* something to publish; the caller resets it */
	uint64_t unstarted; /* checks that could not start: reported to the prober after its actions */
	char unstarted_why[sizeof((struct check_result *)0)->message]; /* of the last one */
	struct notify notify;
	struct notify_message last; /* state from all messages: reloading, stopping, status */
	struct prober prober;       /* last: most of it is checks, which a start without any never touches */
};

/* Before the seal. */
void health_init(struct health *health, const struct plan *plan, const struct signals_inherited *signals, const struct app *app,
		 uint64_t seed);

/* kind: PROBER_TIME, PROBER_APP_STARTED, PROBER_RESTARTING or PROBER_STOPPED. */
void health_event(struct health *health, enum prober_event_kind kind);

/* A check's process has ended. */
void health_check_done(struct health *health, size_t check, const struct check_result *result);

/* The notify pipe is readable. */
void health_receive(struct health *health);

#endif
