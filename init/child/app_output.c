#include "init/child/app_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/base/log.h"
#include "init/base/tail.h"
#include "init/child/spawn.h"
#include "probes/clock.h"

#define PIPE_SIZE (1 << 20) /* what a user without privileges may have; a smaller one does, too */

static bool open_pipe(struct app_output *output, enum app_stream stream)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	output->in[stream] = ends[0];
	output->out[stream] = ends[1];
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	fchmod(ends[1], 0622); /* an app of another user opens /dev/stdout; runc does the same for the container's */
	return true;
}

static void close_both(struct app_output *output)
{
	for (int i = 0; i < STREAMS; i++) {
		if (output->in[i] >= 0)
			close(output->in[i]);
		if (output->out[i] >= 0)
			close(output->out[i]);
		output->in[i] = output->out[i] = -1;
	}
}

void app_output_init(struct app_output *output, const struct plan_output *plan)
{
	*output = (struct app_output){.plan = plan, .in = {-1, -1}, .out = {-1, -1}, .relay.start_at = INT64_MAX};
}

bool app_output_open(struct app_output *output)
{
	if (output->plan->file == NULL)
		return true;
	output->progress = mmap(NULL, sizeof *output->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (output->progress != MAP_FAILED && open_pipe(output, STREAM_OUT) && open_pipe(output, STREAM_ERR)) {
		output->relay.start_at = 0;
		return true;
	}
	int error = errno;
	close_both(output);
	output->progress = NULL;
	errno = error;
	return false;
}

static void work(const void *context, int result)
{
	app_relay(context, result);
}

static pid_t start_relay(const struct app_output *output, const struct signals_inherited *signals)
{
	const struct app_relay relay = {output->plan, output->progress};
	const struct spawn spec = {
	    .group = SPAWN_GROUP,
	    .signals = signals,
	    .umask = -1,
	    .input = output->in[STREAM_OUT],
	    .output = -1,
	    .error = -1,
	    .work = work,
	    .result = output->in[STREAM_ERR],
	    .context = &relay,
	};

	return spawn(&spec, NULL);
}

void app_output_tick(struct app_output *output, const struct signals_inherited *signals, msec_t now)
{
	if (service_due(&output->relay, now))
		service_started(&output->relay, start_relay(output, signals), now);
}

/* --- for a worker that wants the last lines ------------------------------------------------------------------------------- */

struct app_output_mark app_output_mark(const struct app_output *output)
{
	struct app_output_mark mark = {.progress = output->in[STREAM_OUT] >= 0 ? output->progress : NULL};

	for (int i = 0; i < STREAMS && mark.progress != NULL; i++) {
		int waiting = 0;
		/* first what was taken: what a relay takes meanwhile is missing here, but it is in the file */
		mark.written += atomic_load(&mark.progress->taken[i]);
		ioctl(output->in[i], FIONREAD, &waiting);
		mark.written += (uint64_t)waiting;
	}
	return mark;
}

static uint64_t taken(const struct relay_progress *progress)
{
	return atomic_load(&progress->taken[STREAM_OUT]) + atomic_load(&progress->taken[STREAM_ERR]);
}

const char *app_output_tail(const struct plan_output *plan, const struct app_output_mark *mark, msec_t limit, char *buffer,
			    size_t size)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	msec_t until = clock_now() + limit;

	*buffer = '\0';
	if (mark->progress == NULL || plan->tail == 0)
		return buffer;
	while (taken(mark->progress) < mark->written && clock_now() < until)
		nanosleep(&pause, NULL);
	/* what an earlier run has written is none of this one's last words */
	uint64_t written = taken(mark->progress);
	if (atomic_load(&mark->progress->failing)) {
		snprintf(buffer, size,
			 "[tinysup: the last lines are in the container's log only: the output file cannot be written]");
		return buffer;
	}
	return tail_read(plan->file, plan->tail, buffer, written < size - 1 ? (size_t)written + 1 : size);
}

/* --- the end ------------------------------------------------------------------------------------------------------------- */

/* Whether the relay has come to the end of both pipes. */
static bool has_ended(struct app_output *output)
{
	int status = 0;

	if (output->relay.pid == 0 || waitpid(output->relay.pid, &status, WNOHANG) == 0)
		return false;
	output->relay.pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static long long waiting(const struct app_output *output)
{
	long long all = 0;

	for (int i = 0; i < STREAMS; i++) {
		int bytes = 0;
		ioctl(output->in[i], FIONREAD, &bytes);
		all += bytes;
	}
	return all;
}

void app_output_finish(struct app_output *output, const struct signals_inherited *signals, msec_t limit)
{
	msec_t now = clock_now(), until = now + limit;

	if (output->in[STREAM_OUT] < 0)
		return;
	close(output->out[STREAM_OUT]);
	close(output->out[STREAM_ERR]);
	for (; now < until; now = clock_now()) {
		if (has_ended(output))
			return;
		/* the one that ran was killed with everything else */
		if (output->relay.pid == 0)
			output->relay.pid = start_relay(output, signals);
		if (output->relay.pid <= 0)
			break;
		signals_sleep(SIGNAL_BIT(SIGCHLD), until - now);
	}
	long long bytes = waiting(output);
	log_fields(LOG_WARN, "output_drop", NULL, LOG_FIELDS(field_number("bytes", bytes)),
		   "the app's last output could not be written in time%s", bytes > 0 ? ", some of it not even read" : "");
}
