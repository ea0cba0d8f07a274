/* Chains of the listener's page, as --check draws them, and filled in by what has happened. */
#include <string.h>

#include "config/names.h"
#include "config/plan_rows.h"
#include "init/readers/html.h"
#include "init/readers/page_view.h"
#include "init/readers/people_private.h"

#define WIDTH 1000 /* units of a chart */

/* A chart: the plan's rows, what has happened, or both. */
struct chart {
	const struct people *people;
	struct plan_row rows[PLAN_STEPS_MAX];
	size_t planned; /* how many rows; 0: no plan */
	size_t steps;   /* how many steps of the published page; 0: not filled in */
	msec_t whole, kill;
	bool drawn; /* with times: of an earlier run only lengths are known */
};

/* A long name is cut in the published page. Of an earlier run there may be another chain's. */
static bool same_steps(const struct page *copy, const struct plan_row *rows, size_t count)
{
	if (count != copy->head.steps)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strncmp(copy->step[i].name, rows[i].step->name, strlen(copy->step[i].name)) != 0)
			return false;
	return true;
}

static void add_plan(struct chart *chart, enum reason reason)
{
	const struct plan *plan = chart->people->plan;

	if (plan == NULL || reason > REASON_START)
		return;
	chart->planned = plan_rows(plan, reason, chart->rows);
	chart->whole = plan_rows_deadline(plan, reason);
	chart->kill = plan->shutdown.kill_reserve;
}

/* The published chain; its plan only where that is its plan. */
static void add_steps(struct chart *chart)
{
	const struct page *copy = chart->people->copy;
	const struct page_chain *chain = &copy->head.chain;
	const msec_t took = chain->ended - chain->started, whole = chain->deadline - chain->started;

	add_plan(chart, chain->reason);
	if (!same_steps(copy, chart->rows, chart->planned))
		chart->planned = 0;
	chart->steps = copy->head.steps;
	chart->drawn = !chain->earlier;
	if (chart->drawn && whole > 0)
		chart->whole = whole > took || chain->running ? whole : took;
}

static int column(const struct chart *chart, msec_t at)
{
	if (at <= 0 || chart->whole <= 0)
		return 0;
	return at >= chart->whole ? WIDTH : (int)(at * WIDTH / chart->whole);
}

static void print_bar(const struct chart *chart, const char *class, msec_t from, msec_t time, int y, int height)
{
	int begin = column(chart, from), end = column(chart, from + time);

	if (end - begin < 4)
		end < WIDTH - 4 ? (end = begin + 4) : (begin = end - 4);
	fprintf(chart->people->to, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", class, begin, y,
		end - begin, height);
}

static void print_now(const struct chart *chart)
{
	const struct page_chain *chain = &chart->people->copy->head.chain;

	if (chart->steps > 0 && chain->running)
		fprintf(chart->people->to, "<path class=\"now\" d=\"M%d 0v24\"/>",
			column(chart, chart->people->now - chain->started));
}

/* What a step was given, and within it what it took. */
static void print_drawing(const struct chart *chart, size_t i)
{
	FILE *to = chart->people->to;
	const struct page_chain *chain = &chart->people->copy->head.chain;
	const struct page_step *step = i < chart->steps ? &chart->people->copy->step[i] : NULL;
	const struct plan_row *row = i < chart->planned ? &chart->rows[i] : NULL;

	fprintf(to, "<svg class=\"bar\" viewBox=\"0 0 %d 24\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", WIDTH);
	if (chart->planned > 0)
		print_bar(chart, "kill", chart->whole - chart->kill, chart->kill, 0, 24);
	if (row != NULL && row->runs && row->time > 0)
		print_bar(chart, row->step->kind == STEP_STOP ? "may stop" : "may", row->from, row->time, 3, 18);
	if (step != NULL && step->started > 0) {
		char class[32];
		snprintf(class, sizeof class, "fill-%s", html_class(view_step_tone(step->state)));
		print_bar(chart, class, step->started - chain->started,
			  (step->ended > 0 ? step->ended : chart->people->now) - step->started, 7, 10);
	}
	print_now(chart);
	fputs("</svg>", to);
}

static const char *place(const struct chart *chart, size_t i, bool *inside)
{
	if (i >= chart->planned)
		return "";
	const struct plan_row *row = &chart->rows[i];
	const char *class = row->first ? "first" : row->last ? "last" : *inside ? "among" : "";
	*inside = (*inside || row->first) && !row->last;
	return class;
}

