/*
 * Restarts: the sequencer walked with an app that may be started again, and the budget of restarts by itself.
 */
#include "tests/unit/walk.h"

static void for_restarts(struct plan_step *step)
{
	step->when |= 1 << REASON_RESTART;
}

static void walk_restarts(void **state)
{
	(void)state;
	new_plan();
	for_restarts(add(STEP_EXEC, 2000, 0, false));
	add_stop(2000);
	add(STEP_EXEC, 1000, 1000, false)->required = true;
	may_restart(RESTART_ON_FAILURE, 2);
	walk_all(DEPTH);
}

static void walk_restarts_with_a_required_step(void **state)
{
	(void)state;
	new_plan();
	add_stop(2000);
	struct plan_step *flat = add(STEP_WAIT, 1000, 0, false);
	flat->required = true;
	for_restarts(flat);
	may_restart(RESTART_ALWAYS, 1);
	walk_all(DEPTH);
}

static void walk_restarts_without_a_chain(void **state)
{
	(void)state;
	new_plan();
	add_stop(MSEC_UNSET);
	plan.shutdown.chained = false;
	plan.shutdown.clean_exit_code = -1;
	may_restart(RESTART_ALWAYS, 3);
	walk_all(DEPTH);
}

/* --- single stories --------------------------------------------------------------------------------------------------- */

static void unhealthy(enum unhealthy what)
{
	happens((struct event){.kind = EVENT_UNHEALTHY, .unhealthy = what});
}

static void old_life_is_gone(void)
{
	assert_int_equal(story.seq.phase, PHASE_CLEARING);
	happens((struct event){.kind = EVENT_CLEARED});
	assert_int_equal(story.seq.phase, PHASE_WAITING);
}

static void restartable(int max)
{
	new_plan();
	for_restarts(add(STEP_EXEC, 2000, 0, false));
	add_stop(2000);
	add(STEP_EXEC, 2000, 0, false);
	may_restart(RESTART_NEVER, max);
	begin_story();
}

static void unhealthy_app_is_restarted_by_the_steps_marked_for_it(void **state)
{
	(void)state;
	restartable(5);
	unhealthy(UNHEALTHY_RESTART);
	assert_int_equal(story.seq.steps[0].state, STATE_RUNNING);
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.stops_sent, 1);
	app_ends(TERM);
	assert_int_equal(story.seq.steps[2].state, STATE_SKIPPED);
	old_life_is_gone();
	due();
	assert_true(story.start_asked);
	happens((struct event){.kind = EVENT_APP_STARTED});
	assert_int_equal(story.seq.phase, PHASE_RUNNING);
	unhealthy(UNHEALTHY_SHUTDOWN); /* and the next one is a process of its own */
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.stops_sent, 1);
	app_ends(TERM);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 69);
}

static void a_stop_during_a_restart_is_a_stop(void **state)
{
	(void)state;
	restartable(5);
	unhealthy(UNHEALTHY_RESTART);
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.stops_sent, 1);
	stop_signal(); /* the chain begins anew, the app is not told twice */
	assert_int_equal(story.seq.reason, REASON_STOP);
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.stops_sent, 1);
	app_ends(TERM);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 0);
}

static void a_stop_between_two_lives_ends_at_once(void **state)
{
	(void)state;
	restartable(5);
	plan.app.restart.policy = RESTART_ON_FAILURE;
	app_ends(STATUS_EXIT(3));
	step_brings(0, OUTCOME_OK);
	old_life_is_gone();
	stop_signal();
	step_brings(0, OUTCOME_OK);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 3);
}

