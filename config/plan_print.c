#include "config/plan_print.h"

#include <stdlib.h>
#include <string.h>

#include "config/budget.h"
#include "config/read_chain.h"
#include "config/duration.h"
#include "config/names.h"
#include "config/signame.h"

#define CHART 40 /* columns of the chart */

/* A row of the chart: a step, and when it runs if earlier steps take as long as they can. */
struct row {
	const struct plan_step *step;
	msec_t from, time;
	bool runs;
	bool alone;       /* skipped only because the app is gone */
	bool first, last; /* of a parallel group */
};

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
	default:
		return "a stop";
	}
}

static const char *time_text(msec_t time, char buffer[DURATION_TEXT])
{
	return time == MSEC_UNSET || time == 0 ? "-" : duration_format(time, buffer);
}

/* Whether a step needs the app and the app is gone by then. */
static bool is_alone(const struct plan_step *step, enum reason reason, bool stopped)
{
	bool gone = stopped || reason == REASON_EXIT || reason == REASON_CRASH;

	return gone && (step->needs_app || step->kind == STEP_SIGNAL);
}

/* All rows for a reason, in order. Returns how many. */
static size_t reckon(const struct plan_shutdown *shutdown, enum reason reason, struct row rows[PLAN_STEPS_MAX])
{
	size_t count = 0;
	msec_t elapsed = 0;
	bool stopped = false;

	for (size_t i = 0; i < shutdown->chain.count; i++) {
		const struct plan_stage *stage = &shutdown->chain.stages[i];
		msec_t time = budget_time(shutdown, reason, i, elapsed), longest = 0;
		for (size_t j = 0; j < stage->count; j++) {
			const struct plan_step *step = &stage->steps[j];
			struct row *row = &rows[count++];
			*row = (struct row){.step = step, .from = elapsed, .time = budget_cap(step->timeout, time)};
			row->alone = budget_runs(step, reason) && is_alone(step, reason, stopped);
			row->runs = budget_runs(step, reason) && !row->alone;
			row->first = stage->count > 1 && j == 0;
			row->last = stage->count > 1 && j == stage->count - 1;
			if (row->runs && row->time > longest)
				longest = row->time;
		}
		stopped |= stage->has_stop;
		elapsed += longest;
	}
	return count;
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

static void print_row(const struct row *row, msec_t whole, bool inside, FILE *to)
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

static void print_chart(const struct plan_shutdown *shutdown, const struct row *rows, size_t count, FILE *to)
{
	char reserve[DURATION_TEXT], whole[DURATION_TEXT], from[DURATION_TEXT];
	msec_t effective = shutdown->effective, kill = effective - shutdown->kill_reserve;
	bool inside = false;

	duration_format(effective, whole);
	fprintf(to, "  %-22s %-7s %8s %8s %8s  0%*s\n", "step", "does", "reserve", "at most", "from", CHART + 1, whole);
	for (size_t i = 0; i < count; i++) {
		print_row(&rows[i], effective, inside, to);
		inside = (inside || rows[i].first) && !rows[i].last;
	}
	duration_format(shutdown->kill_reserve, reserve);
	fprintf(to, "  %-22s %-7s %8s %8s %8s  ", "(SIGKILL, reaping)", "", reserve, reserve, duration_format(kill, from));
	print_bar(kill, shutdown->kill_reserve, effective, 'x', to);
}

/* A step that gets less than its timeout if earlier steps take as long as they can. */
static bool is_cut(const struct row *row)
{
	const struct plan_step *step = row->step;

	if (!row->runs || step->timeout == 0)
		return false;
	return row->time == 0 || (step->timeout != MSEC_UNSET && row->time < step->timeout);
}

static void print_cuts(const struct row *rows, size_t count, FILE *to)
{
	char time[DURATION_TEXT], timeout[DURATION_TEXT];
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		const struct plan_step *step = rows[i].step;
		if (!is_cut(&rows[i]))
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

static void print_notes(const struct row *rows, size_t count, FILE *to)
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
	return true;
}

/* Whether two plans are equal: same steps, same times. */
static bool same_plan(const struct row *a, const struct row *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (a[i].runs != b[i].runs || (a[i].runs && (a[i].time != b[i].time || a[i].from != b[i].from)))
			return false;
	return true;
}

static void list_steps(const struct row *rows, size_t count, bool runs, FILE *to)
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
	struct row rows[PLAN_STEPS_MAX];
	size_t count = reckon(&plan->shutdown, reason, rows), left_out = 0;
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
		if (is_cut(&rows[i]))
			fprintf(to, "  %s: %s left if every earlier step takes as long as it can\n", rows[i].step->name,
				rows[i].time > 0 ? duration_format(rows[i].time, time) : "none");
}

