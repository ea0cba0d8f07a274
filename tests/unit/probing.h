/*
 * The prober at the hand of a test: plans, one path through its events with what must hold after each, and the words in which
 * single stories are told.
 */
#ifndef TINYSUP_TESTS_UNIT_PROBING_H
#define TINYSUP_TESTS_UNIT_PROBING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "init/prober.h"
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

struct path {
	struct prober prober;
	msec_t now;
	bool running[4]; /* between an ask and its answer or end */
	bool app;
	int unhealthy; /* PROBER_UNHEALTHY since the app's start */
	int trail[DEPTH + 1], length;
};

static unsigned long events_seen;

#define HOLDS(p, condition)                                                                                                    \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			for (int i_ = 0; i_ < (p)->length; i_++)                                                               \
				fprintf(stderr, " %d", (p)->trail[i_]);                                                        \
			fail_msg("%s", #condition);                                                                            \
		}                                                                                                              \
	} while (0)

static inline bool gated(size_t check)
{
	return (plan.probes[PROBE_STARTUP].checks >> check & 1) == 0;
}

static inline void check_action(struct path *p, const struct prober_action *a)
{
	switch (a->kind) {
	case PROBER_ASK:
		HOLDS(p, p->app && !p->running[a->check]); /* one in flight */
		HOLDS(p, a->time > 0 && a->time <= 2000);
		HOLDS(p, p->prober.started || !gated(a->check));
		p->running[a->check] = true;
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

static inline void take(struct path *p, const struct prober_event *event)
{
	struct prober_actions actions;
	enum verdict before[PROBE_COUNT];
	bool is_error = event->kind == PROBER_RESULT && event->result->outcome == OUTCOME_ERROR;
	const char *why;

	for (int kind = 0; kind < PROBE_COUNT; kind++)
		before[kind] = p->prober.rounds[kind].verdict;
	if (event->kind == PROBER_APP_STARTED)
		p->app = true, p->unhealthy = 0;
	if (event->kind == PROBER_RESULT)
		p->running[event->check] = false;
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
	for (size_t i = 0; i < 4; i++)
		HOLDS(p, p->running[i] == p->prober.checks[i].running);
	if (!p->app)
		HOLDS(p, prober_wake(&p->prober) == INT64_MAX && !prober_healthy(&p->prober, PROBE_READINESS, &why));
	for (int kind = 0; kind < PROBE_COUNT && is_error; kind++) /* where nobody else was asked */
		HOLDS(p, p->prober.rounds[kind].verdict == before[kind] || plan.probes[kind].checks != UINT64_C(1)
													   << event->check);
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