static void an_interrupt_between_two_lives_is_a_stop(void **state)
{
	(void)state;
	for (int signal = 2; signal <= 3; signal++) { /* SIGINT, SIGQUIT */
		new_plan();
		add_stop(MSEC_UNSET);
		plan.shutdown.chained = false;
		plan.shutdown.clean_exit_code = -1;
		may_restart(RESTART_ALWAYS, 3);
		begin_story();
		happens((struct event){.kind = EVENT_SIGNAL, .signal = signal});
		assert_int_equal(story.seq.phase, PHASE_RUNNING); /* it is the app's */
		app_ends(STATUS_EXIT(3));
		old_life_is_gone();
		happens((struct event){.kind = EVENT_SIGNAL, .signal = 1});
		assert_int_equal(story.seq.phase, PHASE_WAITING); /* SIGHUP is no reason to end */
		happens((struct event){.kind = EVENT_SIGNAL, .signal = signal});
		nothing_is_left();
		assert_int_equal(story.exit_code, 3);
	}
}

static void too_many_restarts_are_a_shutdown(void **state)
{
	(void)state;
	restartable(1);
	plan.app.restart.policy = RESTART_ON_FAILURE;
	for (int life = 0; life < 2; life++) {
		app_ends(STATUS_EXIT(3));
		step_brings(0, OUTCOME_OK);
		if (life == 1)
			break;
		old_life_is_gone();
		due();
		happens((struct event){.kind = EVENT_APP_STARTED});
	}
	assert_int_equal(story.seq.reason, REASON_CRASH);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 3);
}

static void a_required_step_that_fails_in_a_restart_ends_it(void **state)
{
	(void)state;
	restartable(5);
	steps[0].required = true;
	unhealthy(UNHEALTHY_RESTART);
	step_brings(0, OUTCOME_FAIL);
	app_ends(TERM);
	assert_int_equal(story.seq.reason, REASON_UNHEALTHY);
	step_brings(0, OUTCOME_FAIL);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 75);
}

static void an_extension_stays_within_the_deadline(void **state)
{
	(void)state;
	new_plan();
	add_stop(1000);
	add(STEP_EXEC, MSEC_UNSET, 2000, false);
	begin_story();
	stop_signal();
	happens((struct event){.kind = EVENT_EXTEND, .time = 3000});
	assert_int_equal(story.seq.steps[0].until - story.now, 3000);
	happens((struct event){.kind = EVENT_EXTEND, .time = 1000}); /* it does not shorten */
	assert_int_equal(story.seq.steps[0].until - story.now, 2990);
	happens((struct event){.kind = EVENT_EXTEND, .time = 86400000});
	assert_int_equal(story.seq.steps[0].until - story.seq.started, 10000 - 500 - 2000 - 100);
}

static void an_app_that_cannot_be_started_is_tried_on(void **state)
{
	(void)state;
	restartable(5);
	unhealthy(UNHEALTHY_RESTART);
	step_brings(0, OUTCOME_OK);
	app_ends(TERM);
	old_life_is_gone();
	for (int i = 0; i < 3; i++) {
		due();
		assert_true(story.start_asked);
		happens((struct event){.kind = EVENT_NOT_STARTED});
	}
	due();
	happens((struct event){.kind = EVENT_APP_STARTED});
	assert_int_equal(story.seq.phase, PHASE_RUNNING);
}

/* It ran once: what it left behind is put in order. */
static void an_app_that_cannot_be_executed_again_has_crashed(void **state)
{
	(void)state;
	restartable(1);
	unhealthy(UNHEALTHY_RESTART);
	step_brings(0, OUTCOME_OK);
	app_ends(TERM);
	old_life_is_gone();
	due();
	happens((struct event){.kind = EVENT_APP_STARTED});
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = STATUS_EXIT(126), .exec_errno = 13});
	assert_int_equal(story.seq.reason, REASON_CRASH);
	assert_int_equal(story.seq.steps[0].state, STATE_RUNNING);
	step_brings(0, OUTCOME_OK);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 126);
}

