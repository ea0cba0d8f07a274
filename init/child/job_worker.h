/* Runs in a forked worker: the request or alert of a step. */
#ifndef TINYSUP_INIT_CHILD_JOB_WORKER_H
#define TINYSUP_INIT_CHILD_JOB_WORKER_H

#include "init/child/jobs.h"

/* Runs the step's request or alert within `time` and fills *result. May allocate and block. */
void job_worker_run(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result);

#endif
