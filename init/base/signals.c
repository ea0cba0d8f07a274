#include "init/base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define KERNEL_SIGSET_SIZE 8 /* bytes: _NSIG / 8 on every architecture but MIPS */

static void set_mask(uint64_t mask, uint64_t *old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, KERNEL_SIGSET_SIZE);
}

void signals_block(struct signals_inherited *inherited)
{
	struct sigaction chld;

	set_mask(~UINT64_C(0), &inherited->mask);
	sigaction(SIGCHLD, NULL, &chld);
	inherited->chld_ignored = chld.sa_handler == SIG_IGN;
	/* if SIGCHLD is ignored, the kernel reaps the app and its exit code is lost */
	if (inherited->chld_ignored)
		signal(SIGCHLD, SIG_DFL);
}

int signals_open(void)
{
	const uint64_t all = ~UINT64_C(0);

	return (int)syscall(SYS_signalfd4, -1, &all, KERNEL_SIGSET_SIZE, SFD_NONBLOCK | SFD_CLOEXEC);
}

void signals_restore(const struct signals_inherited *inherited)
{
	if (inherited->chld_ignored)
		signal(SIGCHLD, SIG_IGN);
	set_mask(inherited->mask, NULL);
}

void signals_default(void)
{
	signal(SIGPIPE, SIG_IGN);
	set_mask(0, NULL);
}

static void note(struct signal_seen *seen, int number, int code, pid_t sender)
{
	seen->number = number;
	seen->own = (number == SIGPIPE || number == SIGXFSZ) && code == SI_USER && sender == getpid();
	seen->kernel = code == SI_KERNEL;
}

bool signals_next(int fd, struct signal_seen *seen)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
		return false;
	note(seen, (int)info.ssi_signo, info.ssi_code, (pid_t)info.ssi_pid);
	return true;
}

static bool wait_for(uint64_t which, int64_t time, struct signal_seen *seen)
{
	const struct timespec limit = {.tv_sec = (time_t)(time / 1000), .tv_nsec = (long)(time % 1000 * 1000000)};
	siginfo_t info;
	long number = syscall(SYS_rt_sigtimedwait, &which, &info, time == INT64_MAX ? NULL : &limit, KERNEL_SIGSET_SIZE);

	if (number <= 0)
		return false;
	note(seen, (int)number, info.si_code, info.si_pid);
	return true;
}

bool signals_wait(struct signal_seen *seen, int64_t time)
{
	return wait_for(~UINT64_C(0), time, seen);
}

bool signals_take(uint64_t which, struct signal_seen *seen)
{
	return wait_for(which, 0, seen);
}

void signals_sleep(uint64_t which, int64_t time)
{
	struct signal_seen seen;

	wait_for(which, time, &seen);
}
