#include "config/budget.h"

bool budget_runs(const struct plan_step *step, enum reason reason)
{
	return step->kind == STEP_STOP ? reason != REASON_RECOVERY : (step->when & 1u << reason) != 0;
}

msec_t budget_reserve(const struct plan_stage *stage, enum reason reason)
{
	msec_t most = 0;

	for (size_t i = 0; i < stage->count; i++)
		if (budget_runs(&stage->steps[i], reason) && stage->steps[i].reserve > most)
			most = stage->steps[i].reserve;
	return most;
}

static msec_t reserves_from(const struct plan_chain *chain, enum reason reason, size_t stage)
{
	msec_t sum = 0;

	for (size_t i = stage; i < chain->count; i++)
		sum += budget_reserve(&chain->stages[i], reason);
	return sum;
}

msec_t budget_left(const struct plan_chain *chain, enum reason reason, size_t stage, msec_t left)
{
	left -= reserves_from(chain, reason, stage + 1);
	return left > 0 ? left : 0;
}

msec_t budget_time(const struct plan_chain *chain, enum reason reason, size_t stage, msec_t left)
{
	return budget_cap(chain->stages[stage].timeout, budget_left(chain, reason, stage, left));
}

msec_t budget_reserved(const struct plan_chain *chain, enum reason reason)
{
	return reserves_from(chain, reason, 0);
}
