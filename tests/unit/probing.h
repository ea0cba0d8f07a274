/*
 * The prober at the hand of a test: plans, one path through its events with what must hold after each, and the words in which
 * single stories are told.
 */
#ifndef TINYSUP_TESTS_UNIT_PROBING_H
#define TINYSUP_TESTS_UNIT_PROBING_H

#include "tests/unit/holds.h"

#include "init/machine/prober.h"
#include "probes/page.h"

#define DEPTH 7

/* --- plans ----------------------------------------------------------------------------------------------------------- */

static struct plan_check checks[4];
static struct plan plan;

static inline void new_plan(void)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	memset(&plan, 0, sizeof plan);
	for (size_t i = 0; i < 4; i++)
		checks[i] = (struct plan_check){.name = names[i], .kind = CHECK_HTTP, .timeout = MSEC_UNSET};
	plan.checks.items = checks;
	plan.checks.count = 4;
}

static inline struct plan_probe *add(enum probe_kind kind, uint64_t which)
{
	plan.probes[kind] = (struct plan_probe){
	    .given = true, .checks = which, .period = 10000, .timeout = 1000, .failure_threshold = 3, .success_threshold = 1};
	return &plan.probes[kind];
}

/* --- a path ----------------------------------------------------------------------------------------------------------- */

/* What a probe's rounds made of its verdict, reckoned from nothing but how many of each kind there were. */
struct tally {
	uint64_t ok, failed, errors;
	int successes, failures; /* in a row */
	enum verdict verdict;
	uint64_t last[4];   /* the question that last counted for it, by check */
	uint64_t rounds[4]; /* how many of its rounds were over by then */
};

struct path {
	struct trail trail;
	msec_t now;
	bool running[4]; /* between an ask and its answer or end */
	uint64_t has_result[4], answered[4];
	msec_t check_started[4];
	bool app;
	int unhealthy; /* PROBER_UNHEALTHY since the app's start */
	struct tally tallies[PROBE_COUNT];
	struct prober prober; /* at the end: a copy takes only the checks that there are */
};

static inline void copy_path(struct path *to, const struct path *from)
{
	memcpy(to, from, offsetof(struct path, prober.checks) + plan.checks.count * sizeof from->prober.checks[0]);
}

static inline void describe(const struct path *p)
{
	static const char *const names[] = {"startup", "liveness", "readiness"};

	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		const struct plan_probe *probe = &plan.probes[kind];
		if (probe->given)
			fprintf(stderr, "\n%s: checks %llx %s, period %lld, timeout %lld, thresholds %d %d", names[kind],
				(unsigned long long)probe->checks, probe->mode == PROBE_ANY ? "any" : "all",
				(long long)probe->period, (long long)probe->timeout, probe->failure_threshold,
				probe->success_threshold);
	}
	for (size_t i = 0; i < plan.checks.count; i++)
		fprintf(stderr, "\n%s%s, timeout %lld%s", checks[i].name, checks[i].soft ? " soft" : "",
			(long long)checks[i].timeout, p->running[i] ? ", running" : "");
	fprintf(stderr, "\n%lld ms after the start\n", (long long)(p->now - p->prober.app_started));
}

static inline bool has(enum probe_kind kind, size_t check)
{
	return (plan.probes[kind].checks >> check & 1) != 0;
}

static inline msec_t time_of(enum probe_kind kind, size_t check)
{
	return checks[check].timeout != MSEC_UNSET ? checks[check].timeout : plan.probes[kind].timeout;
}

static inline bool gated(size_t check)
{
	return !has(PROBE_STARTUP, check);
}

static inline void check_action(struct path *p, const struct prober_action *a)
{
	msec_t longest = 0;

	switch (a->kind) {
	case PROBER_START_CHECK:
		HOLDS(p, p->app && !p->running[a->check]); /* one in flight */
		for (int kind = 0; kind < PROBE_COUNT; kind++)
			if (has((enum probe_kind)kind, a->check) && time_of((enum probe_kind)kind, a->check) > longest)
				longest = time_of((enum probe_kind)kind, a->check);
		HOLDS(p, a->time == longest);
		HOLDS(p, p->prober.started || !gated(a->check));
		p->running[a->check] = true;
		p->has_result[a->check]++;
		p->check_started[a->check] = p->now;
		break;
	case PROBER_KILL:
		HOLDS(p, p->running[a->check]);
		p->running[a->check] = false;
		break;
	case PROBER_UNHEALTHY:
		HOLDS(p, a->probe != PROBE_READINESS);
		p->unhealthy++;
		break;
	case PROBER_CHANGED:
	case PROBER_VERDICT:
		break;
	}
}

