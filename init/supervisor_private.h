/* Shared by supervisor.c (the loop), supervisor_events.c (input), supervisor_actions.c (output) and supervisor_news.c (alerts
 * about both). */
#ifndef TINYSUP_INIT_SUPERVISOR_PRIVATE_H
#define TINYSUP_INIT_SUPERVISOR_PRIVATE_H

#include "init/announce.h"
#include "init/child/app.h"
#include "init/child/step_facts.h"
#include "init/health.h"
#include "init/heartbeats.h"
#include "init/listener.h"
#include "init/base/loop.h"
#include "init/publish.h"
#include "init/remember.h"
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
	unsigned unwell; /* bit n: probe n has failed since it was last well */
	unsigned well;   /* bit n: probe n has succeeded since the app started */
	struct memory memory;

	struct {
		uint64_t unstarted; /* steps whose attempt could not start */
		unsigned kinds;     /* mask of 1 << enum event_kind: other events */
	} pending;                  /* events caused by actions, for the sequencer afterwards */
	struct app app;
	struct listener listener;
	struct app_output output;
	struct sources sources;
	/* A start touches one end of each of these. The long arrays are at the other, so that few pages are touched. */
	struct health health;                    /* the beginning */
	struct heartbeats heartbeats;            /* the end */
	struct seq seq;                          /* the beginning */
	struct announcer announcer;              /* the end */
	struct shutdown_facts facts;             /* the beginning */
	char recovered[SHUTDOWN_ID_TEXT];        /* id of the shutdown that an earlier run did not finish; "": none */
	char why[PLAN_STEPS_MAX][STEP_WHY_TEXT]; /* message of the last result, by step */
};

/* Feeds an event to the sequencer and carries out its actions. */
void supervisor_feed(struct supervisor *s, const struct event *event);
/* Passes on_failure and EXTEND_TIMEOUT_USEC to the sequencer. */
void supervisor_handle_health(struct supervisor *s);
/* Starts the app, the first time or again. False (logged) if no process is available. */
bool supervisor_start_app(struct supervisor *s);

/* The journal has sent something. */
void supervisor_handle_journal(struct supervisor *s);

/* For notify_on: an action; the app has ended while it ran; a probe has a new verdict. */
void supervisor_tell(struct supervisor *s, const struct action *action);
void supervisor_tell_end(struct supervisor *s);
void supervisor_tell_verdict(struct supervisor *s, enum probe_kind kind);

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
