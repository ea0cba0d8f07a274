/* When each step of a chain runs if all take as long as they can: what --check and the listener draw. */
#ifndef TINYSUP_CONFIG_PLAN_ROWS_H
#define TINYSUP_CONFIG_PLAN_ROWS_H

#include "config/plan.h"

struct plan_row {
	const struct plan_step *step;
	msec_t from, time;
	bool runs;
	bool alone;       /* skipped only because the app is gone */
	bool first, last; /* of a parallel group */
};

/* All steps of the chain for a reason up to REASON_START, in order. Returns how many. */
size_t plan_rows(const struct plan *plan, enum reason reason, struct plan_row rows[PLAN_STEPS_MAX]);

/* The deadline of that chain; its last kill_reserve belongs to no step. */
msec_t plan_rows_deadline(const struct plan *plan, enum reason reason);

/* The step gets less than its timeout if earlier steps take as long as they can. */
bool plan_row_cut(const struct plan_row *row);

#endif
