/*
 * The prober, walked: every order of events to DEPTH, with what must hold after each; then single stories, as the kubelet tells
 * them.
 */
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

static void new_plan(void)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	memset(&plan, 0, sizeof plan);
	for (size_t i = 0; i < 4; i++)
		checks[i] = (struct plan_check){.name = names[i], .kind = CHECK_HTTP, .timeout = MSEC_UNSET};
	plan.checks.items = checks;
	plan.checks.count = 4;
}

static struct plan_probe *add(enum probe_kind kind, uint64_t which)
{
	plan.probes[kind] = (struct plan_probe){
	    .given = true, .checks = which, .period = 10000, .timeout = 1000, .failure_threshold = 3, .success_threshold = 1};
	return &plan.probes[kind];
}

/* --- the walk -------------------------------------------------------------------------------------------------------- */

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

static bool gated(size_t check)
{
	return (plan.probes[PROBE_STARTUP].checks >> check & 1) == 0;
}

static void check_action(struct path *p, const struct prober_action *a)
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

static void take(struct path *p, const struct prober_event *event)
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

/* The n-th event that can happen here; false where there are no more. */
static bool nth_event(const struct path *p, int n, struct prober_event *event, struct check_result *result, msec_t *wait)
{
	static const enum prober_event_kind always[] = {PROBER_READY, PROBER_WATCHDOG, PROBER_WATCHDOG_FAIL,
							PROBER_APP_STOPPING};
	msec_t wake = prober_wake(&p->prober);

	*wait = 3;
	*event = (struct prober_event){.result = result};
	*result = (struct check_result){.retry_after = MSEC_UNSET};
	if (n == 0) {
		*wait = wake == INT64_MAX ? 1 : wake - p->now;
		return true; /* PROBER_TIME */
	}
	if (n == 1) {
		event->kind = p->app ? PROBER_RESTARTING : PROBER_APP_STARTED;
		return true;
	}
	if (n == 2) {
		event->kind = PROBER_STOPPED;
		return true;
	}
	n -= 3;
	if (plan.app.notify && n < 4) {
		event->kind = always[n];
		return true;
	}
	n -= plan.app.notify ? 4 : 0;
	for (size_t i = 0; i < 4; i++) {
		if (!p->running[i])
			continue;
		event->kind = PROBER_RESULT;
		event->check = i;
		result->outcome = (enum outcome)n;
		result->failure = n == 1 ? FAILURE_STATUS : FAILURE_NONE;
		if (n < 3)
			return true;
		n -= 3;
	}
	return false;
}

static void walk(const struct path *from, int depth)
{
	struct prober_event event;
	struct check_result result;
	msec_t wait;

	for (int n = 0; nth_event(from, n, &event, &result, &wait); n++) {
		struct path p = *from;
		p.trail[p.length++] = n;
		p.now += wait;
		take(&p, &event);
		if (depth > 1)
			walk(&p, depth - 1);
	}
}

static struct path story;

static void begin(void)
{
	memset(&story, 0, sizeof story);
	story.now = 100000;
	prober_init(&story.prober, &plan, 7);
	take(&story, &(struct prober_event){.kind = PROBER_APP_STARTED});
}

static void walk_all(int depth)
{
	events_seen = 0;
	begin();
	walk(&story, depth);
	print_message("%lu events\n", events_seen);
}

static void walk_three_probes(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_STARTUP, 1)->failure_threshold = 1;
	add(PROBE_LIVENESS, 3)->failure_threshold = 2;
	add(PROBE_READINESS, 6)->period = 700; /* shorter than the time-out: ticks are skipped */
	plan.probes[PROBE_READINESS].mode = PROBE_ANY;
	checks[2].soft = true;
	walk_all(DEPTH);
}

static void walk_an_app_that_tells_by_itself(void **state)
{
	(void)state;
	new_plan();
	plan.app.notify = true;
	plan.app.watchdog = 4000;
	add(PROBE_LIVENESS, 1 | 8);
	checks[3].kind = CHECK_NOTIFY;
	checks[3].notify.max_age = 2000;
	walk_all(DEPTH - 1);
}

