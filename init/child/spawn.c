#include "init/child/spawn.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/base/descriptors.h"
#include "init/machine/exitcode.h"
#include "init/base/log.h"

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
	if (spec->output >= 0 && dup2(spec->output, STDOUT_FILENO) < 0)
		return false;
	return spec->error < 0 || dup2(spec->error, STDERR_FILENO) >= 0;
}

/* A script without #! goes to /bin/sh, as execvp() of glibc does it. On the stack: the memory may be our parent's. */
static void execute_by_shell(const struct spawn *spec)
{
	size_t count = 0;

	while (spec->argv[count] != NULL)
		count++;
	/* cppcheck-suppress allocaCalled ; what it would have instead is -Wvla's error */
	char **argv = alloca((count + 2) * sizeof *argv);
	argv[0] = (char[]){"/bin/sh"};
	memcpy(argv + 1, spec->argv, (count + 1) * sizeof *argv);
	execv(argv[0], argv);
}

static void execute(const struct spawn *spec)
{
	execvp(spec->argv[0], spec->argv);
	if (errno == ENOEXEC && spec->shell_fallback)
		execute_by_shell(spec);
}

static _Noreturn void run_worker(const struct spawn *spec)
{
	log_close();
	if (dup2(spec->result, 3) < 0)
		_exit(EXIT_FAILURE);
	descriptors_close_from(4);
	signals_default();
	spec->work(spec->context, 3);
	_exit(EXIT_SUCCESS);
}

/* The program gets 0, 1 and 2; `exec_error` moves to 3, where it is close-on-exec, too. */
static bool close_others(int *exec_error)
{
	if (*exec_error != 3 && dup3(*exec_error, 3, O_CLOEXEC) != 3)
		return false;
	*exec_error = 3;
	descriptors_close_from(4);
	return true;
}

/* exec_error: NULL for a worker, which closes the others itself. */
static bool make_ready(const struct spawn *spec, int *exec_error)
{
	if (!redirect(spec))
		return false;
	if (spec->umask >= 0)
		umask((mode_t)spec->umask);
	if (!become(spec->user) || (spec->directory != NULL && chdir(spec->directory) != 0))
		return false;
	if (spec->prepare != NULL)
		spec->prepare(spec->context);
	return exec_error == NULL || !spec->close_others || close_others(exec_error);
}

/* Returns only where the program cannot be executed: with the reason in errno. */
static void run_program(const struct spawn *spec, bool we_are_foreground, int *exec_error)
{
	join_group(spec->group, we_are_foreground);
	if (!make_ready(spec, exec_error))
		return;
	signals_restore(spec->signals);
	execute(spec);
}

static _Noreturn void run_child(const struct spawn *spec, bool we_are_foreground, int exec_error)
{
	if (spec->work != NULL) {
		join_group(spec->group, we_are_foreground);
		if (make_ready(spec, NULL))
			run_worker(spec);
		_exit(EXIT_FAILURE);
	}
	run_program(spec, we_are_foreground, &exec_error);
	int error = errno;
	if (write(exec_error, &error, sizeof error) < 0)
		_exit(EXIT_CANNOT_EXECUTE);
	_exit(exitcode_of_exec(error));
}

/* Both sides do it, so that the group exists whoever comes first; after exec it is refused, and done already. */
static void settle_group(const struct spawn *spec, pid_t pid)
{
	if (spec->group == SPAWN_GROUP || spec->group == SPAWN_FOREGROUND)
		setpgid(pid, pid);
}

/* The child runs on our stack and in our memory until its exec: it finds its environment there, and leaves its error. */
static pid_t spawn_until_exec(const struct spawn *spec, bool we_are_foreground, struct spawn_exec *exec)
{
	char **ours = environ;
	volatile int error = 0;

	environ = spec->environment;
	pid_t pid = vfork(); /* no handler runs meanwhile: all signals are blocked */
	if (pid == 0) {
		run_program(spec, we_are_foreground, NULL);
		error = errno;
		_exit(exitcode_of_exec(error));
	}
	environ = ours;
	if (exec != NULL && pid > 0)
		exec->error = error;
	return pid;
}

pid_t spawn(const struct spawn *spec, struct spawn_exec *exec)
{
	int ends[2] = {-1, -1};
	pid_t front = spec->group == SPAWN_FOREGROUND ? tcgetpgrp(STDIN_FILENO) : -1;
	bool foreground = front > 0 && front == getpgrp();

	if (exec != NULL)
		*exec = (struct spawn_exec){.fd = -1};
	if (spec->until_exec)
		return spawn_until_exec(spec, foreground, exec);
	/* the app starts without: its exit code tells of a failed exec, too */
	if (spec->work == NULL && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0 && spec->close_others)
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
	settle_group(spec, pid);
	if (exec != NULL)
		exec->fd = ends[0];
	return pid;
}

int spawn_exec_error(struct spawn_exec *exec)
{
	int error = 0;

	if (exec->fd < 0)
		return exec->error;
	if (read(exec->fd, &error, sizeof error) != (ssize_t)sizeof error)
		error = 0;
	close(exec->fd);
	exec->fd = -1;
	return error;
}
