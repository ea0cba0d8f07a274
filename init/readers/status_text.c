/* --status for people. */
#include <inttypes.h>
#include <string.h>

#include "config/duration.h"
#include "config/names.h"
#include "init/readers/paint.h"
#include "init/readers/status.h"
#include "init/readers/page_view.h"
#include "init/base/tail.h"

static void print_app(const struct paint *paint, const struct page *copy, int64_t now)
{
	FILE *to = paint->to;
	const struct page_head *head = &copy->head;
	const struct page_app *app = &head->app;
	char age[DURATION_TEXT], text[PAGE_TEXT], ended[PAGE_NAME];

	paint_word(paint, TONE_STRONG, 0, head->app_name);
	fputs(": ", to);
	enum tone tone = view_app(copy, now, text);
	paint_word(paint, tone, 0, text);
	fprintf(to, ", restarts %" PRIu64, app->restarts);
	if (view_app_end(app, ended) != NULL)
		fprintf(to, ", last exit: %s", ended);
	if (view_app_notify(app) != NULL)
		fprintf(to, ", %s", view_app_notify(app));
	if (app->watchdog > 0 && app->watchdog_at > 0)
		fprintf(to, ", watchdog %s ago", view_span(now - app->watchdog_at, age));
	fputc('\n', to);
	if (*app->status)
		fprintf(to, "status: %s\n", app->status);
	fprintf(to, "tinysup %s: pid %d, up %s", head->tinysup, (int)head->supervisor, view_span(now - head->started, age));
	if (head->listener_restarts > 0)
		fprintf(to, ", listener restarts %" PRIu64, head->listener_restarts);
	fputc('\n', to);
}

static void print_probes(const struct paint *paint, const struct page *copy, int64_t now)
{
	FILE *to = paint->to;

	fputc('\n', to);
	for (enum probe_kind kind = 0; kind < PROBE_COUNT; kind++) {
		const struct page_verdict *verdict = &copy->head.verdicts[kind];
		char why[2 * PAGE_TEXT], since[DURATION_TEXT];
		bool healthy = view_healthy(copy, kind, now, why);
		fprintf(to, "%-9s  ", name_of(&names_probes, kind));
		paint_word(paint, healthy ? TONE_GOOD : TONE_BAD, 9, healthy ? "healthy" : "UNHEALTHY");
		if (verdict->since > 0)
			fprintf(to, " for %s", view_span(now - verdict->since, since));
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

static void print_check(const struct paint *paint, const struct page_check *check, int width, int64_t now)
{
	static const char *const states[] = {
	    [VIEW_NOT_RUN] = "-", [VIEW_OK] = "ok", [VIEW_FAILED] = "FAILED", [VIEW_STALE] = "STALE"};
	char took[DURATION_TEXT] = "-", age[DURATION_TEXT] = "-", since[DURATION_TEXT] = "-", why[PAGE_TEXT];

	if (check->has_result) {
		snprintf(took, sizeof took, "%.1f ms", (double)check->took_us / 1000);
		view_span(now - check->at, age);
		view_span(now - check->since, since);
	}
	view_check_why(check, now, why);
	fprintf(paint->to, "%-*s  %-7s  %-4s  ", width, check->name, name_of(&names_check_kinds, check->kind),
		check->soft ? "yes" : "");
	paint_word(paint, view_check_tone(check, now), 6, states[view_check(check, now)]);
	fprintf(paint->to, "  %-8s  %10s  %8s  %8" PRIu64 "  %6" PRIu64 "  %6" PRIu64 "%s%s\n", since, took, age, check->ok,
		check->failed, check->errors, *why ? "  " : "", why);
}

static void print_checks(const struct paint *paint, const struct page *copy, int64_t now)
{
	int width = widest(copy);

	if (copy->head.checks == 0)
		return;
	fprintf(paint->to, "\n%-*s  %-7s  %-4s  %-6s  %-8s  %10s  %8s  %8s  %6s  %6s\n", width, "check", "kind", "soft",
		"state", "for", "took", "ago", "ok", "failed", "errors");
	for (size_t i = 0; i < copy->head.checks; i++)
		print_check(paint, &copy->check[i], width, now);
}

static void print_heartbeats(const struct paint *paint, const struct page *copy, int64_t now)
{
	FILE *to = paint->to;

	for (size_t i = 0; i < copy->head.beats; i++) {
		const struct page_beat *beat = &copy->beat[i];
		char age[DURATION_TEXT];
		enum tone tone;
		fprintf(to, "%s%s: ", i == 0 ? "\nheartbeat " : "heartbeat ", beat->name);
		const char *word = view_beat(beat, &tone);
		paint_word(paint, tone, 0, word);
		if (beat->at > 0)
			fprintf(to, ", sent %s ago", view_span(now - beat->at, age));
		fprintf(to, ", ok %" PRIu64 ", failed %" PRIu64 "%s%s\n", beat->ok, beat->failed,
			beat->open && !beat->armed && *beat->why ? ": " : "", beat->open && !beat->armed ? beat->why : "");
	}
}

#define BAR 30 /* columns */

/* "[############..................] 12.3 s left": the deadline while the chain runs. */
static void print_countdown(const struct paint *paint, const struct page_chain *chain, int64_t now)
{
	int64_t all = chain->deadline - chain->started, left = chain->deadline > now ? chain->deadline - now : 0;
	int used = all > 0 && left < all ? (int)((all - left) * BAR / all) : 0;
	char bar[BAR + 1], line[64];

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)used);
	bar[BAR] = '\0';
	snprintf(line, sizeof line, "%.1f s left of %.1f s", (double)left / 1000, (double)all / 1000);
	fprintf(paint->to, "  [%s] ", bar);
	paint_word(paint, used * 4 > BAR * 3 ? TONE_BAD : used * 2 > BAR ? TONE_WARNING : TONE_STRONG, 0, line);
	fputc('\n', paint->to);
}

