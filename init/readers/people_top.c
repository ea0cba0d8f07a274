/* What is to be seen first in the listener's page: how it is, the verdicts, and what is wrong. */
#include <inttypes.h>
#include <string.h>

#include "config/names.h"
#include "init/readers/html.h"
#include "init/readers/page_view.h"
#include "init/readers/people_private.h"

static bool is_healthy(const struct people *people, enum probe_kind kind)
{
	char why[2 * PAGE_TEXT];

	return view_healthy(people->copy, kind, people->now, why);
}

/* Nothing is wrong with an app that does not serve yet. */
static bool is_starting(const struct people *people)
{
	const struct page_head *head = &people->copy->head;

	return head->phase == PAGE_STARTING ||
	       (head->phase == PAGE_RUNNING && is_healthy(people, PROBE_LIVENESS) && !is_healthy(people, PROBE_STARTUP));
}

/* While the app runs. */
static const char *running(const struct people *people, enum tone *tone)
{
	*tone = TONE_BAD;
	if (!is_healthy(people, PROBE_LIVENESS))
		return "Not live";
	*tone = TONE_WARNING;
	if (is_starting(people))
		return "Starting";
	*tone = TONE_BAD;
	if (!is_healthy(people, PROBE_READINESS))
		return "Not ready";
	*tone = TONE_GOOD;
	for (size_t i = 0; i < people->copy->head.checks; i++) {
		enum tone check = view_check_tone(&people->copy->check[i], people->now);
		if (check == TONE_BAD || check == TONE_WARNING)
			*tone = TONE_WARNING;
	}
	return *tone == TONE_GOOD ? "Healthy" : "Healthy, with a warning";
}

/* All in two words. */
static const char *state_of(const struct people *people, enum tone *tone)
{
	const struct page_head *head = &people->copy->head;

	*tone = TONE_WARNING;
	switch (head->phase) {
	case PAGE_STOPPING:
		return "Stopping";
	case PAGE_WAITING_TO_RESTART:
		return "Restarting";
	case PAGE_HELD:
		*tone = TONE_BAD;
		return "Held";
	case PAGE_RUNNING:
		if (!head->chain.running)
			return running(people, tone);
		return head->chain.reason == REASON_RESTART ? "Restarting" : "Running a chain";
	case PAGE_STARTING:
	case PAGE_PHASES:
		break;
	}
	return "Starting";
}

void people_headline(const struct people *people, char title[2 * PAGE_TEXT])
{
	enum tone tone;

	snprintf(title, (size_t)2 * PAGE_TEXT, "%s: %s", people->copy->head.app_name, state_of(people, &tone));
}

/* A dot in the tab, drawn here: nothing is asked for, /favicon.ico neither. */
void people_icon(const struct people *people)
{
	static const char *const colours[] = {[TONE_PLAIN] = "777",
					      [TONE_GOOD] = "2a8c55",
					      [TONE_WARNING] = "c98a1b",
					      [TONE_BAD] = "c8321f",
					      [TONE_STRONG] = "2456a6"};
	enum tone tone = TONE_PLAIN;

	if (people->copy != NULL)
		state_of(people, &tone);
	fprintf(
	    people->to,
	    "<link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%%3E"
	    "%%3Ccircle cx='8' cy='8' r='7' fill='%%23%s'/%%3E%%3C/svg%%3E\">\n",
	    colours[tone]);
}

/* "12.3 s left of 30 s", and a bar of it. */
static void print_countdown(const struct people *people)
{
	const struct page_chain *chain = &people->copy->head.chain;
	const msec_t all = chain->deadline - chain->started, left = chain->deadline - people->now;
	const struct page_step *step = view_step(people->copy);
	char whole[DURATION_TEXT];
	FILE *to = people->to;

	if (!chain->running)
		return;
	int used = left <= 0 || all <= 0 ? 1000 : left >= all ? 0 : (int)((all - left) * 1000 / all);
	fprintf(to, "<p class=\"countdown\"><b id=\"left\">%.1f s</b> left of %s", left > 0 ? (double)left / 1000 : 0,
		duration_format(all, whole));
	if (step != NULL) {
		fputs(", at step <b>", to);
		html_text(to, step->name);
		fprintf(to, "</b> (%zu of %zu)", chain->step + 1, people->copy->head.steps);
	}
	fprintf(
	    to,
	    "</p>\n<svg class=\"countdown\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	    "<rect class=\"may\" width=\"1000\" height=\"10\"/><rect class=\"fill-%s\" width=\"%d\" height=\"10\"/></svg>\n",
	    used > 750   ? "bad"
	    : used > 500 ? "warn"
			 : "strong",
	    used);
}

static void print_header(const struct people *people)
{
	FILE *to = people->to;
	enum tone tone;
	const char *state = state_of(people, &tone);
	char app[PAGE_TEXT];

	fprintf(to, "<header class=\"is-%s\">\n<p class=\"app\">", html_class(tone));
	html_text(to, people->copy->head.app_name);
	fputs("</p>\n<h1>", to);
	html_mark(to, tone);
	fprintf(to, "<span id=\"state\">%s</span></h1>\n", state);
	print_countdown(people);
	enum tone app_tone = view_app(people->copy, people->now, app);
	fputs("<p>", to);
	html_word(to, app_tone, app);
	fprintf(to, "<small>, restarts %" PRIu64 "</small></p>\n</header>\n", people->copy->head.app.restarts);
}

