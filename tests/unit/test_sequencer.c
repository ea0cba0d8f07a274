/*
 * The sequencer, walked: every order of events to DEPTH from the first one on, then left alone until it ends by the clock.
 * After each event the promises of docs/design.md are asserted.
 */
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

static void new_plan(void)
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
static struct plan_step *add(enum step_kind kind, msec_t timeout, msec_t reserve, bool beside)
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
	return step;
}

static struct plan_step *add_stop(msec_t timeout)
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
	bool started[PLAN_STEPS_MAX], ended[PLAN_STEPS_MAX];
	int exit_code;
	msec_t over_at;
	size_t furthest; /* stage of the last step started */
	int trail[DEPTH + 1], length;
};

static unsigned long paths, events_seen;

static void explain(const struct path *p)
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

static size_t stage_of(size_t step)
{
	size_t i = 0;

	while (step >= stages[i].first + stages[i].count)
		i++;
	return i;
}

static void check_start(struct path *p, const struct action *a)
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

static void check_action(struct path *p, const struct action *a)
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
		p->stops_sent += a->signal == TERM && plan.shutdown.chain.count > 0;
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
		for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
			HOLDS(p, p->seq.exec_errno != 0 || p->ended[i]); /* nothing is forgotten */
		break;
	case ACTION_CHAIN_BEGUN:
	case ACTION_KILL_APP:
	case ACTION_STEP_KILL:
	case ACTION_STEP_AGAIN:
	case ACTION_HURRY:
	case ACTION_SWEEP_TERM:
	case ACTION_SWEEP_KILL:
		break;
	}
}

static void take(struct path *p, const struct event *event)
{
	struct actions actions;

	p->app_gone |= event->kind == EVENT_APP_EXIT;
	seq_event(&p->seq, p->now, event, &actions);
	events_seen++;
	HOLDS(p, actions.count < ACTIONS_MAX);
	for (size_t i = 0; i < actions.count; i++)
		check_action(p, &actions.items[i]);
	HOLDS(p, p->over || seq_wake(&p->seq) > p->now); /* never spins */
}

/* The n-th event that can happen here; false where there are no more. */
static bool nth_event(const struct path *p, int n, struct event *event, struct check_result *result, msec_t *wait)
{
	static const int statuses[] = {STATUS_EXIT(0), STATUS_EXIT(1), TERM, 9, STATUS_EXIT(143)};

	*wait = 7;
	*event = (struct event){.result = result};
	*result = (struct check_result){.retry_after = MSEC_UNSET};
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
static void wind_down(struct path p)
{
	if (p.seq.phase == PHASE_RUNNING)
		return;
	for (int i = 0; i < 500 && !p.over; i++) {
		p.now = seq_wake(&p.seq);
		take(&p, &(struct event){.kind = EVENT_TIME});
	}
	HOLDS(&p, p.over);
	paths++;
}

static void walk(const struct path *from, int depth)
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

static void walk_all(int depth)
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

static void walk_without_chain(void **state)
{
	(void)state;
	new_plan();
	plan.shutdown.clean_exit_code = -1;
	walk_all(DEPTH);
}

static void walk_plain_chain(void **state)
{
	(void)state;
	new_plan();
	add(STEP_HTTP, 2000, 0, false)->needs_app = true;
	add_stop(4000);
	add(STEP_EXEC, 3000, 0, false)->required = true;
	add(STEP_ALERT, MSEC_UNSET, 2000, false);
	walk_all(DEPTH);
}

static void walk_parallel_and_retries(void **state)
{
	(void)state;
	new_plan();
	struct plan_step *a = add(STEP_EXEC, MSEC_UNSET, 3000, false), *b = add(STEP_HTTP, 1500, 0, true);
	a->retry.attempts = 3;
	b->retry.attempts = 2;
	b->on_failure = ON_FAILURE_ABORT;
	add_stop(MSEC_UNSET);
	add(STEP_EXEC, 1000, 0, false);
	walk_all(DEPTH);
}

static void walk_waits_and_sleeps(void **state)
{
	(void)state;
	new_plan();
	struct plan_step *drain = add(STEP_SLEEP, 1000, 0, false);
	drain->when = 1 << REASON_STOP;
	drain->needs_app = true;
	add(STEP_WAIT, 2500, 0, false)->required = true;
	add(STEP_SIGNAL, MSEC_UNSET, 0, false)->signal = 10;
	add_stop(2000);
	add(STEP_WAIT, MSEC_UNSET, 1000, false)->when = 1 << REASON_CRASH;
	walk_all(DEPTH);
}

static void walk_reserves_that_fill_the_deadline(void **state)
{
	(void)state;
	new_plan();
	add(STEP_EXEC, MSEC_UNSET, 3500, false);
	add_stop(9000);
	add(STEP_EXEC, MSEC_UNSET, 3000, false);
	walk_all(DEPTH - 1);
}

/* --- single stories --------------------------------------------------------------------------------------------------- */

static struct path story;

static void begin_story(void)
{
	memset(&story, 0, sizeof story);
	story.now = 5000;
	seq_init(&story.seq, &plan, false, 7);
}

static void happens(struct event event)
{
	story.now += 10;
	take(&story, &event);
}

static void step_brings(size_t step, enum outcome outcome)
{
	struct check_result result = {.outcome = outcome,
				      .failure = outcome == OUTCOME_OK ? FAILURE_NONE : FAILURE_EXEC,
				      .status = outcome == OUTCOME_OK ? 0 : 1,
				      .retry_after = MSEC_UNSET,
				      .sent = true};

	happens((struct event){.kind = EVENT_STEP_DONE, .step = step, .result = &result});
}

static void app_ends(int status)
{
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = status});
}