/* --- single stories --------------------------------------------------------------------------------------------------- */

static void passes(msec_t time)
{
	story.now += time;
	take(&story, &(struct prober_event){.kind = PROBER_TIME});
}

/* On to the next time something is due. */
static void due(void)
{
	passes(prober_wake(&story.prober) - story.now);
}

static void happens(enum prober_event_kind kind)
{
	take(&story, &(struct prober_event){.kind = kind});
}

static void answers(size_t check, enum outcome outcome)
{
	struct check_result result = {.outcome = outcome, .message = "status 503", .retry_after = MSEC_UNSET};

	assert_true(story.running[check]);
	story.now += 5;
	take(&story, &(struct prober_event){.kind = PROBER_RESULT, .check = check, .result = &result});
}

static bool healthy(enum probe_kind kind)
{
	const char *why;

	return prober_healthy(&story.prober, kind, &why);
}

static const char *why_not(enum probe_kind kind)
{
	const char *why = "";

	assert_false(prober_healthy(&story.prober, kind, &why));
	return why;
}

static void initial_verdicts_are_the_kubelets(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1);
	add(PROBE_READINESS, 1);
	begin();
	assert_true(healthy(PROBE_STARTUP)); /* there is none */
	assert_true(healthy(PROBE_LIVENESS));
	assert_false(healthy(PROBE_READINESS));
	answers(0, OUTCOME_OK); /* one question for both */
	assert_true(healthy(PROBE_READINESS));
	add(PROBE_STARTUP, 2);
	begin();
	assert_false(healthy(PROBE_STARTUP));
	assert_true(healthy(PROBE_LIVENESS));
	assert_false(healthy(PROBE_READINESS));
	assert_false(story.running[0]); /* blocked */
	answers(1, OUTCOME_OK);
	assert_true(healthy(PROBE_STARTUP));
	assert_true(story.running[0]);
	due();
	assert_false(story.running[1]); /* startup is over */
}

static void thresholds(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1);
	add(PROBE_READINESS, 2)->success_threshold = 2;
	begin();
	for (int i = 0; i < 3; i++) {
		assert_true(healthy(PROBE_LIVENESS));
		answers(0, OUTCOME_FAIL);
		answers(1, OUTCOME_OK);
		assert_true(healthy(PROBE_READINESS) == (i >= 1));
		due();
	}
	assert_string_equal(why_not(PROBE_LIVENESS), "a: status 503");
	assert_int_equal(story.unhealthy, 1);
	answers(0, OUTCOME_FAIL);
	answers(1, OUTCOME_OK);
	due();
	assert_int_equal(story.unhealthy, 1); /* it is said once */
	answers(0, OUTCOME_OK);
	assert_true(healthy(PROBE_LIVENESS));
	answers(1, OUTCOME_FAIL);
	assert_true(healthy(PROBE_READINESS)); /* one is none */
}

static void a_success_between_begins_the_count_anew(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1);
	begin();
	for (int i = 0; i < 20; i++) {
		answers(0, i % 3 == 2 ? OUTCOME_OK : OUTCOME_FAIL);
		assert_true(healthy(PROBE_LIVENESS));
		due();
	}
}

static void our_own_errors_are_no_verdict(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1);
	add(PROBE_READINESS, 1);
	begin();
	answers(0, OUTCOME_OK);
	for (int i = 0; i < 50; i++) {
		due();
		answers(0, OUTCOME_ERROR);
		assert_true(healthy(PROBE_LIVENESS) && healthy(PROBE_READINESS));
	}
	assert_int_equal(story.prober.checks[0].errors, 50);
	assert_int_equal(story.prober.rounds[PROBE_LIVENESS].rounds_error, 50);
	due();
	answers(0, OUTCOME_FAIL);
	due();
	answers(0, OUTCOME_ERROR); /* nor is it a success in between */
	due();
	answers(0, OUTCOME_FAIL);
	due();
	answers(0, OUTCOME_FAIL);
	assert_false(healthy(PROBE_LIVENESS));
}

