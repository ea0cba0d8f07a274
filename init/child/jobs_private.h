/* Shared by jobs.c (the processes) and job_kinds.c (what they do). */
#ifndef TINYSUP_INIT_CHILD_JOBS_PRIVATE_H
#define TINYSUP_INIT_CHILD_JOBS_PRIVATE_H

#include "init/child/jobs.h"
#include "init/child/spawn.h"

/*
 * Starts a job. spec: all but the descriptors. name: what a program's output is logged under; NULL: it is discarded. False with
 * the reason in *result if no process is available.
 */
bool jobs_begin(struct spawn *spec, struct job_id id, const char *name, struct check_result *result);

#endif
