/* What a forked worker does for a step: the only place where process 1's code meets libcurl's users, and it runs in the child.
 */
#ifndef TINYSUP_INIT_CHILD_JOB_WORKER_H
#define TINYSUP_INIT_CHILD_JOB_WORKER_H

#include "init/child/jobs.h"

/* Runs the step's request or alert within `time` and fills *result. May allocate and block: it is not process 1 any more. */
void job_worker_run(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result);

#endif