/* A round is over: what follows is the thresholds' and nothing else's. */
static inline void check_verdict(struct path *p, enum probe_kind kind)
{
	struct tally *tally = &p->tallies[kind];
	const struct prober_round *round = &p->prober.rounds[kind];
	const struct plan_probe *probe = &plan.probes[kind];
	uint64_t ok = round->rounds_ok - tally->ok, failed = round->rounds_failed - tally->failed;

	HOLDS(p, ok + failed <= 1);
	if (ok > 0)
		tally->successes++, tally->failures = 0;
	if (failed > 0)
		tally->failures++, tally->successes = 0;
	if (tally->successes >= probe->success_threshold && ok > 0)
		tally->verdict = VERDICT_SUCCESS;
	if (tally->failures >= probe->failure_threshold && failed > 0 && p->now >= p->prober.extended)
		tally->verdict = VERDICT_FAILURE;
	tally->ok = round->rounds_ok;
	tally->failed = round->rounds_failed;
	tally->errors = round->rounds_error;
	if (!plan.app.notify)
		HOLDS(p, tally->verdict == round->verdict || kind == PROBE_STARTUP);
}

static inline uint64_t rounds_of(const struct prober_round *round)
{
	return round->rounds_ok + round->rounds_failed + round->rounds_error;
}

/* One request is one result: no two rounds of a probe wait for the same one. And none waits longer than it may. */
static inline void check_questions(struct path *p, enum probe_kind kind)
{
	const struct prober_round *round = &p->prober.rounds[kind];
	struct tally *tally = &p->tallies[kind];

	for (size_t i = 0; i < plan.checks.count; i++) {
		if ((p->prober.checks[i].waiting >> kind & 1) == 0)
			continue;
		HOLDS(p, p->running[i] && round->under_way && (round->open >> i & 1) != 0);
		HOLDS(p, p->now < p->check_started[i] + time_of(kind, i) + PROBER_GRACE);
		HOLDS(p, tally->last[i] != p->has_result[i] || tally->rounds[i] == rounds_of(round));
		tally->last[i] = p->has_result[i];
		tally->rounds[i] = rounds_of(round);
	}
}

static inline void begin_life(struct path *p)
{
	p->app = true;
	p->unhealthy = 0;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		struct tally *tally = &p->tallies[kind];
		tally->successes = tally->failures = 0;
		tally->verdict = kind == PROBE_LIVENESS    ? VERDICT_SUCCESS
				 : kind == PROBE_READINESS ? VERDICT_FAILURE
							   : VERDICT_UNKNOWN;
	}
}

static inline void take(struct path *p, const struct prober_event *event)
{
	struct prober_actions actions;
	const char *why;

	if (event->kind == PROBER_APP_STARTED && p->prober.state != PROBER_FROZEN)
		begin_life(p);
	if (event->kind == PROBER_RESULT) {
		p->running[event->check] = false;
		p->answered[event->check]++;
	}
	prober_event(&p->prober, p->now, event, &actions);
	events_seen++;
	HOLDS(p, actions.count < PROBER_ACTIONS_MAX);
	for (size_t i = 0; i < actions.count; i++)
		check_action(p, &actions.items[i]);
	if (event->kind == PROBER_RESTARTING || event->kind == PROBER_STOPPED)
		p->app = false;
	HOLDS(p, prober_wake(&p->prober) > p->now); /* never spins */
	HOLDS(p, prober_valid_until(&p->prober) > p->now);
	HOLDS(p, prober_valid_until(&p->prober) >= prober_wake(&p->prober) || prober_wake(&p->prober) == INT64_MAX);
	for (size_t i = 0; i < plan.checks.count; i++) {
		const struct prober_check *check = &p->prober.checks[i];
		HOLDS(p, p->running[i] == check->running);
		HOLDS(p, check->running == (check->waiting != 0));
		HOLDS(p, checks[i].kind == CHECK_NOTIFY || check->ok + check->failed + check->errors <= p->has_result[i]);
		HOLDS(p, checks[i].kind == CHECK_NOTIFY || check->ok + check->failed + check->errors >= p->answered[i]);
	}
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		check_verdict(p, (enum probe_kind)kind);
		check_questions(p, (enum probe_kind)kind);
	}
	if (!p->app)
		HOLDS(p, prober_wake(&p->prober) == INT64_MAX && !prober_healthy(&p->prober, PROBE_READINESS, &why));
}

