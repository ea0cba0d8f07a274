/* Notices: single stories, and random ones that are held to what notices.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "init/machine/notices.h"

#define MINUTE  ((msec_t)60000)
#define STORIES 2000
#define TURNS   300

static struct plan_alert channels[3];
static struct plan plan;
static struct notices notices;
static struct notice_order order;
static msec_t now;

static int begin(void **state)
{
	(void)state;
	memset(channels, 0, sizeof channels);
	channels[1].on = 1u << NOTICE_CRASH;
	channels[2].on = 1u << NOTICE_UNHEALTHY | 1u << NOTICE_CRASH;
	plan = (struct plan){.alerts = {.items = channels, .count = 3}, .notify_on = (1u << NOTICE_HEARTBEAT) - 1};
	notices = (struct notices){.plan = &plan};
	now = 1000000;
	return 0;
}

static void happens(enum notice kind)
{
	notices_event(&notices, now, kind);
}

static void sends(enum notice kind, uint64_t to, uint64_t untold, uint64_t total)
{
	assert_true(notices_wake(&notices) <= now);
	assert_true(notices_next(&notices, now, &order));
	assert_int_equal(order.kind, kind);
	assert_int_equal(order.channels, to);
	assert_int_equal(order.untold, untold);
	assert_int_equal(order.total, total);
}

static void nothing_to_send(void)
{
	assert_false(notices_next(&notices, now, &order));
}

static void all_answer(bool taken)
{
	for (size_t channel = 0; channel < 3; channel++)
		notices_done(&notices, channel, taken);
	assert_false(notices.flying);
}

static const char *words(void)
{
	static char buffer[NOTICE_WORDS];

	return notice_words(&order, now, 79510, buffer); /* 22:05:10 */
}

static void the_first_is_told_at_once_to_those_who_want_it(void **state)
{
	(void)state;
	assert_true(notices_wake(&notices) == INT64_MAX);
	happens(NOTICE_STOP);
	sends(NOTICE_STOP, 1, 1, 1);
	assert_string_equal(words(), "stop");
	nothing_to_send();
	all_answer(true);
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 7, 1, 1);
	all_answer(true);
	happens(NOTICE_UNHEALTHY);
	sends(NOTICE_UNHEALTHY, 5, 1, 1);
}

static void what_nobody_wants_is_ignored(void **state)
{
	(void)state;
	happens(NOTICE_HEARTBEAT);
	channels[0].on = 1u << NOTICE_CRASH;
	happens(NOTICE_STOP);
	nothing_to_send();
	assert_true(notices_wake(&notices) == INT64_MAX);
	assert_int_equal(notices.lost, 0);
}

static void a_channels_own_list_stands_alone(void **state)
{
	(void)state;
	plan.notify_on = 0;
	happens(NOTICE_STOP);
	nothing_to_send();
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 6, 1, 1);
}

static void flapping_is_told_once_a_minute(void **state)
{
	(void)state;
	happens(NOTICE_UNHEALTHY);
	sends(NOTICE_UNHEALTHY, 5, 1, 1);
	all_answer(true);
	for (int i = 0; i < 13; i++) {
		now += 1000;
		happens(NOTICE_UNHEALTHY);
		nothing_to_send();
	}
	assert_true(notices_wake(&notices) == 1000000 + MINUTE);
	now = notices_wake(&notices);
	sends(NOTICE_UNHEALTHY, 5, 13, 14);
	assert_string_equal(words(), "unhealthy 14 times in the last 60 s, last at 22:04:23 UTC");
	all_answer(true);
	now += 2 * MINUTE;
	nothing_to_send();
	happens(NOTICE_UNHEALTHY);
	sends(NOTICE_UNHEALTHY, 5, 1, 15); /* the same story */
	assert_string_equal(words(), "unhealthy 15 times in the last 3 min, last at 22:05:10 UTC");
	all_answer(true);
	now += NOTICE_EPISODE;
	happens(NOTICE_UNHEALTHY);
	sends(NOTICE_UNHEALTHY, 5, 1, 1); /* another one */
}

static void kinds_wait_for_each_other_in_their_order(void **state)
{
	(void)state;
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 7, 1, 1);
	now += 10;
	happens(NOTICE_STOP);
	now += 10;
	happens(NOTICE_RESTART);
	nothing_to_send();
	assert_true(notices_wake(&notices) == order.until);
	all_answer(true);
	sends(NOTICE_STOP, 1, 1, 1);
	all_answer(true);
	sends(NOTICE_RESTART, 1, 1, 1);
}

static void what_no_channel_took_is_told_again_and_not_for_ever(void **state)
{
	(void)state;
	happens(NOTICE_CRASH);
	for (int i = 1; i < NOTICE_TRIES; i++) {
		sends(NOTICE_CRASH, 7, 1, 1);
		all_answer(false);
		nothing_to_send();
		now += MINUTE;
	}
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 7, 2, 2);
	all_answer(false);
	now += MINUTE;
	nothing_to_send();
	assert_int_equal(notices.lost, 2);
	assert_true(notices_wake(&notices) == INT64_MAX);
}

