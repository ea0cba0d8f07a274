#include "init/readers/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "config/names.h"
#include "init/machine/sequencer.h"
#include "init/readers/page_view.h"

static void family(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *to, const char *name, const char *help, double value)
{
	family(to, name, "gauge", help);
	fprintf(to, "%s %.15g\n", name, value);
}

/* A label's value: the format has an escape for these three. */
static void label(FILE *to, const char *name, const char *value)
{
	fprintf(to, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', to);
		if (*value == '\n')
			fputs("\\n", to);
		else
			fputc(*value, to);
	}
	fputc('"', to);
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

/* --- probes --------------------------------------------------------------------------------------------------------------- */

static void print_rounds(FILE *to, const struct page *copy)
{
	family(to, "tinysup_probe_rounds_total", "counter", "Rounds of a probe, by result.");
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		const struct page_verdict *verdict = &copy->head.verdicts[kind];
		const struct {
			const char *name;
			uint64_t count;
		} results[] = {{"ok", verdict->rounds_ok}, {"fail", verdict->rounds_failed}, {"error", verdict->rounds_error}};
		for (size_t i = 0; i < sizeof results / sizeof *results; i++)
			fprintf(to, "tinysup_probe_rounds_total{probe=\"%s\",result=\"%s\"} %" PRIu64 "\n",
				name_of(&names_probes, (size_t)kind), results[i].name, results[i].count);
	}
}

static void print_probes(FILE *to, const struct page *copy, int64_t now)
{
	char why[PAGE_TEXT];

	family(to, "tinysup_healthy", "gauge", "1 while /livez, /readyz or /startupz returns 200.");
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		fprintf(to, "tinysup_healthy{probe=\"%s\"} %d\n", name_of(&names_probes, (size_t)kind),
			page_healthy(copy, (enum probe_kind)kind, now, why));
	print_rounds(to, copy);
	family(to, "tinysup_probe_skipped_total", "counter", "Rounds skipped because the previous one was still running.");
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		fprintf(to, "tinysup_probe_skipped_total{probe=\"%s\"} %" PRIu64 "\n", name_of(&names_probes, (size_t)kind),
			copy->head.verdicts[kind].skipped);
}

/* --- checks --------------------------------------------------------------------------------------------------------------- */

/* Duplicate labels make a scrape fail: names that are equal after cutting get a number. */
static void check_labels(FILE *to, const struct page *copy, size_t index)
{
	const struct page_check *check = &copy->check[index];
	char name[PAGE_NAME + 24];
	bool duplicate = false;

	for (size_t i = 0; i < index && !duplicate; i++)
		duplicate = strcmp(copy->check[i].name, check->name) == 0;
	if (duplicate)
		snprintf(name, sizeof name, "%s#%zu", check->name, index + 1);
	label(to, "{check", duplicate ? name : check->name);
	label(to, ",kind", name_of(&names_check_kinds, check->kind));
}

static void print_one(FILE *to, const struct page *copy, size_t index, const char *name, double value)
{
	fputs(name, to);
	check_labels(to, copy, index);
	fprintf(to, "} %.15g\n", value);
}

static void print_results(FILE *to, const struct page *copy)
{
	static const char name[] = "tinysup_check_results_total";

	family(to, name, "counter", "Results of a check; error: tinysup could not run it.");
	for (size_t i = 0; i < copy->head.checks; i++) {
		const struct page_check *check = &copy->check[i];
		const struct {
			const char *name;
			uint64_t count;
		} results[] = {{"ok", check->ok}, {"fail", check->failed}, {"error", check->errors}};
		for (size_t r = 0; r < sizeof results / sizeof *results; r++) {
			fputs(name, to);
			check_labels(to, copy, i);
			fprintf(to, ",result=\"%s\"} %" PRIu64 "\n", results[r].name, results[r].count);
		}
	}
}

