#include "init/machine/exitcode.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int exitcode_of_status(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

int exitcode_of_exec(int exec_errno)
{
	return exec_errno == ENOENT || exec_errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}

bool exitcode_in(const uint64_t codes[4], int code)
{
	return code >= 0 && code < 256 && (codes[code / 64] >> code % 64 & 1) != 0;
}

/* The app was terminated by the stop signal, or exited with the code that shells make of it. */
static bool ended_as_asked(const struct seq *seq)
{
	int status = seq->app_status;

	if (seq->reason != REASON_STOP || seq->stop_sent == 0)
		return false;
	if (WIFSIGNALED(status))
		return (seq->stop_sent >> (WTERMSIG(status) - 1) & 1) != 0;
	return WEXITSTATUS(status) == 128 + SIGTERM;
}

static int app_code(const struct seq *seq)
{
	if (seq->reason == REASON_MANUAL)
		return 0;
	if (seq->opening != OPENING_NONE) /* a stop before the app was started */
		return seq->plan->shutdown.clean_exit_code >= 0 ? seq->plan->shutdown.clean_exit_code : 128 + seq->signal;
	if (seq->exec_errno != 0)
		return exitcode_of_exec(seq->exec_errno);
	if (!seq->app_gone || (seq->app_killed && WIFSIGNALED(seq->app_status) && WTERMSIG(seq->app_status) == SIGKILL))
		return 128 + SIGKILL;
	if (ended_as_asked(seq) && seq->plan->shutdown.clean_exit_code >= 0)
		return seq->plan->shutdown.clean_exit_code;
	return exitcode_of_status(seq->app_status);
}

int exitcode_final(const struct seq *seq)
{
	int code = app_code(seq);

	if (seq->to_hold)
		return EXIT_UNHEALTHY;
	if (seq->required_failed)
		return seq->plan->shutdown.failed_exit_code;
	if (seq->reason == REASON_UNHEALTHY)
		return EXIT_UNHEALTHY;
	return exitcode_in(seq->plan->app.zero_codes, code) ? 0 : code;
}
