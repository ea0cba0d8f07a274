/* State of the shutdown for an alert. Process 1 fills it in before it forks the worker: plain, bounded memory, no secrets. */
#ifndef TINYSUP_HOOKS_REPORT_H
#define TINYSUP_HOOKS_REPORT_H

#include "config/plan.h"

#define REPORT_STEPS_MAX 64

struct report_step {
	const char *name;   /* the plan's */
	const char *result; /* "ok", "failed", "timeout", "skipped", "cut", "running", "pending" */
	msec_t took;        /* 0 if it never ran */
	const char *why;    /* why it did not succeed; "": nothing is known */
	int attempt;        /* the last one; 0: none */
	int attempts;       /* the plan's maximum */
};

struct report {
	const char *event;       /* "shutdown", "start", "recovery", "held", "manual", or a word of notify_on */
	const char *notice;      /* about an event: "unhealthy 3 times in the last 2 min ..."; "": about a chain */
	const char *detail;      /* about an event: what it was; "": nothing more is known */
	const char *app;         /* app.name */
	const char *host;        /* the container's host name */
	const char *instance;    /* the configured one, else the host name */
	const char *reason;      /* "stop", "crash" ... */
	const char *signal;      /* "SIGTERM"; "" without a signal */
	const char *shutdown_id; /* 32 hexadecimal digits */
	const char *app_state;   /* "running", "exited with code 1", "killed by SIGSEGV" */
	const char *tail;        /* the last lines of the app's output; "": not kept */
	int exit_code;           /* the app's; -1: it has none */
	msec_t elapsed;          /* since the first stop event */
	msec_t deadline;         /* the effective one, from the first stop event */
	size_t step_count;
	struct report_step steps[REPORT_STEPS_MAX]; /* in the order of the chain; further steps are omitted */
};

#endif
