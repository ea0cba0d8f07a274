#include "probes/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/check.h"
#include "probes/clock.h"
#include "probes/http.h"
#include "probes/probe_guard.h"
#include "probes/probe_report.h"

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

	probe_guard(options->timeout, options->json);
	if (!url) {
		report_problem(options->json, "out of memory");
		return 1;
	}
	snprintf(url, size, "%s%s", scheme, options->target);
	const struct plan_http http = {
	    .url = {.value = url, .shown = url},
	    .status = {.items = &accepted, .count = 1},
	    .redirects = 10,
	    .max_body = 10240,
	    .slower_than = MSEC_UNSET,
	    .tls = {.verify = true},
	};
	http_run(&http, NULL, options->timeout, &probed.result);
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

static int report_unknown(const struct plan_checks *checks, const char *name, bool json)
{
	char names[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < checks->count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", checks->items[i].name);
	report_problem(json, "no check named %s; there are: %s", name, names);
	return 1;
}

/* The name of one check to run; NULL: all of them. */
static const char *only(const struct probe_options *options)
{
	static const char *const probes[] = {"live", "ready", "startup"};

	if (options->check)
		return options->check;
	for (size_t i = 0; options->target && i < sizeof(probes) / sizeof(probes[0]); i++) {
		if (strcmp(options->target, probes[i]) == 0)
			return NULL;
	}
	return options->target;
}

static void run_one(const struct plan_check *check, int64_t deadline_us, struct probed *probed)
{
	msec_t left = clock_left(deadline_us);

	probed->name = check->name;
	if (left == 0) {
		probed->result.retry_after = MSEC_UNSET;
		result_fail(&probed->result, FAILURE_TIMEOUT, "not asked, the time was up");
		return;
	}
	msec_t own = check->timeout != MSEC_UNSET ? check->timeout : CHECK_TIMEOUT;
	check_run(check, 0, own < left ? own : left, &probed->result);
}

/* Those that decide go first, in `checks`' order. Returns whether all of them succeed. */
static bool run_all(const struct plan_check *checks, size_t count, bool named, int64_t deadline_us, struct probed *probed)
{
	size_t done = 0;
	bool healthy = true;

	for (int soft = 0; soft <= 1; soft++) {
		for (size_t i = 0; i < count; i++) {
			if ((checks[i].soft && !named) != soft)
				continue;
			probed[done].decides = !soft;
			run_one(&checks[i], deadline_us, &probed[done]);
			healthy = healthy && (soft || probed[done].result.outcome == OUTCOME_OK);
			done++;
		}
	}
	return healthy;
}

int probe_checks(const struct plan *plan, const struct probe_options *options)
{
	const struct plan_check *checks = plan->checks.items;
	size_t count = plan->checks.count;
	const char *name = only(options), *subject = options->target ? options->target : "all checks";
	int64_t begun = clock_us(), deadline = clock_deadline(options->timeout);

	probe_guard(options->timeout, options->json);
	if (count == 0) {
		report_problem(options->json, "no checks are configured in %s",
			       plan->file ? plan->file : "any configuration file");
		return 1;
	}
	if (name) {
		checks = find(&plan->checks, name);
		if (!checks)
			return report_unknown(&plan->checks, name, options->json);
		count = 1;
		subject = name;
	}
	struct probed *probed = calloc(count, sizeof(*probed));
	if (!probed) {
		report_problem(options->json, "out of memory");
		return 1;
	}
	bool healthy = run_all(checks, count, name, deadline, probed);
	report_verdict(subject, probed, count, healthy, clock_us() - begun, options->json);
	free(probed);
	return healthy ? 0 : 1;
}
