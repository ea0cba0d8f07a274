/*
 * A child that serves process 1 for as long as that lives (the listener, the relay of the app's messages) and is started again
 * where it ends: when, and after what pause. Pure: time goes in.
 */
#ifndef TINYSUP_INIT_MACHINE_SERVICE_H
#define TINYSUP_INIT_MACHINE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/plan.h"

struct service {
	pid_t pid;       /* 0: it does not run */
	msec_t started;  /* of the child that runs, or ran last */
	msec_t start_at; /* when the next one is due; INT64_MAX: it is not wanted */
	msec_t pause;    /* before the next start; 0: it was never started */
	uint64_t restarts;
};

static inline bool service_due(const struct service *service, msec_t now)
{
	return service->pid == 0 && now >= service->start_at;
}

/* When service_due() will be true; INT64_MAX: not before something happens. */
static inline msec_t service_wake(const struct service *service)
{
	return service->pid == 0 ? service->start_at : INT64_MAX;
}

/* pid <= 0: it could not be started, and is due again after the longest pause. */
void service_started(struct service *service, pid_t pid, msec_t now);

/* A child was reaped. False: it was not this one. True: it is due again after a pause, which doubles unless it lived long. */
bool service_reaped(struct service *service, pid_t pid, msec_t now);

#endif
