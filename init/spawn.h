/*
 * The one way a child comes into being: the app, a step's program, a worker. No allocation in process 1; what a child needs to
 * allocate it does after the fork, in its own memory.
 */
#ifndef TINYSUP_INIT_SPAWN_H
#define TINYSUP_INIT_SPAWN_H

#include <sys/types.h>

#include "config/plan.h"
#include "init/signals.h"

enum spawn_group {
	SPAWN_GROUP,      /* a process group of its own */
	SPAWN_FOREGROUND, /* the same, and the terminal's foreground where ours was it */
	SPAWN_SESSION,    /* a session of its own, with the terminal where we had it (dumb-init's way) */
	SPAWN_SAME,       /* our group */
};

struct spawn {
	enum spawn_group group;
	const struct signals_inherited *signals;
	const struct plan_user *user;
	const char *directory; /* NULL: ours */
	int umask;             /* -1: ours */
	int input, output;     /* descriptors to become 0, and 1 and 2; -1: left alone */
	bool close_others;     /* a program gets 0, 1 and 2 alone; else what tinysup was started with, as the app does */
	bool shell_fallback;   /* a script without #! is given to /bin/sh, as execvp() of glibc does */

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

/*
 * Returns the child's pid, or -1 with errno set. *exec_error is a descriptor that spawn_exec_error() reads once the child has
 * been reaped; -1 for workers. The caller closes it.
 */
pid_t spawn(const struct spawn *spec, int *exec_error);

/* 0: the program was executed (or died before it could say so); else the errno with which that failed. */
int spawn_exec_error(int exec_error);

#endif
