#include <string.h>

#include "config/config.h"
#include "probes/check.h"
#include "probes/clock.h"
#include "probes/page.h"
#include "probes/probe.h"
#include "probes/probe_report.h"
#include "probes/process.h"

/* Mostly untouched: page_read() fills in what is used. */
static struct page the_copy;
static struct probed probed[PLAN_CHECKS_MAX];

static size_t describe(const struct page *copy, uint64_t checks)
{
	size_t count = 0;

	for (size_t i = 0; i < copy->head.checks; i++) {
		const struct page_check *check = &copy->check[i];
		struct check_result *result = &probed[count].result;
		if ((checks >> i & 1) == 0 || !check->has_result)
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

static int report(const struct page *copy, const char *subject, const char *why, uint64_t checks, bool healthy, bool json)
{
	report_published(subject, why, probed, json ? describe(copy, checks) : 0, healthy, json);
	return healthy ? 0 : 1;
}

static bool is_probed(const struct page *copy, size_t check)
{
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if (copy->head.verdicts[kind].checks >> check & 1)
			return true;
	return false;
}

/* -1: the supervisor does not run it, or no longer does. */
static int report_check(const struct page *copy, const char *name, int64_t now, bool json)
{
	char why[PAGE_TEXT];

	for (size_t i = 0; i < copy->head.checks; i++) {
		const struct page_check *check = &copy->check[i];
		if (strcmp(check->name, name) != 0)
			continue;
		if (!is_probed(copy, i) || (check->has_result && check->valid_until == 0))
			return -1;
		bool healthy = page_check_healthy(check, now, why);
		return report(copy, name, why, UINT64_C(1) << i, healthy, json);
	}
	return -1;
}

static bool has_check(const struct page *copy, const char *name)
{
	for (size_t i = 0; i < copy->head.checks; i++)
		if (strcmp(copy->check[i].name, name) == 0)
			return true;
	return false;
}

/* The page lists all checks of the configuration, even those that do not run. */
static int no_such_check(const struct page *copy, const struct probe_options *options)
{
	const char *names[PLAN_CHECKS_MAX];

	for (size_t i = 0; i < copy->head.checks; i++)
		names[i] = copy->check[i].name;
	report_unknown_name(options, names, copy->head.checks);
	return 1;
}

static int report_probe(const struct page *copy, enum probe_kind kind, const char *subject, int64_t now, bool json)
{
	char why[PAGE_TEXT];
	bool healthy = page_healthy(copy, kind, now, why);

	return report(copy, subject, why, copy->head.verdicts[kind].checks, healthy, json);
}

int probe_from_page(const struct probe_options *options, const char *named, const struct page *copy)
{
	const char *target = options->check != NULL ? options->check : options->target;
	enum probe_kind kind = options->check != NULL || target == NULL ? PROBE_COUNT : probe_kind_of(target);
	char why[PAGE_TEXT];

	if (target != NULL && kind == PROBE_COUNT && named == NULL && copy->head.checks > 0 && !has_check(copy, target))
		return no_such_check(copy, options);
	/* without probes, run checks directly, except while stopping or restarting */
	bool about_ready = options->check == NULL && (target == NULL || kind == PROBE_READINESS);
	bool running = copy->head.phase == PAGE_RUNNING || (copy->head.phase == PAGE_STOPPING && !about_ready);
	if (!copy->head.probes && copy->head.checks > 0 && running)
		return -1;
	int64_t now = clock_us() / 1000;
	if (target == NULL) {
		bool healthy = page_all_healthy(copy, now, why);
		return report(copy, "started, live and ready", why, ~UINT64_C(0), healthy, options->json);
	}
	return kind != PROBE_COUNT ? report_probe(copy, kind, target, now, options->json)
				   : report_check(copy, target, now, options->json);
}

static const struct page *find(const char *named, const char *usual)
{
	const struct page *page = page_find(named != NULL ? named : usual);

	return page != NULL || named != NULL || usual == NULL ? page : page_find(NULL);
}

int probe_supervisor(const struct probe_options *options, const char *named, const char *usual)
{
	if (options->check == NULL && options->target != NULL && probe_is_url(options->target))
		return -1;
	const struct page *page = find(named, usual);
	if (page == NULL)
		return -1;
	if (!page_read(page, &the_copy)) {
		report_problem(options->json, "the supervisor stopped in the middle of an update");
		return 1;
	}
	return probe_from_page(options, named, &the_copy);
}

const char *probe_config(const char *option)
{
	const char *named = config_named(option), *usual = config_find(NULL);
	const struct page *page = named == NULL ? find(NULL, usual) : NULL;

	if (named != NULL)
		return named;
	return page != NULL && page_read(page, &the_copy) && *the_copy.head.config != '\0' ? the_copy.head.config : usual;
}

void probe_app_check(const struct plan_check *check, const char *config, struct check_result *result)
{
	const struct page *page = page_find(config);
	const struct page_app *app = &the_copy.head.app;
	bool known = page != NULL && page_read(page, &the_copy) && app->pid != 0;

	if (known && check->kind == CHECK_NOTIFY)
		process_judge_age(&check->notify, clock_us() / 1000 - (app->watchdog_at > 0 ? app->watchdog_at : app->started),
				  result);
	else
		check_run(check, known ? app->pid : 0, CHECK_TIMEOUT, result);
}
