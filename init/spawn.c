#include "init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/descriptors.h"
#include "init/log.h"

/* tcsetpgrp() raises SIGTTOU in a background process; it is blocked here. Without a terminal there is nothing to do. */
static void take_terminal(void)
{
	tcsetpgrp(STDIN_FILENO, getpid());
}

static void join_group(enum spawn_group group, bool we_are_foreground)
{
	switch (group) {
	case SPAWN_FOREGROUND:
		setpgid(0, 0);
		if (we_are_foreground)
			take_terminal();
		break;
	case SPAWN_GROUP:
		setpgid(0, 0);
		break;
	case SPAWN_SESSION:
		setsid();
		ioctl(STDIN_FILENO, TIOCSCTTY, 0);
		break;
	case SPAWN_SAME:
		break;
	}
}

static bool become(const struct plan_user *user)
{
	if (user == NULL || !user->set)
		return true;
	if (setgroups(user->group_count, user->groups) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)
		return false;
	if (user->home != NULL)
		setenv("HOME", user->home, 1);
	return true;
}

/* Descriptors 0, 1, 2. The ones given are close-on-exec and above 2. */
static bool redirect(const struct spawn *spec)
{
	if (spec->input >= 0 && dup2(spec->input, STDIN_FILENO) < 0)
		return false;
	return spec->output < 0 || (dup2(spec->output, STDOUT_FILENO) >= 0 && dup2(spec->output, STDERR_FILENO) >= 0);
}

static void execute(const struct spawn *spec)
{
	execvp(spec->argv[0], spec->argv);
	if (errno != ENOEXEC || !spec->shell_fallback)
		return;
	size_t count = 0;
	while (spec->argv[count] != NULL)
		count++;
	char **argv = malloc((count + 2) * sizeof *argv);
	if (argv == NULL)
		return;
	argv[0] = (char[]){"/bin/sh"};
	for (size_t i = 0; i <= count; i++)
		argv[i + 1] = spec->argv[i];
	execv(argv[0], argv);
	free(argv);
}

static _Noreturn void run_child(const struct spawn *spec, bool we_are_foreground, int exec_error)
{
	join_group(spec->group, we_are_foreground);
	bool ready = redirect(spec);
	if (ready && spec->umask >= 0)
		umask((mode_t)spec->umask);
	ready = ready && become(spec->user);
	ready = ready && (spec->directory == NULL || chdir(spec->directory) == 0);
	if (ready && spec->prepare != NULL)
		spec->prepare(spec->context);
	if (spec->work != NULL) {
		log_close();
		if (!ready || dup2(spec->result, 3) < 0)
			_exit(EXIT_FAILURE);
		descriptors_close_from(4);
		signals_default();
		spec->work(spec->context, 3);
		_exit(EXIT_SUCCESS);
	}
	if (ready && spec->close_others) {
		/* exec_error is close-on-exec at its new place, too */
		ready = exec_error == 3 || dup3(exec_error, 3, O_CLOEXEC) == 3;
		exec_error = ready ? 3 : exec_error;
		if (ready)
			descriptors_close_from(4);
	}
	if (ready) {
		signals_restore(spec->signals);
		execute(spec);
	}
	int error = errno;
	if (write(exec_error, &error, sizeof error) < 0)
		_exit(126);
	_exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

pid_t spawn(const struct spawn *spec, int *exec_error)
{
	int ends[2] = {-1, -1};
	bool foreground = spec->group == SPAWN_FOREGROUND && tcgetpgrp(STDIN_FILENO) == getpgrp();

	*exec_error = -1;
	if (spec->work == NULL && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		run_child(spec, foreground, ends[1]);
	int error = errno;
	if (ends[1] >= 0)
		close(ends[1]);
	if (pid < 0) {
		if (ends[0] >= 0)
			close(ends[0]);
		errno = error;
		return -1;
	}
	/* both sides do it, so that the group exists whoever comes first; after exec it is refused, and done already */
	if (spec->group == SPAWN_GROUP || spec->group == SPAWN_FOREGROUND)
		setpgid(pid, pid);
	*exec_error = ends[0];
	return pid;
}

int spawn_exec_error(int exec_error)
{
	int error = 0;

	if (exec_error < 0 || read(exec_error, &error, sizeof error) != (ssize_t)sizeof error)
		return 0;
	return error;
}