/* The next chain begins, and nothing of the old one is looked at any more. */
static void a_required_step_that_fails_last_begins_the_shutdown(void **state)
{
	(void)state;
	new_plan();
	add_stop(2000);
	for_restarts(add(STEP_EXEC, 1000, 0, false));
	steps[1].required = true;
	add(STEP_EXEC, 1000, 0, false);
	may_restart(RESTART_ON_FAILURE, 5);
	begin_story();
	app_ends(STATUS_EXIT(3));
	time_passes(1000);
	assert_int_equal(story.seq.reason, REASON_CRASH);
	assert_int_equal(story.seq.steps[1].state, STATE_RUNNING);
	step_brings(1, OUTCOME_OK);
	step_brings(2, OUTCOME_OK);
	nothing_is_left();
	assert_int_equal(story.exit_code, 3);
}

static void back_off_begins_when_the_old_life_is_over(void **state)
{
	(void)state;
	restartable(5);
	plan.app.restart.policy = RESTART_ON_FAILURE;
	app_ends(STATUS_EXIT(3));
	step_brings(0, OUTCOME_OK);
	time_passes(3000);
	old_life_is_gone();
	assert_int_equal(seq_wake(&story.seq) - story.now, plan.app.restart.backoff);
}

static void what_the_old_life_left_is_killed_or_it_is_a_shutdown(void **state)
{
	(void)state;
	restartable(5);
	plan.app.restart.policy = RESTART_ON_FAILURE;
	app_ends(STATUS_EXIT(3));
	step_brings(0, OUTCOME_OK);
	time_passes(LEFTOVERS - 1);
	assert_false(story.seq.kill_sent);
	time_passes(1);
	assert_true(story.seq.kill_sent);
	due();
	assert_int_equal(story.seq.phase, PHASE_CHAIN);
	assert_int_equal(story.seq.reason, REASON_CRASH);
	step_brings(0, OUTCOME_OK);
	step_brings(2, OUTCOME_OK);
	assert_false(story.seq.kill_sent); /* with a time of their own */
	nothing_is_left();
	assert_int_equal(story.exit_code, 3);
}

static void a_stop_while_the_old_life_is_cleared_ends_at_once(void **state)
{
	(void)state;
	restartable(5);
	plan.app.restart.policy = RESTART_ON_FAILURE;
	app_ends(STATUS_EXIT(3));
	step_brings(0, OUTCOME_OK);
	assert_int_equal(story.seq.phase, PHASE_CLEARING);
	stop_signal();
	assert_int_equal(story.seq.reason, REASON_STOP);
	assert_int_equal(story.seq.steps[0].state, STATE_RUNNING);
}

static void without_a_chain_a_stop_during_a_restart_is_not_told_twice(void **state)
{
	(void)state;
	new_plan();
	add_stop(MSEC_UNSET);
	plan.shutdown.chained = false;
	may_restart(RESTART_ALWAYS, 3);
	begin_story();
	unhealthy(UNHEALTHY_RESTART);
	assert_int_equal(story.stops_sent, 1);
	stop_signal();
	assert_int_equal(story.stops_sent, 1);
	assert_int_equal(story.seq.steps[0].state, STATE_CUT);
	app_ends(TERM);
	nothing_is_left();
	assert_int_equal(story.exit_code, 0);
}

/* --status shows the last chain until the next one. */
static void ended_steps_keep_their_state(void **state)
{
	(void)state;
	restartable(5);
	plan.app.restart.backoff = 0;
	unhealthy(UNHEALTHY_RESTART);
	step_brings(0, OUTCOME_OK);
	time_passes(2000);
	app_ends(9);
	old_life_is_gone();
	happens((struct event){.kind = EVENT_APP_STARTED});
	assert_int_equal(story.seq.phase, PHASE_RUNNING);
	assert_int_equal(story.seq.steps[1].state, STATE_TIMEOUT);
	assert_true(story.seq.steps[1].ended > story.seq.steps[1].started);
}