static void nothing_is_left(void)
{
	happens((struct event){.kind = EVENT_NOTHING_LEFT});
}

static void stop_signal(void)
{
	happens((struct event){.kind = EVENT_SIGNAL, .signal = TERM});
}

static void exit_codes(void **state)
{
	static const struct {
		int status, code;
		bool asked;
	} cases[] = {
	    {STATUS_EXIT(0), 0, true},  {TERM, 0, true},    {STATUS_EXIT(143), 0, true},
	    {STATUS_EXIT(3), 3, true},  {11, 139, true},    {STATUS_EXIT(0), 0, false},
	    {STATUS_EXIT(9), 9, false}, {TERM, 143, false}, {STATUS_EXIT(143), 143, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		new_plan();
		add_stop(2000);
		begin_story();
		if (cases[i].asked)
			stop_signal();
		app_ends(cases[i].status);
		nothing_is_left();
		assert_true(story.over);
		assert_int_equal(story.exit_code, cases[i].code);
	}
}

static void clean_exit_code_of_its_own(void **state)
{
	(void)state;
	new_plan();
	plan.shutdown.clean_exit_code = -1;
	begin_story();
	stop_signal();
	app_ends(TERM);
	nothing_is_left();
	assert_int_equal(story.exit_code, 143); /* without a chain the app's own */
}

static void killed_app_is_137(void **state)
{
	(void)state;
	new_plan();
	add_stop(2000);
	begin_story();
	stop_signal();
	story.now += 2000;
	take(&story, &(struct event){.kind = EVENT_TIME});
	assert_true(story.seq.app_killed);
	app_ends(9);
	nothing_is_left();
	assert_int_equal(story.exit_code, 137);
}

static void required_step_is_75(void **state)
{
	(void)state;
	new_plan();
	add_stop(2000);
	add(STEP_EXEC, 1000, 0, false)->required = true;
	begin_story();
	stop_signal();
	app_ends(0);
	step_brings(1, OUTCOME_FAIL);
	nothing_is_left();
	assert_int_equal(story.exit_code, 75);
}

static void twenty_stop_signals_are_one(void **state)
{
	(void)state;
	new_plan();
	add(STEP_EXEC, 5000, 1000, false);
	add_stop(2000);
	begin_story();
	for (int i = 0; i < 20; i++)
		stop_signal();
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.stops_sent, 1);
}

