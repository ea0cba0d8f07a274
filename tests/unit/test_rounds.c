/* Rounds of checks, as the kubelet has them: verdicts, thresholds, time-outs, ticks. */
#include "tests/unit/probing.h"

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
					 story.now < story.prober.rounds[PROBE_LIVENESS].started + cases[i].timeout)
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

/* 1.6 s without an answer are one failure of a probe that waits 1 s, and none of one that waits 3 s. */
static void one_request_is_one_result(void **state)
{
	(void)state;
	for (int swapped = 0; swapped <= 1; swapped++) {
		enum probe_kind impatient = swapped ? PROBE_READINESS : PROBE_LIVENESS;
		enum probe_kind patient = swapped ? PROBE_LIVENESS : PROBE_READINESS;
		new_plan();
		add(impatient, 1)->period = 1000;
		add(patient, 1)->period = 1000;
		plan.probes[patient].timeout = 3000;
		begin();
		while (story.now < 101600)
			passes(prober_wake(&story.prober) < 101600 ? prober_wake(&story.prober) - story.now
								   : 101600 - story.now);
		assert_int_equal(story.has_result[0], 1);
		answers(0, OUTCOME_OK); /* and it asks anew at once */
		answers(0, OUTCOME_OK);
		assert_int_equal(story.prober.rounds[impatient].rounds_failed, 1);
		assert_int_equal(story.prober.rounds[impatient].rounds_ok, 1);
		assert_int_equal(story.prober.rounds[patient].rounds_failed, 0);
		assert_int_equal(story.prober.checks[0].failed, 0);
	}
}

static void a_checks_own_time_counts(void **state)
{
	(void)state;
	new_plan();
	checks[0].timeout = 2000;
	add(PROBE_LIVENESS, 1)->timeout = 500;
	begin();
	passes(1900);
	answers(0, OUTCOME_OK);
	assert_int_equal(story.prober.rounds[PROBE_LIVENESS].rounds_ok, 1);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(initial_verdicts_are_the_kubelets),
	    cmocka_unit_test(thresholds),
	    cmocka_unit_test(a_success_between_begins_the_count_anew),
	    cmocka_unit_test(our_own_errors_are_no_verdict),
	    cmocka_unit_test(several_checks_make_one_verdict),
	    cmocka_unit_test(a_round_that_takes_long_skips_ticks),
	    cmocka_unit_test(time_to_notice),
	    cmocka_unit_test(two_probes_join_in_one_question),
	    cmocka_unit_test(one_request_is_one_result),
	    cmocka_unit_test(a_checks_own_time_counts),
	    cmocka_unit_test(delays_and_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
