#include "init/base/writer.h"

#include <signal.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/base/descriptors.h"
#include "init/base/signals.h"
#include "probes/clock.h"

/* A process that ends before this did not get to write. */
#define SHORT_LIFE      100 /* ms */
#define SHORT_LIVES_MAX 50

bool writer_open(struct writer *writer)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	*writer = (struct writer){.in = ends[1], .out = ends[0]};
	return true;
}

/* Retries on a full disk or at a file's limit as long as the parent lives. Process 1 counts lost lines. */
static void write_all(const char *bytes, size_t length, pid_t parent)
{
	const struct timespec pause = {.tv_nsec = 100000000};

	while (length > 0) {
		ssize_t n = write(STDERR_FILENO, bytes, length);
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		} else {
			nanosleep(&pause, NULL);
			if (getppid() != parent)
				_exit(EXIT_FAILURE);
		}
	}
}

/*
 * All signals stay blocked: the writer ends on SIGKILL or at the end of input. It consumes lines after writing them, so a
 * killed writer leaves them to the next one.
 */
static _Noreturn void write_on(int out, pid_t parent)
{
	char lines[4096];
	ssize_t n;

	prctl(PR_SET_NAME, "tinysup-log");
	if (dup2(out, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
	descriptors_close_from(STDERR_FILENO + 1);
	while ((n = recv(STDIN_FILENO, lines, sizeof lines, MSG_PEEK)) > 0) {
		write_all(lines, (size_t)n, parent);
		recv(STDIN_FILENO, lines, sizeof lines, 0);
	}
	_exit(EXIT_SUCCESS);
}

void writer_start(struct writer *writer)
{
	pid_t self = getpid();

	if (writer->pid != 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		write_on(writer->out, self);
	writer->pid = pid > 0 ? pid : 0;
	writer->started = clock_now();
}

static bool is_empty(const struct writer *writer)
{
	char byte;

	return recv(writer->out, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

bool writer_lags(const struct writer *writer)
{
	int unread = 0, size = 0;
	socklen_t length = sizeof size;

	return ioctl(writer->in, SIOCOUTQ, &unread) == 0 &&
	       getsockopt(writer->in, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && unread > size / 2;
}

bool writer_reaped(struct writer *writer, pid_t pid)
{
	if (writer->pid == 0 || pid != writer->pid)
		return false;
	writer->pid = 0;
	writer->short_lives = clock_now() - writer->started < SHORT_LIFE ? writer->short_lives + 1 : 0;
	/* after so many failures in a row, only the next line starts another one */
	if (!is_empty(writer) && writer->short_lives < SHORT_LIVES_MAX)
		writer_start(writer);
	return true;
}

void writer_finish(struct writer *writer, int64_t limit)
{
	int64_t now = clock_now(), until = now + limit;

	close(writer->in); /* the writer ends with what is waiting */
	for (; now < until; now = clock_now()) {
		if (writer->pid != 0 && waitpid(writer->pid, NULL, WNOHANG) != 0)
			writer->pid = 0;
		if (writer->pid == 0 && is_empty(writer))
			return;
		writer_start(writer);
		signals_sleep(SIGNAL_BIT(SIGCHLD), until - now);
	}
}
