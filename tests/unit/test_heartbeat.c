/*
 * Heartbeats: generated plans, and paths of gates, results, lateness and ends, against what an exchange would see: one request
 * at a time, none while the gate is closed, and nothing after the disarm.
 */
#include "tests/unit/holds.h"

#include "init/machine/heartbeat.h"

#define PLANS      20000
#define PATHS_EACH 5
#define LENGTH     60
#define HEARTBEATS 3
#define GRACE      50

static struct plan_heartbeat items[HEARTBEATS];
static struct plan_heartbeats plan;

/* One heartbeat, as the other side and the log have seen it. */
struct seen {
	bool in_flight, disarm_in_flight, told_armed, told_lost;
	int failures, disarms;
	bool sent;      /* since the last disarm */
	msec_t sent_at; /* of what is in flight */
	msec_t good_at; /* the last success was sent, or it was opened */
};

struct path {
	struct trail trail;
	msec_t now;
	unsigned open;
	bool closing, may_disarm, closed;
	struct seen seen[HEARTBEATS];
	struct beats beats;
};

static void describe(const struct path *p)
{
	for (size_t i = 0; i < plan.count; i++)
		fprintf(stderr, "\n%zu: period %lld timeout %lld threshold %d%s%s: in flight %d open %d failures %d of %d", i,
			(long long)items[i].period, (long long)items[i].beat.timeout, items[i].failure_threshold,
			items[i].start ? " start" : "", items[i].disarms ? " disarms" : "", p->seen[i].in_flight,
			p->open >> i & 1, p->seen[i].failures, p->beats.items[i].failures);
	fprintf(stderr, "\nat %lld, closing %d\n", (long long)p->now, p->closing);
}

/* What a user may rely on: for so long after the last success was sent it may be unknown that it is lost. */
static msec_t longest(size_t i)
{
	return items[i].failure_threshold * items[i].period + items[i].beat.timeout + GRACE;
}

static void on_start(struct path *p, size_t i, const struct beats_action *a)
{
	struct seen *seen = &p->seen[i];

	HOLDS(p, !seen->in_flight && !seen->disarm_in_flight && !p->closing && (p->open >> i & 1) != 0);
	HOLDS(p, a->time == items[i].beat.timeout);
	seen->in_flight = seen->sent = true;
	seen->sent_at = p->now;
}

static void on_disarm(struct path *p, size_t i, const struct beats_action *a)
{
	struct seen *seen = &p->seen[i];

	HOLDS(p, p->closing && p->may_disarm && items[i].disarms && !seen->told_lost && seen->sent && ++seen->disarms == 1);
	HOLDS(p, !seen->in_flight && a->time == items[i].disarm.timeout);
	seen->disarm_in_flight = true;
	seen->sent = false;
	seen->sent_at = p->now;
}

static bool will_disarm(const struct path *p, size_t i)
{
	return p->may_disarm && items[i].disarms && !p->seen[i].told_lost;
}

static void on_action(struct path *p, const struct beats_action *a)
{
	struct seen *seen = &p->seen[a->index];
	msec_t timeout = seen->disarm_in_flight ? items[a->index].disarm.timeout : items[a->index].beat.timeout;

	HOLDS(p, !p->closed);
	switch (a->kind) {
	case BEATS_START:
		on_start(p, a->index, a);
		break;
	case BEATS_DISARM:
		on_disarm(p, a->index, a);
		break;
	case BEATS_KILL:
		HOLDS(p, seen->in_flight || seen->disarm_in_flight);
		HOLDS(p, p->now >= seen->sent_at + timeout + GRACE || (p->closing && !will_disarm(p, a->index)));
		if (seen->in_flight && (p->open >> a->index & 1) != 0)
			seen->failures++;
		seen->in_flight = false;
		break;
	case BEATS_ARMED:
		HOLDS(p, !seen->told_armed && seen->failures == 0);
		seen->told_armed = true;
		seen->told_lost = false;
		break;
	case BEATS_FAILED:
		HOLDS(p, seen->failures > 0);
		seen->told_armed = false;
		break;
	case BEATS_LOST:
		HOLDS(p, !seen->told_lost && (p->open >> a->index & 1) != 0);
		HOLDS(p, seen->failures >= items[a->index].failure_threshold || p->now >= seen->good_at + longest(a->index));
		seen->told_lost = true;
		seen->told_armed = false;
		break;
	case BEATS_DISARMED:
		HOLDS(p, seen->disarm_in_flight);
		seen->disarm_in_flight = false;
		break;
	case BEATS_CLOSED:
		HOLDS(p, p->closing);
		for (size_t i = 0; i < plan.count; i++) {
			HOLDS(p, !p->seen[i].in_flight && !p->seen[i].disarm_in_flight);
			HOLDS(p, !(will_disarm(p, i) && p->seen[i].sent)); /* none is left armed */
		}
		p->closed = true;
		break;
	}
}

static void happen(struct path *p, const struct beats_event *event)
{
	struct seen *seen = &p->seen[event->index];
	unsigned changed = p->open ^ event->open;

	for (size_t i = 0; (event->kind == BEATS_GATES || event->kind == BEATS_CLOSE) && !p->closing && i < plan.count; i++)
		if ((changed >> i & 1) != 0) {
			p->seen[i].told_armed = false;
			p->seen[i].told_lost &= (event->open >> i & 1) == 0;
			p->seen[i].failures = 0;
			p->seen[i].good_at = p->now;
		}
	if (event->kind == BEATS_CLOSE && !p->closing)
		p->may_disarm = event->disarm;
	if ((event->kind == BEATS_GATES || event->kind == BEATS_CLOSE) && !p->closing)
		p->open = event->open;
	p->closing |= event->kind == BEATS_CLOSE;
	if (event->kind != BEATS_RESULT || !seen->in_flight)
		return;
	seen->in_flight = false;
	if ((p->open >> event->index & 1) == 0)
		return;
	seen->failures = event->result->outcome == OUTCOME_OK ? 0 : seen->failures + 1;
	if (event->result->outcome == OUTCOME_OK)
		seen->good_at = seen->sent_at;
}

