#include "config/plan.h"

const struct plan_step *plan_step_at(const struct plan_chain *chain, size_t index)
{
	const struct plan_stage *stage = chain->stages;

	while (index >= stage->first + stage->count)
		stage++;
	return &stage->steps[index - stage->first];
}
