#include "init/heartbeats.h"

#include <stdio.h>
#include <string.h>

#include "config/duration.h"
#include "config/names.h"
#include "init/base/log.h"
#include "probes/clock.h"

void heartbeats_init(struct heartbeats *heartbeats, const struct seq *seq, const struct prober *prober,
		     struct shutdown_facts *facts, struct memory *memory)
{
	heartbeats->seq = seq;
	heartbeats->prober = prober;
	heartbeats->facts = facts;
	heartbeats->memory = memory;
	beats_init(&heartbeats->beats, &seq->plan->heartbeats);
}

static const struct plan_heartbeat *plan_of(const struct heartbeats *heartbeats, size_t index)
{
	return &heartbeats->seq->plan->heartbeats.items[index];
}

/* --- when they are sent ------------------------------------------------------------------------------------------------ */

/* From the first arming, or the app's first start, to the end of the last chain; restarts are no end. */
static bool is_in_charge(const struct seq *seq, bool start)
{
	switch (seq->phase) {
	case PHASE_RUNNING:
	case PHASE_DRAINING:
	case PHASE_CHAIN:
	case PHASE_CHAIN_OVER:
	case PHASE_CLEARING:
	case PHASE_WAITING:
	case PHASE_ARMING:
		return !seq->to_hold && (start || seq->opening == OPENING_NONE);
	case PHASE_READING:
	case PHASE_HELD:
	case PHASE_SWEEP:
	case PHASE_CLOSING:
	case PHASE_OVER:
		break;
	}
	return false;
}

/* One after the other: who waits for a lease must not renew the dead man's switch of its owner. */
static bool is_next(const struct heartbeats *heartbeats, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (plan_of(heartbeats, i)->start && !heartbeats->beats.items[i].armed)
			return false;
	return true;
}

/* Never for an app that is not well. */
static bool is_open(const struct heartbeats *heartbeats, size_t index)
{
	const struct plan_heartbeat *plan = plan_of(heartbeats, index);
	const struct seq *seq = heartbeats->seq;
	const char *why;

	if (plan->start && seq->phase == PHASE_ARMING)
		return is_next(heartbeats, index);
	if (plan->gate == WHILE_RUNNING)
		return is_in_charge(seq, plan->start);
	if (seq->app_gone)
		return false;
	return prober_healthy(heartbeats->prober, PROBE_LIVENESS, &why) &&
	       (plan->gate == WHILE_LIVE || prober_healthy(heartbeats->prober, PROBE_READINESS, &why));
}

static unsigned gates(const struct heartbeats *heartbeats)
{
	unsigned open = 0;

	for (size_t i = 0; i < heartbeats->seq->plan->heartbeats.count; i++)
		if (is_open(heartbeats, i))
			open |= 1u << i;
	return open;
}

/* --- what they do ------------------------------------------------------------------------------------------------------ */

static void start(struct heartbeats *heartbeats, const struct beats_action *action)
{
	struct check_result result = {.retry_after = MSEC_UNSET};
	bool disarm = action->kind == BEATS_DISARM;

	if (jobs_start_beat(heartbeats->facts, action->index, disarm, action->time, &result))
		return;
	memcpy(heartbeats->why[action->index], result.message, sizeof result.message);
	heartbeats->unstarted |= 1u << action->index;
}

static void log_not_disarmed(const char *name, const char *why)
{
	log_fields(LOG_WARN, "heartbeat_disarm_fail", name, LOG_FIELDS(field_text("error", why)), "heartbeat not disarmed: %s",
		   why);
}

static void narrate(const struct heartbeats *heartbeats, const struct beats_action *action)
{
	const struct plan_heartbeat *plan = plan_of(heartbeats, action->index);
	const struct beat *beat = &heartbeats->beats.items[action->index];
	const char *name = plan->beat.name, *why = heartbeats->why[action->index];
	bool arming = heartbeats->seq->phase == PHASE_ARMING;

	switch (action->kind) {
	case BEATS_ARMED:
		log_event(LOG_INFO, "heartbeat_armed", name, "heartbeat armed");
		break;
	case BEATS_FAILED:
		log_fields(beat->failures == 1 ? LOG_WARN : LOG_DEBUG, "heartbeat_fail", name,
			   LOG_FIELDS(field_number("failures", beat->failures), field_text("error", why)),
			   arming ? "heartbeat failed: %s; the app starts once it succeeds" : "heartbeat failed: %s", why);
		break;
	case BEATS_LOST:
		log_fields(LOG_ERROR, "heartbeat_lost", name,
			   LOG_FIELDS(field_number("failures", beat->failures), field_text("error", why),
				      field_text("on_failure", name_of(&names_beat_failures, plan->on_failure))),
			   "heartbeat lost after %d failures in a row: %s", beat->failures, why);
		break;
	case BEATS_DISARMED:
		if (action->ok)
			log_event(LOG_INFO, "heartbeat_disarmed", name, "heartbeat disarmed");
		else
			log_not_disarmed(name, why);
		break;
	case BEATS_START:
	case BEATS_DISARM:
	case BEATS_KILL:
	case BEATS_CLOSED:
		break;
	}
}