static void several_checks_make_one_verdict(void **state)
{
	/* by the outcomes of a, b and a soft c: what a round of `all` and of `any` makes of them: +1 success, -1 failure, 0
	 * none */
	static const struct {
		enum outcome a, b, c;
		int all, any;
	} cases[] = {
	    {OUTCOME_OK, OUTCOME_OK, OUTCOME_FAIL, 1, 1},     {OUTCOME_OK, OUTCOME_FAIL, OUTCOME_OK, -1, 1},
	    {OUTCOME_FAIL, OUTCOME_FAIL, OUTCOME_OK, -1, -1}, {OUTCOME_OK, OUTCOME_ERROR, OUTCOME_OK, 0, 1},
	    {OUTCOME_FAIL, OUTCOME_ERROR, OUTCOME_OK, -1, 0}, {OUTCOME_ERROR, OUTCOME_ERROR, OUTCOME_OK, 0, 0},
	    {OUTCOME_OK, OUTCOME_OK, OUTCOME_ERROR, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int any = 0; any <= 1; any++) {
			new_plan();
			checks[2].soft = true;
			struct plan_probe *probe = add(PROBE_READINESS, 7);
			probe->mode = any ? PROBE_ANY : PROBE_ALL;
			begin();
			answers(2, cases[i].c);
			answers(0, cases[i].a);
			answers(1, cases[i].b);
			const struct prober_round *round = &story.prober.rounds[PROBE_READINESS];
			int expected = any ? cases[i].any : cases[i].all;
			assert_int_equal((int)round->rounds_ok - (int)round->rounds_failed, expected);
			assert_int_equal(round->rounds_error, expected == 0);
		}
	}
}

static void a_round_that_takes_long_skips_ticks(void **state)
{
	(void)state;
	new_plan();
	struct plan_probe *probe = add(PROBE_READINESS, 1);
	probe->period = 300;
	begin();
	for (int i = 0; i < 3; i++)
		due();                                                     /* ticks at 300, 600, 900 */
	assert_int_equal(story.prober.rounds[PROBE_READINESS].skipped, 2); /* one may wait */
	due(); /* at 1050 it is killed, and asked again for the one that waited */
	assert_int_equal(story.now - 100000, 1000 + PROBER_GRACE);
	assert_int_equal(story.prober.checks[0].last.failure, FAILURE_TIMEOUT);
	assert_int_equal(story.prober.rounds[PROBE_READINESS].rounds_failed, 1);
	assert_true(story.running[0]);
	answers(0, OUTCOME_OK);
	assert_false(story.running[0]);
	due(); /* and then on the grid */
	assert_int_equal(story.now - 100000, 1200);
	assert_true(story.running[0]);
}

/* Whenever the app begins to hang, it is noticed within period x failure_threshold + timeout + 100 ms. */
static void time_to_notice(void **state)
{
	static const struct {
		msec_t period, timeout;
		int threshold;
	} cases[] = {{10000, 1000, 3}, {1000, 1000, 3}, {500, 500, 4}, {500, 100, 5}, {2000, 1900, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (msec_t hang = 1; hang < 2 * cases[i].period; hang += cases[i].period / 25) {
			new_plan();
			struct plan_probe *probe = add(PROBE_LIVENESS, 1);
			probe->period = cases[i].period;
			probe->timeout = cases[i].timeout;
			probe->failure_threshold = cases[i].threshold;
			begin();
			msec_t from = story.now + hang;
			while (healthy(PROBE_LIVENESS)) {
				if (story.running[0] && story.now + 5 < from)
					answers(0, OUTCOME_OK);
				else if (story.running[0] &&
					 story.now < story.prober.rounds[PROBE_LIVENESS].begun + cases[i].timeout)
					passes(1);
				else if (story.running[0])
					answers(0, OUTCOME_FAIL); /* the worker says so itself, 5 ms after its time-out */
				else
					due();
			}
			assert_true(story.now - from <= cases[i].period * cases[i].threshold + cases[i].timeout + 100);
		}
	}
}

static void two_probes_join_in_one_question(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1)->timeout = 1000;
	add(PROBE_READINESS, 1)->timeout = 200;
	plan.probes[PROBE_READINESS].failure_threshold = 1;
	begin();
	passes(250); /* too long for readiness, not for liveness: the question goes on */
	assert_int_equal(story.prober.rounds[PROBE_READINESS].rounds_failed, 1);
	assert_true(story.running[0]);
	answers(0, OUTCOME_OK);
	assert_int_equal(story.prober.rounds[PROBE_LIVENESS].rounds_ok, 1);
	assert_int_equal(story.prober.rounds[PROBE_READINESS].rounds_ok, 0);
}

