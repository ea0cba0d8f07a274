/*
 * The sequencer, walked: plans, every order of events, and what must hold after each. For the tests that include it.
 */
#ifndef TINYSUP_TESTS_UNIT_WALK_H
#define TINYSUP_TESTS_UNIT_WALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/budget.h"
#include "init/sequencer.h"

#define DEPTH             6
#define TERM              15
#define STATUS_EXIT(code) ((code) << 8)

/* --- plans ----------------------------------------------------------------------------------------------------------- */

static struct plan_step steps[16];
static struct plan_stage stages[16];
static struct plan plan;

static inline void new_plan(void)
{
	memset(steps, 0, sizeof steps);
	memset(stages, 0, sizeof stages);
	memset(&plan, 0, sizeof plan);
	plan.app.success_codes[0] = 1;
	plan.shutdown = (struct plan_shutdown){.signals = 1 << (TERM - 1),
					       .effective = 10000,
					       .kill_reserve = 500,
					       .failed_exit_code = 75,
					       .chain.stages = stages};
}

/* A step at the end of the chain; `beside` puts it into the stage of the one before. */
static inline struct plan_step *add(enum step_kind kind, msec_t timeout, msec_t reserve, bool beside)
{
	struct plan_chain *chain = &plan.shutdown.chain;
	struct plan_step *step = &steps[chain->steps];
	struct plan_stage *stage = &stages[beside ? chain->count - 1 : chain->count];

	*step = (struct plan_step){.name = "step", .kind = kind, .timeout = timeout, .reserve = reserve, .when = 0xf};
	step->retry = (struct plan_retry){.attempts = 1, .backoff = 100, .backoff_max = 1000, .on = 31};
	step->signal = TERM;
	step->period = 200;
	step->try_timeout = 300;
	if (!beside) {
		*stage = (struct plan_stage){.steps = step, .first = chain->steps};
		chain->count++;
	}
	stage->count++;
	stage->timeout = stage->count == 1 || timeout == MSEC_UNSET || timeout > stage->timeout ? timeout : stage->timeout;
	stage->has_stop |= kind == STEP_STOP;
	chain->steps++;
	plan.shutdown.chained = true;
	return step;
}

static inline struct plan_step *add_stop(msec_t timeout)
{
	return add(STEP_STOP, timeout, 3000, false);
}

/* --- the walk -------------------------------------------------------------------------------------------------------- */

/* What the invariants need to remember of a path. */
struct path {
	struct seq seq;
	msec_t now;
	int stops_sent; /* stop signals that the app got by the chain */
	int groups_told;
	bool app_gone, over;
	bool start_asked; /* ACTION_APP_START, and no answer yet */
	msec_t stop_at;   /* the first stop signal that was heeded; 0: none */
	int starts;
	bool started[PLAN_STEPS_MAX], ended[PLAN_STEPS_MAX];
	int exit_code;
	msec_t over_at;
	size_t furthest; /* stage of the last step started */
	int trail[DEPTH + 1], length;
};

static unsigned long paths, events_seen;

static inline void explain(const struct path *p)
{
	fprintf(stderr, "path:");
	for (int i = 0; i < p->length; i++)
		fprintf(stderr, " %d", p->trail[i]);
	fprintf(stderr, " at %lld ms, phase %d\n", (long long)(p->now - p->seq.begun), p->seq.phase);
}

#define HOLDS(path, condition)                                                                                                 \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			explain(path);                                                                                         \
			fail_msg("%s", #condition);                                                                            \
		}                                                                                                              \
	} while (0)

static inline size_t stage_of(size_t step)
{
	size_t i = 0;

	while (step >= stages[i].first + stages[i].count)
		i++;
	return i;
}

