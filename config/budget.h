/* The time budget. Used by the sequencer and by --check, so what is printed is what happens. */
#ifndef TINYSUP_CONFIG_BUDGET_H
#define TINYSUP_CONFIG_BUDGET_H

#include "config/plan.h"

/* The smaller of `time` and the timeout, if there is one. */
static inline msec_t budget_cap(msec_t timeout, msec_t time)
{
	return timeout != MSEC_UNSET && timeout < time ? timeout : time;
}

/* Whether a step runs for this reason. The stop step does whenever there may be an app. */
bool budget_runs(const struct plan_step *step, enum reason reason);

/* The largest reserve of a stage's members that run for this reason; 0: none. */
msec_t budget_reserve(const struct plan_stage *stage, enum reason reason);

/*
 * Time for a stage, apart from its timeout, if `left` is left for it and all later ones, the kill reserve deducted. Never
 * negative.
 */
msec_t budget_left(const struct plan_chain *chain, enum reason reason, size_t stage, msec_t left);

/* Maximum time of a stage: min(its timeout, left - reserves of later stages). Never negative. */
msec_t budget_time(const struct plan_chain *chain, enum reason reason, size_t stage, msec_t left);

/* All reserves together. */
msec_t budget_reserved(const struct plan_chain *chain, enum reason reason);

#endif
