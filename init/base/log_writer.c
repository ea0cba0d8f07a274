#include "init/base/log_writer.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "init/base/descriptors.h"

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

_Noreturn void log_write_on(const void *context, int out, pid_t parent)
{
	char lines[4096];
	ssize_t n;

	(void)context;
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
