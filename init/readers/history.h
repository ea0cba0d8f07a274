/*
 * tinysup --history: what happened, from journals or from the page's last records, for people and for programs.
 *
 * Records go in, journal by journal; events come out, in the order of their time. An event is a record worth showing, or a
 * cut-off, which nobody could note: a run without an end that cannot go on any more.
 */
#ifndef TINYSUP_INIT_READERS_HISTORY_H
#define TINYSUP_INIT_READERS_HISTORY_H

#include <jansson.h>
#include <stdio.h>

#include "init/base/line.h"
#include "init/journal/record.h"
#include "probes/page.h"

#define HISTORY_RUNS 3 /* shown of each journal, unless a number of events is given */

/* What to raise when the platform kills before the deadline, and by how much it has to exceed the deadline. */
#define HISTORY_GRACE_SETTINGS "stop_grace_period, --stop-timeout, terminationGracePeriodSeconds"
#define HISTORY_GRACE_MORE     ((msec_t)2000)

struct history_event {
	struct record
	    record; /* of a cut-off: time of the last record; name: the running steps; signal, reason, after, deadline */
	bool cut_off;
	const char *journal; /* NULL: from the page */
	size_t run;          /* 0: the last of its journal, 1: the one before it ... */
	int64_t key;         /* what it is ordered by: a chain stays in one piece, and a journal in its own order */
	size_t order;        /* among those with the same key */
};

/* What is known of the run that is read. */
struct history_run {
	char id[RECORD_RUN_ID];
	bool known, ended;
	bool chain;      /* a chain is running */
	size_t chain_at; /* its first event */
	int reason, signal;
	int64_t last_time, after, deadline;
	char shutdown[RECORD_ID];
};

struct history {
	struct history_event *events;
	size_t count, room;
	bool no_memory;
	char **journals; /* their names */
	size_t journal_count;
	/* the journal that is read */
	size_t first, runs;
	struct history_run run;
};

/* Journal by journal; name NULL: the page. over: its last run is not alive, so without an end it was cut off. */
void history_begin(struct history *history, const char *name);
void history_add(struct history *history, const struct record *record);
void history_end(struct history *history, bool over);

/* After the last one: orders the events and keeps the last ones; last 0: the last HISTORY_RUNS runs of each journal. */
void history_select(struct history *history, size_t last);
void history_free(struct history *history);

/*
 * Reads every journal of a directory; takes no lock and writes nothing. Says on `err` what could not be read and how many
 * damaged lines were passed over. False: something could not be read.
 */
bool history_read(struct history *history, const char *path, FILE *err);

/* One line; its line break included. journals: more than one, so that each line names its own. */
void history_text(const struct history_event *event, bool journals, struct text *line);

/* The same without time and journal. */
void history_words(const struct history_event *event, struct text *line);

/* The events of a page, the oldest first; history_select() comes after it. */
void history_of_page(struct history *history, const struct page *copy);

/* What does not apply is left out. NULL without memory; the caller owns it. */
json_t *history_json(const struct history_event *event);

/* "2026-11-20T03:12:07Z" */
#define HISTORY_TIME 64
const char *history_time(int64_t unix_ms, char buffer[HISTORY_TIME]);

/*
 * For --check: how long the platform let a run live after a stop signal, if it ever killed one; a warning on `err` if the
 * deadline is longer. instance NULL: all journals of the directory. One that cannot be read says nothing.
 */
void history_learned_grace(const char *path, const char *instance, msec_t deadline, FILE *out, FILE *err);

/*
 * The mode. directory NULL: the last records of the running supervisor (config: which one, NULL: any). last: of
 * history_select(). The exit code.
 */
int history_main(const char *directory, const char *config, size_t last, bool json);

#endif
