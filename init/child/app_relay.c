#include "init/child/app_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/base/log.h"
#include "init/child/app_file.h"

#define CHUNK      262144
#define STALL_TIME 500 /* ms that a reader of the container's output may take before its lines are dropped */

/* One of the container's own descriptors. */
struct sink {
	int fd;
	size_t most;      /* bytes of one write that does not block once there is room; SIZE_MAX: it never blocks */
	bool stalled;     /* until there is room again */
	bool in_line;     /* the last byte written is no newline */
	bool drops_line;  /* nor is the last one dropped */
	uint64_t dropped; /* bytes since it stalled */
};

struct work {
	struct relay_progress *progress;
	struct app_file file;
	struct sink sinks[STREAMS];
	int in[STREAMS]; /* -1: its end has come */
	int look[2];     /* a pipe that tee() fills: what is looked at stays where it is */
	int null;
	int in_line;    /* the stream whose line is not at its end in the file; -1: none */
	int error_told; /* about the file */
	bool rotation_told;
	char bytes[CHUNK];
};

static struct work the_work; /* a process of its own */

/* A descriptor of our own that does not block; where there can be none, poll() tells of room for PIPE_BUF bytes. */
static void open_sink(struct sink *sink, int fd)
{
	char path[24];
	struct stat status;

	*sink = (struct sink){.fd = fd, .most = PIPE_BUF};
	if (fstat(fd, &status) != 0 || S_ISREG(status.st_mode)) {
		sink->most = SIZE_MAX;
		return;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int own =
	    S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
	if (own >= 0) {
		sink->fd = own;
		sink->most = SIZE_MAX;
	}
}

static bool has_room(const struct sink *sink, int wait)
{
	struct pollfd there = {.fd = sink->fd, .events = POLLOUT};

	return poll(&there, 1, wait) > 0;
}

/* Bytes written; 0: nobody reads for too long, or at all. */
static size_t put_some(struct sink *sink, const char *bytes, size_t length)
{
	for (int i = 0; i < 2; i++) {
		if ((sink->most != SIZE_MAX || i > 0) && !has_room(sink, STALL_TIME))
			return 0;
		ssize_t n = write(sink->fd, bytes, length < sink->most ? length : sink->most);
		if (n > 0) {
			sink->in_line = bytes[n - 1] != '\n';
			return (size_t)n;
		}
		if (n < 0 && errno != EAGAIN)
			return 0;
	}
	return 0;
}

static size_t drop(struct sink *sink, const char *bytes, size_t length)
{
	sink->dropped += length;
	sink->drops_line = bytes[length - 1] != '\n';
	return length;
}

/* It is read again: it hears how much it has missed. False: not yet. */
static bool tell_dropped(struct sink *sink)
{
	char line[128];
	int n = snprintf(line, sizeof line, "%s[tinysup: dropped %llu bytes here: the reader was too slow]\n",
			 sink->in_line ? "\n" : "", (unsigned long long)sink->dropped);

	if (put_some(sink, line, (size_t)n) != (size_t)n)
		return false;
	sink->stalled = false;
	sink->dropped = 0;
	return true;
}

/* How many of the bytes are done with: written or dropped. At least one. After a gap it goes on with a whole line. */
static size_t pass_on(struct sink *sink, const char *bytes, size_t length)
{
	if (sink->stalled && !has_room(sink, 0))
		return drop(sink, bytes, length);
	if (sink->stalled && sink->drops_line) {
		const char *newline = memchr(bytes, '\n', length);
		return drop(sink, bytes, newline != NULL ? (size_t)(newline - bytes) + 1 : length);
	}
	if (sink->stalled && !tell_dropped(sink))
		return drop(sink, bytes, length);
	size_t n = put_some(sink, bytes, length);
	if (n > 0)
		return n;
	sink->stalled = true;
	return drop(sink, bytes, length);
}

/* The app is gone, and its reader will hear no more of it. */
static void tell_end(struct sink *sink, const char *name)
{
	if (!sink->stalled || (has_room(sink, 0) && tell_dropped(sink)))
		return;
	log_fields(LOG_WARN, "output_drop", NULL,
		   LOG_FIELDS(field_text("stream", name), field_number("bytes", (long long)sink->dropped)),
		   "the app's %s misses its last %llu bytes: the reader was too slow", name, (unsigned long long)sink->dropped);
}

/* --- the file ------------------------------------------------------------------------------------------------------------- */

/* Once for each new reason. */
static void tell_error(struct work *work)
{
	const struct app_file *file = &work->file;

	if (file->error != 0 && file->error != work->error_told)
		log_fields(LOG_WARN, "output_error", NULL,
			   LOG_FIELDS(field_text("file", file->plan->file), field_text("error", strerror(file->error))),
			   "cannot write %s: %s; what it misses is counted", file->plan->file, strerror(file->error));
	work->error_told = file->error;
	atomic_store(&work->progress->failing, file->error != 0);
	if (file->not_rotated != 0 && !work->rotation_told)
		log_fields(LOG_WARN, "output_error", NULL,
			   LOG_FIELDS(field_text("file", file->plan->file), field_text("error", strerror(file->not_rotated))),
			   "cannot rotate %s: %s; it is emptied at max_size", file->plan->file, strerror(file->not_rotated));
	work->rotation_told = file->not_rotated != 0;
}

/* --- one chunk ------------------------------------------------------------------------------------------------------------ */

/* Bytes at the front of the pipe, which stay there; 0: its end; -1: none yet. Without tee() they are taken (*taken). */
static ssize_t look_at(struct work *work, int in, bool *taken)
{
	ssize_t n = tee(in, work->look[1], CHUNK, SPLICE_F_NONBLOCK);

	*taken = n < 0 && errno != EAGAIN;
	if (*taken)
		return read(in, work->bytes, CHUNK);
	for (ssize_t at = 0; at < n;) {
		ssize_t more = read(work->look[0], work->bytes + at, (size_t)(n - at));
		if (more <= 0)
			_exit(EXIT_FAILURE);
		at += more;
	}
	return n;
}

static void take(struct work *work, int in, size_t length)
{
	while (length > 0) {
		ssize_t n = splice(in, NULL, work->null, NULL, length, 0);
		if (n <= 0)
			n = read(in, work->bytes, length < CHUNK ? length : CHUNK);
		if (n <= 0)
			_exit(EXIT_FAILURE);
		length -= (size_t)n;
	}
}

/*
 * Writes to both, noting after each write how far it came, then takes the bytes out of the pipe. If we are killed in a write,
 * the next relay writes these bytes once more: better twice than not at all. The bytes count as taken before they are: a reader
 * of the file must not think them an earlier run's.
 */
static void relay_chunk(struct work *work, enum app_stream stream)
{
	struct relay_ahead *ahead = &work->progress->ahead[stream];
	bool taken;
	ssize_t n = look_at(work, work->in[stream], &taken);

	if (n <= 0) {
		if (n == 0)
			work->in[stream] = -1;
		return;
	}
	size_t length = (size_t)n, to_file = atomic_load(&ahead->to_file), to_container = atomic_load(&ahead->to_container);
	while (to_container < length) {
		to_container += pass_on(&work->sinks[stream], work->bytes + to_container, length - to_container);
		atomic_store(&ahead->to_container, to_container);
	}
	while (to_file < length) {
		size_t done = app_file_append(&work->file, work->bytes + to_file, length - to_file);
		atomic_store(&ahead->to_file, to_file += done);
	}
	work->in_line = work->file.in_line ? (int)stream : -1;
	tell_error(work);
	atomic_store(&ahead->to_file, to_file - length);
	atomic_store(&ahead->to_container, to_container - length);
	atomic_fetch_add(&work->progress->taken[stream], length);
	if (!taken)
		take(work, work->in[stream], length);
}

/* The stream that is in the midst of a line comes first, so that lines of the two do not mix in the file. */
static void relay_some(struct work *work)
{
	struct pollfd in[STREAMS];

	for (int i = 0; i < STREAMS; i++)
		in[i] = (struct pollfd){.fd = work->in[i], .events = POLLIN};
	if (poll(in, STREAMS, -1) <= 0)
		return;
	if (work->in_line >= 0 && in[work->in_line].revents != 0) {
		relay_chunk(work, (enum app_stream)work->in_line);
		return;
	}
	for (int i = 0; i < STREAMS && (i == 0 || work->in_line < 0); i++)
		if (in[i].revents != 0)
			relay_chunk(work, (enum app_stream)i);
}

_Noreturn void app_relay(const struct app_relay *relay, int error)
{
	struct work *work = &the_work;
	struct signals_inherited before;

	signals_block(&before);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "tinysup-output");
	work->progress = relay->progress;
	work->in[STREAM_OUT] = STDIN_FILENO;
	work->in[STREAM_ERR] = error;
	work->in_line = -1;
	open_sink(&work->sinks[STREAM_OUT], STDOUT_FILENO);
	open_sink(&work->sinks[STREAM_ERR], STDERR_FILENO);
	log_to(work->sinks[STREAM_ERR].fd);
	app_file_init(&work->file, relay->plan);
	work->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (pipe2(work->look, O_CLOEXEC) != 0)
		_exit(EXIT_FAILURE);
	fcntl(work->look[1], F_SETPIPE_SZ, 1 << 20);
	while (work->in[STREAM_OUT] >= 0 || work->in[STREAM_ERR] >= 0)
		relay_some(work);
	tell_end(&work->sinks[STREAM_OUT], "stdout");
	tell_end(&work->sinks[STREAM_ERR], "stderr");
	_exit(EXIT_SUCCESS);
}
