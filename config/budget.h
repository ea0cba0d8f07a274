/*
 * Who gets how much of the deadline. The sequencer and --check both reckon with this, so what is printed is what happens.
 */
#ifndef TINYSUP_CONFIG_BUDGET_H
#define TINYSUP_CONFIG_BUDGET_H

#include "config/plan.h"

/* The one rule of every time-out here: a step, or a stage, has `time`, and no more than its timeout where it has one. */
static inline msec_t budget_cap(msec_t timeout, msec_t time)
{
	return timeout != MSEC_UNSET && timeout < time ? timeout : time;
}

/* Whether a step runs for this reason. The stop step always does. */
bool budget_runs(const struct plan_step *step, enum reason reason);

/* The largest reserve of a stage's members that run for this reason; 0: none. */
msec_t budget_reserve(const struct plan_stage *stage, enum reason reason);

/* What remains for a stage that begins `elapsed` after the first stop event, timeouts aside. Never negative. */
msec_t budget_left(const struct plan_shutdown *shutdown, enum reason reason, size_t stage, msec_t elapsed);

/*
 * The longest time a stage may take that begins `elapsed` after the first stop event: min(its timeout, what remains of the
 * effective deadline - kill_reserve - the reserves of later stages). Never negative.
 */
msec_t budget_time(const struct plan_shutdown *shutdown, enum reason reason, size_t stage, msec_t elapsed);

/* All reserves and the kill reserve together. */
msec_t budget_reserved(const struct plan_shutdown *shutdown, enum reason reason);

#endif
