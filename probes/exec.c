#include "probes/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/clock.h"
#include "probes/failure.h"

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child. Writes errno to `report` if exec fails. */
static _Noreturn void become(const struct plan_exec *exec, pid_t parent, int report);

static void become(const struct plan_exec *exec, pid_t parent, int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), error;

	setpgid(0, 0);
	/* it has its own group and would survive a SIGKILL to ours */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null >= 0 && getppid() == parent && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) {
		reset_signals();
		execvp(exec->argv[0], exec->argv);
	}
	error = errno;
	while (write(report, &error, sizeof error) < 0 && errno == EINTR)
		continue;
	_exit(127);
}

/* Whether the child reported an errno. Returns once exec has succeeded or the child is gone. */
static int exec_error(int report, int64_t deadline_us)
{
	struct pollfd poller = {.fd = report, .events = POLLIN};
	int error = 0;

	while (poll(&poller, 1, (int)clock_left(deadline_us)) < 0 && errno == EINTR)
		continue;
	if (!poller.revents || read(report, &error, sizeof error) != sizeof error)
		return 0;
	return error;
}

/* False on timeout. The child is not reaped yet, so its pid is not reused. */
static bool has_ended(pid_t pid, const sigset_t *child, int64_t deadline_us)
{
	for (;;) {
		siginfo_t info = {0};
		msec_t left = clock_left(deadline_us);
		const struct timespec pause = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid)
			return true;
		if (left == 0)
			return false;
		sigtimedwait(child, NULL, &pause);
	}
}

static void judge(int status, struct check_result *result)
{
	if (WIFSIGNALED(status)) {
		result_fail(result, FAILURE_EXEC, "exec: killed by signal %d", WTERMSIG(status));
		return;
	}
	result->status = WEXITSTATUS(status);
	if (result->status != 0)
		result_fail(result, FAILURE_EXEC, "exec: exit code %d", result->status);
}

static void watch(pid_t pid, int report, const sigset_t *child, msec_t timeout, struct check_result *result)
{
	int64_t deadline = clock_deadline(timeout);
	int error = exec_error(report, deadline), status = 0;
	bool ended = has_ended(pid, child, deadline);

	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (error)
		result_fail(result, FAILURE_EXEC, "exec: cannot execute: %s", strerror(error));
	else if (!ended)
		failure_timeout(result, timeout, "still running");
	else
		judge(status, result);
}

void exec_run(const struct plan_exec *exec, msec_t timeout, struct check_result *result)
{
	pid_t self = getpid(), pid;
	sigset_t child, before;
	int report[2];

	if (pipe2(report, O_CLOEXEC) != 0) {
		result_error(result, "exec: cannot create a pipe: %s", strerror(errno));
		return;
	}
	/* for sigtimedwait(); where SIGCHLD is ignored there would be nothing to wait for */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	pid = fork();
	if (pid == 0)
		become(exec, self, report[1]);
	close(report[1]);
	if (pid < 0) {
		result_error(result, "exec: cannot fork: %s", strerror(errno));
	} else {
		setpgid(pid, pid);
		watch(pid, report[0], &child, timeout, result);
	}
	close(report[0]);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
