#include "config/plan_chart.h"

#include "config/duration.h"
#include "config/names.h"
#include "config/plan_rows.h"
#include "config/read_chain.h"

#define CHART 40 /* columns of the chart */

/* A reason in words. If the app is restarted, the restart's chain comes first. */
static const char *reason_name(const struct plan *plan, enum reason reason)
{
	enum restart_policy policy = plan->app.restart.policy;

	switch ((int)reason) {
	case REASON_EXIT:
		return policy == RESTART_ALWAYS ? "an exit once restarts are exhausted" : "an exit";
	case REASON_CRASH:
		return policy != RESTART_NEVER ? "a crash once restarts are exhausted" : "a crash";
	case REASON_UNHEALTHY:
		return "an unhealthy app";
	case REASON_RESTART:
		return policy != RESTART_NEVER ? "a crash (restart.policy)" : "a restart";
	case REASON_RECOVERY:
		return "recovery, before the app starts,";
	default:
		return "a stop";
	}
}

static const char *time_text(msec_t time, char buffer[DURATION_TEXT])
{
	return time == MSEC_UNSET || time == 0 ? "-" : duration_format(time, buffer);
}

static int column(msec_t at, msec_t whole)
{
	return (int)((at * CHART + whole / 2) / whole);
}

static void print_bar(msec_t from, msec_t time, msec_t whole, char mark, FILE *to)
{
	int begin = column(from, whole), end = column(from + time, whole);

	if (end == begin && time > 0)
		end < CHART ? end++ : begin--;
	fputc('|', to);
	for (int i = 0; i < CHART; i++)
		fputc(i >= begin && i < end ? mark : ' ', to);
	fputs("|\n", to);
}

static void print_row(const struct plan_row *row, msec_t whole, bool inside, FILE *to)
{
	char reserve[DURATION_TEXT], time[DURATION_TEXT], from[DURATION_TEXT];
	const char *edge = row->first ? "/" : row->last ? "\\" : inside ? "|" : " ";

	fprintf(to, "%s %-22.22s %-7s %8s ", edge, row->step->name, name_of(&names_step_kinds, row->step->kind),
		time_text(row->step->reserve, reserve));
	if (!row->runs) {
		fprintf(to, "%8s %8s  %s\n", "-", "-",
			row->alone ? "skipped: the app is not running" : "skipped: excluded by `when`");
		return;
	}
	fprintf(to, "%8s %8s  ", row->time > 0 || row->step->timeout == 0 ? duration_format(row->time, time) : "none",
		duration_format(row->from, from));
	print_bar(row->from, row->time, whole, row->step->kind == STEP_STOP ? '#' : '=', to);
}

static void print_chart(msec_t deadline, msec_t kill_reserve, const struct plan_row *rows, size_t count, FILE *to)
{
	char reserve[DURATION_TEXT], whole[DURATION_TEXT], from[DURATION_TEXT];
	msec_t kill = deadline - kill_reserve;
	bool inside = false;

	duration_format(deadline, whole);
	fprintf(to, "  %-22s %-7s %8s %8s %8s  0%*s\n", "step", "does", "reserve", "at most", "from", CHART + 1, whole);
	for (size_t i = 0; i < count; i++) {
		print_row(&rows[i], deadline, inside, to);
		inside = (inside || rows[i].first) && !rows[i].last;
	}
	duration_format(kill_reserve, reserve);
	fprintf(to, "  %-22s %-7s %8s %8s %8s  ", "(SIGKILL, reaping)", "", reserve, reserve, duration_format(kill, from));
	print_bar(kill, kill_reserve, deadline, 'x', to);
}

static void print_cuts(const struct plan_row *rows, size_t count, FILE *to)
{
	char time[DURATION_TEXT], timeout[DURATION_TEXT];
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct plan_step *step = rows[i].step;
		if (!plan_row_cut(&rows[i]))
			continue;
		fprintf(to, any ? "" : "\ncut if every earlier step takes as long as it can:\n");
		any = true;
		if (step->timeout == MSEC_UNSET)
			fprintf(to, "  %s: no time left\n", step->name);
		else
			fprintf(to, "  %s: %s left of %s\n", step->name,
				rows[i].time > 0 ? duration_format(rows[i].time, time) : "none",
				duration_format(step->timeout, timeout));
	}
	if (!any)
		fputs("\nno step is cut, even if every step takes as long as it can\n", to);
}

static void print_notes(const struct plan_row *rows, size_t count, FILE *to)
{
	bool any = false, stopped = false;

	for (size_t i = 0; i < count; i++) {
		const struct plan_step *step = rows[i].step;
		const char *note = NULL;
		if (step->kind == STEP_STOP)
			stopped = true;
		else if (step->needs_app && stopped)
			note = "never runs: it has needs_app, but the app is stopped before it";
		else if (step->kind == STEP_SIGNAL && stopped)
			note = "never sent: the app is stopped before it";
		else if (step->timeout == MSEC_UNSET && rows[i].runs)
			note = "no timeout: it may use all the time that later steps have not reserved";
		if (step->kind == STEP_STOP && step->reserve < CHAIN_STOP_RESERVE &&
		    (step->timeout == MSEC_UNSET || step->reserve < step->timeout))
			note = "reserves less than 3 s";
		if (note == NULL)
			continue;
		fprintf(to, "%s  %s: %s\n", any ? "" : "\nnotes:\n", step->name, note);
		any = true;
	}
}

