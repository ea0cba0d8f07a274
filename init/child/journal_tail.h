/*
 * The app's last lines, for the journal. A process of its own waits for them to reach the file and reads it, because the file's
 * disk may hang; the journal's process goes on.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_TAIL_H
#define TINYSUP_INIT_CHILD_JOURNAL_TAIL_H

#include "init/child/app_output.h"
#include "init/journal/record.h"

#define JOURNAL_TAIL_TIME ((msec_t)1000) /* that they may take to reach the file */
#define JOURNAL_TAIL_MAX  4096           /* bytes of them */

struct journal_tail {
	int fd;             /* poll for POLLIN; -1: nothing is under way */
	struct record said; /* what the lines belong to */
};

/* Begins to read the lines that belong to a record, unless others are being read, or none are wanted. */
void journal_tail_start(struct journal_tail *tail, const struct plan_output *plan, const struct relay_progress *progress,
			const struct record *record);

/* What was read, when `fd` is readable; ends it. False: nothing. */
bool journal_tail_read(struct journal_tail *tail, char text[JOURNAL_TAIL_MAX]);

#endif
