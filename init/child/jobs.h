/*
 * The tries of steps and the questions of checks that are under way: one process each, a program or a forked worker, with the
 * descriptors that lead to it.
 */
#ifndef TINYSUP_INIT_CHILD_JOBS_H
#define TINYSUP_INIT_CHILD_JOBS_H

#include <sys/types.h>

#include "init/child/step_facts.h"

/* Once the app is started: what hooks get as standard input is opened. */
void jobs_init(void);

/* `epoll` is told of hooks' output; without it that output goes nowhere. */
void jobs_set_epoll(int epoll);

enum job_kind {
	JOB_STEP,
	JOB_CHECK,
	JOB_ABANDONED, /* it was killed, nobody asks for its result */
};

/* What a process is for. */
struct job_id {
	enum job_kind kind;
	size_t index; /* in the chain, or in the plan's checks */
};

/*
 * Start one try of a step that has `time`. False with the reason in *result (an OUTCOME_ERROR: it never ran) where no process
 * could be made.
 */
bool jobs_start(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result);

/* The same for one question of a check. app: its pid, for checks of the process itself. */
bool jobs_start_check(const struct plan *plan, const struct signals_inherited *signals, pid_t app, size_t check, msec_t time,
		      struct check_result *result);

/* SIGKILL to the process group of a try or a question; its result is not asked for any more. */
void jobs_kill(struct job_id id);

/* A descriptor that jobs_set_epoll()'s epoll reports is readable. `slot` is the event's data. */
void jobs_readable(size_t slot);

/* Whether there are any under way, abandoned ones included. */
bool jobs_any(void);

/* Whether a process is a try or a question, abandoned ones included. */
bool jobs_has(pid_t pid);

/* A child was reaped. False: it was no job. True: *id is what it was for, *result what it brought. */
bool jobs_reaped(pid_t pid, int wait_status, struct job_id *id, struct check_result *result);

#endif
