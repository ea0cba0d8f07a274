/* How often and how soon the app is started again: pure, time goes in. */
#ifndef TINYSUP_INIT_MACHINE_RESTART_H
#define TINYSUP_INIT_MACHINE_RESTART_H

#include "config/plan.h"

struct restart {
	msec_t at[PLAN_RESTARTS_MAX]; /* when the last ones were asked for; a ring */
	uint64_t count;               /* of all */
};

/*
 * May the app be started again? True: it is noted, and *pause is how long to wait once its old life is over: plan->backoff,
 * doubled for each restart within plan->within. False: plan->max restarts fell into that time already.
 */
bool restart_allowed(struct restart *restart, const struct plan_restart *plan, msec_t now, msec_t *pause);

#endif