static void second_signal_skips_what_has_no_reserve(void **state)
{
	(void)state;
	new_plan();
	add(STEP_EXEC, 5000, 0, false);
	add(STEP_EXEC, 5000, 1000, false);
	add_stop(2000);
	add(STEP_EXEC, 1000, 0, false);
	begin_story();
	stop_signal();
	assert_int_equal(story.seq.steps[0].state, STATE_RUNNING);
	stop_signal();
	assert_int_equal(story.seq.steps[0].state, STATE_CUT);
	assert_int_equal(story.seq.steps[1].state, STATE_RUNNING);
	step_brings(1, OUTCOME_OK);
	app_ends(TERM);
	assert_int_equal(story.seq.steps[3].state, STATE_CUT);
}

static void group_that_outlives_its_leader_is_told_once(void **state)
{
	(void)state;
	new_plan();
	add_stop(2000);
	begin_story();
	stop_signal();
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = TERM, .group_left = true});
	assert_int_equal(story.groups_told, 1);
	assert_int_equal(story.seq.steps[0].state, STATE_RUNNING);
	happens((struct event){.kind = EVENT_GROUP_GONE});
	assert_int_equal(story.seq.steps[0].state, STATE_OK);
}

static void retry_after_is_kept_and_bounded(void **state)
{
	struct check_result result = {
	    .outcome = OUTCOME_FAIL, .failure = FAILURE_STATUS, .status = 429, .retry_after = 1500, .sent = true};

	(void)state;
	new_plan();
	struct plan_step *step = add(STEP_HTTP, 4000, 0, false);
	step->http.method = "POST";
	step->retry.attempts = 3;
	add_stop(2000);
	begin_story();
	stop_signal();
	happens((struct event){.kind = EVENT_STEP_DONE, .step = 0, .result = &result});
	assert_int_equal(story.seq.steps[0].state, STATE_PAUSED);
	assert_int_equal(story.seq.steps[0].again_at, story.now + 1500);
	story.now += 1500;
	take(&story, &(struct event){.kind = EVENT_TIME});
	assert_int_equal(story.seq.steps[0].attempt, 2);
	result.retry_after = 60000; /* longer than the step: no use waiting */
	happens((struct event){.kind = EVENT_STEP_DONE, .step = 0, .result = &result});
	assert_int_equal(story.seq.steps[0].state, STATE_FAILED);
}

static void ambiguous_post_is_not_repeated_without_a_key(void **state)
{
	struct check_result result = {
	    .outcome = OUTCOME_FAIL, .failure = FAILURE_PROTOCOL, .retry_after = MSEC_UNSET, .sent = true};

	(void)state;
	for (int key = 0; key < 2; key++) {
		new_plan();
		struct plan_step *step = add(STEP_HTTP, 4000, 0, false);
		step->http.method = "POST";
		step->retry.attempts = 3;
		step->idempotency_key = key;
		add_stop(2000);
		begin_story();
		stop_signal();
		happens((struct event){.kind = EVENT_STEP_DONE, .step = 0, .result = &result});
		assert_int_equal(story.seq.steps[0].state, key ? STATE_PAUSED : STATE_FAILED);
	}
}

static void no_chain_for_an_app_that_never_ran(void **state)
{
	(void)state;
	new_plan();
	add(STEP_EXEC, 1000, 0, false);
	add_stop(2000);
	begin_story();
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = STATUS_EXIT(127), .exec_errno = 2});
	nothing_is_left();
	assert_int_equal(story.exit_code, 127);
	assert_int_equal(story.seq.steps[0].state, STATE_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(walk_without_chain),
	    cmocka_unit_test(walk_plain_chain),
	    cmocka_unit_test(walk_parallel_and_retries),
	    cmocka_unit_test(walk_waits_and_sleeps),
	    cmocka_unit_test(walk_reserves_that_fill_the_deadline),
	    cmocka_unit_test(exit_codes),
	    cmocka_unit_test(clean_exit_code_of_its_own),
	    cmocka_unit_test(killed_app_is_137),
	    cmocka_unit_test(required_step_is_75),
	    cmocka_unit_test(twenty_stop_signals_are_one),
	    cmocka_unit_test(second_signal_skips_what_has_no_reserve),
	    cmocka_unit_test(group_that_outlives_its_leader_is_told_once),
	    cmocka_unit_test(retry_after_is_kept_and_bounded),
	    cmocka_unit_test(ambiguous_post_is_not_repeated_without_a_key),
	    cmocka_unit_test(no_chain_for_an_app_that_never_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
