/*
 * The tries under way: one process each, a step's own program or a forked worker, with the descriptors that lead to it.
 */
#ifndef TINYSUP_INIT_JOBS_H
#define TINYSUP_INIT_JOBS_H

#include <sys/types.h>

#include "init/facts.h"

/* Before the seal: `epoll` is told of hooks' output; stdin of hooks is opened. */
void jobs_init(int epoll);

/*
 * Start one try of a step that has `time`. False with the reason in *result (an OUTCOME_ERROR: it never ran) where no process
 * could be made.
 */
bool jobs_start(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result);

/* SIGKILL to the process group of a step's try; its result is not asked for any more. */
void jobs_kill(size_t step);

/* A descriptor that jobs_init()'s epoll reports is readable. `slot` is the event's data. */
void jobs_readable(size_t slot);

/*
 * A child was reaped. False: it was no job. True: *step is its step, *result what it brought; *step is JOBS_ABANDONED for one
 * that was killed.
 */
#define JOBS_ABANDONED ((size_t)-1)
bool jobs_reaped(pid_t pid, int wait_status, size_t *step, struct check_result *result);

#endif