static void delays_and_jitter(void **state)
{
	(void)state;
	new_plan();
	struct plan_probe *probe = add(PROBE_READINESS, 1);
	probe->initial_delay = 5000;
	probe->jitter = 2000;
	for (uint64_t seed = 0; seed < 100; seed++) {
		memset(&story, 0, sizeof story);
		story.now = 100000;
		prober_init(&story.prober, &plan, seed * 7919);
		happens(PROBER_APP_STARTED);
		due();
		assert_true(story.running[0] && story.now >= 105000 && story.now <= 107000);
	}
}

static void startup_that_fails(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_STARTUP, 1)->failure_threshold = 2;
	begin();
	answers(0, OUTCOME_FAIL);
	assert_true(healthy(PROBE_LIVENESS));
	due();
	answers(0, OUTCOME_FAIL);
	assert_int_equal(story.unhealthy, 1);
	assert_false(healthy(PROBE_LIVENESS));
	begin();
	take(&story, &(struct prober_event){.kind = PROBER_EXTEND, .time = 25000});
	for (int i = 0; i < 3; i++, due()) { /* at 0, 10 and 20 s */
		answers(0, OUTCOME_FAIL);
		assert_int_equal(story.unhealthy, 0);
	}
	answers(0, OUTCOME_FAIL);
	assert_int_equal(story.unhealthy, 1);
}

static void ready_is_startups_verdict(void **state)
{
	(void)state;
	new_plan();
	plan.app.notify = true;
	add(PROBE_READINESS, 1);
	begin();
	assert_string_equal(why_not(PROBE_STARTUP), "no READY=1 from the app yet");
	assert_int_equal(prober_wake(&story.prober), INT64_MAX); /* however long it takes */
	happens(PROBER_READY);
	assert_true(healthy(PROBE_STARTUP) && story.running[0]);
	add(PROBE_STARTUP, 0)->failure_threshold = 2; /* now it must come in time */
	begin();
	assert_int_equal(story.unhealthy, 0);
	due();
	assert_int_equal(story.unhealthy, 1);
	add(PROBE_STARTUP, 2); /* and with a check both must be so */
	begin();
	answers(1, OUTCOME_OK);
	assert_false(healthy(PROBE_STARTUP));
	happens(PROBER_READY);
	answers(1, OUTCOME_OK); /* asked at once, not at the next tick */
	assert_true(healthy(PROBE_STARTUP));
}

static void watchdog(void **state)
{
	(void)state;
	new_plan();
	plan.app.notify = true;
	plan.app.watchdog = 2000;
	begin();
	passes(5000); /* it does not bark before READY=1 */
	assert_true(healthy(PROBE_LIVENESS));
	happens(PROBER_READY);
	passes(1900);
	happens(PROBER_WATCHDOG);
	passes(1999);
	assert_true(healthy(PROBE_LIVENESS));
	passes(1);
	assert_string_equal(why_not(PROBE_LIVENESS), "watchdog: no WATCHDOG=1 in time");
	assert_int_equal(story.unhealthy, 1);
	happens(PROBER_WATCHDOG);
	assert_true(healthy(PROBE_LIVENESS));
	take(&story, &(struct prober_event){.kind = PROBER_WATCHDOG_EVERY, .time = 10000});
	passes(9999);
	assert_true(healthy(PROBE_LIVENESS));
	happens(PROBER_WATCHDOG_FAIL);
	assert_false(healthy(PROBE_LIVENESS));
}

