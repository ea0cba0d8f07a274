/* Shared by --status, the listener and its page, and the metrics. */
#ifndef TINYSUP_INIT_READERS_PAGE_VIEW_H
#define TINYSUP_INIT_READERS_PAGE_VIEW_H

#include <jansson.h>

#include "config/duration.h"
#include "init/readers/paint.h"
#include "probes/page.h"

/* jansson's flags for what is printed: one line, and 3.2 as 3.2 */
#define VIEW_JSON (JSON_COMPACT | JSON_REAL_PRECISION(12))

enum view_check { VIEW_NOT_RUN, VIEW_OK, VIEW_FAILED, VIEW_STALE };

/* Everywhere: `now` and other times are milliseconds of CLOCK_MONOTONIC. */
enum view_check view_check(const struct page_check *check, int64_t now);

/* Why a check is not VIEW_OK; "" if it is. */
void view_check_why(const struct page_check *check, int64_t now, char why[PAGE_TEXT]);

/* A soft check that fails is a warning. */
enum tone view_check_tone(const struct page_check *check, int64_t now);

/* Of an enum step_state. */
enum tone view_step_tone(unsigned state);

/* "armed", "LOST" and so on. */
const char *view_beat(const struct page_beat *beat, enum tone *tone);

/* "pid 7, up 3m12s", "restarting in 2 s". */
enum tone view_app(const struct page *copy, int64_t now, char text[PAGE_TEXT]);

/* How the app last ended, "SIGKILL" or "code 3"; NULL: it has not. */
const char *view_app_end(const struct page_app *app, char text[PAGE_NAME]);

/* What the app has said by sd_notify: "ready", "stopping"; NULL: app.notify is off. */
const char *view_app_notify(const struct page_app *app);

/* Whole seconds, with hours and days: an uptime needs no tenths. Returns buffer. */
const char *view_span(int64_t duration, char buffer[DURATION_TEXT]);

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
