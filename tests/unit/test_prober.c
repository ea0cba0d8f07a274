/*
 * The prober, walked: every order of events to DEPTH, with what must hold after each; then the app's life: its start, its own
 * word, its restarts, its end.
 */
#include "tests/unit/probing.h"

static void walk_all(int depth)
{
	paths = events_seen = 0;
	begin();
	walk(&story, depth);
	print_message("%lu paths, %lu events\n", paths, events_seen);
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
	assert_string_equal(why_not(PROBE_STARTUP), "waiting for READY=1");
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
	assert_string_equal(why_not(PROBE_LIVENESS), "watchdog: WATCHDOG=1 is overdue");
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

/* Less than a second late: the app had no time to make up for it. But it has no second such time. */
static void a_short_pause_spares_the_watchdog_once(void **state)
{
	(void)state;
	new_plan();
	plan.app.notify = true;
	plan.app.watchdog = 2000;
	begin();
	happens(PROBER_READY);
	passes(2700);
	assert_true(healthy(PROBE_LIVENESS));
	passes(999);
	happens(PROBER_WATCHDOG);
	passes(2700);
	assert_true(healthy(PROBE_LIVENESS));
	passes(1100);
	assert_false(healthy(PROBE_LIVENESS));
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

/* The next round begins as this one ends: who reads the verdict's action must still know which checks failed. */
static void a_verdict_names_its_checks(void **state)
{
	const struct prober_round *round = &story.prober.rounds[PROBE_READINESS];

	(void)state;
	new_plan();
	add(PROBE_READINESS, 1)->period = 500;
	plan.probes[PROBE_READINESS].failure_threshold = 1;
	begin();
	answers(0, OUTCOME_OK);
	due();
	due();
	answers(0, OUTCOME_FAIL);
	assert_int_equal(round->verdict, VERDICT_FAILURE);
	assert_true(round->under_way);
	assert_int_equal(round->failed, 0);
	assert_int_equal(round->blamed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(walk_three_probes),
	    cmocka_unit_test(walk_an_app_that_tells_by_itself),
	    cmocka_unit_test(startup_that_fails),
	    cmocka_unit_test(ready_is_startups_verdict),
	    cmocka_unit_test(watchdog),
	    cmocka_unit_test(a_pause_of_the_container_is_nobodys_fault),
	    cmocka_unit_test(a_short_pause_spares_the_watchdog_once),
	    cmocka_unit_test(a_stop_freezes_all_but_readiness),
	    cmocka_unit_test(a_restart_begins_anew),
	    cmocka_unit_test(verdicts_grow_old),
	    cmocka_unit_test(a_verdict_names_its_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
