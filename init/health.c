#include "init/health.h"

#include <errno.h>
#include <string.h>

#include "config/names.h"
#include "init/base/log.h"
#include "probes/clock.h"

/* Messages per turn. */
#define MESSAGES_AT_ONCE 16

void health_init(struct health *health, const struct plan *plan, const struct signals_inherited *signals, const struct app *app,
		 uint64_t seed)
{
	health->plan = plan;
	health->signals = signals;
	health->app = app;
	health->notify.socket = -1;
	health->notify.relay.start_at = INT64_MAX;
	prober_init(&health->prober, plan, seed);
	if (plan->app.notify && !notify_open(&health->notify))
		log_fields(LOG_ERROR, "notify_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
			   "cannot create the notify socket: %s", strerror(errno));
}

static void start_check(struct health *health, const struct prober_action *action)
{
	struct check_result result = {.retry_after = MSEC_UNSET};

	if (jobs_start_check(health->plan, health->signals, health->app->pid, action->check, action->time, &result))
		return;
	health->unstarted |= UINT64_C(1) << action->check;
	memcpy(health->unstarted_why, result.message, sizeof result.message);
}

/* Logged once, not at every run. */
static void log_check_error(const struct health *health, size_t check, const struct check_result *result)
{
	if (result->outcome == OUTCOME_ERROR && !health->prober.checks[check].erring)
		log_fields(LOG_WARN, "check_error", health->plan->checks.items[check].name,
			   LOG_FIELDS(field_text("error", result->message)), "error: %s", result->message);
}

static void log_check(const struct health *health, size_t index)
{
	const struct check_result *last = &health->prober.checks[index].last;
	const struct plan_check *check = &health->plan->checks.items[index];
	bool ok = last->outcome == OUTCOME_OK;
	const struct log_field fields[] = {
	    field_text("kind", name_of(&names_check_kinds, check->kind)),
	    field_text("result", ok ? "ok" : "failed"),
	    field_number("took_ms", last->took_us / 1000),
	    field_if(last->status != 0, field_number(check->kind == CHECK_EXEC ? "exit_code" : "http_status", last->status)),
	    field_text("class", ok ? NULL : failure_name(last->failure)),
	    field_text("error", ok ? NULL : last->message),
	};
	const size_t count = sizeof fields / sizeof *fields;

	if (ok)
		log_fields(LOG_INFO, "check_change", check->name, fields, count, "ok");
	else
		log_fields(LOG_INFO, "check_change", check->name, fields, count, "failed: %s", last->message);
}

static void log_verdict(const struct health *health, enum probe_kind kind)
{
	const struct prober_round *round = &health->prober.rounds[kind];
	bool watchdog = kind == PROBE_LIVENESS && health->prober.watchdog_failed;
	const char *names[PLAN_CHECKS_MAX];
	size_t failed = 0;

	for (size_t i = 0; i < health->plan->checks.count; i++)
		if ((round->blamed >> i & 1) != 0) /* not `failed`: the next round may have begun */
			names[failed++] = health->plan->checks.items[i].name;
	if (round->verdict == VERDICT_FAILURE || watchdog)
		log_fields(LOG_WARN, "probe_change", name_of(&names_probes, kind),
			   LOG_FIELDS(field_text("result", "failed"), field_text("cause", watchdog ? "watchdog" : NULL),
				      field_if(!watchdog, field_list("failed_checks", names, failed)),
				      field_if(!watchdog, field_number("failures", round->failures)),
				      field_text("error", round->why)),
			   "failed: %s", round->why);
	else
		log_fields(LOG_INFO, "probe_change", name_of(&names_probes, kind), LOG_FIELDS(field_text("result", "ok")),
			   "succeeded");
}

static void run_action(struct health *health, const struct prober_action *action)
{
	switch (action->kind) {
	case PROBER_START_CHECK:
		start_check(health, action);
		break;
	case PROBER_KILL:
		jobs_kill((struct job_id){JOB_CHECK, action->check});
		health->unstarted &= ~(UINT64_C(1) << action->check);
		break;
	case PROBER_CHANGED:
		log_check(health, action->check);
		break;
	case PROBER_VERDICT:
		log_verdict(health, action->probe);
		health->judged |= 1u << action->probe;
		break;
	case PROBER_UNHEALTHY:
		health->due = health->plan->probes[action->probe].on_failure;
		break;
	}
}

static void feed_one(struct health *health, const struct prober_event *event)
{
	struct prober_actions actions;

	prober_event(&health->prober, clock_now(), event, &actions);
	health->changed |= actions.count > 0 || event->kind != PROBER_TIME;
	for (size_t i = 0; i < actions.count; i++)
		run_action(health, &actions.items[i]);
}

/* Carries out all actions of an event before reporting checks that could not start. */
static void feed(struct health *health, const struct prober_event *event)
{
	struct check_result result = {.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL, .retry_after = MSEC_UNSET};

	feed_one(health, event);
	while (health->unstarted != 0) {
		size_t check = (size_t)__builtin_ctzll(health->unstarted);
		health->unstarted &= health->unstarted - 1;
		memcpy(result.message, health->unstarted_why, sizeof result.message);
		log_check_error(health, check, &result);
		feed_one(health, &(struct prober_event){.kind = PROBER_RESULT, .check = check, .result = &result});
	}
}

void health_event(struct health *health, enum prober_event_kind kind)
{
	if (kind == PROBER_APP_STARTED) {
		health->last = (struct notify_message){.status = ""};
		notify_app_started(&health->notify);
	}
	feed(health, &(struct prober_event){.kind = kind});
}

void health_check_done(struct health *health, size_t check, const struct check_result *result)
{
	log_check_error(health, check, result);
	feed(health, &(struct prober_event){.kind = PROBER_RESULT, .check = check, .result = result});
}

static void handle_message(struct health *health, const struct notify_message *message)
{
	/* in systemd's order: an interval before the message it applies to */
	if (message->watchdog_every != MSEC_UNSET)
		feed(health, &(struct prober_event){.kind = PROBER_WATCHDOG_EVERY, .time = message->watchdog_every});
	if (message->extend != MSEC_UNSET) {
		feed(health, &(struct prober_event){.kind = PROBER_EXTEND, .time = message->extend});
		health->extend = message->extend;
	}
	if (message->ready)
		feed(health, &(struct prober_event){.kind = PROBER_READY});
	if (message->stopping)
		feed(health, &(struct prober_event){.kind = PROBER_APP_STOPPING});
	if (message->watchdog)
		feed(health, &(struct prober_event){.kind = PROBER_WATCHDOG});
	if (message->watchdog_trigger)
		feed(health, &(struct prober_event){.kind = PROBER_WATCHDOG_FAIL});
	health->last.stopping |= message->stopping;
	health->last.reloading = message->reloading || (health->last.reloading && !message->ready);
	if (message->has_status)
		memcpy(health->last.status, message->status, sizeof message->status);
	health->changed = true;
}

void health_receive(struct health *health)
{
	struct notify_message message;

	for (int i = 0; i < MESSAGES_AT_ONCE && notify_receive(&health->notify, health->app->pid, &message); i++)
		handle_message(health, &message);
}
