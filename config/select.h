/* --step: some steps of the shutdown's chain, by themselves. */
#ifndef TINYSUP_CONFIG_SELECT_H
#define TINYSUP_CONFIG_SELECT_H

#include "config/plan.h"

/*
 * Reduces the plan to these steps (names separated by commas; the name of an alert, or of a step with `each`, stands for
 * all that it became), one after the
 * other, each of them required, with REASON_MANUAL; nothing else of the plan happens. app_runs: steps that need the app may
 * run. False with what is wrong in `why`. For one plan in a process.
 */
bool select_steps(struct plan *plan, const char *names, bool app_runs, char why[256]);

/* The same for all steps with `rehearsable`. */
bool select_rehearsable(struct plan *plan, bool app_runs, char why[256]);

#endif
