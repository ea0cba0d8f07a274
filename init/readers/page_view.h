/* Shared by --status, the listener and the metrics. */
#ifndef TINYSUP_INIT_READERS_PAGE_VIEW_H
#define TINYSUP_INIT_READERS_PAGE_VIEW_H

#include <jansson.h>

#include "probes/page.h"

/* jansson's flags for what is printed: one line, and 3.2 as 3.2 */
#define VIEW_JSON (JSON_COMPACT | JSON_REAL_PRECISION(12))

enum view_check { VIEW_NOT_RUN, VIEW_OK, VIEW_FAILED, VIEW_STALE };

/* Everywhere: `now` and other times are milliseconds of CLOCK_MONOTONIC. */
enum view_check view_check(const struct page_check *check, int64_t now);

/* Why a check is not VIEW_OK; "" if it is. */
void view_check_why(const struct page_check *check, int64_t now, char why[PAGE_TEXT]);

/* The running step; NULL: none. */
const struct page_step *view_step(const struct page *copy);

/* "at step flat (3 of 7), 12.3 s left"; "" if no chain is running. */
void view_progress(const struct page *copy, int64_t now, char text[PAGE_TEXT]);

/* page_healthy() with the progress of a shutdown in the reason. */
bool view_healthy(const struct page *copy, enum probe_kind kind, int64_t now, char why[2 * PAGE_TEXT]);

/* A page's time as wall-clock time, RFC 3339; NULL without memory. */
json_t *view_time(int64_t at, int64_t now);

/* The same from milliseconds since 1970. */
json_t *view_unix_time(int64_t unix_ms);

/* "running", "stopping", "waiting_to_restart". */
const char *view_phase_name(enum page_phase phase);

#endif
