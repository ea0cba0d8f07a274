/*
 * The sequencer, walked: every order of events to DEPTH from the first one on, then left alone until it ends by the clock.
 * After each event the promises of docs/design.md are asserted.
 */
#include "tests/unit/walk.h"

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

static void exit_codes(void **state)
{
	static const struct {
		int status, code;
		bool has_result;
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
		if (cases[i].has_result)
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
	assert_int_equal(story.seq.steps[0].retry_at, story.now + 1500);
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

static void bytes_that_may_have_arrived_are_not_sent_again(void **state)
{
	struct check_result result = {.outcome = OUTCOME_FAIL, .failure = FAILURE_PROTOCOL, .retry_after = MSEC_UNSET};

	(void)state;
	for (int sends = 0; sends < 2; sends++)
		for (int sent = 0; sent < 2; sent++) {
			new_plan();
			struct plan_step *step = add(STEP_TCP, 4000, 0, false);
			step->tcp.send = sends ? "close all" : NULL;
			step->retry.attempts = 3;
			add_stop(2000);
			begin_story();
			stop_signal();
			result.sent = sent;
			happens((struct event){.kind = EVENT_STEP_DONE, .step = 0, .result = &result});
			assert_int_equal(story.seq.steps[0].state, sends && sent ? STATE_FAILED : STATE_PAUSED);
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

static void what_is_left_has_five_seconds(void **state)
{
	(void)state;
	for (int chain = 0; chain <= 1; chain++) {
		new_plan();
		if (chain)
			add_stop(2000);
		begin_story();
		stop_signal();
		app_ends(TERM);
		assert_int_equal(story.seq.phase, PHASE_SWEEP);
		time_passes(LEFTOVERS - 1);
		assert_false(story.seq.kill_sent);
		time_passes(1);
		assert_true(story.seq.kill_sent);
		due();
		assert_true(story.over);
	}
}

static void required_steps_are_not_passed_over(void **state)
{
	(void)state;
	new_plan();
	struct plan_step *step = add(STEP_EXEC, 1000, 0, false);
	step->on_failure = ON_FAILURE_ABORT;
	step->needs_app = step->required = true;
	add(STEP_EXEC, 1000, 0, true);
	add(STEP_EXEC, 1000, 0, true)->required = true;
	add_stop(2000);
	add(STEP_EXEC, 1000, 0, false)->required = true;
	add(STEP_EXEC, 1000, 0, false);
	begin_story();
	stop_signal();
	step_brings(0, OUTCOME_FAIL);
	assert_int_equal(story.seq.steps[1].state, STATE_CUT); /* those beside it as well */
	step_brings(2, OUTCOME_OK);
	app_ends(TERM);
	step_brings(4, OUTCOME_OK);
	assert_int_equal(story.seq.steps[5].state, STATE_CUT);
	nothing_is_left();
	assert_int_equal(story.exit_code, 75);
}

static void required_step_without_its_app_has_failed(void **state)
{
	static const struct {
		unsigned when;
		bool needs_app;
		int code;
	} cases[] = {{0xf, true, 75}, {0xf, false, 1}, {1 << REASON_STOP, true, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		new_plan();
		struct plan_step *step = add(STEP_EXEC, 1000, 0, false);
		step->required = true;
		step->needs_app = cases[i].needs_app;
		step->when = cases[i].when;
		add_stop(2000);
		begin_story();
		app_ends(STATUS_EXIT(1));
		if (!step->needs_app)
			step_brings(0, OUTCOME_OK);
		nothing_is_left();
		assert_int_equal(story.exit_code, cases[i].code);
	}
}

static void no_process_to_be_had(void **state)
{
	static const msec_t pauses[] = {100, 200, 400, 800, 1000, 1000};

	(void)state;
	new_plan();
	add(STEP_EXEC, 4000, 0, false);
	add_stop(2000);
	begin_story();
	stop_signal();
	for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++, due()) {
		step_is_not_started(0);
		if (story.seq.steps[0].retry_at - story.now != pauses[i])
			break; /* 3.5 s: the next would be too late, so it comes sooner */
	}
	while (story.seq.steps[0].state != STATE_FAILED) {
		if (story.seq.steps[0].state == STATE_RUNNING)
			step_is_not_started(0);
		else
			due();
	}
	assert_true(story.now - story.seq.started >= 3900);
	assert_int_equal(story.seq.steps[0].started, story.seq.started);
}

static void what_can_never_be_is_tried_once(void **state)
{
	const struct check_result none = {
	    .outcome = OUTCOME_FAIL, .failure = FAILURE_FILE, .retry_after = MSEC_UNSET, .sent = true};

	(void)state;
	for (int wait = 0; wait <= 1; wait++) {
		new_plan();
		add(wait ? STEP_WAIT : STEP_EXEC, 4000, 0, false)->retry.attempts = 5;
		add_stop(2000);
		begin_story();
		stop_signal();
		happens((struct event){.kind = EVENT_STEP_DONE, .step = 0, .result = &none});
		assert_int_equal(story.seq.steps[0].state, STATE_FAILED);
	}
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
	    cmocka_unit_test(bytes_that_may_have_arrived_are_not_sent_again),
	    cmocka_unit_test(no_chain_for_an_app_that_never_ran),
	    cmocka_unit_test(what_is_left_has_five_seconds),
	    cmocka_unit_test(required_steps_are_not_passed_over),
	    cmocka_unit_test(required_step_without_its_app_has_failed),
	    cmocka_unit_test(no_process_to_be_had),
	    cmocka_unit_test(what_can_never_be_is_tried_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