static void print_name(const struct chart *chart, size_t i, bool *inside)
{
	FILE *to = chart->people->to;
	const char *class = place(chart, i, inside);
	const struct plan_step *step = i < chart->planned ? chart->rows[i].step : NULL;

	fprintf(to, "<tr><th scope=\"row\" class=\"step %s\">", class);
	html_text(to, step != NULL ? step->name : chart->people->copy->step[i].name);
	if (step != NULL)
		fprintf(to, " <small>%s%s%s</small>", name_of(&names_step_kinds, step->kind),
			step->required ? ", required" : "",
			*class != '\0' ? "<span class=\"unseen\">, side by side with others</span>" : "");
	fputs("</th>", to);
}

static void print_result(const struct chart *chart, const struct page_step *step)
{
	FILE *to = chart->people->to;
	char time[DURATION_TEXT];

	fputs("<td>", to);
	html_word(to, view_step_tone(step->state), name_of(&names_step_states, step->state));
	if (step->started > 0)
		fprintf(to, " %s", duration_format((step->ended > 0 ? step->ended : chart->people->now) - step->started, time));
	if (step->attempt > 1)
		fprintf(to, "<br><small>attempt %d</small>", step->attempt);
	fputs("</td>", to);
}

/* Reserve, most time and start: of what --check prints. */
static void print_budget(const struct chart *chart, size_t i)
{
	FILE *to = chart->people->to;
	const struct plan_row *row = &chart->rows[i];
	char reserve[DURATION_TEXT], time[DURATION_TEXT], from[DURATION_TEXT];
	bool some = row->time > 0 || row->step->timeout == 0;

	fprintf(to, "<td class=\"number wide\">%s</td>",
		row->step->reserve > 0 ? duration_format(row->step->reserve, reserve) : "–");
	if (!row->runs)
		fprintf(to, "<td class=\"number\">–</td><td class=\"number wide\">–</td>");
	else
		fprintf(to, "<td class=\"number%s\">%s</td><td class=\"number wide\">%s</td>", plan_row_cut(row) ? " warn" : "",
			some ? duration_format(row->time, time) : "none", duration_format(row->from, from));
}

static void print_row(const struct chart *chart, size_t i, bool *inside)
{
	FILE *to = chart->people->to;

	print_name(chart, i, inside);
	if (chart->steps > 0)
		print_result(chart, &chart->people->copy->step[i]);
	else
		print_budget(chart, i);
	if (!chart->drawn) {
		fputs("</tr>\n", to);
		return;
	}
	fputs("<td class=\"drawn\">", to);
	if (chart->steps == 0 && !chart->rows[i].runs)
		fputs(chart->rows[i].alone ? "skipped: the app is not running" : "skipped: excluded by <code>when</code>", to);
	else
		print_drawing(chart, i);
	fputs("</td></tr>\n", to);
}

static void print_kill(const struct chart *chart)
{
	FILE *to = chart->people->to;
	char time[DURATION_TEXT], from[DURATION_TEXT];

	if (!chart->drawn || chart->planned == 0 || chart->kill <= 0)
		return;
	duration_format(chart->kill, time);
	fputs("<tr><th scope=\"row\" class=\"step\"><small>SIGKILL, reaping</small></th>", to);
	if (chart->steps > 0)
		fputs("<td></td>", to);
	else
		fprintf(to, "<td class=\"number wide\">%s</td><td class=\"number\">%s</td><td class=\"number wide\">%s</td>",
			time, time, duration_format(chart->whole - chart->kill, from));
	fputs("<td class=\"drawn\">", to);
	print_drawing(chart, PLAN_STEPS_MAX);
	fputs("</td></tr>\n", to);
}

static void print_chart(const struct chart *chart)
{
	FILE *to = chart->people->to;
	const size_t count = chart->steps > 0 ? chart->steps : chart->planned;
	char whole[DURATION_TEXT];
	bool inside = false;

	if (count == 0)
		return;
	fputs("<table class=\"chart\"><thead><tr><th scope=\"col\">Step</th>", to);
	if (chart->steps > 0)
		fputs("<th scope=\"col\">Result</th>", to);
	else
		fputs("<th scope=\"col\" class=\"number wide\">Reserve</th><th scope=\"col\" class=\"number\">At most</th>"
		      "<th scope=\"col\" class=\"number wide\">From</th>",
		      to);
	if (chart->drawn)
		fprintf(to, "<th scope=\"col\" class=\"drawn\"><span class=\"ends\"><span>0</span><span>%s</span></span></th>",
			duration_format(chart->whole, whole));
	fputs("</tr></thead><tbody>\n", to);
	for (size_t i = 0; i < count; i++)
		print_row(chart, i, &inside);
	print_kill(chart);
	fputs("</tbody></table>\n", to);
}

