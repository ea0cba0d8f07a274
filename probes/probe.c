#include "probes/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/check.h"
#include "probes/clock.h"
#include "probes/http.h"
#include "probes/probe_guard.h"
#include "probes/probe_report.h"

#define REDIRECTS 50 /* as curl has it */

bool probe_is_url(const char *target)
{
	return strpbrk(target, ":/");
}

int probe_url(const struct probe_options *options)
{
	static const struct plan_range accepted = {200, 399};
	const char *scheme = strstr(options->target, "://") ? "" : "http://"; /* as curl has it */
	size_t size = strlen(scheme) + strlen(options->target) + 1;
	struct probed probed = {.name = "url", .decides = true};
	char *url = malloc(size);

	msec_t left = clock_left(probe_guard(options->timeout, options->json));
	if (!url) {
		report_problem(options->json, "out of memory");
		return 1;
	}
	snprintf(url, size, "%s%s", scheme, options->target);
	const struct plan_http http = {
	    .url = {.value = url, .shown = url},
	    .status = {.items = &accepted, .count = 1},
	    .redirects = options->location ? REDIRECTS : 0,
	    .anywhere = true,
	    .max_body = 10240,
	    .slower_than = MSEC_UNSET,
	    .tls = {.verify = true},
	};
	const char *wrong = http_url_wrong(url);
	if (wrong) {
		probed.result.retry_after = MSEC_UNSET;
		result_fail(&probed.result, FAILURE_REQUEST, "url: malformed (%s)", wrong);
	} else {
		http_run(&http, NULL, left, &probed.result);
	}
	free(url);

	bool healthy = probed.result.outcome == OUTCOME_OK;
	report_verdict(probed.result.message, &probed, 1, healthy, probed.result.took_us, options->json);
	return healthy ? 0 : 1;
}

static const struct plan_check *find(const struct plan_checks *checks, const char *name)
{
	for (size_t i = 0; i < checks->count; i++) {
		if (strcmp(checks->items[i].name, name) == 0)
			return &checks->items[i];
	}
	return NULL;
}

static int no_such_check(const struct plan_checks *checks, const struct probe_options *options)
{
	const char *names[PLAN_CHECKS_MAX];

	for (size_t i = 0; i < checks->count; i++)
		names[i] = checks->items[i].name;
	report_unknown_name(options, names, checks->count);
	return 1;
}

enum probe_kind probe_kind_of(const char *target)
{
	static const char *const names[PROBE_COUNT] = {
	    [PROBE_STARTUP] = "startup", [PROBE_LIVENESS] = "live", [PROBE_READINESS] = "ready"};
	int kind = 0;

	while (kind < PROBE_COUNT && strcmp(target, names[kind]) != 0)
		kind++;
	return (enum probe_kind)kind;
}

/* The probe named by the target; PROBE_COUNT: none. */
static enum probe_kind target_probe(const struct probe_options *options)
{
	return options->check != NULL || options->target == NULL ? PROBE_COUNT : probe_kind_of(options->target);
}

/* Which checks to run, and how they make one verdict. */
struct selection {
	uint64_t checks;
	bool any;
	bool named; /* a single check, which counts even if soft */
};

static void run_one(const struct plan *plan, const struct plan_check *check, int64_t deadline_us, struct probed *probed)
{
	msec_t left = clock_left(deadline_us);

	probed->name = check->name;
	if (left == 0) {
		probed->result.retry_after = MSEC_UNSET;
		result_fail(&probed->result, FAILURE_TIMEOUT, "not run: out of time");
		return;
	}
	if (check->kind == CHECK_PROCESS || check->kind == CHECK_NOTIFY) {
		probed->result = (struct check_result){.retry_after = MSEC_UNSET};
		probe_app_check(check, plan->file, &probed->result);
		return;
	}
	msec_t own = check->timeout != MSEC_UNSET ? check->timeout : CHECK_TIMEOUT;
	check_run(check, 0, own < left ? own : left, &probed->result);
}

/* Soft checks run last. Returns how many ran; *healthy: the verdict. */
static size_t run_all(const struct plan *plan, const struct selection *which, int64_t deadline_us, struct probed *probed,
		      bool *healthy)
{
	const struct plan_checks *checks = &plan->checks;
	size_t done = 0, good = 0, deciding = 0;

	for (int soft = 0; soft <= 1; soft++) {
		for (size_t i = 0; i < checks->count; i++) {
			const struct plan_check *check = &checks->items[i];
			if ((which->checks >> i & 1) == 0 || (check->soft && !which->named) != soft)
				continue;
			probed[done].decides = !soft;
			run_one(plan, check, deadline_us, &probed[done]);
			deciding += !soft;
			good += !soft && probed[done].result.outcome == OUTCOME_OK;
			done++;
		}
	}
	*healthy = which->any && deciding > 0 ? good > 0 : good == deciding;
	return done;
}

/* False: there is no such check. */
static bool choose(const struct plan *plan, const struct probe_options *options, struct selection *which)
{
	const char *name = options->check ? options->check : options->target;
	enum probe_kind kind = target_probe(options);

	*which = (struct selection){.checks = ~UINT64_C(0)};
	if (!name)
		return true;
	/* a probe without configuration: run all checks */
	if (kind != PROBE_COUNT && plan->probes[kind].checks == 0)
		return true;
	if (kind != PROBE_COUNT) {
		*which = (struct selection){.checks = plan->probes[kind].checks, .any = plan->probes[kind].mode == PROBE_ANY};
		return true;
	}
	const struct plan_check *check = find(&plan->checks, name);
	if (check)
		*which = (struct selection){.checks = UINT64_C(1) << (check - plan->checks.items), .named = true};
	return check != NULL;
}

int probe_checks(const struct plan *plan, const struct probe_options *options)
{
	const char *subject = options->check ? options->check : options->target ? options->target : "all checks";
	int64_t started = clock_us(), deadline = probe_guard(options->timeout, options->json);
	struct selection which;
	bool healthy;

	if (!choose(plan, options, &which))
		return no_such_check(&plan->checks, options);
	if (plan->checks.count == 0) {
		report_problem(options->json, "no checks are configured in %s",
			       plan->file ? plan->file : "any configuration file");
		return 1;
	}
	struct probed *probed = calloc(plan->checks.count, sizeof *probed);
	if (!probed) {
		report_problem(options->json, "out of memory");
		return 1;
	}
	size_t count = run_all(plan, &which, deadline, probed, &healthy);
	report_verdict(subject, probed, count, healthy, clock_us() - started, options->json);
	free(probed);
	return healthy ? 0 : 1;
}
