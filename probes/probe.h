/*
 * `tinysup --probe`: from the supervisor where there is one that can tell, else it asks by itself.
 *
 * Prints one line on stdout, PROBE_LINE_MAX bytes at most with its newline, and returns the exit code, 0 or 1. Nothing ends the
 * process with another code: not a closed or full stdout, not a signal, and 50 ms after the time-out a timer ends it with 1
 * whatever it hangs in.
 */
#ifndef TINYSUP_PROBES_PROBE_H
#define TINYSUP_PROBES_PROBE_H

#include "config/plan.h"
#include "probes/page.h"
#include "probes/result.h"

#define PROBE_LINE_MAX 4096 /* Docker keeps no more of a health check's output */

struct probe_options {
	const char *target; /* NULL, "live", "ready", "startup", a check's name or a URL */
	const char *check;  /* --check NAME; NULL: not given */
	msec_t timeout;     /* of it all */
	bool direct;        /* do not ask the supervisor; main's to look at */
	bool json;
	bool location; /* a URL's redirects are followed */
};

/*
 * What the running supervisor says, from the page it publishes: live, ready, startup, a check that it asks, or all there is.
 * named: the configuration that the user names, which it must have read; NULL: none. usual: the one that is read where none is
 * named: a supervisor that has it is preferred; NULL: there is no such file. Returns the exit code, or -1 where it cannot tell:
 * there is none, we may not look, it has no probes, or it does not ask that check.
 */
int probe_supervisor(const struct probe_options *options, const char *named, const char *usual);

/* The same from a copy of a page. */
int probe_from_page(const struct probe_options *options, const char *named, const struct page *copy);

/* The configuration that the running supervisor has read; NULL: there is none that we know of. `usual` as above. */
const char *probe_find_config(const char *usual);

/* A check of the app's process or of its last word: the supervisor's page knows the app, whoever asks. */
void probe_app_check(const struct plan_check *check, const char *config, struct check_result *result);

/* What --probe=live, =ready and =startup mean; PROBE_COUNT: a check's name. */
enum probe_kind probe_kind_of(const char *target);

/* Is this target for probe_url()? */
bool probe_is_url(const char *target);

/*
 * One request, as `curl -f URL` makes it: no redirect is followed, any status below 400 is a success. With options->location as
 * `curl -f -L`, without credentials for another host.
 */
int probe_url(const struct probe_options *options);

/*
 * The checks of the configuration, one after the other: all of them, those of the probe that is asked for, or the one that is
 * named. Every check that is not soft must succeed, or any of them where the probe says so; one that is asked for by its name
 * decides, soft or not. Soft ones come last, with the time that is left.
 */
int probe_checks(const struct plan *plan, const struct probe_options *options);

#endif