static void print_durations(FILE *to, const struct page *copy)
{
	family(to, "tinysup_check_duration_seconds", "summary", "Duration of a check.");
	for (size_t i = 0; i < copy->head.checks; i++) {
		const struct page_check *check = &copy->check[i];
		print_one(to, copy, i, "tinysup_check_duration_seconds_sum", (double)check->total_us / 1e6);
		print_one(to, copy, i, "tinysup_check_duration_seconds_count", (double)(check->ok + check->failed));
	}
}

/* No gauges for checks that have never run. */
static void print_checks(FILE *to, const struct page *copy, int64_t now)
{
	size_t count = copy->head.checks;

	if (count == 0)
		return;
	family(to, "tinysup_check_healthy", "gauge", "1 if the last result was a success and is not stale.");
	for (size_t i = 0; i < count; i++)
		if (copy->check[i].has_result)
			print_one(to, copy, i, "tinysup_check_healthy", view_check(&copy->check[i], now) == VIEW_OK);
	family(to, "tinysup_check_last_duration_seconds", "gauge", "Duration of the last run.");
	for (size_t i = 0; i < count; i++)
		if (copy->check[i].has_result)
			print_one(to, copy, i, "tinysup_check_last_duration_seconds", (double)copy->check[i].took_us / 1e6);
	family(to, "tinysup_check_age_seconds", "gauge", "Age of the last result.");
	for (size_t i = 0; i < count; i++)
		if (copy->check[i].has_result)
			print_one(to, copy, i, "tinysup_check_age_seconds", seconds(now - copy->check[i].at));
	print_durations(to, copy);
	print_results(to, copy);
}

/* --- heartbeats ----------------------------------------------------------------------------------------------------------- */

static void print_heartbeats(FILE *to, const struct page *copy, int64_t now)
{
	const size_t count = copy->head.beats;

	if (count == 0)
		return;
	family(to, "tinysup_heartbeat_armed", "gauge", "1 while the last beat has succeeded.");
	for (size_t i = 0; i < count; i++) {
		label(to, "tinysup_heartbeat_armed{heartbeat", copy->beat[i].name);
		fprintf(to, "} %d\n", copy->beat[i].armed);
	}
	family(to, "tinysup_heartbeat_wanted", "gauge", "1 while it is to be sent.");
	for (size_t i = 0; i < count; i++) {
		label(to, "tinysup_heartbeat_wanted{heartbeat", copy->beat[i].name);
		fprintf(to, "} %d\n", copy->beat[i].open);
	}
	family(to, "tinysup_heartbeat_age_seconds", "gauge", "Time since the last beat that succeeded was sent.");
	for (size_t i = 0; i < count; i++) {
		if (copy->beat[i].at == 0)
			continue;
		label(to, "tinysup_heartbeat_age_seconds{heartbeat", copy->beat[i].name);
		fprintf(to, "} %.15g\n", seconds(now - copy->beat[i].at));
	}
	family(to, "tinysup_heartbeat_beats_total", "counter", "Beats, by result.");
	for (size_t i = 0; i < count; i++) {
		label(to, "tinysup_heartbeat_beats_total{heartbeat", copy->beat[i].name);
		fprintf(to, ",result=\"ok\"} %" PRIu64 "\n", copy->beat[i].ok);
		label(to, "tinysup_heartbeat_beats_total{heartbeat", copy->beat[i].name);
		fprintf(to, ",result=\"fail\"} %" PRIu64 "\n", copy->beat[i].failed);
	}
}

/* --- the app and its chains ----------------------------------------------------------------------------------------------- */

