/*
 * Health at work: the prober's actions become processes and log lines, the app's messages become its events.
 */
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
	enum unhealthy due; /* what a failure wants done; the caller takes it and sets UNHEALTHY_NONE */
	msec_t extend;      /* EXTEND_TIMEOUT_USEC came: for the sequencer; 0: it did not */
	bool changed;       /* since the caller last looked: there is something to publish */
	uint64_t unstarted; /* checks for which no process was to be had: the prober hears of it once its actions are done */
	char unstarted_why[sizeof((struct check_result *)0)->message]; /* the last one's */
	struct notify notify;
	struct notify_message last; /* what the app said, summed up: reloading, stopping, status */
	struct prober prober;       /* last: most of it is checks, which a start without any never touches */
};

/* Before the seal. app: as it will be started. */
void health_init(struct health *health, const struct plan *plan, const struct signals_inherited *signals, const struct app *app,
		 uint64_t seed);

/* PROBER_TIME, PROBER_APP_STARTED, PROBER_RESTARTING, PROBER_STOPPED: what happens to the app, and the time. */
void health_event(struct health *health, enum prober_event_kind kind);

/* A check's process has ended. */
void health_check_done(struct health *health, size_t check, const struct check_result *result);

/* What the app has said is readable. */
void health_receive(struct health *health);

#endif