/* Each plan that differs from that of a stop, with all its reasons. */
static void print_others(const struct plan *plan, FILE *to)
{
	struct row stop[PLAN_STEPS_MAX], one[PLAN_STEPS_MAX], other[PLAN_STEPS_MAX];
	size_t count = reckon(&plan->shutdown, REASON_STOP, stop);
	bool printed[REASON_RECOVERY] = {false};

	for (int reason = REASON_EXIT; reason < REASON_RECOVERY; reason++) {
		char who[200] = "";
		size_t used = 0;
		if (printed[reason] || !can_happen(plan, (enum reason)reason))
			continue;
		reckon(&plan->shutdown, (enum reason)reason, one);
		for (int next = reason; next < REASON_RECOVERY; next++) {
			if (!can_happen(plan, (enum reason)next))
				continue;
			reckon(&plan->shutdown, (enum reason)next, other);
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

static void print_signals(uint64_t signals, FILE *to)
{
	const char *separator = "";

	for (int n = 1; n <= SIGNAL_MAX; n++) {
		if ((signals & SIGNAL_BIT(n)) == 0)
			continue;
		fprintf(to, "%s%s", separator, signal_name(n));
		separator = ", ";
	}
	fputc('\n', to);
}

/* sd_notify, restarts, listener. */
static void print_lives(const struct plan *plan, FILE *to)
{
	static const char *const policies[] = {
	    [RESTART_NEVER] = "by probes only", [RESTART_ON_FAILURE] = "on failure", [RESTART_ALWAYS] = "always"};
	const struct plan_restart *restart = &plan->app.restart;
	char within[DURATION_TEXT], backoff[DURATION_TEXT], most[DURATION_TEXT], watchdog[DURATION_TEXT];

	if (plan->app.notify)
		fprintf(to, "notify         startup waits for READY=1%s%s\n",
			plan->app.watchdog > 0 ? "; WATCHDOG=1 at least every " : "",
			plan->app.watchdog > 0 ? duration_format(plan->app.watchdog, watchdog) : "");
	if (plan_may_restart(plan))
		fprintf(to, "restarts       %s, at most %d within %s, back-off %s to %s\n", policies[restart->policy],
			restart->max, duration_format(restart->within, within), duration_format(restart->backoff, backoff),
			duration_format(restart->backoff_max, most));
	if (plan->listen != NULL)
		fprintf(to, "listens on     %s\n", plan->listen);
}

static void print_app(const struct plan *plan, FILE *to)
{
	const struct plan_app *app = &plan->app;

	fprintf(to, "configuration  %s\n", plan->file != NULL ? plan->file : "none (defaults)");
	fprintf(to, "app            %s", app->name);
	if (app->command.shown != NULL)
		fprintf(to, ": %s", app->command.shown);
	if (app->directory != NULL)
		fprintf(to, "; in %s", app->directory);
	if (app->user.set)
		fprintf(to, "; as uid %u, gid %u", app->user.uid, app->user.gid);
	fprintf(to, "\nstop signals   ");
	print_signals(plan->shutdown.signals, to);
	print_lives(plan, to);
}

static void print_deadline(const struct plan_shutdown *shutdown, FILE *to)
{
	char effective[DURATION_TEXT], deadline[DURATION_TEXT], grace[DURATION_TEXT];

	fprintf(to, "deadline       %s from the first stop event to exit", duration_format(shutdown->effective, effective));
	if (shutdown->grace == MSEC_UNSET)
		fputs("; the platform's grace period is unknown (Docker's default: 10 s)\n", to);
	else if (shutdown->effective < shutdown->deadline)
		fprintf(to, " instead of the configured %s: %s grants %s\n", duration_format(shutdown->deadline, deadline),
			shutdown->platform, duration_format(shutdown->grace, grace));
	else
		fprintf(to, "; %s grants %s\n", shutdown->platform, duration_format(shutdown->grace, grace));
}

static void print_probe(const struct plan *plan, enum probe_kind kind, FILE *to)
{
	const struct plan_probe *probe = &plan->probes[kind];
	char delay[DURATION_TEXT], period[DURATION_TEXT], timeout[DURATION_TEXT];
	const char *separator = probe->mode == PROBE_ANY ? "any of " : "";
	bool decides = false;

	fprintf(to, "%-15s", name_of(&names_probes, kind));
	for (size_t i = 0; i < plan->checks.count; i++) {
		if ((probe->checks >> i & 1) == 0)
			continue;
		fprintf(to, "%s%s", separator, plan->checks.items[i].name);
		separator = ", ";
		decides |= !plan->checks.items[i].soft;
	}
	if (probe->checks == 0)
		fputs(kind == PROBE_STARTUP ? "READY=1" : "WATCHDOG=1", to);
	if (probe->checks != 0 || kind == PROBE_STARTUP)
		fprintf(to, "; delay %s, period %s, timeout %s; fails after %d, succeeds after %d",
			duration_format(probe->initial_delay, delay), duration_format(probe->period, period),
			duration_format(probe->timeout, timeout), probe->failure_threshold, probe->success_threshold);
	if (kind != PROBE_READINESS)
		fprintf(to, "; on failure: %s", name_of(&names_unhealthy, probe->on_failure));
	if (probe->checks != 0 && !decides)
		fputs("; all its checks are soft: it never fails", to);
	fputc('\n', to);
}

static void print_lists(const struct plan *plan, FILE *to)
{
	char time[DURATION_TEXT];

	for (size_t i = 0; i < plan->checks.count; i++) {
		const struct plan_check *check = &plan->checks.items[i];
		fprintf(to, "%-15s%s: %s%s", i == 0 ? "checks" : "", check->name, name_of(&names_check_kinds, check->kind),
			check->kind == CHECK_EXEC ? " (a program)" : "");
		if (check->timeout != MSEC_UNSET)
			fprintf(to, ", timeout %s", duration_format(check->timeout, time));
		fputs(check->soft ? ", soft\n" : "\n", to);
	}
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if (plan->probes[kind].given)
			print_probe(plan, (enum probe_kind)kind, to);
	for (size_t i = 0; i < plan->alerts.count; i++)
		fprintf(to, "%-15s%s: %s\n", i == 0 ? "alerts" : "", plan->alerts.items[i].name,
			name_of(&names_alert_types, plan->alerts.items[i].type));
}

void plan_print(const struct plan *plan, FILE *to)
{
	struct row rows[PLAN_STEPS_MAX];

	print_app(plan, to);
	print_deadline(&plan->shutdown, to);
	print_lists(plan, to);
	if (!plan->shutdown.chained) {
		fputs("no chain: stop signals are forwarded to the app; whatever is left at the deadline is killed\n", to);
		return;
	}
	fputs("\nworst case: every step takes as long as it can\n\n", to);
	size_t count = reckon(&plan->shutdown, REASON_STOP, rows);
	print_chart(&plan->shutdown, rows, count, to);
	print_cuts(rows, count, to);
	print_notes(rows, count, to);
	print_others(plan, to);
}