static inline void check_start(struct path *p, const struct action *a)
{
	const struct plan_step *step = &steps[a->step];
	const struct seq_step *state = &p->seq.steps[a->step];
	msec_t elapsed = p->now - p->seq.begun, left = plan.shutdown.effective - elapsed - plan.shutdown.kill_reserve;

	HOLDS(p, stage_of(a->step) >= p->furthest); /* in order */
	p->furthest = stage_of(a->step);
	HOLDS(p, !p->ended[a->step]);
	HOLDS(p, a->time > 0 || step->timeout == 0);
	HOLDS(p, step->timeout == MSEC_UNSET || a->time <= step->timeout);
	for (size_t i = p->furthest + 1; i < plan.shutdown.chain.count; i++)
		left -= budget_reserve(&stages[i], p->seq.reason);
	HOLDS(p, a->time <= left); /* nobody eats a later reserve */
	if (!p->started[a->step] && step->kind != STEP_STOP && step->kind != STEP_WAIT && step->retry.attempts == 1)
		HOLDS(p, a->time >= step->reserve || a->time == step->timeout); /* a reserve is kept */
	HOLDS(p, !(step->needs_app && p->app_gone));
	HOLDS(p, p->started[a->step] || !(p->seq.hurry && step->reserve == 0 && step->kind != STEP_STOP));
	HOLDS(p, budget_runs(step, p->seq.reason));
	HOLDS(p, state->attempt <= step->retry.attempts || step->kind == STEP_WAIT);
	p->started[a->step] = true;
}

static inline void check_action(struct path *p, const struct action *a)
{
	HOLDS(p, !p->over);
	switch (a->kind) {
	case ACTION_STEP_START:
		check_start(p, a);
		break;
	case ACTION_STEP_ENDED:
		HOLDS(p, !p->ended[a->step]);
		p->ended[a->step] = true;
		break;
	case ACTION_FORWARD:
		HOLDS(p, !p->app_gone);
		p->stops_sent += a->signal == TERM && plan.shutdown.chained;
		HOLDS(p, p->stops_sent <= 1);
		break;
	case ACTION_STOP_GROUP:
		HOLDS(p, p->app_gone && ++p->groups_told == 1);
		break;
	case ACTION_EXIT:
		p->over = true;
		p->exit_code = a->code;
		p->over_at = p->now;
		HOLDS(p, p->now <= p->seq.begun + plan.shutdown.effective - 200);
		HOLDS(p, p->stop_at == 0 || p->now <= p->stop_at + plan.shutdown.effective - 200);
		for (size_t i = 0; i < plan.shutdown.chain.steps && plan.shutdown.chained; i++)
			HOLDS(p, p->seq.exec_errno != 0 || p->ended[i]); /* nothing is forgotten */
		break;
	case ACTION_CHAIN_BEGUN:
		memset(p->started, 0, sizeof p->started);
		memset(p->ended, 0, sizeof p->ended);
		p->furthest = 0;
		break;
	case ACTION_APP_START:
		HOLDS(p, p->app_gone && p->stop_at == 0 && !p->start_asked); /* a stop is a stop */
		HOLDS(p, ++p->starts <= plan.app.restart.max + 8);
		p->start_asked = true;
		break;
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_KILL_APP:
	case ACTION_STEP_KILL:
	case ACTION_STEP_AGAIN:
	case ACTION_HURRY:
	case ACTION_SWEEP_TERM:
	case ACTION_SWEEP_KILL:
		break;
	}
}

static inline void take(struct path *p, const struct event *event)
{
	struct actions actions;

	p->app_gone |= event->kind == EVENT_APP_EXIT;
	if (event->kind == EVENT_SIGNAL && p->stop_at == 0 && plan.shutdown.chained)
		p->stop_at = p->now;
	if (event->kind == EVENT_APP_STARTED || event->kind == EVENT_NOT_STARTED)
		p->start_asked = false;
	if (event->kind == EVENT_APP_STARTED) {
		p->app_gone = false;
		p->stops_sent = p->groups_told = 0;
	}
	seq_event(&p->seq, p->now, event, &actions);
	events_seen++;
	HOLDS(p, actions.count < ACTIONS_MAX);
	for (size_t i = 0; i < actions.count; i++)
		check_action(p, &actions.items[i]);
	HOLDS(p, p->over || seq_wake(&p->seq) > p->now); /* never spins */
}

