/* The only way to start a child: the app, a step's program, a worker. No allocation in process 1. */
#ifndef TINYSUP_INIT_CHILD_SPAWN_H
#define TINYSUP_INIT_CHILD_SPAWN_H

#include <sys/types.h>

#include "config/plan.h"
#include "init/base/manner.h"
#include "init/base/signals.h"

struct spawn {
	enum spawn_group group;
	const struct signals_inherited *signals;
	const struct plan_user *user;
	const char *directory;    /* NULL: ours */
	int umask;                /* -1: ours */
	int input, output, error; /* descriptors to become 0, 1 and 2; -1: left alone */
	bool close_others;        /* a program gets 0, 1 and 2 alone; else what tinysup was started with, as the app does */
	bool until_exec;          /* a program: no page table is copied, and we sleep until it is executed; see spawn() */
	char **environment;       /* with until_exec: the program's; its PATH is searched */
	bool shell_fallback;      /* a script without #! is given to /bin/sh, as execvp() of glibc does */

	/* runs in the child before exec, to add variables with setenv(); NULL: nothing to add */
	void (*prepare)(const void *context);
	const void *context;

	/* either a program ... */
	char *const *argv;
	/* ... or a worker: runs with the descriptor `result` to write to and nothing else open but 0, 1, 2; never returns to us
	 */
	void (*work)(const void *context, int result);
	int result; /* the descriptor for work() */
};

/* The result of an exec, once the child has been reaped. */
struct spawn_exec {
	int fd;    /* its error comes by this; -1: not, or not any more */
	int error; /* 0: none is known */
};

/*
 * Returns the child's pid, or -1 with errno set. exec: for spawn_exec_error(), which has to be called once the child is reaped;
 * NULL for workers.
 *
 * With until_exec the child runs in our memory, as vfork's does: `prepare`, `work` and `user`, which change memory, are not for
 * it, and neither is anything after the first start: an exec from a disk that hangs would hold process 1 up.
 */
pid_t spawn(const struct spawn *spec, struct spawn_exec *exec);

/* 0: the program was executed; else errno. */
int spawn_exec_error(struct spawn_exec *exec);

#endif
