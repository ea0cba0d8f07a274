/* The app as process 1 sees it: a child with a process group, until it is reaped. */
#ifndef TINYSUP_INIT_CHILD_APP_H
#define TINYSUP_INIT_CHILD_APP_H

#include <sys/types.h>

#include "init/child/notify.h"
#include "init/base/manner.h"
#include "init/child/spawn.h"

struct app {
	const struct plan_app *plan;
	pid_t pid;   /* 0 once reaped: the number may be somebody else's by then */
	pid_t group; /* outlives it, as long as anybody is in it */
	struct spawn_exec exec;
	bool stopped;         /* by a signal such as SIGSTOP */
	uint64_t ignore_once; /* what the kernel sends us because we gave the app our terminal */
	msec_t started;       /* the current or last start */
	uint64_t starts;
	bool ended; /* at least once; with this wait status the last time */
	int wait_status;
};

/* For the first time or again. False with errno set where there is no process to be had. */
bool app_start(struct app *app, const struct plan_app *plan, const struct manner *manner,
	       const struct signals_inherited *signals, const struct notify *notify);

/* To the app or its group, as app.signals says. `stop`: it is to end, so it is woken where it is stopped. */
void app_signal(const struct app *app, int signal, bool stop);

/* To whoever is left in its process group. */
void app_signal_group(const struct app *app, int signal);
/* The same with a stop signal: SIGCONT follows, since what is stopped could not act on it. */
void app_stop_group(const struct app *app, int signal);
/*
 * Whether anybody is left there once the app is gone; zombies count unless /proc is looked through. False for good: the group's
 * number may be used again.
 */
bool app_group_left(struct app *app, bool scan);
/* SIGKILL to it and to its process group, which it may have left. */
void app_kill(const struct app *app);

/* It was reaped. Returns the errno with which it could not be executed; 0: it was. */
int app_reaped(struct app *app, int wait_status);

#endif
