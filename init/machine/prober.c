#include "init/machine/prober.h"

#include <stdio.h>
#include <string.h>

#include "init/machine/retry.h"
#include "init/machine/round.h"
#include "probes/page.h"

/* A wake-up later than this means that the machine was asleep, not busy. */
#define ASLEEP ((msec_t)1000)
/* A wake-up later than this is not timer jitter. */
#define LATE ((msec_t)20)

void prober_init(struct prober *prober, const struct plan *plan, uint64_t seed)
{
	prober->plan = plan;
	prober->random = seed | 1; /* xorshift cannot leave 0 */
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		prober->rounds[kind].due = INT64_MAX;
}

/* Schedules the first round of a probe that may run from now on. */
static void schedule(struct prober *prober, msec_t now, enum probe_kind kind)
{
	const struct plan_probe *plan = &prober->plan->probes[kind];
	struct prober_round *round = &prober->rounds[kind];

	if (!plan->given || (plan->checks == 0 && kind != PROBE_STARTUP))
		return;
	round->due = prober->app_started + plan->initial_delay + retry_jitter(&prober->random, plan->jitter);
	if (round->due < now)
		round->due = now;
}

/* --- startup and the two it blocks ------------------------------------------------------------------------------- */

static bool is_startup_over(const struct prober *prober)
{
	if (prober->plan->app.notify && !prober->ready_came)
		return false;
	return !prober->plan->probes[PROBE_STARTUP].given || prober->rounds[PROBE_STARTUP].verdict == VERDICT_SUCCESS;
}

/* True if it has just succeeded. */
static bool update_started(struct prober *prober, msec_t now, struct prober_actions *out)
{
	if (prober->state != PROBER_ACTIVE || prober->started || !is_startup_over(prober))
		return false;
	prober->started = true;
	prober->watchdog_from = now;
	prober->rounds[PROBE_STARTUP].due = INT64_MAX;
	round_abandon(prober, PROBE_STARTUP, out);
	schedule(prober, now, PROBE_LIVENESS);
	schedule(prober, now, PROBE_READINESS);
	if (prober->rounds[PROBE_STARTUP].verdict == VERDICT_SUCCESS)
		return true;
	prober->rounds[PROBE_STARTUP].verdict = VERDICT_SUCCESS;
	if (prober->plan->app.notify)
		prober_push(out, (struct prober_action){.kind = PROBER_VERDICT, .probe = PROBE_STARTUP});
	return true;
}

static void on_app_started(struct prober *prober, msec_t now)
{
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		struct prober_round *round = &prober->rounds[kind];
		round->verdict = kind == PROBE_LIVENESS    ? VERDICT_SUCCESS
				 : kind == PROBE_READINESS ? VERDICT_FAILURE
							   : VERDICT_UNKNOWN;
		round->successes = round->failures = 0;
		round->due = INT64_MAX;
		snprintf(round->why, sizeof round->why, "not checked yet");
	}
	for (size_t i = 0; i < prober->plan->checks.count; i++)
		prober->checks[i].has_result = false; /* results of the old app do not count */
	prober->state = PROBER_ACTIVE;
	prober->app_started = now;
	prober->started = prober->ready_came = prober->app_stopping = false;
	prober->watchdog_failed = prober->watchdog_spared = false;
	prober->extended = prober->watchdog_at = 0;
	prober->watchdog = prober->plan->app.watchdog;
	schedule(prober, now, PROBE_STARTUP);
}

static void abandon_rounds(struct prober *prober, struct prober_actions *out)
{
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		round_abandon(prober, (enum probe_kind)kind, out);
		prober->rounds[kind].due = INT64_MAX;
	}
}

static void on_stopped(struct prober *prober, struct prober_actions *out)
{
	const char *why;

	prober->was_live = prober_healthy(prober, PROBE_LIVENESS, &why);
	prober->was_started = prober_healthy(prober, PROBE_STARTUP, &why);
	abandon_rounds(prober, out);
	prober->state = PROBER_FROZEN;
}

/* --- the app's own word ------------------------------------------------------------------------------------------ */

static void on_ready(struct prober *prober, msec_t now)
{
	struct prober_round *startup = &prober->rounds[PROBE_STARTUP];

	prober->ready_came = true;
	if (!prober->started && startup->due != INT64_MAX && !startup->under_way)
		startup->due = now; /* do not wait for the next round */
}