static void one_channel_is_enough(void **state)
{
	(void)state;
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 7, 1, 1);
	notices_done(&notices, 0, false);
	notices_done(&notices, 1, true);
	notices_done(&notices, 1, true); /* heard before */
	assert_true(notices.flying);
	assert_int_equal(notices_expired(&notices, order.until - 1), 0);
	assert_int_equal(notices_expired(&notices, order.until), 4);
	assert_false(notices.flying);
	now += MINUTE;
	nothing_to_send();
	assert_int_equal(notices.lost, 0);
}

static void the_exit_waits_for_what_is_left(void **state)
{
	msec_t until;

	(void)state;
	happens(NOTICE_CRASH);
	sends(NOTICE_CRASH, 7, 1, 1);
	happens(NOTICE_CRASH);
	happens(NOTICE_STOP);
	notices_close(&notices, now + 3000);
	assert_true(notices_pending(&notices, now, &until));
	assert_true(until == now + 3000);
	all_answer(true);
	sends(NOTICE_CRASH, 7, 1, 2); /* no minute between */
	assert_true(order.until == now + 3000);
	all_answer(true);
	sends(NOTICE_STOP, 1, 1, 1);
	assert_true(notices_pending(&notices, now, &until));
	now += 3000;
	assert_false(notices_pending(&notices, now, &until));
	assert_int_equal(notices.lost, 1);
	nothing_to_send();
}

static void nothing_left_is_nothing_to_wait_for(void **state)
{
	msec_t until;

	(void)state;
	happens(NOTICE_STOP);
	sends(NOTICE_STOP, 1, 1, 1);
	notices_close(&notices, now + 3000);
	all_answer(true);
	assert_false(notices_pending(&notices, now, &until));
}

/* --- any order of events ------------------------------------------------------------------------------------------------ */

struct ledger {
	uint64_t happened, told;
	msec_t last_alert[NOTICE_COUNT];
};

static uint64_t waiting(void)
{
	uint64_t count = notices.flying ? notices.order.untold : 0;

	for (int kind = 0; kind < NOTICE_COUNT; kind++)
		count += notices.kinds[kind].untold;
	return count;
}

static void answer(struct ledger *ledger, size_t channel, bool taken)
{
	bool was = notices.flying;
	uint64_t untold = notices.order.untold;

	notices_done(&notices, channel, taken);
	if (was && !notices.flying && notices.taken)
		ledger->told += untold;
}

static void expire(struct ledger *ledger)
{
	bool taken = notices.taken, was = notices.flying;
	uint64_t untold = notices.order.untold;

	notices_expired(&notices, now);
	if (was && !notices.flying && taken)
		ledger->told += untold;
}

static void turn(struct ledger *ledger)
{
	enum notice kind = (enum notice)(rand() % NOTICE_COUNT);

	switch (rand() % 6) {
	case 0:
	case 1:
		ledger->happened += kind != NOTICE_HEARTBEAT;
		happens(kind);
		break;
	case 2:
		now += rand() % 90000;
		break;
	case 3:
		if (notices_wake(&notices) < INT64_MAX && notices_wake(&notices) > now)
			now = notices_wake(&notices);
		break;
	default:
		answer(ledger, (size_t)(rand() % 4), rand() % 3 > 0);
	}
	expire(ledger);
	if (notices_next(&notices, now, &order)) {
		if (!notices.closing && ledger->last_alert[order.kind] > 0)
			assert_true(now - ledger->last_alert[order.kind] >= MINUTE);
		ledger->last_alert[order.kind] = now;
		assert_true(order.untold > 0 && order.untold <= order.total && order.channels != 0);
		assert_true(order.since <= order.last && order.last <= now);
		assert_false(notices_next(&notices, now, &order));
	}
	assert_true(notices_wake(&notices) > now);
	assert_true(ledger->told + notices.lost + waiting() == ledger->happened);
}

static void whatever_happens_nothing_is_lost_in_silence(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < STORIES; seed++) {
		struct ledger ledger = {.happened = 0};
		msec_t until;
		srand(seed);
		begin(NULL);
		for (int i = 0; i < TURNS; i++)
			turn(&ledger);
		notices_close(&notices, now + rand() % 20000);
		while (notices_pending(&notices, now, &until)) {
			assert_true(now < until);
			if (!notices.flying)
				assert_true(notices_next(&notices, now, &order));
			if (rand() % 2)
				answer(&ledger, (size_t)(rand() % 3), rand() % 2);
			now += rand() % 2000;
			expire(&ledger);
		}
		assert_int_equal(waiting(), 0);
		assert_true(ledger.told + notices.lost == ledger.happened);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_first_is_told_at_once_to_those_who_want_it, begin),
	    cmocka_unit_test_setup(what_nobody_wants_is_ignored, begin),
	    cmocka_unit_test_setup(a_channels_own_list_stands_alone, begin),
	    cmocka_unit_test_setup(flapping_is_told_once_a_minute, begin),
	    cmocka_unit_test_setup(kinds_wait_for_each_other_in_their_order, begin),
	    cmocka_unit_test_setup(what_no_channel_took_is_told_again_and_not_for_ever, begin),
	    cmocka_unit_test_setup(one_channel_is_enough, begin),
	    cmocka_unit_test_setup(the_exit_waits_for_what_is_left, begin),
	    cmocka_unit_test_setup(nothing_left_is_nothing_to_wait_for, begin),
	    cmocka_unit_test_setup(whatever_happens_nothing_is_lost_in_silence, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
