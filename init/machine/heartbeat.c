#include "init/machine/heartbeat.h"

/* A worker that does not end at its timeout is killed this much later. */
#define GRACE ((msec_t)50)

static void push(struct beats_actions *out, enum beats_action_kind kind, size_t index, msec_t time, bool ok)
{
	if (out->count < BEATS_ACTIONS_MAX)
		out->items[out->count++] =
		    (struct beats_action){.kind = kind, .index = (unsigned)index & 0xff, .time = time, .ok = ok};
}

void beats_init(struct beats *beats, const struct plan_heartbeats *plan)
{
	beats->plan = plan;
}

static const struct plan_heartbeat *plan_of(const struct beats *beats, size_t index)
{
	return &beats->plan->items[index];
}

/* When it is lost even if no beat has ended since. */
static msec_t lost_at(const struct beats *beats, size_t index)
{
	const struct plan_heartbeat *plan = plan_of(beats, index);
	const struct beat *beat = &beats->items[index];

	return beat->open && !beat->failed ? beat->since + plan->failure_threshold * plan->period + plan->beat.timeout + GRACE
					   : INT64_MAX;
}

static void send(struct beats *beats, size_t index, msec_t now, struct beats_actions *out)
{
	const struct plan_heartbeat *plan = plan_of(beats, index);
	struct beat *beat = &beats->items[index];
	msec_t timeout = beat->disarming ? plan->disarm.timeout : plan->beat.timeout;

	beat->in_flight = true;
	beat->started = now;
	beat->until = now + timeout + GRACE;
	beat->exposed = !beat->disarming;
	push(out, beat->disarming ? BEATS_DISARM : BEATS_START, index, timeout, false);
}

/* A beat that is late by a period or more does not bring back those that it has missed. */
static void schedule(struct beats *beats, size_t index, msec_t now)
{
	const struct plan_heartbeat *plan = plan_of(beats, index);
	struct beat *beat = &beats->items[index];

	beat->due += plan->period;
	if (beat->due <= now)
		beat->due = now + plan->period;
}

static void lose(struct beats *beats, size_t index, struct beats_actions *out)
{
	beats->items[index].failed = true;
	beats->items[index].armed = false;
	push(out, BEATS_LOST, index, 0, false);
}

static void on_success(struct beats *beats, size_t index, struct beats_actions *out)
{
	struct beat *beat = &beats->items[index];

	beat->ok++;
	if (!beat->open)
		return;
	if (!beat->armed)
		push(out, BEATS_ARMED, index, 0, true);
	beat->armed = true;
	beat->failed = false;
	beat->failures = 0;
	beat->since = beat->started;
	beat->ever = true;
}

static void on_failure(struct beats *beats, size_t index, struct beats_actions *out)
{
	struct beat *beat = &beats->items[index];

	beat->bad++;
	if (!beat->open)
		return;
	beat->armed = false;
	beat->failures++;
	push(out, BEATS_FAILED, index, 0, false);
	if (!beat->failed && beat->failures >= plan_of(beats, index)->failure_threshold)
		lose(beats, index, out);
}

static void on_end(struct beats *beats, size_t index, bool ok, struct beats_actions *out)
{
	struct beat *beat = &beats->items[index];

	if (!beat->in_flight)
		return;
	beat->in_flight = false;
	if (beat->disarming) {
		beat->disarming = false;
		push(out, BEATS_DISARMED, index, 0, ok);
	} else if (ok) {
		on_success(beats, index, out);
	} else {
		on_failure(beats, index, out);
	}
}

static void set_gates(struct beats *beats, msec_t now, unsigned open)
{
	for (size_t i = 0; i < beats->plan->count; i++) {
		struct beat *beat = &beats->items[i];
		bool wanted = !beats->closing && (open >> i & 1) != 0;
		if (wanted == beat->open)
			continue;
		beat->open = wanted;
		beat->armed = beat->ever = false;
		beat->failed &= !wanted; /* closing does not undo it: what is lost is not disarmed */
		beat->failures = 0;
		beat->due = beat->since = now;
	}
}

/* The disarm waits for what is in flight; nobody waits for what is not disarmed. */
static void close_all(struct beats *beats, msec_t now, bool disarm, struct beats_actions *out)
{
	if (beats->closing)
		return;
	beats->closing = true;
	set_gates(beats, now, 0);
	for (size_t i = 0; i < beats->plan->count; i++) {
		struct beat *beat = &beats->items[i];
		bool disarms = disarm && plan_of(beats, i)->disarms && !beat->failed;
		beat->due = disarms ? now : INT64_MAX;
		if (disarms || !beat->in_flight)
			continue;
		push(out, BEATS_KILL, i, 0, false);
		on_end(beats, i, false, out);
	}
}

static void tick(struct beats *beats, size_t index, msec_t now, struct beats_actions *out)
{
	struct beat *beat = &beats->items[index];

	if (beat->in_flight && now >= beat->until) {
		push(out, BEATS_KILL, index, 0, false);
		on_end(beats, index, false, out);
	}
	if (now >= lost_at(beats, index))
		lose(beats, index, out);
	if (beats->closing && !beat->in_flight && beat->exposed && beat->due != INT64_MAX) {
		beat->disarming = true;
		beat->due = INT64_MAX;
		send(beats, index, now, out);
	}
	if (!beat->open || beat->in_flight || now < beat->due)
		return;
	schedule(beats, index, now);
	send(beats, index, now, out);
}

static bool any_in_flight(const struct beats *beats)
{
	for (size_t i = 0; i < beats->plan->count; i++)
		if (beats->items[i].in_flight)
			return true;
	return false;
}

void beats_event(struct beats *beats, msec_t now, const struct beats_event *event, struct beats_actions *out)
{
	out->count = 0;
	switch (event->kind) {
	case BEATS_TIME:
		break;
	case BEATS_GATES:
		set_gates(beats, now, event->open);
		break;
	case BEATS_RESULT:
		on_end(beats, event->index, event->result->outcome == OUTCOME_OK, out);
		break;
	case BEATS_CLOSE:
		close_all(beats, now, event->disarm, out);
		break;
	}
	for (size_t i = 0; i < beats->plan->count; i++)
		tick(beats, i, now, out);
	if (beats->closing && !beats->closed && !any_in_flight(beats)) {
		beats->closed = true;
		push(out, BEATS_CLOSED, 0, 0, true);
	}
}

msec_t beats_wake(const struct beats *beats)
{
	msec_t soonest = INT64_MAX;

	for (size_t i = 0; i < beats->plan->count; i++) {
		const struct beat *beat = &beats->items[i];
		msec_t next = lost_at(beats, i);

		msec_t due = beat->in_flight ? beat->until : beat->open ? beat->due : INT64_MAX;
		if (due < next)
			next = due;
		if (next < soonest)
			soonest = next;
	}
	return soonest;
}

bool beats_armed(const struct beats *beats)
{
	for (size_t i = 0; i < beats->plan->count; i++)
		if (plan_of(beats, i)->start && !beats->items[i].armed)
			return false;
	return true;
}

bool beats_lost(const struct beats *beats)
{
	for (size_t i = 0; i < beats->plan->count; i++)
		if (plan_of(beats, i)->on_failure == BEAT_SHUTDOWN && beats->items[i].open && beats->items[i].failed)
			return true;
	return false;
}