static void print_app(FILE *to, const struct page_head *head, int64_t now)
{
	const struct page_app *app = &head->app;

	gauge(to, "tinysup_app_up", "1 while the app is running.", app->pid > 0);
	gauge(to, "tinysup_app_start_time_seconds", "Unix time of the last start of the app.", seconds(app->started_unix_ms));
	family(to, "tinysup_app_restarts_total", "counter", "Restarts of the app.");
	fprintf(to, "tinysup_app_restarts_total %" PRIu64 "\n", app->restarts);
	if (app->notify)
		gauge(to, "tinysup_app_ready", "1 once the app has sent READY=1.", app->ready);
	if (app->watchdog > 0 && app->watchdog_at > 0)
		gauge(to, "tinysup_app_watchdog_age_seconds", "Age of the app's last WATCHDOG=1.",
		      seconds(now - app->watchdog_at));
	family(to, "tinysup_phase", "gauge", "1 for the current phase of tinysup.");
	for (int phase = 0; phase < PAGE_PHASES; phase++)
		fprintf(to, "tinysup_phase{phase=\"%s\"} %d\n", view_phase_name((enum page_phase)phase),
			(int)head->phase == phase);
	family(to, "tinysup_listener_restarts_total", "counter", "Restarts of this listener.");
	fprintf(to, "tinysup_listener_restarts_total %" PRIu64 "\n", head->listener_restarts);
}

static void print_reasons(FILE *to, const char *name, const char *help, const uint64_t counts[REASON_COUNT])
{
	family(to, name, "counter", help);
	for (int reason = 0; reason < REASON_COUNT; reason++)
		fprintf(to, "%s{reason=\"%s\"} %" PRIu64 "\n", name, name_of(&names_reasons, (enum reason)reason),
			counts[reason]);
}

static void print_last(FILE *to, const struct page_chain *chain)
{
	const char *reason = name_of(&names_reasons, chain->reason);

	family(to, "tinysup_last_chain_duration_seconds", "gauge", "Duration of the last chain, by reason.");
	fprintf(to, "tinysup_last_chain_duration_seconds{reason=\"%s\"} %.15g\n", reason,
		seconds(chain->ended - chain->started));
	family(to, "tinysup_last_chain_success", "gauge", "1 if the last chain was not cut off and no required step failed.");
	fprintf(to, "tinysup_last_chain_success{reason=\"%s\"} %d\n", reason, !chain->required_failed && !chain->cut_off);
}

static void print_steps(FILE *to, const struct page *copy)
{
	if (!copy->head.chain.ran || copy->head.steps == 0)
		return;
	family(to, "tinysup_chain_step_state", "gauge", "1 for the state of each step of the current or last chain.");
	for (size_t i = 0; i < copy->head.steps; i++) {
		label(to, "tinysup_chain_step_state{step", copy->step[i].name);
		fprintf(to, ",position=\"%zu\",state=\"%s\"} 1\n", i + 1, name_of(&names_step_states, copy->step[i].state));
	}
}

static void print_chain(FILE *to, const struct page *copy, int64_t now)
{
	const struct page_chain *chain = &copy->head.chain;

	print_reasons(to, "tinysup_chain_runs_total", "Chains started.", copy->head.chains_run);
	print_reasons(to, "tinysup_chain_failures_total", "Chains in which a required step failed.", copy->head.chains_failed);
	gauge(to, "tinysup_chain_running", "1 while a chain is running.", chain->running);
	if (chain->running)
		gauge(to, "tinysup_chain_remaining_seconds", "Time left until the deadline of the running chain.",
		      seconds(chain->deadline > now ? chain->deadline - now : 0));
	else if (chain->ran)
		print_last(to, chain);
	print_steps(to, copy);
}

void metrics_print(FILE *to, const struct page *copy, int64_t now)
{
	family(to, "tinysup_info", "gauge", "Version and app name.");
	label(to, "tinysup_info{version", copy->head.tinysup);
	label(to, ",app", copy->head.app_name);
	fputs("} 1\n", to);
	print_probes(to, copy, now);
	print_checks(to, copy, now);
	print_heartbeats(to, copy, now);
	print_app(to, &copy->head, now);
	print_chain(to, copy, now);
}
