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

void restart_recall(struct restart *restart, const struct plan_restart *plan, const struct account *account, msec_t now,
		    int64_t wall)
{
	uint64_t first = account->restart_count > PLAN_RESTARTS_MAX ? account->restart_count - PLAN_RESTARTS_MAX : 0;

	for (uint64_t i = first; i < account->restart_count; i++) {
		msec_t age = wall - account->restarts[i % PLAN_RESTARTS_MAX];
		if (age > -plan->within) /* else the clock is wrong: a host that has just booted */
			restart->at[restart->count++ % PLAN_RESTARTS_MAX] = age > 0 ? now - age : now;
	}
}