static void print_steps(const struct paint *paint, const struct page *copy, int64_t now)
{
	size_t width = 0;
	char time[DURATION_TEXT];

	for (size_t i = 0; i < copy->head.steps; i++)
		if (strlen(copy->step[i].name) > width)
			width = strlen(copy->step[i].name);
	for (size_t i = 0; i < copy->head.steps; i++) {
		const struct page_step *step = &copy->step[i];
		fprintf(paint->to, "  %-*s  ", (int)width, step->name);
		paint_word(paint, view_step_tone(step->state), step->started > 0 ? 7 : 0,
			   name_of(&names_step_states, step->state));
		if (step->started > 0)
			fprintf(paint->to, "  %8s",
				duration_format((step->ended > 0 ? step->ended : now) - step->started, time));
		if (step->attempt > 1)
			fprintf(paint->to, "  attempt %d", step->attempt);
		fputc('\n', paint->to);
	}
}

static void print_chain(const struct paint *paint, const struct page *copy, int64_t now)
{
	const struct page_chain *chain = &copy->head.chain;
	FILE *to = paint->to;
	char time[DURATION_TEXT], progress[PAGE_TEXT];

	if (!chain->ran)
		return;
	view_progress(copy, now, progress);
	fprintf(to, "\n%s: %s%s%s",
		chain->running   ? "chain"
		: chain->earlier ? "last chain, of an earlier run"
				 : "last chain",
		name_of(&names_reasons, chain->reason), *chain->signal ? " by " : "", chain->signal);
	if (chain->running) {
		fprintf(to, ", for %s, %s\n", view_span(now - chain->started, time), progress);
		print_countdown(paint, chain, now);
	} else {
		fputs(", ", to);
		paint_word(paint, chain->cut_off ? TONE_BAD : TONE_PLAIN, 0, chain->cut_off ? "KILLED after" : "took");
		fprintf(to, " %s", view_span(chain->ended - chain->started, time));
		if (chain->required_failed)
			paint_word(paint, TONE_BAD, 0, ", A REQUIRED STEP FAILED");
		fputc('\n', to);
	}
	print_steps(paint, copy, now);
}

static void print_tail(FILE *to, const struct page_head *head)
{
	char tail[STATUS_TAIL], *rest = tail;

	if (*head->output == '\0' || head->output_tail == 0)
		return;
	tail_read(head->output, head->output_tail, tail, sizeof tail);
	fprintf(to, "\nlast output, in %s%s\n", head->output, *tail == '\0' ? ": none" : "");
	for (char *line; *tail != '\0' && (line = strsep(&rest, "\n")) != NULL;)
		fprintf(to, "  %s\n", line);
}

void status_text(FILE *to, bool colour, const struct page *copy, int64_t now)
{
	const struct paint paint = {to, colour};

	print_app(&paint, copy, now);
	print_probes(&paint, copy, now);
	print_checks(&paint, copy, now);
	print_heartbeats(&paint, copy, now);
	print_chain(&paint, copy, now);
	print_tail(to, &copy->head);
}