/* What --check says below its chart. */
static void print_cuts(const struct chart *chart)
{
	FILE *to = chart->people->to;
	bool any = false;
	char time[DURATION_TEXT];

	for (size_t i = 0; i < chart->planned; i++) {
		const struct plan_row *row = &chart->rows[i];
		if (!plan_row_cut(row))
			continue;
		fputs(any ? ", " : "<p class=\"warn\">Cut if every earlier step takes as long as it can: ", to);
		html_text(to, row->step->name);
		fprintf(to, " (%s left)", row->time > 0 ? duration_format(row->time, time) : "none");
		any = true;
	}
	fputs(any ? ".</p>\n" : "<p>No step is cut, even if every step takes as long as it can.</p>\n", to);
}

static void print_cause(FILE *to, const struct page_chain *chain)
{
	fputs(name_of(&names_reasons, chain->reason), to);
	if (*chain->signal != '\0') {
		fputs(" by ", to);
		html_text(to, chain->signal);
	}
}

void people_chain_running(const struct people *people)
{
	const struct page_chain *chain = &people->copy->head.chain;
	struct chart chart = {.people = people};
	char time[DURATION_TEXT];

	if (!chain->running)
		return;
	add_steps(&chart);
	fputs("<section id=\"chain\"><h2>Running now: ", people->to);
	print_cause(people->to, chain);
	fprintf(people->to, ", for %s</h2>\n", duration_format(people->now - chain->started, time));
	print_chart(&chart);
	fputs("<p>Light: the worst case, if every step takes as long as it can. Solid: what has happened.</p></section>\n",
	      people->to);
}

void people_chain_plan(const struct people *people)
{
	const struct plan *plan = people->plan;
	struct chart chart = {.people = people, .drawn = true};
	char time[DURATION_TEXT];

	/* held: a stop ends it at once */
	if (plan == NULL || people->copy->head.chain.running || people->copy->head.phase == PAGE_HELD)
		return;
	fprintf(people->to,
		"<section id=\"plan\"><h2>If it is stopped</h2>\n<p>Deadline: %s from the first stop event to the exit.",
		duration_format(plan->shutdown.effective, time));
	if (!plan->shutdown.chained) {
		fputs(" There is no chain: signals are forwarded as they come.</p></section>\n", people->to);
		return;
	}
	fputs(" The worst case, in which every step takes as long as it can:</p>\n", people->to);
	add_plan(&chart, REASON_STOP);
	print_chart(&chart);
	print_cuts(&chart);
	fputs("</section>\n", people->to);
}

void people_chain_last(const struct people *people)
{
	const struct page_chain *chain = &people->copy->head.chain;
	struct chart chart = {.people = people};
	FILE *to = people->to;
	char time[DURATION_TEXT];

	if (!chain->ran || chain->running)
		return;
	add_steps(&chart);
	fprintf(to, "<section id=\"last\"><h2>Last chain%s</h2>\n<p>", chain->earlier ? ", of an earlier run" : "");
	print_cause(to, chain);
	fputs(", ", to);
	html_time(to, chain->unix_ms);
	fputs(", ", to);
	html_word(to, chain->cut_off ? TONE_BAD : TONE_PLAIN, chain->cut_off ? "KILLED after" : "took");
	fprintf(to, " %s", view_span(chain->ended - chain->started, time));
	if (chain->required_failed)
		html_word(to, TONE_BAD, ", A REQUIRED STEP FAILED");
	fputs("</p>\n", to);
	print_chart(&chart);
	fputs("</section>\n", to);
}

const char *people_chain_failed(const struct people *people)
{
	struct chart chart = {.people = people};

	add_steps(&chart);
	for (size_t i = 0; i < chart.planned; i++)
		if (chart.rows[i].step->required && plan_state_failed((enum step_state)people->copy->step[i].state))
			return chart.rows[i].step->name;
	return NULL;
}
