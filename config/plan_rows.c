#include "config/plan_rows.h"

#include "config/budget.h"

/* Whether a step needs the app and the app is gone by then. */
static bool is_alone(const struct plan_step *step, enum reason reason, bool stopped)
{
	bool gone = stopped || reason == REASON_EXIT || reason == REASON_CRASH || reason == REASON_RECOVERY;

	return gone && (step->needs_app || step->kind == STEP_SIGNAL);
}

msec_t plan_rows_deadline(const struct plan *plan, enum reason reason)
{
	if (reason == REASON_START)
		return plan->start.deadline;
	return reason == REASON_RECOVERY ? plan->recovery.deadline : plan->shutdown.effective;
}

size_t plan_rows(const struct plan *plan, enum reason reason, struct plan_row rows[PLAN_STEPS_MAX])
{
	const struct plan_chain *chain = reason == REASON_START ? &plan->start.chain : &plan->shutdown.chain;
	const msec_t left = plan_rows_deadline(plan, reason) - plan->shutdown.kill_reserve;
	size_t count = 0;
	msec_t elapsed = 0;
	bool stopped = false;

	for (size_t i = 0; i < chain->count; i++) {
		const struct plan_stage *stage = &chain->stages[i];
		msec_t time = budget_time(chain, reason, i, left - elapsed), longest = 0;
		for (size_t j = 0; j < stage->count; j++) {
			const struct plan_step *step = &stage->steps[j];
			struct plan_row *row = &rows[count++];
			*row = (struct plan_row){.step = step, .from = elapsed, .time = budget_cap(step->timeout, time)};
			row->alone = budget_runs(step, reason) && is_alone(step, reason, stopped);
			row->runs = budget_runs(step, reason) && !row->alone;
			row->first = stage->count > 1 && j == 0;
			row->last = stage->count > 1 && j == stage->count - 1;
			if (row->runs && row->time > longest)
				longest = row->time;
		}
		stopped |= stage->has_stop;
		elapsed += longest;
	}
	return count;
}

bool plan_row_cut(const struct plan_row *row)
{
	const struct plan_step *step = row->step;

	if (!row->runs || step->timeout == 0)
		return false;
	return row->time == 0 || (step->timeout != MSEC_UNSET && row->time < step->timeout);
}