/* --- what can happen -------------------------------------------------------------------------------------------------- */

struct possible {
	struct prober_event event;
	struct check_result result;
	msec_t wait;
};

struct choice {
	size_t count;
	struct possible items[64];
};

static inline struct possible *offer(struct choice *choice, enum prober_event_kind kind, msec_t wait)
{
	struct possible *possible = &choice->items[choice->count++];

	*possible = (struct possible){.event.kind = kind, .wait = wait, .result.retry_after = MSEC_UNSET};
	return possible;
}

/* An answer now, or as late as the next timer lets it. */
static inline void offer_answers(const struct path *p, struct choice *choice, size_t check)
{
	msec_t late = prober_wake(&p->prober) - p->now - 1;

	for (int n = 0; n < 4; n++) {
		struct possible *possible = offer(choice, PROBER_RESULT, n < 3 ? 3 : late > 3 ? late : 3);
		possible->event.check = check;
		possible->result.outcome = n < 3 ? (enum outcome)n : OUTCOME_OK;
		possible->result.failure = n == OUTCOME_FAIL ? FAILURE_STATUS : FAILURE_NONE;
		possible->result.took_us = (p->now + possible->wait - p->check_started[check]) * 1000;
	}
}

static inline void look_ahead(const struct path *p, struct choice *choice)
{
	msec_t wake = prober_wake(&p->prober);

	choice->count = 0;
	offer(choice, PROBER_TIME, wake == INT64_MAX ? 1 : wake - p->now);
	offer(choice, p->app ? PROBER_RESTARTING : PROBER_APP_STARTED, 3);
	offer(choice, PROBER_STOPPED, 3);
	if (plan.app.notify) {
		offer(choice, PROBER_READY, 3);
		offer(choice, PROBER_WATCHDOG, 3);
		offer(choice, PROBER_WATCHDOG_FAIL, 3);
		offer(choice, PROBER_APP_STOPPING, 3);
	}
	for (size_t i = 0; i < plan.checks.count; i++)
		if (p->running[i])
			offer_answers(p, choice, i);
}

/* The n-th of them. */
static inline void choose(struct path *p, struct choice *choice, size_t n)
{
	struct possible *possible = &choice->items[n];

	possible->event.result = &possible->result;
	trail_add(&p->trail, (int)n);
	p->now += possible->wait;
	take(p, &possible->event);
}

static inline void walk(const struct path *from, int depth)
{
	struct choice choice;
	struct path p;

	look_ahead(from, &choice);
	for (size_t n = 0; n < choice.count; n++) {
		copy_path(&p, from);
		choose(&p, &choice, n);
		if (depth > 1)
			walk(&p, depth - 1);
		else
			paths++;
	}
}

/* --- stories ---------------------------------------------------------------------------------------------------------- */

static struct path story;

static inline void begin(void)
{
	memset(&story, 0, sizeof story);
	story.now = 100000;
	prober_init(&story.prober, &plan, 7);
	take(&story, &(struct prober_event){.kind = PROBER_APP_STARTED});
}

static inline void passes(msec_t time)
{
	story.now += time;
	take(&story, &(struct prober_event){.kind = PROBER_TIME});
}

/* On to the next time something is due. */
static inline void due(void)
{
	passes(prober_wake(&story.prober) - story.now);
}

static inline void happens(enum prober_event_kind kind)
{
	take(&story, &(struct prober_event){.kind = kind});
}

static inline void answers(size_t check, enum outcome outcome)
{
	struct check_result result = {.outcome = outcome, .message = "status 503", .retry_after = MSEC_UNSET};

	assert_true(story.running[check]);
	story.now += 5;
	take(&story, &(struct prober_event){.kind = PROBER_RESULT, .check = check, .result = &result});
}

static inline bool healthy(enum probe_kind kind)
{
	const char *why;

	return prober_healthy(&story.prober, kind, &why);
}

static inline const char *why_not(enum probe_kind kind)
{
	const char *why = "";

	assert_false(prober_healthy(&story.prober, kind, &why));
	return why;
}

#endif
