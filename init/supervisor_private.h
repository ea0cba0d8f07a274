/* Shared by supervisor.c (the loop), supervisor_events.c (input) and supervisor_actions.c (output). */
#ifndef TINYSUP_INIT_SUPERVISOR_PRIVATE_H
#define TINYSUP_INIT_SUPERVISOR_PRIVATE_H

#include "init/child/app.h"
#include "init/child/step_facts.h"
#include "init/health.h"
#include "init/listener.h"
#include "init/base/loop.h"
#include "init/publish.h"
#include "init/machine/sequencer.h"
#include "init/supervisor.h"

/*
 * Fields that every check changes are together at the start of a page of memory: after a fork, the kernel copies each page that
 * process 1 writes to.
 */
struct supervisor {
	_Alignas(4096) const struct plan *plan;
	const struct manner *manner;
	const struct signals_inherited *signals;
	struct loop loop;
	bool reap_due;       /* SIGCHLD, or more children than one turn reaps */
	bool childless;      /* the last reap found no children; jobs_any() and a new app are not considered */
	unsigned since_reap; /* signals since the last reap: a flood may hide SIGCHLD */
	unsigned turns;      /* of the loop that reaped children */
	msec_t check_at;     /* next scan for processes that end unnoticed */
	bool settled;        /* what the app's start did not need is set up */
	bool changed;        /* since the page was written last */
	bool over;
	int exit_code;
	struct page *page; /* NULL: nothing is published */

	struct {
		uint64_t unstarted; /* steps whose attempt could not start */
		unsigned kinds;     /* mask of 1 << enum event_kind: other events */
	} pending;                  /* events caused by actions, for the sequencer afterwards */
	struct app app;
	struct listener listener;
	struct sources sources;
	/* a start touches the beginnings of these two, and one page each is enough: what is long stands at their ends */
	struct health health;
	struct seq seq;
	struct shutdown_facts facts;
	char why[PLAN_STEPS_MAX][sizeof((struct check_result *)0)->message]; /* message of the last result, by step */
};

/* Feeds an event to the sequencer and carries out its actions. */
void supervisor_feed(struct supervisor *s, const struct event *event);
/* Passes on_failure and EXTEND_TIMEOUT_USEC to the sequencer. */
void supervisor_handle_health(struct supervisor *s);
/* Starts the app, the first time or again. False (logged) if no process is available. */
bool supervisor_start_app(struct supervisor *s);

/* Publishes, if anything has changed. */
void supervisor_publish(struct supervisor *s);

/* Handles a signal; pending signals, a bounded number; stop signals before all others. */
void supervisor_handle_signal(struct supervisor *s, const struct signal_seen *seen);
void supervisor_handle_signals(struct supervisor *s);
void supervisor_handle_stop_signals(struct supervisor *s);
/* Whether a process is one that tinysup runs for itself. */
bool supervisor_is_own_process(pid_t pid);
/* Reaps children and looks for processes that end unnoticed. */
void supervisor_check_children(struct supervisor *s);
/* Whether no child of ours is left. */
bool supervisor_is_childless(const struct supervisor *s);
/* When that is due even without a signal; INT64_MAX: never. */
msec_t supervisor_check_at(const struct supervisor *s);

#endif
