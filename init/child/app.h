/* The app: a child with a process group, until it is reaped. */
#ifndef TINYSUP_INIT_CHILD_APP_H
#define TINYSUP_INIT_CHILD_APP_H

#include <sys/types.h>

#include "init/child/journal.h"
#include "init/child/app_output.h"
#include "init/child/notify.h"
#include "init/base/manner.h"
#include "init/child/spawn.h"

struct app {
	const struct plan_app *plan;
	pid_t pid;   /* 0 once reaped: the number may be reused */
	pid_t group; /* may outlive it; 0: empty */
	struct spawn_exec exec;
	bool stopped;         /* by a signal such as SIGSTOP */
	uint64_t ignore_once; /* signals that the kernel sends because we gave up the terminal */
	msec_t started;       /* the current or last start */
	uint64_t starts;
	bool ended; /* at least once; with this wait status the last time */
	int wait_status;
};

/* What an app that starts is connected to. */
struct app_links {
	const struct notify *notify;
	const struct app_output *output;
	/* the record that must be on disk before it runs: an app that is not on record would not be recovered from */
	const struct journal *journal;
	uint64_t number; /* 0: none */
};

/* Starts the app, the first time or again. False with errno set if no process is available. */
bool app_start(struct app *app, const struct plan_app *plan, const struct manner *manner,
	       const struct signals_inherited *signals, const struct app_links *links);

/* Signals the app or its group, as app.signals says. stop: a stop signal, so SIGCONT follows. */
void app_signal(const struct app *app, int signal, bool stop);

/* Signals what is left of its process group. */
void app_signal_group(const struct app *app, int signal);
/* The same with a stop signal, followed by SIGCONT. */
void app_stop_group(const struct app *app, int signal);
/*
 * Whether anybody is left there once the app is gone; zombies count unless /proc is looked through. False for good: the group's
 * number may be used again.
 */
bool app_group_left(struct app *app, bool scan);
/* SIGKILL to the app and to its process group. */
void app_kill(const struct app *app);

/* It was reaped. Returns the errno if it could not be executed, else 0. */
int app_reaped(struct app *app, int wait_status);

#endif
