/* --status for people. */
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "config/duration.h"
#include "config/names.h"
#include "config/signame.h"
#include "init/machine/sequencer.h"
#include "init/readers/status.h"
#include "init/readers/page_view.h"

/* Whole seconds, with hours and days: an uptime needs no tenths. */
static const char *span(int64_t duration, char buffer[DURATION_TEXT])
{
	const int64_t s = duration / 1000;

	if (s >= 86400)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "d%" PRId64 "h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
	else
		duration_format(duration, buffer);
	return buffer;
}

static void print_end(FILE *to, const struct page_app *app)
{
	if (!app->ended)
		return;
	if (WIFSIGNALED(app->wait_status))
		fprintf(to, ", last exit: %s", signal_name(WTERMSIG(app->wait_status)));
	else
		fprintf(to, ", last exit: code %d", WEXITSTATUS(app->wait_status));
}

static void print_app(FILE *to, const struct page_head *head, int64_t now)
{
	const struct page_app *app = &head->app;
	char age[DURATION_TEXT];

	fprintf(to, "%s: ", head->app_name);
	if (app->pid > 0)
		fprintf(to, "pid %d, up %s", (int)app->pid, span(now - app->started, age));
	else if (head->phase == PAGE_WAITING_TO_RESTART)
		fprintf(to, "restarting in %s", span(app->restart_at > now ? app->restart_at - now : 0, age));
	else
		fputs("not running", to);
	fprintf(to, ", restarts %" PRIu64, app->restarts);
	print_end(to, app);
	if (app->notify)
		fprintf(to, ", %s",
			app->stopping    ? "stopping"
			: app->reloading ? "reloading"
			: app->ready     ? "ready"
					 : "not ready");
	if (app->watchdog > 0 && app->watchdog_at > 0)
		fprintf(to, ", watchdog %s ago", span(now - app->watchdog_at, age));
	fputc('\n', to);
	if (*app->status)
		fprintf(to, "status: %s\n", app->status);
	fprintf(to, "tinysup %s: pid %d, up %s", head->tinysup, (int)head->supervisor, span(now - head->started, age));
	if (head->listener_restarts > 0)
		fprintf(to, ", listener restarts %" PRIu64, head->listener_restarts);
	fputc('\n', to);
}

static void print_probes(FILE *to, const struct page *copy, int64_t now)
{
	fputc('\n', to);
	for (enum probe_kind kind = 0; kind < PROBE_COUNT; kind++) {
		const struct page_verdict *verdict = &copy->head.verdicts[kind];
		char why[2 * PAGE_TEXT], since[DURATION_TEXT];
		bool healthy = view_healthy(copy, kind, now, why);
		fprintf(to, "%-9s  %-9s", name_of(&names_probes, kind), healthy ? "healthy" : "UNHEALTHY");
		if (verdict->since > 0)
			fprintf(to, " for %s", span(now - verdict->since, since));
		fprintf(to, "%s%s%s\n", verdict->probed ? "" : " (not probed)", *why ? ": " : "", why);
	}
}

static int widest(const struct page *copy)
{
	size_t width = strlen("check");

	for (size_t i = 0; i < copy->head.checks; i++)
		if (strlen(copy->check[i].name) > width)
			width = strlen(copy->check[i].name);
	return (int)width;
}

static void print_check(FILE *to, const struct page_check *check, int width, int64_t now)
{
	static const char *const states[] = {
	    [VIEW_NOT_RUN] = "-", [VIEW_OK] = "ok", [VIEW_FAILED] = "FAILED", [VIEW_STALE] = "STALE"};
	char took[DURATION_TEXT] = "-", age[DURATION_TEXT] = "-", since[DURATION_TEXT] = "-", why[PAGE_TEXT];

	if (check->has_result) {
		snprintf(took, sizeof took, "%.1f ms", (double)check->took_us / 1000);
		span(now - check->at, age);
		span(now - check->since, since);
	}
	view_check_why(check, now, why);
	fprintf(to, "%-*s  %-7s  %-4s  %-6s  %-8s  %10s  %8s  %8" PRIu64 "  %6" PRIu64 "  %6" PRIu64 "%s%s\n", width,
		check->name, name_of(&names_check_kinds, check->kind), check->soft ? "yes" : "", states[view_check(check, now)],
		since, took, age, check->ok, check->failed, check->errors, *why ? "  " : "", why);
}

static void print_checks(FILE *to, const struct page *copy, int64_t now)
{
	int width = widest(copy);

	if (copy->head.checks == 0)
		return;
	fprintf(to, "\n%-*s  %-7s  %-4s  %-6s  %-8s  %10s  %8s  %8s  %6s  %6s\n", width, "check", "kind", "soft", "state",
		"for", "took", "ago", "ok", "failed", "errors");
	for (size_t i = 0; i < copy->head.checks; i++)
		print_check(to, &copy->check[i], width, now);
}

static void print_chain(FILE *to, const struct page *copy, int64_t now)
{
	const struct page_chain *chain = &copy->head.chain;
	char time[DURATION_TEXT], progress[PAGE_TEXT];

	if (!chain->ran)
		return;
	view_progress(copy, now, progress);
	fprintf(to, "\n%s: %s%s%s", chain->running ? "chain" : "last chain", name_of(&names_reasons, chain->reason),
		*chain->signal ? " by " : "", chain->signal);
	if (chain->running)
		fprintf(to, ", for %s, %s\n", span(now - chain->started, time), progress);
	else
		fprintf(to, ", took %s%s\n", span(chain->ended - chain->started, time),
			chain->required_failed ? ", A REQUIRED STEP FAILED" : "");
	for (size_t i = 0; i < copy->head.steps; i++) {
		const struct page_step *step = &copy->step[i];
		fprintf(to, "  %-20s  %s", step->name, seq_state_name(step->state));
		if (step->started > 0)
			fprintf(to, ", %s", duration_format((step->ended > 0 ? step->ended : now) - step->started, time));
		if (step->attempt > 1)
			fprintf(to, ", attempt %d", step->attempt);
		fputc('\n', to);
	}
}

void status_text(FILE *to, const struct page *copy, int64_t now)
{
	print_app(to, &copy->head, now);
	print_probes(to, copy, now);
	print_checks(to, copy, now);
	print_chain(to, copy, now);
}
