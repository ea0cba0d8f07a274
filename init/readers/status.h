/* tinysup --status: what a running supervisor has published, for people and for programs. */
#ifndef TINYSUP_INIT_READERS_STATUS_H
#define TINYSUP_INIT_READERS_STATUS_H

#include <jansson.h>
#include <stdio.h>

#include "probes/page.h"

/*
 * Everything of a page as one object: times are RFC 3339, ages and durations milliseconds, what does not apply is null.
 * now: milliseconds of CLOCK_MONOTONIC. NULL without memory; the caller owns it.
 */
json_t *status_json(const struct page *copy, int64_t now);

/* The same for people. */
void status_text(FILE *to, bool colour, const struct page *copy, int64_t now);

/*
 * The mode: format NULL for text, "json" for one line of JSON; config: the supervisor's configuration, NULL: any. The exit
 * code.
 */
int status_main(const char *format, const char *config);

/* The page of the running supervisor; NULL, with a message, if there is none. */
const struct page *status_find(const char *config);

/* --watch: the text again and again, until the supervisor has ended. */
int status_watch(const char *config);

#define STATUS_TAIL 16384 /* bytes of the app's last lines, at most */

#endif