static void a_pause_of_the_container_is_nobodys_fault(void **state)
{
	(void)state;
	new_plan();
	plan.app.notify = true;
	plan.app.watchdog = 2000;
	add(PROBE_LIVENESS, 1)->failure_threshold = 1;
	begin();
	happens(PROBER_READY);
	assert_true(story.running[0]);
	passes(60000);
	assert_true(healthy(PROBE_LIVENESS));
	assert_int_equal(story.prober.rounds[PROBE_LIVENESS].rounds_error, 1);
	assert_true(story.running[0]); /* and it is asked anew, at once */
	assert_int_equal(story.prober.rounds[PROBE_LIVENESS].skipped, 5);
	answers(0, OUTCOME_OK);
	passes(1995);
	assert_false(healthy(PROBE_LIVENESS)); /* a whole watchdog period later */
}

static void a_stop_freezes_all_but_readiness(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1);
	add(PROBE_READINESS, 2);
	begin();
	answers(0, OUTCOME_OK);
	answers(1, OUTCOME_OK);
	due();
	happens(PROBER_STOPPED); /* and whoever is asked is let go */
	assert_true(healthy(PROBE_LIVENESS) && healthy(PROBE_STARTUP));
	assert_string_equal(why_not(PROBE_READINESS), "stopping");
	assert_int_equal(prober_valid_until(&story.prober), INT64_MAX);
	happens(PROBER_APP_STARTED);
	assert_false(healthy(PROBE_READINESS));
}

static void a_restart_begins_anew(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_LIVENESS, 1)->failure_threshold = 1;
	begin();
	answers(0, OUTCOME_FAIL);
	assert_int_equal(story.unhealthy, 1);
	happens(PROBER_RESTARTING);
	assert_string_equal(why_not(PROBE_LIVENESS), "the app is being restarted");
	passes(30000);
	happens(PROBER_APP_STARTED);
	assert_true(healthy(PROBE_LIVENESS) && healthy(PROBE_READINESS));
	answers(0, OUTCOME_FAIL);
	assert_int_equal(story.unhealthy, 1);
}

static void verdicts_grow_old(void **state)
{
	(void)state;
	new_plan();
	add(PROBE_READINESS, 1);
	begin();
	assert_int_equal(prober_valid_until(&story.prober) - story.now, 1000 + PROBER_GRACE + PAGE_SLACK);
	answers(0, OUTCOME_OK);
	assert_int_equal(prober_valid_until(&story.prober), 100000 + 10000 + 1000 + PROBER_GRACE + PAGE_SLACK);
	assert_int_equal(prober_check_valid_until(&story.prober, 0), prober_valid_until(&story.prober));
	assert_int_equal(prober_check_valid_until(&story.prober, 3), 0); /* nobody asks it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(walk_three_probes),
	    cmocka_unit_test(walk_an_app_that_tells_by_itself),
	    cmocka_unit_test(initial_verdicts_are_the_kubelets),
	    cmocka_unit_test(thresholds),
	    cmocka_unit_test(a_success_between_begins_the_count_anew),
	    cmocka_unit_test(our_own_errors_are_no_verdict),
	    cmocka_unit_test(several_checks_make_one_verdict),
	    cmocka_unit_test(a_round_that_takes_long_skips_ticks),
	    cmocka_unit_test(time_to_notice),
	    cmocka_unit_test(two_probes_join_in_one_question),
	    cmocka_unit_test(delays_and_jitter),
	    cmocka_unit_test(startup_that_fails),
	    cmocka_unit_test(ready_is_startups_verdict),
	    cmocka_unit_test(watchdog),
	    cmocka_unit_test(a_pause_of_the_container_is_nobodys_fault),
	    cmocka_unit_test(a_stop_freezes_all_but_readiness),
	    cmocka_unit_test(a_restart_begins_anew),
	    cmocka_unit_test(verdicts_grow_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
