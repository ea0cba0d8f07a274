/* The rest of the listener's page: checks, app, heartbeats, history. */
#include <inttypes.h>
#include <string.h>

#include "config/names.h"
#include "init/readers/history.h"
#include "init/readers/html.h"
#include "init/readers/page_view.h"
#include "init/readers/people_private.h"
#include "init/readers/plot.h"

/* --- checks --------------------------------------------------------------------------------------------------------------- */

static void print_sums(const struct people *people, size_t index)
{
	const struct hour_bucket sum = hour_sum(people->hour, index, people->now);
	const int64_t results = (int64_t)sum.ok + sum.failed;
	FILE *to = people->to;

	fputs("<td class=\"number wide\">", to);
	if (results > 0) {
		html_latency(to, sum.total_us / results);
		fputs("<br><small>at most ", to);
		html_latency(to, sum.longest_us);
		fputs("</small>", to);
	}
	fprintf(to, "</td><td class=\"number\">%s%" PRIu32 "%s<small> of %" PRId64 "</small>",
		sum.failed > 0 ? "<b class=\"bad\">" : "", sum.failed, sum.failed > 0 ? "</b>" : "", results);
	if (sum.errors > 0)
		fprintf(to, "<br><small class=\"warn\">%" PRIu32 " not run</small>", sum.errors);
	fputs("</td>", to);
}

static void print_check(const struct people *people, size_t index)
{
	static const char *const states[] = {
	    [VIEW_NOT_RUN] = "not run yet", [VIEW_OK] = "ok", [VIEW_FAILED] = "failed", [VIEW_STALE] = "stale"};
	const struct page_check *check = &people->copy->check[index];
	enum tone tone = view_check_tone(check, people->now);
	FILE *to = people->to;

	fputs("<tr><th scope=\"row\">", to);
	html_text(to, check->name);
	fprintf(to, " <small>%s%s</small></th><td>", name_of(&names_check_kinds, check->kind), check->soft ? ", soft" : "");
	html_word(to, tone, states[view_check(check, people->now)]);
	if (check->has_result) {
		fputs("<br><small>", to);
		html_latency(to, check->took_us);
		fputs("</small>", to);
	}
	fputs("</td><td class=\"drawn\">", to);
	plot_print(to, people->hour, index, people->now);
	fputs("</td>", to);
	print_sums(people, index);
	fputs("</tr>\n", to);
}

void people_checks(const struct people *people)
{
	FILE *to = people->to;
	char span[DURATION_TEXT];

	if (people->copy->head.checks == 0)
		return;
	fputs("<section id=\"checks\"><h2>Checks</h2>\n<table><thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Now</th>"
	      "<th scope=\"col\" class=\"drawn\"><span class=\"ends\"><span>an hour ago</span><span>now</span></span></th>"
	      "<th scope=\"col\" class=\"number wide\">Latency</th><th scope=\"col\" "
	      "class=\"number\">Failed</th></tr></thead><tbody>\n",
	      to);
	for (size_t i = 0; i < people->copy->head.checks; i++)
		print_check(people, i);
	fputs("</tbody></table>\n<p>The last hour: latencies above (light: the longest, dark: the mean), failures below.", to);
	if (people->hour->known && people->now - people->hour->recorded < HOUR_BUCKET * HOUR_BUCKETS)
		fprintf(to, " Recorded for %s so far.", view_span(people->now - people->hour->recorded, span));
	fputs("</p></section>\n", to);
}

/* --- the app -------------------------------------------------------------------------------------------------------------- */

static void term_text(FILE *to, const char *term, const char *text)
{
	html_term(to, term);
	html_text(to, text);
	html_term_end(to);
}

static void print_started(const struct people *people)
{
	html_term(people->to, "started");
	html_time(people->to, people->copy->head.app.started_unix_ms);
	html_term_end(people->to);
}

