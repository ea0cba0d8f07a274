/* The account that a journal gives of the past: single stories. */
#include "tests/unit/account.h"

static void feed(struct record record)
{
	record_put(record.run, sizeof record.run, run);
	record.number = ++number;
	record.time = now += 10;
	account_feed(&account, &record, &chain);
}

static void starts(const char *id)
{
	struct record record = record_of(RECORD_RUN);

	number = 0;
	record_put(run, sizeof run, id);
	record.deadline = 9000;
	record.grace = 10000;
	feed(record);
}

static void app_starts(int restarts)
{
	struct record record = record_of(RECORD_APP_START);

	record.count = restarts;
	feed(record);
}

static void chain_starts(const char *id, int reason, int signal)
{
	struct record record = record_of(RECORD_CHAIN_START);

	record_put(record.id, sizeof record.id, id);
	record.reason = reason;
	record.signal = signal;
	record.count = *id ? STEPS : 0;
	record.after = 0;
	record.deadline = 9000;
	feed(record);
}

static void step_ends(const char *id, const char *name, int state, int64_t after)
{
	struct record record = record_of(RECORD_STEP_END);

	record_put(record.id, sizeof record.id, id);
	record_put(record.name, sizeof record.name, name);
	record.state = state;
	record.attempt = 2;
	record.took = 5;
	record.after = after;
	feed(record);
}

static void ticks(const char *id, int64_t after)
{
	struct record record = record_of(RECORD_TICK);

	record_put(record.id, sizeof record.id, id);
	record.after = after;
	feed(record);
}

static void chain_ends(const char *id, bool failed, int64_t after)
{
	struct record record = record_of(RECORD_CHAIN_END);

	record_put(record.id, sizeof record.id, id);
	record.failed = failed;
	record.after = after;
	feed(record);
}

static void ends(int reason, bool unfinished, int64_t after)
{
	struct record record = record_of(RECORD_END);

	record.reason = reason;
	record.code = 75;
	record.unfinished = unfinished;
	record.after = after;
	feed(record);
}

static void is_held(void)
{
	feed(record_of(RECORD_HELD));
}

/* --- what is owed --- */

static void nothing_is_owed_without_an_app(void **state)
{
	(void)state;
	owes(OWED_NOTHING, "", 0);
	assert_false(account_counts(&account));
	starts("aaaaaaaaaaaaaaaa");
	owes(OWED_NOTHING, "", 0);
	assert_int_equal(account.runs, 1);
	assert_int_equal(account.deadline, 9000);
	assert_int_equal(account.grace, 10000);
	assert_false(account.ended);
	chain_starts("S", REASON_START, RECORD_UNSET);
	step_ends("S", "cancel", STATE_OK, 5);
	owes(OWED_NOTHING, "", 0);
	assert_false(account.chain.ran);
	assert_false(account.stopping);
}

static void an_app_that_ran_owes_everything(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	owes(OWED_EVERYTHING, "", 0);
	starts("bbbbbbbbbbbbbbbb");
	owes(OWED_EVERYTHING, "", 0);
	assert_string_equal(account.run, "bbbbbbbbbbbbbbbb");
	assert_int_equal(account.number, 1);
	assert_int_equal(account.runs, 2);
}

/* The line of its start may be damaged, or have found the disk full. */
static void an_app_that_is_not_on_record_may_have_run(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	number++; /* a line that cannot be read */
	chain_starts("H", REASON_HELD, RECORD_UNSET);
	owes(OWED_EVERYTHING, "", 0);
	ends(REASON_STOP, false, 10);
	owes(OWED_NOTHING, "", 0);
	starts("bbbbbbbbbbbbbbbb");
	app_starts(0);
	chain_starts("A", REASON_STOP, 15);
	step_ends("A", "cancel", STATE_OK, 10);
	starts("cccccccccccccccc"); /* cut off, and again without a line */
	number++;
	owes(OWED_REST, "A", 1);
	feed(record_of(RECORD_APP_EXIT)); /* only an app that ran ends */
	owes(OWED_EVERYTHING, "", 0);
}

