/*
 * The supervisor's inside: what its three files share. supervisor.c is the loop, events.c what comes in, actions.c what goes
 * out.
 */
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
 * What every check changes stands together at the start, and on a page's begin: the kernel copies each page that process 1
 * writes to after a fork.
 */
struct supervisor {
	_Alignas(4096) const struct plan *plan;
	const struct manner *manner;
	const struct signals_inherited *signals;
	struct loop loop;
	bool reap_due;       /* SIGCHLD came, or more children have ended than one turn reaps */
	bool childless;      /* the last reap found nobody left; what jobs_any() and a new app change is not in it */
	unsigned since_reap; /* signals taken: a flood of them may hide SIGCHLD */
	unsigned turns;      /* of the loop that reaped children */
	msec_t check_at;     /* when to look again for what ends without a word */
	bool settled;        /* what the app's start did not need is there */
	bool changed;        /* since the page was written last */
	bool over;
	int exit_code;
	struct page *page; /* NULL: nothing is published */

	struct {
		uint64_t unstarted; /* steps for whose try no process was to be had */
		unsigned kinds;     /* 1 << enum event_kind: other events without facts of their own */
	} pending;                  /* what carrying out actions has brought, for the sequencer once they are done */
	struct app app;
	struct listener listener;
	struct sources sources;
	/* a start touches the beginnings of these two, and one page each is enough: what is long stands at their ends */
	struct health health;
	struct seq seq;
	struct shutdown_facts facts;
	char why[PLAN_STEPS_MAX][sizeof((struct check_result *)0)->message]; /* the last result's words, by step */
};

/* actions.c: one event for the sequencer, and what it wants done. */
void supervisor_feed(struct supervisor *s, const struct event *event);
/* What the app said, and what its checks brought, may be the sequencer's business. */
void supervisor_handle_health(struct supervisor *s);
/* The app, for the first time or again. False where no process is to be had; that is logged. */
bool supervisor_start_app(struct supervisor *s);

/* All of it, where anything has changed. */
void supervisor_publish(struct supervisor *s);

/* events.c: a signal that came; all that wait in the queue, a bounded number at a time; stop signals, before all others. */
void supervisor_handle_signal(struct supervisor *s, const struct signal_seen *seen);
void supervisor_handle_signals(struct supervisor *s);
void supervisor_handle_stop_signals(struct supervisor *s);
/* Whether a process is one that tinysup runs for itself. */
bool supervisor_is_own_process(pid_t pid);
/* Children that have ended, and what ends without a word. */
void supervisor_check_children(struct supervisor *s);
/* Whether no child of ours is left. */
bool supervisor_is_childless(const struct supervisor *s);
/* When that has to be done again even if nothing comes; INT64_MAX: it has not. */
msec_t supervisor_check_at(const struct supervisor *s);

#endif
