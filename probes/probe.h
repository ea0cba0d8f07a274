/*
 * `tinysup --probe`: asks the supervisor, or runs the checks directly. Prints one line of at most PROBE_LINE_MAX bytes to
 * stdout and returns the exit code, 0 or 1, even if stdout is closed or full or a signal arrives. A timer exits with 1, 50 ms
 * after the timeout.
 */
#ifndef TINYSUP_PROBES_PROBE_H
#define TINYSUP_PROBES_PROBE_H

#include "config/plan.h"
#include "probes/page.h"
#include "probes/result.h"

#define PROBE_LINE_MAX 4096 /* Docker's limit for output of a health check */

struct probe_options {
	const char *target; /* NULL, "live", "ready", "startup", a check's name or a URL */
	const char *check;  /* --check NAME; NULL: not given */
	msec_t timeout;     /* of it all */
	bool direct;        /* run checks directly; for main() */
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

/* The file to load: the named one, else the one that the running supervisor has read, else the default one; NULL: none. */
const char *probe_config(const char *option);

/* A process or notify check: answered from the supervisor's page. */
void probe_app_check(const struct plan_check *check, const char *config, struct check_result *result);

/* What --probe=live, =ready and =startup mean; PROBE_COUNT: a check's name. */
enum probe_kind probe_kind_of(const char *target);

/* Whether a target is a URL. */
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
