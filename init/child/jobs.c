#include "init/child/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/child/jobs_private.h"
#include "init/child/output.h"
#include "probes/clock.h"

/*
 * Twice the maximum that can run, because a killed process keeps its slot until it is reaped. Each kind has slots of its own,
 * so those that hang cannot block the others.
 */
static const size_t slots_of[] = {
    [JOB_STEP] = (size_t)PLAN_STEPS_MAX * 2,
    [JOB_CHECK] = (size_t)PLAN_CHECKS_MAX * 2,
    [JOB_BEAT] = (size_t)PLAN_HEARTBEATS_MAX * 2,
    [JOB_NOTICE] = (size_t)PLAN_STEPS_MAX * 2,
};
#define SLOTS ((size_t)(PLAN_STEPS_MAX * 2 + PLAN_CHECKS_MAX + PLAN_HEARTBEATS_MAX) * 2)

struct job {
	pid_t pid; /* 0: free */
	struct job_id id;
	msec_t started;
	const char *program;    /* NULL: a worker */
	struct spawn_exec exec; /* programs */
	int result;             /* workers */
};

static struct {
	int epoll;
	int null;    /* hooks' stdin */
	size_t busy; /* slots with a process */
	struct job slots[SLOTS];
	struct output outputs[SLOTS]; /* by slot; separate, so that searching for a pid touches less memory */
} the_jobs;

void jobs_set_epoll(int epoll)
{
	the_jobs.epoll = epoll;
}

void jobs_init(void)
{
	int ends[2];

	the_jobs.epoll = -1;
	the_jobs.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* no /dev in the image: a pipe without a writer is at EOF, too */
	if (the_jobs.null < 0 && pipe2(ends, O_CLOEXEC) == 0) {
		close(ends[1]);
		the_jobs.null = ends[0];
	}
}

static struct output *output_of(const struct job *job)
{
	return &the_jobs.outputs[job - the_jobs.slots];
}

static struct job *free_slot(enum job_kind kind)
{
	size_t first = 0, count = slots_of[kind];

	for (size_t i = 0; i < (size_t)kind; i++)
		first += slots_of[i];
	for (size_t i = first; i < first + count; i++)
		if (the_jobs.slots[i].pid == 0)
			return &the_jobs.slots[i];
	return NULL;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Removes the descriptor from epoll explicitly: closing is not enough while a child holds a copy. */
static void finish_output(struct output *output, bool all)
{
	if (output->fd >= 0)
		epoll_ctl(the_jobs.epoll, EPOLL_CTL_DEL, output->fd, NULL);
	output_finish(output, all);
}

/* Starts a program whose output is logged under `name`; NULL: discarded. */
static bool start_program(struct job *job, struct spawn *spec, const char *name)
{
	int ends[2];

	spec->input = the_jobs.null;
	if (name == NULL) {
		spec->output = spec->error = the_jobs.null;
		job->pid = spawn(spec, &job->exec);
		return job->pid > 0;
	}

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	spec->output = spec->error = ends[1];
	job->pid = spawn(spec, &job->exec);
	int error = errno;
	close(ends[1]);
	if (job->pid < 0) {
		close(ends[0]);
		errno = error;
		return false;
	}
	output_of(job)->fd = ends[0];
	output_of(job)->step = name;
	output_of(job)->length = 0;
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(job - the_jobs.slots)};
	if (epoll_ctl(the_jobs.epoll, EPOLL_CTL_ADD, ends[0], &event) != 0)
		close_fd(&output_of(job)->fd); /* run the hook even if its output is lost */
	return true;
}

static bool start_worker(struct job *job, struct spawn *spec)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	spec->result = ends[1];
	job->pid = spawn(spec, &job->exec);
	int error = errno;
	close(ends[1]);
	job->result = ends[0];
	if (job->pid < 0) {
		close_fd(&job->result);
		errno = error;
		return false;
	}
	return true;
}

bool jobs_begin(struct spawn *spec, struct job_id id, const char *name, struct check_result *result)
{
	struct job *job = free_slot(id.kind);

	errno = EAGAIN;
	if (job != NULL) {
		job->exec = (struct spawn_exec){.fd = -1};
		job->result = -1;
		output_of(job)->fd = -1;
		job->id = id;
		job->program = spec->argv != NULL ? spec->argv[0] : NULL;
		job->started = clock_now();
		if (spec->argv != NULL ? start_program(job, spec, name) : start_worker(job, spec)) {
			the_jobs.busy++;
			return true;
		}
		job->pid = 0;
	}
	result_error(result, "cannot fork: %s", strerror(errno));
	return false;
}

void jobs_kill(struct job_id id)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct job *job = &the_jobs.slots[i];
		if (job->pid == 0 || job->id.kind != id.kind || job->id.index != id.index)
			continue;
		kill(-job->pid, SIGKILL);
		job->id.kind = JOB_ABANDONED;
		finish_output(output_of(job), false);
	}
}

void jobs_readable(size_t slot)
{
	struct output *output = &the_jobs.outputs[slot];

	if (!output_read(output))
		finish_output(output, true);
}

static void judge_program(struct job *job, int status, struct check_result *result)
{
	int error = spawn_exec_error(&job->exec);
	bool check = job->id.kind == JOB_CHECK;
	const char *class = check ? "exec: " : "";

	if (error != 0) {
		/* a step: FAILURE_EXEC would retry, but the program will still be missing */
		result_fail(result, check ? FAILURE_EXEC : FAILURE_FILE, "%scannot execute %s: %s", class, job->program,
			    strerror(error));
	} else if (WIFSIGNALED(status)) {
		result_fail(result, FAILURE_EXEC, "%skilled by %s", class, signal_name(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) != 0) {
		result_fail(result, FAILURE_EXEC, "%sexit code %d", class, WEXITSTATUS(status));
		result->status = WEXITSTATUS(status);
	} else {
		result->outcome = OUTCOME_OK;
	}
	result->took_us = (clock_now() - job->started) * 1000;
	result->sent = true;
}

static void judge_worker(const struct job *job, int status, struct check_result *result)
{
	if (read(job->result, result, sizeof *result) == (ssize_t)sizeof *result) {
		result->message[sizeof result->message - 1] = '\0';
		return;
	}
	if (WIFSIGNALED(status))
		result_error(result, "worker killed by %s", signal_name(WTERMSIG(status)));
	else
		result_error(result, "worker exited without a result");
	result->sent = true; /* it is unknown how far it got */
}

static struct job *find(pid_t pid)
{
	/* orphans come by the thousand */
	for (size_t i = 0; the_jobs.busy > 0 && i < SLOTS; i++)
		if (the_jobs.slots[i].pid == pid)
			return &the_jobs.slots[i];
	return NULL;
}

bool jobs_any(void)
{
	return the_jobs.busy > 0;
}

bool jobs_has(pid_t pid)
{
	return find(pid) != NULL;
}

bool jobs_reaped(pid_t pid, int wait_status, struct job_id *id, struct check_result *result)
{
	struct job *job = find(pid);

	if (job == NULL)
		return false;
	*id = job->id;
	*result = (struct check_result){.retry_after = MSEC_UNSET};
	finish_output(output_of(job), true);
	if (job->result >= 0)
		judge_worker(job, wait_status, result);
	else
		judge_program(job, wait_status, result);
	close_fd(&job->result);
	job->pid = 0;
	the_jobs.busy--;
	return true;
}
