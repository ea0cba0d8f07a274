#include "probes/probe_guard.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "probes/clock.h"

#define GRACE_MS 50

void probe_write(const char *line, size_t length)
{
	struct pollfd poller = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT) && write(STDOUT_FILENO, line, length) < 0)
		return;
}

static _Noreturn void end(const char *line);

static void end(const char *line)
{
	probe_write(line, strlen(line));
	_exit(1);
}

/* Two handlers, so that they need no variable. */
static void end_text(int number)
{
	end(number == SIGALRM ? "unhealthy: out of time\n" : "unhealthy: the probe was killed\n");
}

static void end_json(int number)
{
	end(number == SIGALRM ? "{\"healthy\":false,\"error\":\"out of time\"}\n"
			      : "{\"healthy\":false,\"error\":\"the probe was killed\"}\n");
}

int64_t probe_guard(msec_t timeout, bool json)
{
	static const int ending[] = {SIGALRM, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT,
				     SIGSEGV, SIGBUS,  SIGFPE, SIGILL, SIGSYS,  SIGTRAP};
	static int64_t deadline;
	struct sigaction action = {.sa_handler = json ? end_json : end_text};
	msec_t total = (timeout > 0 ? timeout : 0) + GRACE_MS;
	const struct itimerval alarm = {.it_value = {.tv_sec = total / 1000, .tv_usec = total % 1000 * 1000}};
	sigset_t others;

	if (deadline != 0)
		return deadline;
	deadline = clock_deadline(timeout);
	sigfillset(&action.sa_mask);
	sigfillset(&others);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
		sigaction(ending[i], &action, NULL);
		sigdelset(&others, ending[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	/* SIGUSR1 and others would exit with their own code */
	sigprocmask(SIG_SETMASK, &others, NULL);
	setitimer(ITIMER_REAL, &alarm, NULL);
	return deadline;
}
