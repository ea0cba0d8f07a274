#include <string.h>

#include "probes/check.h"
#include "probes/clock.h"
#include "probes/page.h"
#include "probes/probe.h"
#include "probes/probe_report.h"
#include "probes/process.h"

/* Most of it is never touched: page_read() fills in what is used. */
static struct page copy;
static struct probed probed[PLAN_CHECKS_MAX];

static size_t describe(uint64_t checks)
{
	size_t count = 0;

	for (size_t i = 0; i < copy.head.checks; i++) {
		const struct page_check *check = &copy.check[i];
		struct check_result *result = &probed[count].result;
		if ((checks >> i & 1) == 0 || !check->asked)
			continue;
		probed[count].name = check->name;
		probed[count++].decides = !check->soft;
		*result = (struct check_result){.outcome = check->outcome,
						.failure = check->failure,
						.status = check->status,
						.took_us = check->took_us,
						.retry_after = MSEC_UNSET};
		memcpy(result->message, check->message, sizeof result->message);
	}
	return count;
}

static int tell(const char *subject, const char *why, uint64_t checks, bool healthy, bool json)
{
	report_told(subject, why, probed, json ? describe(checks) : 0, healthy, json);
	return healthy ? 0 : 1;
}

/* -1: it is not asked by the supervisor, or nobody asks it at this time. */
static int tell_check(const char *name, int64_t now, bool json)
{
	char why[PAGE_TEXT];

	for (size_t i = 0; i < copy.head.checks; i++) {
		const struct page_check *check = &copy.check[i];
		if (strcmp(check->name, name) != 0)
			continue;
		if (!check->asked || check->valid_until == 0)
			return -1;
		bool healthy = page_check_healthy(check, now, why);
		return tell(name, why, UINT64_C(1) << i, healthy, json);
	}
	return -1;
}

static int tell_probe(enum probe_kind kind, const char *subject, int64_t now, bool json)
{
	char why[PAGE_TEXT];
	bool healthy = page_healthy(&copy, kind, now, why);

	return tell(subject, why, copy.head.verdicts[kind].checks, healthy, json);
}

int probe_supervisor(const struct probe_options *options, const char *config)
{
	const char *target = options->check != NULL ? options->check : options->target;
	char why[PAGE_TEXT];

	if (options->check == NULL && target != NULL && probe_is_url(target))
		return -1;
	const struct page *page = page_find(config);
	if (page == NULL)
		return -1;
	if (!page_read(page, &copy)) {
		report_problem(options->json, "the supervisor's page is torn");
		return 1;
	}
	/* without probes the checks are asked directly; but what stops is not ready, and between two lives there is nobody to
	 * ask */
	bool about_ready = options->check == NULL && (target == NULL || strcmp(target, "ready") == 0);
	bool running = copy.head.phase == PAGE_RUNNING || (copy.head.phase == PAGE_STOPPING && !about_ready);
	if (!copy.head.probes && copy.head.checks > 0 && running)
		return -1;
	int64_t now = clock_us() / 1000;
	if (options->check != NULL)
		return tell_check(target, now, options->json);
	if (target == NULL) {
		bool healthy = page_all_healthy(&copy, now, why);
		return tell("started, live and ready", why, ~UINT64_C(0), healthy, options->json);
	}
	if (strcmp(target, "live") == 0)
		return tell_probe(PROBE_LIVENESS, target, now, options->json);
	if (strcmp(target, "ready") == 0)
		return tell_probe(PROBE_READINESS, target, now, options->json);
	if (strcmp(target, "startup") == 0)
		return tell_probe(PROBE_STARTUP, target, now, options->json);
	return tell_check(target, now, options->json);
}

void probe_ask_about_app(const struct plan_check *check, const char *config, struct check_result *result)
{
	const struct page *page = page_find(config);
	const struct page_app *app = &copy.head.app;
	bool known = page != NULL && page_read(page, &copy) && app->pid != 0;

	if (known && check->kind == CHECK_NOTIFY)
		process_judge_age(&check->notify, clock_us() / 1000 - (app->watchdog_at > 0 ? app->watchdog_at : app->started),
				  result);
	else
		check_run(check, known ? app->pid : 0, CHECK_TIMEOUT, result);
}
