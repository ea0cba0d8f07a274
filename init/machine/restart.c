#include "init/machine/restart.h"

bool restart_allowed(struct restart *restart, const struct plan_restart *plan, msec_t now, msec_t *pause)
{
	int recent = 0;

	*pause = plan->backoff < plan->backoff_max ? plan->backoff : plan->backoff_max;
	for (uint64_t i = 0; i < restart->count && i < PLAN_RESTARTS_MAX; i++) {
		if (now - restart->at[(restart->count - 1 - i) % PLAN_RESTARTS_MAX] >= plan->within)
			break;
		recent++;
		*pause = *pause * 2 < plan->backoff_max ? *pause * 2 : plan->backoff_max;
	}
	if (recent >= plan->max)
		return false;
	restart->at[restart->count++ % PLAN_RESTARTS_MAX] = now;
	return true;
}
