/*
 * A record of the journal: one event of a run, as process 1 notes it and as a line of the file holds it. Pure.
 *
 * A line: CRC-32 of what follows it, the blank included (8 hex digits), the run's id, the record's number in the run, its time
 * (Unix milliseconds), its kind, and the fields that are set:
 *
 *   5d1f07aa 9f3c21d07be45a10 14 1763748137123 step_end id=4be1... name=cancel state=ok attempt=1 took=312 after=812
 *
 * In values, bytes below 33, above 126 and "%" are written as %XX.
 */
#ifndef TINYSUP_INIT_JOURNAL_RECORD_H
#define TINYSUP_INIT_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/plan.h"

enum record_kind {
	RECORD_NONE,        /* an empty place */
	RECORD_RUN,         /* tinysup started: name (app), text (version), deadline, grace */
	RECORD_APP_START,   /* the app is about to start: count (restarts in this run), reason (of the restart) */
	RECORD_APP_EXIT,    /* code or signal; count: bytes that the app has written, where its last lines are of interest */
	RECORD_CHAIN_START, /* id, reason, cause, signal, deadline, count (steps); without steps: a shutdown without a chain */
	RECORD_STEP_START,  /* id, name; the first attempt only */
	RECORD_STEP_END,    /* id, name, state, attempt, took, after, text (why) */
	RECORD_CHAIN_END,   /* id, reason, failed, after */
	RECORD_TICK,        /* id, after; written by the journal's own process while a chain runs */
	RECORD_PROBE,       /* name, state (ok or failed), text (why); count: as in RECORD_APP_EXIT */
	RECORD_OUTPUT,      /* text: one of the app's last lines; count: the record it belongs to; not by process 1 either */
	RECORD_HELD,        /* restarts are exhausted: tinysup stays up without the app. count */
	RECORD_HEARTBEAT,   /* name, state (failed: lost), count (ok: 1 armed, 0 disarmed), text (why) */
	RECORD_LOST,        /* count: records that could not be written */
	RECORD_END,         /* tinysup exits: reason, code, failed, unfinished, after */
	RECORD_KINDS
};

#define RECORD_ID     33 /* a shutdown id and its NUL */
#define RECORD_RUN_ID 17
#define RECORD_NAME   64
#define RECORD_TEXT   112
#define RECORD_LINE   1024 /* the longest line, its newline included */

#define RECORD_UNSET (-1) /* of the numbers below */

/* Texts are NUL-terminated. Durations are milliseconds. */
struct record {
	enum record_kind kind;
	bool failed;       /* a required step failed */
	bool unfinished;   /* RECORD_END: the next start has to go on */
	int reason, cause; /* enum reason */
	int state;         /* enum step_state */
	int signal, code, attempt;
	uint64_t number; /* from 1 in each run */
	int64_t time;    /* Unix time in milliseconds, from 0 to the year 9999, as every time and duration */
	int64_t after;   /* since the first stop event, or the start of the chain */
	int64_t took, deadline, grace, count;
	char run[RECORD_RUN_ID]; /* 16 hex digits */
	char id[RECORD_ID];
	char name[RECORD_NAME];
	char text[RECORD_TEXT];
};

/* A record with nothing set. */
struct record record_of(enum record_kind kind);

/* Copies a text into a field of `size` bytes, cut at the end of a character. */
void record_put(char *field, size_t size, const char *text);

/* Writes the line, its newline included; never more than RECORD_LINE bytes. Returns its length; 0: RECORD_NONE, no run id, or
 * not valid. */
size_t record_write(const struct record *record, char line[RECORD_LINE]);

/*
 * Reads a line without its newline. False: damaged. Fields, words and numbers that are not known are passed over; a kind that
 * is not known becomes RECORD_NONE.
 */
bool record_read(const char *line, size_t length, struct record *out);

/* Whether the ticks of a chain end with this record. A shutdown's go on after its chain, until RECORD_END. */
bool record_ends_ticks(const struct record *record);

/* "step_end". */
const char *record_kind_name(enum record_kind kind);

/* Whether a record in memory that somebody else wrote is one: enums in range, texts that end, valid UTF-8 is not checked. */
bool record_valid(const struct record *record);

#endif