/* Whether a reason can occur with this configuration. */
static bool can_happen(const struct plan *plan, enum reason reason)
{
	const struct plan_probe *probes = plan->probes;
	bool acts = probes[PROBE_LIVENESS].on_failure != UNHEALTHY_NONE || probes[PROBE_STARTUP].on_failure != UNHEALTHY_NONE;

	if (reason == REASON_UNHEALTHY)
		return acts;
	if (reason == REASON_RESTART)
		return plan_may_restart(plan);
	if (reason == REASON_RECOVERY)
		return plan->recovery.possible;
	return true;
}

/* Whether two plans are equal: same steps, same times. */
static bool same_plan(const struct plan_row *a, const struct plan_row *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (a[i].runs != b[i].runs || (a[i].runs && (a[i].time != b[i].time || a[i].from != b[i].from)))
			return false;
	return true;
}

static void list_steps(const struct plan_row *rows, size_t count, bool runs, FILE *to)
{
	const char *separator = "";

	for (size_t i = 0; i < count; i++) {
		if (rows[i].runs != runs)
			continue;
		fprintf(to, "%s%s", separator, rows[i].step->name);
		separator = ", ";
	}
}

/* "a crash runs: stop. It does not run: cancel, close", and a table without bars. */
static void print_other(const struct plan *plan, enum reason reason, const char *who, FILE *to)
{
	struct plan_row rows[PLAN_STEPS_MAX];
	size_t count = plan_rows(plan, reason, rows), left_out = 0;
	char time[DURATION_TEXT], from[DURATION_TEXT], reserve[DURATION_TEXT];

	for (size_t i = 0; i < count; i++)
		left_out += !rows[i].runs;
	fprintf(to, "\n%s runs: ", who);
	list_steps(rows, count, true, to);
	if (left_out > 0) {
		fputs(". It does not run: ", to);
		list_steps(rows, count, false, to);
	}
	fprintf(to, "\n  %-22s %-7s %8s %8s %8s\n", "step", "does", "reserve", "at most", "from");
	for (size_t i = 0; i < count; i++)
		if (rows[i].runs)
			fprintf(to, "  %-22.22s %-7s %8s %8s %8s\n", rows[i].step->name,
				name_of(&names_step_kinds, rows[i].step->kind), time_text(rows[i].step->reserve, reserve),
				rows[i].time > 0 || rows[i].step->timeout == 0 ? duration_format(rows[i].time, time) : "none",
				duration_format(rows[i].from, from));
	for (size_t i = 0; i < count; i++)
		if (plan_row_cut(&rows[i]))
			fprintf(to, "  %s: %s left if every earlier step takes as long as it can\n", rows[i].step->name,
				rows[i].time > 0 ? duration_format(rows[i].time, time) : "none");
}

/* Each plan that differs from that of a stop, with all its reasons. */
static void print_others(const struct plan *plan, FILE *to)
{
	struct plan_row stop[PLAN_STEPS_MAX], one[PLAN_STEPS_MAX], other[PLAN_STEPS_MAX];
	size_t count = plan_rows(plan, REASON_STOP, stop);
	bool printed[REASON_START] = {false};

	for (int reason = REASON_EXIT; reason < REASON_START; reason++) {
		char who[200] = "";
		size_t used = 0;
		if (printed[reason] || !can_happen(plan, (enum reason)reason))
			continue;
		plan_rows(plan, (enum reason)reason, one);
		for (int next = reason; next < REASON_START; next++) {
			if (!can_happen(plan, (enum reason)next))
				continue;
			plan_rows(plan, (enum reason)next, other);
			if (!same_plan(one, other, count))
				continue;
			printed[next] = true;
			used += (size_t)snprintf(who + used, sizeof who - used, "%s%s", used > 0 ? " or " : "",
						 reason_name(plan, (enum reason)next));
		}
		if (!same_plan(one, stop, count))
			print_other(plan, (enum reason)reason, who, to);
	}
}

void plan_chart_start(const struct plan *plan, FILE *to)
{
	const msec_t deadline = plan->start.deadline, kill_reserve = plan->shutdown.kill_reserve;
	struct plan_row rows[PLAN_STEPS_MAX];
	char time[DURATION_TEXT];

	if (plan->start.chain.count == 0)
		return;
	fprintf(to, "\nbefore the app starts, within %s:\n\n", duration_format(deadline, time));
	size_t count = plan_rows(plan, REASON_START, rows);
	print_chart(deadline, kill_reserve, rows, count, to);
	print_cuts(rows, count, to);
}

void plan_chart_shutdown(const struct plan *plan, FILE *to)
{
	struct plan_row rows[PLAN_STEPS_MAX];

	fputs("\nworst case: every step takes as long as it can\n\n", to);
	size_t count = plan_rows(plan, REASON_STOP, rows);
	print_chart(plan->shutdown.effective, plan->shutdown.kill_reserve, rows, count, to);
	print_cuts(rows, count, to);
	print_notes(rows, count, to);
	print_others(plan, to);
}

static size_t lost_required(const struct plan_row *rows, size_t count)
{
	size_t lost = 0;

	for (size_t i = 0; i < count; i++)
		lost += rows[i].step->required &&
			((rows[i].runs && rows[i].time == 0 && rows[i].step->timeout != 0) || rows[i].alone);
	return lost;
}

size_t plan_chart_reason(const struct plan *plan, enum reason reason, FILE *to)
{
	struct plan_row rows[PLAN_STEPS_MAX];
	size_t count = plan_rows(plan, reason, rows);

	print_chart(plan_rows_deadline(plan, reason), plan->shutdown.kill_reserve, rows, count, to);
	print_cuts(rows, count, to);
	return reason == REASON_RECOVERY ? 0 : lost_required(rows, count);
}
