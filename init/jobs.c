#include "init/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/hookenv.h"
#include "init/output.h"
#include "init/spawn.h"
#include "init/work.h"

/* Twice the widest chain: a killed process keeps its place until it is reaped. */
#define SLOTS ((size_t)PLAN_STEPS_MAX * 2)

struct job {
	pid_t pid; /* 0: free */
	size_t step;
	int exec_error; /* programs */
	int result;     /* workers */
	struct output output;
};

static struct {
	int epoll;
	int null;    /* hooks' stdin */
	size_t busy; /* slots with a process */
	struct job slots[SLOTS];
} the_jobs;

struct try_context {
	const struct shutdown_facts *facts;
	size_t step;
	msec_t time;
};

void jobs_init(int epoll)
{
	int ends[2];

	the_jobs.epoll = epoll;
	the_jobs.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* an image without /dev: a pipe that nobody writes to is at its end as well */
	if (the_jobs.null < 0 && pipe2(ends, O_CLOEXEC) == 0) {
		close(ends[1]);
		the_jobs.null = ends[0];
	}
}

static struct job *free_slot(void)
{
	for (size_t i = 0; i < SLOTS; i++)
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

/* Closing a descriptor takes it out of the epoll set only when no child holds a copy: so it is taken out by hand. */
static void finish_output(struct output *output, bool all)
{
	if (output->fd >= 0)
		epoll_ctl(the_jobs.epoll, EPOLL_CTL_DEL, output->fd, NULL);
	output_finish(output, all);
}

static void prepare_program(const void *context)
{
	const struct try_context *try = context;

	hookenv_set(try->facts, try->step, try->time);
}

/* Descriptors that the app inherited from the container's runtime are the app's: a hook does not get them. */
static void run_worker(const void *context, int result_fd)
{
	const struct try_context *try = context;
	struct check_result result = {.retry_after = MSEC_UNSET};

	work_run(try->facts, try->step, try->time, &result);
	if (write(result_fd, &result, sizeof result) != (ssize_t)sizeof result)
		_exit(1);
}

static bool start_program(struct job *job, struct spawn *spec, const struct plan_step *plan)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	spec->input = the_jobs.null;
	spec->output = ends[1];
	spec->argv = plan->exec.argv;
	spec->prepare = prepare_program;
	job->pid = spawn(spec, &job->exec_error);
	int error = errno;
	close(ends[1]);
	if (job->pid < 0) {
		close(ends[0]);
		errno = error;
		return false;
	}
	job->output.fd = ends[0];
	job->output.step = plan->name;
	job->output.length = 0;
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(job - the_jobs.slots)};
	if (epoll_ctl(the_jobs.epoll, EPOLL_CTL_ADD, ends[0], &event) != 0)
		close_fd(&job->output.fd); /* better a hook without a log than none */
	return true;
}

static bool start_worker(struct job *job, struct spawn *spec)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	spec->work = run_worker;
	spec->result = ends[1];
	job->pid = spawn(spec, &job->exec_error);
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

bool jobs_start(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result)
{
	const struct plan *plan = facts->seq->plan;
	const struct plan_step *what = seq_step(&plan->shutdown.chain, step);
	struct try_context context = {facts, step, time};
	struct job *job = free_slot();
	struct spawn spec = {
	    .group = SPAWN_GROUP,
	    .signals = facts->signals,
	    .user = &what->user,
	    .directory = plan->app.directory,
	    .umask = plan->app.umask,
	    .input = -1,
	    .output = -1,
	    .context = &context,
	};

	errno = EAGAIN;
	if (job != NULL) {
		job->exec_error = job->result = job->output.fd = -1;
		job->step = step;
		if (what->exec.argv != NULL ? start_program(job, &spec, what) : start_worker(job, &spec)) {
			the_jobs.busy++;
			return true;
		}
		job->pid = 0;
	}
	result_error(result, "no process for it: %s", strerror(errno));
	return false;
}

void jobs_kill(size_t step)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct job *job = &the_jobs.slots[i];
		if (job->pid == 0 || job->step != step)
			continue;
		kill(-job->pid, SIGKILL);
		job->step = JOBS_ABANDONED;
		finish_output(&job->output, false);
	}
}

void jobs_readable(size_t slot)
{
	struct output *output = &the_jobs.slots[slot].output;

	if (!output_read(output))
		finish_output(output, true);
}

static void judge_program(const struct job *job, int status, struct check_result *result)
{
	int error = spawn_exec_error(job->exec_error);

	if (error != 0) {
		/* not FAILURE_EXEC: a program that is not there is not there at the next try either */
		result_fail(result, FAILURE_FILE, "cannot execute: %s", strerror(error));
	} else if (WIFSIGNALED(status)) {
		result_fail(result, FAILURE_EXEC, "killed by %s", signal_name(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) != 0) {
		result_fail(result, FAILURE_EXEC, "exit code %d", WEXITSTATUS(status));
		result->status = WEXITSTATUS(status);
	} else {
		result->outcome = OUTCOME_OK;
	}
	result->sent = true;
}

static void judge_worker(const struct job *job, int status, struct check_result *result)
{
	if (read(job->result, result, sizeof *result) == (ssize_t)sizeof *result) {
		result->message[sizeof result->message - 1] = '\0';
		return;
	}
	if (WIFSIGNALED(status))
		result_error(result, "the worker was killed by %s", signal_name(WTERMSIG(status)));
	else
		result_error(result, "the worker brought no result");
	result->sent = true; /* how far it got nobody knows */
}

bool jobs_reaped(pid_t pid, int wait_status, size_t *step, struct check_result *result)
{
	struct job *job = the_jobs.slots;

	if (the_jobs.busy == 0)
		return false; /* orphans come by the thousand */
	while (job < the_jobs.slots + SLOTS && job->pid != pid)
		job++;
	if (job == the_jobs.slots + SLOTS)
		return false;
	*step = job->step;
	*result = (struct check_result){.retry_after = MSEC_UNSET};
	finish_output(&job->output, true);
	if (job->result >= 0)
		judge_worker(job, wait_status, result);
	else
		judge_program(job, wait_status, result);
	close_fd(&job->exec_error);
	close_fd(&job->result);
	job->pid = 0;
	the_jobs.busy--;
	return true;
}
