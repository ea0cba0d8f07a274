/* The text of a journal: its lines, and what compaction keeps of them. Pure. */
#ifndef TINYSUP_INIT_JOURNAL_TEXT_H
#define TINYSUP_INIT_JOURNAL_TEXT_H

#include "init/journal/record.h"

#define TEXT_KEPT      1000                /* the last records that are not ticks */
#define TEXT_OLD       2000                /* before those: what is no tick, probe, heartbeat or output, */
#define TEXT_DAMAGED   16                  /* damaged lines that may have been the start of the app */
#define TEXT_OLD_BYTES ((size_t)512 << 10) /* as long as it is not more than this */

struct text_line {
	const char *bytes;
	size_t length; /* without its newline */
};

/*
 * The line at *at; moves *at behind it. False: there is none. The last one may have no newline. Where the beginning of a record
 * shows that a newline was damaged, the line ends before that byte.
 */
bool text_next(const char *text, size_t length, size_t *at, struct text_line *line);

/* For a line that cannot be read: how many records it may have been. 1: one; 2: more. */
size_t text_lost(const struct text_line *line);

/*
 * Removes in place what need not be kept: most damaged lines and the end of long ones, older records, and all ticks but the
 * last of each chain. Returns the new length. Each line left has its newline: there must be room for one more byte.
 */
size_t text_compact(char *text, size_t length);

#endif