static msec_t watchdog_until(const struct prober *prober)
{
	if (prober->state != PROBER_ACTIVE || prober->watchdog == 0 || prober->watchdog_failed || !prober->started)
		return INT64_MAX;
	return prober->watchdog_from + prober->watchdog;
}

static void on_watchdog_failure(struct prober *prober, struct prober_actions *out, const char *why)
{
	bool was_well = prober->rounds[PROBE_LIVENESS].verdict != VERDICT_FAILURE;

	if (prober->watchdog_failed)
		return;
	prober->watchdog_failed = true;
	snprintf(prober->rounds[PROBE_LIVENESS].why, sizeof prober->rounds[PROBE_LIVENESS].why, "%s", why);
	if (!was_well)
		return;
	prober_push(out, (struct prober_action){.kind = PROBER_VERDICT, .probe = PROBE_LIVENESS});
	prober_push(out, (struct prober_action){.kind = PROBER_UNHEALTHY, .probe = PROBE_LIVENESS});
}

/* We woke up late, such as after a pause of the container: gives the app a little more time, once. */
static bool spare_watchdog(struct prober *prober, msec_t now)
{
	msec_t more = prober->watchdog < ASLEEP ? prober->watchdog : ASLEEP;

	if (prober->watchdog_spared || now - watchdog_until(prober) < LATE)
		return false;
	prober->watchdog_spared = true;
	prober->watchdog_from = now + more - prober->watchdog;
	return true;
}

static void on_watchdog(struct prober *prober, msec_t now, struct prober_actions *out)
{
	prober->watchdog_at = prober->watchdog_from = now;
	prober->watchdog_spared = false;
	if (!prober->watchdog_failed)
		return;
	prober->watchdog_failed = false;
	if (prober->rounds[PROBE_LIVENESS].verdict != VERDICT_FAILURE)
		prober_push(out, (struct prober_action){.kind = PROBER_VERDICT, .probe = PROBE_LIVENESS});
}

/* --- events
 * -------------------------------------------------------------------------------------------------------------------- */

static void on_time(struct prober *prober, msec_t now, struct prober_actions *out)
{
	if (prober->state != PROBER_ACTIVE)
		return;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		if (now >= round_expires(prober, (enum probe_kind)kind))
			round_expire(prober, now, (enum probe_kind)kind, out);
		if (now >= prober->rounds[kind].due)
			round_tick(prober, now, (enum probe_kind)kind, out);
		round_catch_up(prober, now, (enum probe_kind)kind, out);
	}
	if (now >= watchdog_until(prober) && !spare_watchdog(prober, now))
		on_watchdog_failure(prober, out, "watchdog: WATCHDOG=1 is overdue");
}

/* We woke up much too late: the container was paused or the machine asleep, and so was the app. Discards running rounds. */
static void forgive(struct prober *prober, msec_t now, struct prober_actions *out)
{
	msec_t wanted = prober_wake(prober);

	if (wanted == INT64_MAX || now - wanted <= ASLEEP)
		return;
	prober->watchdog_from = now;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		prober->rounds[kind].rounds_error += prober->rounds[kind].under_way;
		round_abandon(prober, (enum probe_kind)kind, out);
	}
}

static void handle_event(struct prober *prober, msec_t now, const struct prober_event *event, struct prober_actions *out)
{
	switch (event->kind) {
	case PROBER_TIME:
	case PROBER_APP_STARTED:
	case PROBER_STOPPED:
	case PROBER_RESTARTING:
	case PROBER_HELD:
		break;
	case PROBER_RESULT:
		if (prober->checks[event->check].running)
			round_result(prober, now, event->check, event->result, out);
		break;
	case PROBER_READY:
		on_ready(prober, now);
		break;
	case PROBER_WATCHDOG:
		on_watchdog(prober, now, out);
		break;
	case PROBER_WATCHDOG_FAIL:
		on_watchdog_failure(prober, out, "watchdog: the app sent WATCHDOG=trigger");
		break;
	case PROBER_WATCHDOG_EVERY:
		prober->watchdog = event->time;
		break;
	case PROBER_EXTEND:
		prober->extended = now + event->time;
		break;
	case PROBER_APP_STOPPING:
		prober->app_stopping = true;
		break;
	}
}