/* The n-th event that can happen here; false where there are no more. */
static inline bool nth_event(const struct path *p, int n, struct event *event, struct check_result *result, msec_t *wait)
{
	static const int statuses[] = {STATUS_EXIT(0), STATUS_EXIT(1), TERM, 9, STATUS_EXIT(143)};

	*wait = 7;
	*event = (struct event){.result = result};
	*result = (struct check_result){.retry_after = MSEC_UNSET};
	if (p->start_asked) { /* it is answered before anything else can happen */
		event->kind = n == 0 ? EVENT_APP_STARTED : EVENT_NOT_STARTED;
		return n < 2;
	}
	if (n == 0) {
		*wait = seq_wake(&p->seq) == INT64_MAX ? 1 : seq_wake(&p->seq) - p->now;
		return true; /* EVENT_TIME */
	}
	if (n == 1) {
		event->kind = EVENT_SIGNAL;
		event->signal = TERM;
		return true;
	}
	n -= 2;
	if (p->seq.phase == PHASE_RUNNING && plan.app.restart.max > 0) {
		event->kind = EVENT_UNHEALTHY;
		event->unhealthy = n == 0 ? UNHEALTHY_RESTART : UNHEALTHY_SHUTDOWN;
		if (n < 2)
			return true;
		n -= 2;
	} else if (p->seq.phase == PHASE_CHAIN && plan.app.restart.max > 0) {
		event->kind = EVENT_EXTEND;
		event->time = 100000;
		if (n == 0)
			return true;
		n--;
	}
	if (!p->app_gone) {
		if (n < 10) {
			event->kind = EVENT_APP_EXIT;
			event->wait_status = statuses[n % 5];
			event->group_left = n >= 5;
			return true;
		}
		n -= 10;
	} else {
		if (n == 0) {
			event->kind = EVENT_GROUP_GONE;
			return true;
		}
		if (n == 1) {
			event->kind = EVENT_NOTHING_LEFT;
			return true;
		}
		n -= 2;
	}
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++) {
		if (p->seq.steps[i].state != STATE_RUNNING || steps[i].kind == STEP_STOP || steps[i].kind == STEP_SLEEP)
			continue;
		event->kind = EVENT_STEP_DONE;
		event->step = i;
		if (n < 4) {
			result->outcome = n == 0 ? OUTCOME_OK : n == 3 ? OUTCOME_ERROR : OUTCOME_FAIL;
			result->failure = n == 1 ? FAILURE_STATUS : n == 2 ? FAILURE_TIMEOUT : FAILURE_NONE;
			result->status = n == 1 ? 503 : 0;
			result->retry_after = n == 1 ? 1000 : MSEC_UNSET;
			result->sent = n == 2;
			return true;
		}
		n -= 4;
	}
	return false;
}

/* Nothing happens any more but time. */
static inline void wind_down(struct path p)
{
	if (p.seq.phase == PHASE_RUNNING)
		return;
	for (int i = 0; i < 500 && !p.over; i++) {
		if (p.start_asked) {
			take(&p, &(struct event){.kind = EVENT_APP_STARTED});
			HOLDS(&p, p.seq.phase == PHASE_RUNNING);
			paths++;
			return;
		}
		p.now = seq_wake(&p.seq);
		take(&p, &(struct event){.kind = EVENT_TIME});
	}
	HOLDS(&p, p.over);
	paths++;
}

static inline void walk(const struct path *from, int depth)
{
	struct event event;
	struct check_result result;
	msec_t wait;

	for (int n = 0; nth_event(from, n, &event, &result, &wait); n++) {
		struct path p = *from;
		p.trail[p.length++] = n;
		p.now += wait;
		take(&p, &event);
		if (p.over)
			paths++;
		else if (depth > 1)
			walk(&p, depth - 1);
		else
			wind_down(p);
	}
}

static inline void walk_all(int depth)
{
	static struct path root;

	memset(&root, 0, sizeof root);
	root.now = 1000000;
	seq_init(&root.seq, &plan, false, 42);
	paths = events_seen = 0;
	walk(&root, depth);
	print_message("%lu paths, %lu events\n", paths, events_seen);
	assert_true(paths > 100);
}

#endif
