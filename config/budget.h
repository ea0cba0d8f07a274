/* The time budget. Used by the sequencer and by --check, so what is printed is what happens. */
#ifndef TINYSUP_CONFIG_BUDGET_H
#define TINYSUP_CONFIG_BUDGET_H

#include "config/plan.h"

/* The smaller of `time` and the timeout, if there is one. */
static inline msec_t budget_cap(msec_t timeout, msec_t time)
{
	return timeout != MSEC_UNSET && timeout < time ? timeout : time;
}

/* Whether a step runs for this reason. The stop step always does. */
bool budget_runs(const struct plan_step *step, enum reason reason);

/* The largest reserve of a stage's members that run for this reason; 0: none. */
msec_t budget_reserve(const struct plan_stage *stage, enum reason reason);

/* Time left for a stage that starts `elapsed` after the first stop event, apart from its timeout. Never negative. */
msec_t budget_left(const struct plan_shutdown *shutdown, enum reason reason, size_t stage, msec_t elapsed);

/*
 * Maximum time of a stage that starts `elapsed` after the first stop event: min(its timeout, effective deadline - elapsed -
 * kill_reserve - reserves of later stages). Never negative.
 */
msec_t budget_time(const struct plan_shutdown *shutdown, enum reason reason, size_t stage, msec_t elapsed);

/* All reserves and the kill reserve together. */
msec_t budget_reserved(const struct plan_shutdown *shutdown, enum reason reason);

#endif