void prober_event(struct prober *prober, msec_t now, const struct prober_event *event, struct prober_actions *out)
{
	out->count = 0;
	if (event->kind == PROBER_HELD) {
		abandon_rounds(prober, out);
		prober->state = PROBER_UNMANNED;
	}
	if (prober->state == PROBER_FROZEN)
		return;
	if (event->kind == PROBER_APP_STARTED)
		on_app_started(prober, now);
	if (event->kind == PROBER_STOPPED)
		on_stopped(prober, out);
	if (event->kind == PROBER_RESTARTING) {
		abandon_rounds(prober, out);
		prober->state = PROBER_DOWN;
	}
	if (prober->state != PROBER_ACTIVE)
		return;
	forgive(prober, now, out);
	handle_event(prober, now, event, out);
	update_started(prober, now, out);
	on_time(prober, now, out);
	if (update_started(prober, now, out))
		on_time(prober, now, out); /* the others may be due at once */
}

/* --- what is asked of it
 * ------------------------------------------------------------------------------------------------------- */

msec_t prober_wake(const struct prober *prober)
{
	msec_t soonest = watchdog_until(prober);

	if (prober->state != PROBER_ACTIVE)
		return INT64_MAX;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		msec_t expires = round_expires(prober, (enum probe_kind)kind);
		if (prober->rounds[kind].due < soonest)
			soonest = prober->rounds[kind].due;
		if (expires < soonest)
			soonest = expires;
	}
	return soonest;
}

static bool is_live(const struct prober *prober, const char **why)
{
	*why = prober->rounds[PROBE_STARTUP].why;
	if (prober->rounds[PROBE_STARTUP].verdict == VERDICT_FAILURE)
		return false;
	*why = prober->rounds[PROBE_LIVENESS].why;
	return prober->rounds[PROBE_LIVENESS].verdict != VERDICT_FAILURE && !prober->watchdog_failed;
}

static bool is_ready(const struct prober *prober, const char **why)
{
	*why = "the app has not started yet";
	if (!prober->started)
		return false;
	*why = "the app sent STOPPING=1";
	if (prober->app_stopping)
		return false;
	*why = prober->rounds[PROBE_READINESS].why;
	return !prober->plan->probes[PROBE_READINESS].given || prober->rounds[PROBE_READINESS].verdict == VERDICT_SUCCESS;
}

bool prober_healthy(const struct prober *prober, enum probe_kind kind, const char **why)
{
	*why = "the app is being restarted";
	if (prober->state == PROBER_DOWN)
		return false;
	*why = "the app has not been started";
	if (prober->state == PROBER_IDLE)
		return kind == PROBE_LIVENESS;
	*why = "held: the app was restarted too often";
	if (prober->state == PROBER_UNMANNED)
		return kind != PROBE_READINESS;
	if (prober->state == PROBER_FROZEN && kind == PROBE_READINESS) {
		*why = "stopping";
		return false;
	}
	if (prober->state == PROBER_FROZEN) {
		*why = prober->rounds[kind].why;
		return kind == PROBE_LIVENESS ? prober->was_live : prober->was_started;
	}
	if (kind == PROBE_STARTUP) {
		*why =
		    prober->rounds[kind].due != INT64_MAX || prober->started ? prober->rounds[kind].why : "waiting for READY=1";
		return prober->started;
	}
	return kind == PROBE_LIVENESS ? is_live(prober, why) : is_ready(prober, why);
}

/* When the next update because of a probe is due at the latest. */
static msec_t next_update(const struct prober *prober, enum probe_kind kind)
{
	const struct prober_round *round = &prober->rounds[kind];

	if (round->due == INT64_MAX)
		return INT64_MAX;
	return (round->under_way ? round->started : round->due) + round_longest(prober, kind) + PAGE_SLACK;
}

msec_t prober_valid_until(const struct prober *prober)
{
	msec_t soonest = watchdog_until(prober);

	if (soonest != INT64_MAX)
		soonest += PAGE_SLACK;
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if (next_update(prober, (enum probe_kind)kind) < soonest)
			soonest = next_update(prober, (enum probe_kind)kind);
	return soonest;
}

msec_t prober_check_valid_until(const struct prober *prober, size_t check)
{
	msec_t last = 0;

	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		msec_t next = next_update(prober, (enum probe_kind)kind);
		if ((prober->plan->probes[kind].checks >> check & 1) != 0 && next != INT64_MAX && next > last)
			last = next;
	}
	return last;
}