static void a_damaged_last_line_may_be_the_start_of_the_app(void **state)
{
	(void)state;
	account_damaged(&account, 1);
	owes(OWED_NOTHING, "", 0); /* nothing has run */
	starts("aaaaaaaaaaaaaaaa");
	account_damaged(&account, 1);
	owes(OWED_EVERYTHING, "", 0);
	ends(REASON_STOP, false, 10);
	account_damaged(&account, 1);
	owes(OWED_NOTHING, "", 0);
}

/* The line that began a chain is damaged: its id is in others. */
static void a_chain_is_known_by_its_steps(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	chain_starts("S", REASON_START, RECORD_UNSET);
	app_starts(0);
	step_ends("S", "cancel", STATE_OK, 10); /* of start.chain: not it */
	owes(OWED_EVERYTHING, "", 0);
	step_ends("A", "nobody", STATE_OK, 10);
	owes(OWED_EVERYTHING, "", 0);
	step_ends("A", "cancel", STATE_OK, 10);
	owes(OWED_REST, "A", 1);
	step_ends("A", "report", STATE_OK, 20);
	owes(OWED_REST, "A", 1 | 1 << 3);
}

static void a_chain_owes_the_rest(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_STOP, 15);
	owes(OWED_REST, "A", 0);
	step_ends("A", "cancel", STATE_OK, 10);
	step_ends("A", "flatten", STATE_FAILED, 20);
	step_ends("A", "tell/slack", STATE_OK, 30);
	step_ends("B", "stop", STATE_OK, 30);
	step_ends("A", "nobody", STATE_OK, 30);
	step_ends("", "report", STATE_OK, 30);
	owes(OWED_REST, "A", 1 | 1 << 4);
	assert_true(account.stopping);
	assert_int_equal(account.stop_reason, REASON_STOP);
	assert_int_equal(account.signal, 15);
	assert_int_equal(account.after, 30);
	chain_ends("A", true, 40);
	owes(OWED_REST, "A", 1 | 1 << 4);
	assert_true(account.chain.ended);
	assert_true(account.chain.failed);
	assert_int_equal(account.chain.steps[0].state, STATE_OK);
	assert_int_equal(account.chain.steps[0].attempt, 2);
	assert_int_equal(account.chain.steps[0].took, 5);
	assert_int_equal(account.chain.steps[1].state, STATE_FAILED);
	assert_int_equal(account.chain.steps[2].state, STATE_PENDING);
	assert_int_equal(account.chain.after, 40);
	ends(REASON_STOP, false, 50);
	owes(OWED_NOTHING, "", 0);
	assert_int_equal(account.code, 75);
	assert_int_equal(account.reason, REASON_STOP);
	assert_int_equal(account.after, 50);
}

static void an_unfinished_end_still_owes(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_STOP, 15);
	step_ends("A", "cancel", STATE_OK, 10);
	ends(REASON_STOP, true, 20);
	owes(OWED_REST, "A", 1);
	starts("bbbbbbbbbbbbbbbb");
	ends(REASON_STOP, true, 20);
	owes(OWED_REST, "A", 1);
	starts("cccccccccccccccc");
	app_starts(0);
	owes(OWED_EVERYTHING, "", 0);
}

static void recovery_goes_on_under_the_same_id(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_STOP, 15);
	step_ends("A", "cancel", STATE_OK, 10);
	step_ends("A", "flatten", STATE_TIMEOUT, 20);
	starts("bbbbbbbbbbbbbbbb");
	chain_starts("A", REASON_RECOVERY, RECORD_UNSET);
	owes(OWED_REST, "A", 1);
	assert_false(account.stopping);
	assert_int_equal(account.chain.steps[0].state, STATE_OK);
	assert_int_equal(account.chain.steps[1].state, STATE_PENDING);
	step_ends("A", "cancel", STATE_SKIPPED, 1);
	step_ends("A", "flatten", STATE_OK, 20);
	owes(OWED_REST, "A", 3);
	assert_int_equal(account.chain.steps[0].state, STATE_OK);
	starts("cccccccccccccccc");
	chain_starts("A", REASON_RECOVERY, RECORD_UNSET);
	owes(OWED_REST, "A", 3);
	chain_ends("A", false, 30);
	chain_starts("B", REASON_START, RECORD_UNSET);
	owes(OWED_REST, "A", 3);
	app_starts(0);
	owes(OWED_EVERYTHING, "", 0);
	chain_starts("A", REASON_STOP, 15); /* an id is never used again, but if it were: */
	owes(OWED_REST, "A", 0);
}

