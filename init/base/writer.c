#include "init/base/writer.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/base/signals.h"
#include "probes/clock.h"

/* A process that ends before this did not get to write. */
#define SHORT_LIFE      100 /* ms */
#define SHORT_LIVES_MAX 50

bool writer_open(struct writer *writer, writer_body *body, const void *context)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	*writer = (struct writer){.in = ends[1], .out = ends[0], .body = body, .context = context};
	return true;
}

void writer_start(struct writer *writer)
{
	pid_t self = getpid();

	if (writer->pid != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		writer->body(writer->context, writer->out, self);
		_exit(EXIT_FAILURE); /* it does not return */
	}
	writer->pid = pid > 0 ? pid : 0;
	writer->started = clock_now();
}

static bool is_empty(const struct writer *writer)
{
	char byte;

	return recv(writer->out, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

bool writer_reaped(struct writer *writer, pid_t pid)
{
	if (writer->pid == 0 || pid != writer->pid)
		return false;
	writer->pid = 0;
	writer->short_lives = clock_now() - writer->started < SHORT_LIFE ? writer->short_lives + 1 : 0;
	/* after so many failures in a row, only the next message starts another one */
	if ((writer->resident || !is_empty(writer)) && writer->short_lives < SHORT_LIVES_MAX)
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