static void remember(struct heartbeats *heartbeats, const struct beats_action *action)
{
	const char *name = plan_of(heartbeats, action->index)->beat.name;
	const char *why = heartbeats->why[action->index];

	if (action->kind == BEATS_ARMED || (action->kind == BEATS_DISARMED && action->ok))
		remember_heartbeat(heartbeats->memory, name, action->kind == BEATS_ARMED, NULL);
	else if (action->kind == BEATS_LOST)
		remember_heartbeat(heartbeats->memory, name, false, why);
}

/* Lost by the clock: the last failure, if there was one, is not why. */
static void explain(struct heartbeats *heartbeats, size_t index)
{
	const struct beat *beat = &heartbeats->beats.items[index];
	char time[DURATION_TEXT];

	if (beat->failures >= plan_of(heartbeats, index)->failure_threshold)
		return;
	duration_format(clock_now() - beat->since, time);
	snprintf(heartbeats->why[index], sizeof heartbeats->why[index], "none has succeeded for %s", time);
}

static void run_action(struct heartbeats *heartbeats, const struct beats_action *action)
{
	if (action->kind == BEATS_CLOSED) {
		heartbeats->closed = true; /* it is about none of them: there may be none */
		return;
	}
	if (action->kind == BEATS_KILL)
		strcpy(heartbeats->why[action->index], "timed out");
	if (action->kind == BEATS_LOST)
		explain(heartbeats, action->index);
	if (action->kind == BEATS_LOST && heartbeats->seq->phase == PHASE_ARMING)
		return; /* there is no app to do anything about */
	narrate(heartbeats, action);
	remember(heartbeats, action);
	if (action->kind == BEATS_LOST && plan_of(heartbeats, action->index)->on_failure != BEAT_NONE)
		heartbeats->lost |= 1u << action->index;
	if (action->kind == BEATS_START || action->kind == BEATS_DISARM)
		start(heartbeats, action);
	else if (action->kind == BEATS_KILL)
		jobs_kill((struct job_id){JOB_BEAT, action->index});
}

static void feed_one(struct heartbeats *heartbeats, const struct beats_event *event)
{
	struct beats_actions actions;

	beats_event(&heartbeats->beats, clock_now(), event, &actions);
	heartbeats->changed |= actions.count > 0 || event->kind == BEATS_RESULT;
	for (size_t i = 0; i < actions.count; i++)
		run_action(heartbeats, &actions.items[i]);
}

/* Carries out all actions of an event before reporting what could not start. */
static void feed(struct heartbeats *heartbeats, const struct beats_event *event)
{
	static const struct check_result none = {.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL};

	feed_one(heartbeats, event);
	while (heartbeats->unstarted != 0) {
		size_t index = (size_t)__builtin_ctz(heartbeats->unstarted);
		heartbeats->unstarted &= heartbeats->unstarted - 1;
		feed_one(heartbeats, &(struct beats_event){.kind = BEATS_RESULT, .index = index, .result = &none});
	}
}

void heartbeats_tick(struct heartbeats *heartbeats, pid_t app)
{
	if (heartbeats->seq->plan->heartbeats.count == 0)
		return;
	heartbeats->facts->app = app;
	feed(heartbeats, &(struct beats_event){.kind = BEATS_GATES, .open = gates(heartbeats)});
}

void heartbeats_done(struct heartbeats *heartbeats, size_t index, const struct check_result *result)
{
	if (result->outcome != OUTCOME_OK)
		memcpy(heartbeats->why[index], result->message, sizeof result->message);
	feed(heartbeats, &(struct beats_event){.kind = BEATS_RESULT, .index = index, .result = result});
}

void heartbeats_close(struct heartbeats *heartbeats, bool disarm)
{
	feed(heartbeats, &(struct beats_event){.kind = BEATS_CLOSE, .disarm = disarm});
}

void heartbeats_leave(const struct heartbeats *heartbeats)
{
	for (size_t i = 0; i < heartbeats->seq->plan->heartbeats.count; i++) {
		const struct beat *beat = &heartbeats->beats.items[i];
		if (heartbeats->seq->in_order && plan_of(heartbeats, i)->disarms && !beat->failed &&
		    (beat->exposed || beat->disarming))
			log_not_disarmed(plan_of(heartbeats, i)->beat.name, "no time is left");
	}
}