static void another_id_begins_anew(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_RESTART, RECORD_UNSET);
	step_ends("A", "cancel", STATE_OK, 10);
	assert_false(account.stopping);
	chain_starts("B", REASON_STOP, 15);
	owes(OWED_REST, "B", 0);
	step_ends("A", "flatten", STATE_OK, 10);
	owes(OWED_REST, "B", 0);
	assert_true(account.stopping);
}

static void a_shutdown_without_a_chain_owes_what_it_did(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("", REASON_STOP, 15);
	owes(OWED_EVERYTHING, "", 0);
	assert_true(account.stopping);
	assert_int_equal(account.signal, 15);
	assert_false(account.chain.ran);
	ticks("", 250);
	assert_int_equal(account.after, 250);
	ends(REASON_STOP, false, 300);
	owes(OWED_NOTHING, "", 0);
}

static void held_alerts_owe_nothing_more(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_CRASH, RECORD_UNSET);
	step_ends("A", "cancel", STATE_OK, 10);
	is_held();
	chain_starts("H", REASON_HELD, RECORD_UNSET);
	step_ends("H", "flatten", STATE_OK, 10);
	owes(OWED_REST, "A", 1);
	assert_true(account.held);
	assert_string_equal(account.chain.id, "A");
}

static void a_name_that_two_steps_share_is_nobodys(void **state)
{
	static char first[100], second[100];

	(void)state;
	memset(first, 'x', sizeof first - 1);
	memset(second, 'x', sizeof second - 1);
	second[98] = 'y'; /* not in a record any more */
	steps[0].name = first;
	steps[1].name = second;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	chain_starts("A", REASON_STOP, 15);
	step_ends("A", first, STATE_OK, 10);
	owes(OWED_REST, "A", 0);
	second[0] = 'y';
	step_ends("A", first, STATE_OK, 10);
	owes(OWED_REST, "A", 1);
}

/* --- restarts --- */

static void restarts_are_counted(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	assert_int_equal(account.restart_count, 0);
	app_starts(1);
	assert_int_equal(account.restart_count, 1);
	assert_int_equal(account.restarts[0], now);
	assert_true(account_counts(&account)); /* no end */
	starts("bbbbbbbbbbbbbbbb");
	assert_int_equal(account.restart_count, 2);
	assert_int_equal(account.restarts[1], now);
	ends(REASON_CRASH, false, RECORD_UNSET);
	assert_true(account_counts(&account));
	starts("cccccccccccccccc");
	assert_int_equal(account.restart_count, 3);
	ends(REASON_UNHEALTHY, false, RECORD_UNSET);
	starts("dddddddddddddddd");
	assert_int_equal(account.restart_count, 4);
	ends(REASON_STOP, false, RECORD_UNSET);
	assert_false(account_counts(&account));
	starts("eeeeeeeeeeeeeeee");
	ends(REASON_EXIT, false, RECORD_UNSET);
	assert_false(account_counts(&account));
	starts("ffffffffffffffff");
	assert_int_equal(account.restart_count, 4);
	for (int i = 0; i < PLAN_RESTARTS_MAX; i++)
		app_starts(i + 1);
	assert_int_equal(account.restart_count, 4 + PLAN_RESTARTS_MAX);
	assert_int_equal(account.restarts[3], now);
}

static void a_held_run_that_is_stopped_clears_them(void **state)
{
	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(1);
	ends(REASON_STOP, false, RECORD_UNSET);
	assert_int_equal(account.restart_count, 1); /* not held */
	starts("bbbbbbbbbbbbbbbb");
	app_starts(1);
	is_held();
	starts("cccccccccccccccc"); /* cut off */
	assert_int_equal(account.restart_count, 3);
	assert_false(account.held);
	is_held();
	ends(REASON_STOP, false, RECORD_UNSET);
	assert_int_equal(account.restart_count, 0);
	assert_true(account.held);
	starts("dddddddddddddddd");
	assert_int_equal(account.restart_count, 0);
	assert_false(account.held);
}