static void print_verdict(const struct people *people, enum probe_kind kind)
{
	static const char *const names[] = {
	    [PROBE_STARTUP] = "Startup", [PROBE_LIVENESS] = "Liveness", [PROBE_READINESS] = "Readiness"};
	const struct page_verdict *verdict = &people->copy->head.verdicts[kind];
	char why[2 * PAGE_TEXT], since[DURATION_TEXT];
	bool healthy = view_healthy(people->copy, kind, people->now, why);
	bool early = !healthy && kind != PROBE_LIVENESS && is_starting(people);
	enum tone tone = healthy ? TONE_GOOD : early ? TONE_WARNING : TONE_BAD;
	FILE *to = people->to;

	fprintf(to, "<li id=\"%s\"><h2>", name_of(&names_probes, kind));
	html_mark(to, tone);
	fprintf(to, "%s</h2><p class=\"verdict %s\">%s</p><p><small>", names[kind], html_class(tone),
		healthy ? "healthy"
		: early ? "not yet healthy"
			: "unhealthy");
	if (verdict->since > 0)
		fprintf(to, "for %s", view_span(people->now - verdict->since, since));
	fprintf(to, "%s</small></p>", verdict->probed ? "" : " (not probed)");
	if (*why != '\0') {
		fputs("<p class=\"why\">", to);
		html_text(to, why);
		fputs("</p>", to);
	}
	fputs("</li>\n", to);
}

/* --- what is wrong -------------------------------------------------------------------------------------------------------- */

/* An item of the list, which begins with its first. */
static void begin_item(const struct people *people, bool *any, enum tone tone, const char *what, const char *name)
{
	fputs(*any ? "" : "<section id=\"wrong\"><h2>What is wrong</h2>\n<ul>\n", people->to);
	*any = true;
	fputs("<li>", people->to);
	html_mark(people->to, tone);
	fprintf(people->to, "<span>%s<b>", what);
	html_text(people->to, name);
	fputs("</b>", people->to);
}

static void end_item(const struct people *people, const char *why)
{
	if (*why != '\0') {
		fputs(": ", people->to);
		html_text(people->to, why);
	}
	fputs("</span></li>\n", people->to);
}

static void list_checks(const struct people *people, bool *any)
{
	for (size_t i = 0; i < people->copy->head.checks; i++) {
		const struct page_check *check = &people->copy->check[i];
		enum tone tone = view_check_tone(check, people->now);
		char why[PAGE_TEXT], since[DURATION_TEXT];
		if (tone != TONE_BAD && tone != TONE_WARNING)
			continue;
		begin_item(people, any, tone, check->soft ? "soft check " : "check ", check->name);
		view_check_why(check, people->now, why);
		if (check->outcome != OUTCOME_OK)
			fprintf(people->to, " fails, for %s", view_span(people->now - check->since, since));
		end_item(people, why);
	}
}

static void list_heartbeats(const struct people *people, bool *any)
{
	for (size_t i = 0; i < people->copy->head.beats; i++) {
		const struct page_beat *beat = &people->copy->beat[i];
		enum tone tone;
		const char *word = view_beat(beat, &tone);
		if (tone != TONE_BAD && tone != TONE_WARNING)
			continue;
		begin_item(people, any, tone, "heartbeat ", beat->name);
		fprintf(people->to, " is %s", word);
		end_item(people, beat->why);
	}
}

static void list_app(const struct people *people, bool *any)
{
	const struct page_head *head = &people->copy->head;
	char text[PAGE_TEXT], ended[PAGE_NAME];

	if (head->app.pid > 0 || head->phase == PAGE_STARTING || head->phase == PAGE_STOPPING)
		return;
	const char *end = view_app_end(&head->app, ended);
	enum tone tone = view_app(people->copy, people->now, text);
	begin_item(people, any, tone == TONE_BAD ? TONE_BAD : TONE_WARNING, "", "the app does not run");
	fprintf(people->to, "%s%s", end != NULL ? ", it ended with " : "", end != NULL ? end : "");
	end_item(people, text);
}

static void list_chain(const struct people *people, bool *any)
{
	const struct page_chain *chain = &people->copy->head.chain;

	if (!chain->ran || (!chain->required_failed && !chain->cut_off))
		return;
	begin_item(people, any, TONE_BAD, "",
		   chain->running   ? "this chain"
		   : chain->earlier ? "the last chain of an earlier run"
				    : "the last chain");
	if (chain->cut_off)
		fputs(" was cut off: the container was killed before it ended", people->to);
	const char *failed = NULL;
	if (chain->required_failed) {
		fprintf(people->to, "%s a required step failed", chain->cut_off ? ", and" : ":");
		failed = people_chain_failed(people);
	}
	end_item(people, failed != NULL ? failed : "");
}

void people_top(const struct people *people)
{
	bool any = false;

	print_header(people);
	fputs("<ul class=\"verdicts\">\n", people->to);
	print_verdict(people, PROBE_LIVENESS);
	print_verdict(people, PROBE_READINESS);
	print_verdict(people, PROBE_STARTUP);
	fputs("</ul>\n", people->to);
	list_app(people, &any);
	list_checks(people, &any);
	list_heartbeats(people, &any);
	list_chain(people, &any);
	fputs(any ? "</ul></section>\n" : "", people->to);
}
