#include "config/plan_print.h"

#include <stdlib.h>
#include <string.h>

#include "config/duration.h"
#include "config/names.h"
#include "config/plan_chart.h"
#include "config/platform.h"
#include "config/schemes.h"
#include "config/signame.h"
#include "config/signers.h"

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
	if (plan_may_restart(plan) || restart->exhausted == EXHAUSTED_HOLD)
		fprintf(to, "restarts       %s, at most %d within %s, back-off %s to %s; then: %s\n", policies[restart->policy],
			restart->max, duration_format(restart->within, within), duration_format(restart->backoff, backoff),
			duration_format(restart->backoff_max, most), name_of(&names_exhausted, restart->exhausted));
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
		fprintf(to, "; %s grants %s%s\n", shutdown->platform, duration_format(shutdown->grace, grace),
			platform_effective(shutdown->deadline, shutdown->grace) <= 0 ? ", which is no time for a stop" : "");
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
}

static void print_notices(unsigned on, const char *separator, FILE *to)
{
	for (size_t i = 0; i < NOTICE_COUNT; i++) {
		if ((on >> i & 1) == 0)
			continue;
		fprintf(to, "%s%s", separator, name_of(&names_notices, i));
		separator = ", ";
	}
}

/* Without URLs and tokens. */
static void print_alerts(const struct plan *plan, FILE *to)
{
	for (size_t i = 0; i < plan->alerts.count; i++) {
		const struct plan_alert *alert = &plan->alerts.items[i];
		fprintf(to, "%-15s%s: %s%s", i == 0 ? "alerts" : "", alert->name, name_of(&names_alert_types, alert->type),
			alert->wording.text != NULL ? ", with a text of its own" : "");
		if (alert->wording.level != LEVEL_DERIVED)
			fprintf(to, ", level %s", name_of(&names_alert_levels, alert->wording.level));
		print_notices(alert->on, ", on ", to);
		fputc('\n', to);
	}
	print_notices(plan->notify_on, "notify on      ", to);
	if (plan->notify_on != 0)
		fputc('\n', to);
}

/* Without keys. */
static void print_signers(const struct plan *plan, FILE *to)
{
	char recv[DURATION_TEXT];

	for (size_t i = 0; i < plan->signers.count; i++) {
		const struct plan_signer *signer = &plan->signers.items[i];
		bool preset = signer->preset != 0;
		fprintf(to, "%-15s%s: %s", i == 0 ? "signers" : "", signer->name,
			preset ? name_of(&names_schemes, signer->preset) : "a scheme of its own");
		if (signer_uses(signer, VARIABLE_RECV))
			fprintf(to, ", requests valid for %s", duration_format(signer->recv, recv));
		if (signer_uses(signer, VARIABLE_NONCE))
			fprintf(to, ", nonces in %s", name_of(&names_nonce_units, signer->nonce));
		fputc('\n', to);
	}
}

static void print_heartbeats(const struct plan *plan, FILE *to)
{
	char period[DURATION_TEXT], timeout[DURATION_TEXT];

	for (size_t i = 0; i < plan->heartbeats.count; i++) {
		const struct plan_heartbeat *heartbeat = &plan->heartbeats.items[i];
		fprintf(to, "%-15s%s: %s every %s, timeout %s, while %s; lost after %d, then: %s%s%s\n",
			i == 0 ? "heartbeats" : "", heartbeat->beat.name, name_of(&names_step_kinds, heartbeat->beat.kind),
			duration_format(heartbeat->period, period), duration_format(heartbeat->beat.timeout, timeout),
			name_of(&names_while, heartbeat->gate), heartbeat->failure_threshold,
			name_of(&names_beat_failures, heartbeat->on_failure),
			heartbeat->start ? "; before the app starts, too" : "",
			heartbeat->disarms ? "; disarmed after a shutdown in order" : "");
	}
}

/* The journal, and what it is for. */
static void print_memory(const struct plan *plan, FILE *to)
{
	char time[DURATION_TEXT];

	if (plan->state_dir == NULL)
		return;
	fprintf(to, "journal        %s", plan->state_dir);
	if (plan->instance != NULL)
		fprintf(to, ", instance %s", plan->instance);
	if (plan->recovery.possible)
		fprintf(to, "; recovery within %s, on failure: %s", duration_format(plan->recovery.deadline, time),
			name_of(&names_recovery_failures, plan->recovery.on_failure));
	fputc('\n', to);
}

void plan_print(const struct plan *plan, FILE *to)
{
	print_app(plan, to);
	print_deadline(&plan->shutdown, to);
	print_lists(plan, to);
	print_alerts(plan, to);
	print_signers(plan, to);
	print_heartbeats(plan, to);
	print_memory(plan, to);
	plan_chart_start(plan, to);
	if (plan->shutdown.chained)
		plan_chart_shutdown(plan, to);
	else
		fputs("no chain: stop signals are forwarded to the app; whatever is left at the deadline is killed\n", to);
}
