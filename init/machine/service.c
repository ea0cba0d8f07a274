#include "init/machine/service.h"

/* A child that ends at once is started again after this; the pause doubles up to the longest. */
#define SHORTEST_PAUSE ((msec_t)100)
#define LONGEST_PAUSE  ((msec_t)5000)
/* One that lived this long had no trouble with starting. */
#define LONG_LIFE ((msec_t)10000)

void service_started(struct service *service, pid_t pid, msec_t now)
{
	service->pid = pid > 0 ? pid : 0;
	service->started = now;
	service->start_at = now + LONGEST_PAUSE;
}

bool service_reaped(struct service *service, pid_t pid, msec_t now)
{
	if (service->pid == 0 || pid != service->pid)
		return false;
	service->pid = 0;
	service->restarts++;
	if (service->pause == 0 || now - service->started >= LONG_LIFE)
		service->pause = SHORTEST_PAUSE;
	service->start_at = now + service->pause;
	service->pause = service->pause * 2 < LONGEST_PAUSE ? service->pause * 2 : LONGEST_PAUSE;
	return true;
}