static void check(const struct path *p)
{
	bool all = true;

	for (size_t i = 0; i < plan.count; i++) {
		const struct seen *seen = &p->seen[i];
		bool open = (p->open >> i & 1) != 0;
		HOLDS(p, p->beats.items[i].armed == seen->told_armed);
		HOLDS(p, !seen->told_armed || (open && seen->failures == 0));
		HOLDS(p, !open || seen->told_lost || p->now < seen->good_at + longest(i));
		HOLDS(p, !open || seen->in_flight || p->beats.items[i].due > p->now);
		HOLDS(p, !seen->in_flight || p->now < seen->sent_at + items[i].beat.timeout + GRACE);
		all = all && (!items[i].start || seen->told_armed);
	}
	HOLDS(p, beats_armed(&p->beats) == all);
	HOLDS(p, beats_wake(&p->beats) > p->now); /* never spins */
}

static void take(struct path *p, const struct beats_event *event)
{
	struct beats_actions actions;

	happen(p, event);
	beats_event(&p->beats, p->now, event, &actions);
	events_seen++;
	for (size_t i = 0; i < actions.count; i++)
		on_action(p, &actions.items[i]);
	check(p);
}

static void random_plan(uint64_t *random)
{
	memset(items, 0, sizeof items);
	plan = (struct plan_heartbeats){.items = items, .count = 1 + draw(random, HEARTBEATS)};
	for (size_t i = 0; i < plan.count; i++) {
		items[i].period = 100 + 100 * (msec_t)draw(random, 10);
		items[i].beat.timeout = 1 + (msec_t)draw(random, (unsigned)items[i].period);
		items[i].disarm.timeout = 1 + (msec_t)draw(random, 500);
		items[i].failure_threshold = 1 + (int)draw(random, 3);
		items[i].start = draw(random, 2);
		items[i].disarms = draw(random, 2);
		items[i].on_failure = (enum beat_failure)draw(random, 3);
		plan.arms |= items[i].start;
	}
}

static void stroll(uint64_t *random)
{
	static const struct check_result results[] = {
	    {.outcome = OUTCOME_OK}, {.outcome = OUTCOME_FAIL}, {.outcome = OUTCOME_ERROR}};
	struct path p = {.now = 1000000};

	beats_init(&p.beats, &plan);
	for (int i = 0; i < LENGTH + 20 && !p.closed; i++) {
		struct beats_event event = {.kind = BEATS_TIME, .index = draw(random, (unsigned)plan.count)};
		msec_t wake = beats_wake(&p.beats);
		unsigned what = draw(random, 10);
		trail_add(&p.trail, (int)what);
		if (i == LENGTH || what == 9) {
			event = (struct beats_event){.kind = i == LENGTH || draw(random, 5) == 0 ? BEATS_CLOSE : BEATS_TIME,
						     .disarm = draw(random, 3) != 0};
		} else if (what < 2) {
			event.kind = BEATS_GATES;
			event.open = draw(random, 1u << plan.count);
			p.now += draw(random, 30);
		} else if (what < 6 && (p.seen[event.index].in_flight || p.seen[event.index].disarm_in_flight)) {
			event.kind = BEATS_RESULT;
			event.result = &results[draw(random, 3)];
			p.now += draw(random, 5);
			if (p.now > wake)
				p.now = wake;
		} else if (wake != INT64_MAX) {
			p.now = wake + (draw(random, 12) == 0 ? 100 * (msec_t)draw(random, 100) : 0);
		}
		take(&p, &event);
	}
	HOLDS(&p, p.closed);
}

static void heartbeats_at_random(void **state)
{
	uint64_t random = 20261121;

	(void)state;
	paths = PLANS * PATHS_EACH;
	for (int i = 0; i < PLANS; i++) {
		random_plan(&random);
		for (int j = 0; j < PATHS_EACH; j++)
			stroll(&random);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

/* A beat that is answered too late must not arm what the disarm took back. */
static void the_disarm_waits_for_the_beat_in_flight(void **state)
{
	static const struct check_result ok = {.outcome = OUTCOME_OK};
	struct beats beats = {.closed = false};
	struct beats_actions out;

	(void)state;
	memset(items, 0, sizeof items);
	items[0] = (struct plan_heartbeat){
	    .beat.timeout = 500, .disarm.timeout = 500, .disarms = true, .period = 1000, .failure_threshold = 3};
	plan = (struct plan_heartbeats){.items = items, .count = 1};
	beats_init(&beats, &plan);
	beats_event(&beats, 1000, &(struct beats_event){.kind = BEATS_GATES, .open = 1}, &out);
	assert_int_equal(out.items[0].kind, BEATS_START);
	beats_event(&beats, 1100, &(struct beats_event){.kind = BEATS_CLOSE, .disarm = true}, &out);
	assert_int_equal(out.count, 0);
	beats_event(&beats, 1300, &(struct beats_event){.kind = BEATS_RESULT, .result = &ok}, &out);
	assert_int_equal(out.items[0].kind, BEATS_DISARM);
	beats_event(&beats, 1400, &(struct beats_event){.kind = BEATS_RESULT, .result = &ok}, &out);
	assert_int_equal(out.items[0].kind, BEATS_DISARMED);
	assert_int_equal(out.items[1].kind, BEATS_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(heartbeats_at_random),
	    cmocka_unit_test(the_disarm_waits_for_the_beat_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