void people_app(const struct people *people)
{
	const struct page_head *head = &people->copy->head;
	const struct page_app *app = &head->app;
	char text[PAGE_TEXT], ended[PAGE_NAME], span[DURATION_TEXT];
	FILE *to = people->to;

	fputs("<section id=\"app\"><h2>App</h2>\n<dl>\n", to);
	term_text(to, "name", head->app_name);
	view_app(people->copy, people->now, text);
	term_text(to, "process", text);
	if (app->started > 0)
		print_started(people);
	fprintf(to, "<div><dt>restarts</dt><dd>%" PRIu64 "</dd></div>\n", app->restarts);
	term_text(to, "last end", view_app_end(app, ended) != NULL ? ended : "none");
	if (view_app_notify(app) != NULL)
		term_text(to, "says", view_app_notify(app));
	if (*app->status != '\0')
		term_text(to, "status", app->status);
	if (app->watchdog > 0 && app->watchdog_at > 0) {
		snprintf(text, sizeof text, "%s ago", view_span(people->now - app->watchdog_at, span));
		term_text(to, "watchdog", text);
	}
	fputs("</dl></section>\n", to);
}

/* --- heartbeats ----------------------------------------------------------------------------------------------------------- */

static void print_beat(const struct people *people, const struct page_beat *beat)
{
	FILE *to = people->to;
	char age[DURATION_TEXT];
	enum tone tone;
	const char *word = view_beat(beat, &tone);

	fputs("<tr><th scope=\"row\">", to);
	html_text(to, beat->name);
	fputs("</th><td>", to);
	html_word(to, tone, word);
	fprintf(to, "</td><td>%s%s</td><td class=\"number\">%" PRIu64 "</td><td class=\"number\">%" PRIu64 "</td></tr>\n",
		beat->at > 0 ? view_span(people->now - beat->at, age) : "–", beat->at > 0 ? " ago" : "", beat->ok,
		beat->failed);
}

void people_heartbeats(const struct people *people)
{
	if (people->copy->head.beats == 0)
		return;
	fputs("<section id=\"heartbeats\"><h2>Heartbeats</h2>\n<table><thead><tr><th scope=\"col\">Heartbeat</th><th "
	      "scope=\"col\">State</th>"
	      "<th scope=\"col\">Sent</th><th scope=\"col\" class=\"number\">Ok</th><th scope=\"col\" "
	      "class=\"number\">Failed</th></tr>"
	      "</thead><tbody>\n",
	      people->to);
	for (size_t i = 0; i < people->copy->head.beats; i++)
		print_beat(people, &people->copy->beat[i]);
	fputs("</tbody></table></section>\n", people->to);
}

/* --- history -------------------------------------------------------------------------------------------------------------- */

static enum tone event_tone(const struct history_event *event)
{
	const struct record *record = &event->record;

	if (event->cut_off || record->failed || record->kind == RECORD_HELD)
		return TONE_BAD;
	if (record->state == STATE_FAILED || record->state == STATE_TIMEOUT)
		return TONE_BAD;
	if (record->state == STATE_CUT)
		return TONE_WARNING;
	return TONE_PLAIN;
}

static void print_event(FILE *to, const struct history_event *event)
{
	static struct text line;

	history_words(event, &line);
	line.bytes[line.length - 1] = '\0'; /* its line break */
	fputs("<li>", to);
	html_time(to, event->record.time);
	fprintf(to, "<span class=\"%s%s\">", html_class(event_tone(event)), *line.bytes == ' ' ? " inner" : "");
	html_text(to, line.bytes + strspn(line.bytes, " "));
	fputs("</span></li>\n", to);
}

void people_history(const struct people *people)
{
	struct history history = {.count = 0};
	FILE *to = people->to;

	history_of_page(&history, people->copy);
	history_select(&history, 0);
	fputs("<section id=\"history\"><h2>History</h2>\n", to);
	fputs(history.count > 0 ? "<ol reversed>\n" : "<p>No events yet.</p>\n", to);
	for (size_t i = history.count; i > 0; i--)
		print_event(to, &history.events[i - 1]);
	fputs(history.count > 0 ? "</ol>\n" : "", to);
	fputs("<p>This run, the latest first. <code>tinysup --history</code> shows earlier runs, if there is a "
	      "journal.</p></section>\n",
	      to);
	history_free(&history);
}
