/* Running attempts and checks: one process each, a program or a forked worker. */
#ifndef TINYSUP_INIT_CHILD_JOBS_H
#define TINYSUP_INIT_CHILD_JOBS_H

#include <sys/types.h>

#include "init/child/step_facts.h"

/* Opens standard input for hooks. After the start of the app. */
void jobs_init(void);

/* Registers hooks' output with `epoll`; without it, output is lost. */
void jobs_set_epoll(int epoll);

enum job_kind {
	JOB_STEP,
	JOB_CHECK,
	JOB_BEAT,
	JOB_NOTICE,
	JOB_ABANDONED, /* killed; its result is ignored */
};

/* What a process is for. */
struct job_id {
	enum job_kind kind;
	size_t index; /* in the chain, in the plan's checks, heartbeats or alert channels */
};

/*
 * Starts an attempt of a step with the timeout `time`. False with the reason in *result (OUTCOME_ERROR: it never ran) if no
 * process is available.
 */
bool jobs_start(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result);

/* The same for a heartbeat's beat, or its disarm. */
bool jobs_start_beat(const struct shutdown_facts *facts, size_t heartbeat, bool disarm, msec_t time,
		     struct check_result *result);

/* The same for an alert about an event: facts->report, to one channel. */
bool jobs_start_notice(const struct shutdown_facts *facts, size_t channel, msec_t time, struct check_result *result);

/* The same for a check. app: pid for process checks. */
bool jobs_start_check(const struct plan *plan, const struct signals_inherited *signals, pid_t app, size_t check, msec_t time,
		      struct check_result *result);

/* Kills the process group of a job; its result is ignored. */
void jobs_kill(struct job_id id);

/* A descriptor that jobs_set_epoll()'s epoll reports is readable. `slot` is the event's data. */
void jobs_readable(size_t slot);

/* Whether any job is running, abandoned ones included. */
bool jobs_any(void);

/* Whether a process is a job, abandoned ones included. */
bool jobs_has(pid_t pid);

/* A child was reaped. False: it was not a job. True: *id and *result are set. */
bool jobs_reaped(pid_t pid, int wait_status, struct job_id *id, struct check_result *result);

#endif
