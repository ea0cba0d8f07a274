/* Runs in a forked worker: the request or alert of a step or a heartbeat. */
#ifndef TINYSUP_INIT_CHILD_JOB_WORKER_H
#define TINYSUP_INIT_CHILD_JOB_WORKER_H

#include "init/child/jobs.h"

/* Runs a step's or a heartbeat's request, or an alert, within `time` and fills *result. May allocate and block. */
void job_worker_run(const struct shutdown_facts *facts, const struct plan_step *plan, msec_t time, struct check_result *result);

/* Sends facts->report to a channel. */
void job_worker_tell(const struct shutdown_facts *facts, const struct plan_alert *alert, msec_t time,
		     struct check_result *result);

#endif