/* --- how long --- */

static void cut_off(const char *id, int signal, int64_t after)
{
	starts(id);
	app_starts(0);
	chain_starts("A", REASON_STOP, signal);
	ticks("A", after / 2);
	ticks("A", after);
}

static void a_cut_off_run_tells_the_grace(void **state)
{
	(void)state;
	cut_off("aaaaaaaaaaaaaaaa", 15, 9900);
	assert_int_equal(account.after, 9900);
	assert_int_equal(account.learned_grace, 9900);
	assert_int_equal(account.learned_at, now);
	int64_t then = now;
	starts("bbbbbbbbbbbbbbbb");
	assert_int_equal(account.after, RECORD_UNSET);
	assert_int_equal(account.learned_grace, 9900);
	app_starts(0);
	chain_starts("B", REASON_STOP, 15);
	step_ends("B", "cancel", STATE_OK, 3000);
	ends(REASON_STOP, false, 4000); /* shorter: says nothing about it */
	assert_int_equal(account.learned_grace, 9900);
	assert_int_equal(account.learned_at, then);
	cut_off("cccccccccccccccc", 15, 8000); /* the latest counts */
	assert_int_equal(account.learned_grace, 8000);
	starts("dddddddddddddddd");
	app_starts(0);
	chain_starts("", REASON_STOP, 15);
	ticks("", 9000);
	ends(REASON_STOP, false, 9001);
	assert_int_equal(account.learned_grace, RECORD_UNSET);
}

static void without_a_signal_no_grace_is_learned(void **state)
{
	(void)state;
	cut_off("aaaaaaaaaaaaaaaa", RECORD_UNSET, 9900);
	assert_int_equal(account.after, 9900);
	assert_int_equal(account.learned_grace, RECORD_UNSET);
	cut_off("bbbbbbbbbbbbbbbb", 15, 5000);
	starts("cccccccccccccccc");
	app_starts(0);
	chain_starts("C", REASON_CRASH, RECORD_UNSET);
	ends(REASON_CRASH, false, 20000);
	assert_int_equal(account.learned_grace, 5000);
}

static void a_chain_has_its_own_length(void **state)
{
	struct record record = record_of(RECORD_CHAIN_START);

	(void)state;
	starts("aaaaaaaaaaaaaaaa");
	app_starts(0);
	record_put(record.id, sizeof record.id, "A");
	record.reason = REASON_STOP;
	record.count = STEPS;
	record.after = 700; /* it had to wait */
	feed(record);
	ticks("A", 1000);
	assert_int_equal(account.after, 1000);
	assert_int_equal(account.chain.after, 300);
	assert_false(account.chain.ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(nothing_is_owed_without_an_app, begin),
	    cmocka_unit_test_setup(an_app_that_ran_owes_everything, begin),
	    cmocka_unit_test_setup(an_app_that_is_not_on_record_may_have_run, begin),
	    cmocka_unit_test_setup(a_damaged_last_line_may_be_the_start_of_the_app, begin),
	    cmocka_unit_test_setup(a_chain_is_known_by_its_steps, begin),
	    cmocka_unit_test_setup(a_chain_owes_the_rest, begin),
	    cmocka_unit_test_setup(an_unfinished_end_still_owes, begin),
	    cmocka_unit_test_setup(recovery_goes_on_under_the_same_id, begin),
	    cmocka_unit_test_setup(another_id_begins_anew, begin),
	    cmocka_unit_test_setup(a_shutdown_without_a_chain_owes_what_it_did, begin),
	    cmocka_unit_test_setup(held_alerts_owe_nothing_more, begin),
	    cmocka_unit_test_setup(a_name_that_two_steps_share_is_nobodys, begin),
	    cmocka_unit_test_setup(restarts_are_counted, begin),
	    cmocka_unit_test_setup(a_held_run_that_is_stopped_clears_them, begin),
	    cmocka_unit_test_setup(a_cut_off_run_tells_the_grace, begin),
	    cmocka_unit_test_setup(without_a_signal_no_grace_is_learned, begin),
	    cmocka_unit_test_setup(a_chain_has_its_own_length, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
