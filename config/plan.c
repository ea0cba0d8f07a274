#include "config/plan.h"

const struct plan_step *plan_step_at(const struct plan_chain *chain, size_t index)
{
	const struct plan_stage *stage = chain->stages;

	while (index >= stage->first + stage->count)
		stage++;
	return &stage->steps[index - stage->first];
}

bool plan_state_failed(enum step_state state)
{
	return state == STATE_FAILED || state == STATE_TIMEOUT || state == STATE_CUT;
}

bool plan_may_restart(const struct plan *plan)
{
	return plan->app.restart.policy != RESTART_NEVER || plan->probes[PROBE_LIVENESS].on_failure == UNHEALTHY_RESTART ||
	       plan->probes[PROBE_STARTUP].on_failure == UNHEALTHY_RESTART;
}