static void pauses_double_and_the_budget_is_of_a_time(void **state)
{
	static const struct plan_restart budget = {.max = 4, .within = 60000, .backoff = 1000, .backoff_max = 5000};
	static const msec_t pauses[] = {1000, 2000, 4000, 5000};
	struct restart restart = {.count = 0};
	msec_t pause, now = 100000;

	(void)state;
	for (int i = 0; i < 4; i++, now += 10000) {
		assert_true(restart_allowed(&restart, &budget, now, &pause));
		assert_int_equal(pause, pauses[i]);
	}
	assert_false(restart_allowed(&restart, &budget, now, &pause));
	assert_true(restart_allowed(&restart, &budget, 100000 + 60000, &pause)); /* the first is out of the time */
	assert_int_equal(pause, 5000);
	assert_true(restart_allowed(&restart, &budget, 1000000, &pause)); /* all are */
	assert_int_equal(pause, 1000);
	for (int i = 0; i < 1000; i++) /* however many */
		assert_true(restart_allowed(&restart, &budget, 2000000 + i * 60000, &pause));
}

/* Of earlier runs, by the wall clock. */
static void restarts_on_record_count(void **state)
{
	const struct plan_restart limit = {.max = 3, .within = 60000, .backoff = 1000, .backoff_max = 30000};
	const int64_t wall = 1700000000000;
	struct restart restart = {.count = 0};
	struct account past;
	msec_t pause;

	(void)state;
	account_begin(&past);
	past.restarts[past.restart_count++] = wall - 100000; /* too long ago */
	past.restarts[past.restart_count++] = wall - 59000;
	past.restarts[past.restart_count++] = wall + 1000;   /* the clock was set back a little */
	past.restarts[past.restart_count++] = wall + 900000; /* it is wrong */
	restart_recall(&restart, &limit, &past, 5000000, wall);
	assert_int_equal(restart.count, 3);
	assert_true(restart_allowed(&restart, &limit, 5000000, &pause));
	assert_int_equal(pause, 4000);
	assert_false(restart_allowed(&restart, &limit, 5000000, &pause));
	assert_true(restart_allowed(&restart, &limit, 5002000, &pause)); /* one has grown too old */
	for (past.restart_count = 0; past.restart_count < 250; past.restart_count++)
		past.restarts[past.restart_count % PLAN_RESTARTS_MAX] = wall - 10;
	restart = (struct restart){.count = 0};
	restart_recall(&restart, &limit, &past, 5000000, wall);
	assert_int_equal(restart.count, PLAN_RESTARTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(walk_restarts),
	    cmocka_unit_test(walk_restarts_with_a_required_step),
	    cmocka_unit_test(walk_restarts_without_a_chain),
	    cmocka_unit_test(unhealthy_app_is_restarted_by_the_steps_marked_for_it),
	    cmocka_unit_test(a_stop_during_a_restart_is_a_stop),
	    cmocka_unit_test(a_stop_between_two_lives_ends_at_once),
	    cmocka_unit_test(an_interrupt_between_two_lives_is_a_stop),
	    cmocka_unit_test(too_many_restarts_are_a_shutdown),
	    cmocka_unit_test(a_required_step_that_fails_in_a_restart_ends_it),
	    cmocka_unit_test(an_extension_stays_within_the_deadline),
	    cmocka_unit_test(an_app_that_cannot_be_started_is_tried_on),
	    cmocka_unit_test(an_app_that_cannot_be_executed_again_has_crashed),
	    cmocka_unit_test(a_required_step_that_fails_last_begins_the_shutdown),
	    cmocka_unit_test(back_off_begins_when_the_old_life_is_over),
	    cmocka_unit_test(what_the_old_life_left_is_killed_or_it_is_a_shutdown),
	    cmocka_unit_test(a_stop_while_the_old_life_is_cleared_ends_at_once),
	    cmocka_unit_test(without_a_chain_a_stop_during_a_restart_is_not_told_twice),
	    cmocka_unit_test(ended_steps_keep_their_state),
	    cmocka_unit_test(pauses_double_and_the_budget_is_of_a_time),
	    cmocka_unit_test(restarts_on_record_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
