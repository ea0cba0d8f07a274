/*
 * What is remembered of a run: records of its events, for the journal and for the page's ring. Process 1; never blocks.
 */
#ifndef TINYSUP_INIT_REMEMBER_H
#define TINYSUP_INIT_REMEMBER_H

#include "init/child/app.h"
#include "init/child/app_output.h"
#include "init/child/journal.h"
#include "init/child/step_facts.h"
#include "init/health.h"
#include "probes/page.h"

struct memory {
	struct journal journal;
	struct page *page; /* NULL: nothing is published */
};

/* tinysup runs. */
void remember_run(struct memory *memory, const struct plan *plan);

/* The app is about to start (`started` 0) or was. Returns the number of the journal's record; 0: none. */
uint64_t remember_app_start(struct memory *memory, const struct seq *seq, msec_t started);
/* output: the app's, if its last lines are wanted; NULL: they are not. */
void remember_app_exit(struct memory *memory, int wait_status, const struct app_output *output);

/* A shutdown without a chain. */
void remember_stop(struct memory *memory, const struct seq *seq);

/* An action of the sequencer. why: the reason of a step's failure. Returns the number of the journal's record; 0: none. */
uint64_t remember_action(struct memory *memory, const struct seq *seq, const struct shutdown_facts *facts,
			 const struct action *action, const char *why);

/* A probe's verdict. output: the app's. */
void remember_probe(struct memory *memory, const struct health *health, enum probe_kind kind, const struct app_output *output);

/* A heartbeat was armed, or disarmed. lost: it is lost, and why; NULL: it is not. */
void remember_heartbeat(struct memory *memory, const char *name, bool armed, const char *lost);

#endif
