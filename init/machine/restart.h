/* Limits and delays restarts. Pure. */
#ifndef TINYSUP_INIT_MACHINE_RESTART_H
#define TINYSUP_INIT_MACHINE_RESTART_H

#include "init/journal/account.h"

struct restart {
	msec_t at[PLAN_RESTARTS_MAX]; /* times of the last restarts; a ring buffer */
	uint64_t count;               /* of all */
};

/*
 * May the app be restarted? True: records it and sets *pause, the delay: plan->backoff, doubled for each restart within
 * plan->within. False: there were plan->max restarts within that time.
 */
bool restart_allowed(struct restart *restart, const struct plan_restart *plan, msec_t now, msec_t *pause);

/* Adds the restarts on record. wall: Unix time in milliseconds at `now`. Those of a time far ahead of it do not count. */
void restart_recall(struct restart *restart, const struct plan_restart *plan, const struct account *account, msec_t now,
		    int64_t wall);

#endif
