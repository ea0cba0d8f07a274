/* --history: from records to events, to lines and to objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "init/readers/history.h"
#include "init/readers/page_view.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define NIGHT      INT64_C(1763694000000) /* 2025-11-21T03:00:00Z */

static struct history history;
static int64_t now;
static char run[RECORD_RUN_ID];

static int set_up(void **state)
{
	(void)state;
	now = NIGHT;
	strcpy(run, "00000000000000a1");
	history_begin(&history, "slot-1");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	history_free(&history);
	return 0;
}

/* One second after the one before. */
static struct record of(enum record_kind kind)
{
	struct record record = record_of(kind);

	record.time = now += 1000;
	strcpy(record.run, run);
	return record;
}

static void add(enum record_kind kind)
{
	struct record record = of(kind);

	history_add(&history, &record);
}

static void add_run(const char *id)
{
	strcpy(run, id);
	struct record record = of(RECORD_RUN);
	record.deadline = 28000;
	record.grace = 30000;
	record_put(record.name, sizeof record.name, "bot");
	record_put(record.text, sizeof record.text, "1.2.3");
	history_add(&history, &record);
}

static void add_chain(int reason, int signal, const char *id)
{
	struct record record = of(RECORD_CHAIN_START);

	record.reason = reason;
	record.signal = signal;
	record.deadline = 28000;
	record.count = *id != '\0' ? 2 : 0;
	record_put(record.id, sizeof record.id, id);
	history_add(&history, &record);
}

static void add_step(const char *name, int step_state, int64_t took, int attempt, const char *why)
{
	struct record record = of(RECORD_STEP_START);

	record_put(record.id, sizeof record.id, "4be1");
	record_put(record.name, sizeof record.name, name);
	history_add(&history, &record);
	if (step_state == STATE_RUNNING)
		return;
	record.kind = RECORD_STEP_END;
	record.time = now += 1000;
	record.state = step_state;
	record.took = took;
	record.attempt = attempt;
	record.after = 812;
	record_put(record.text, sizeof record.text, why);
	history_add(&history, &record);
}

static void add_after(enum record_kind kind, int64_t after)
{
	struct record record = of(kind);

	record.after = after;
	history_add(&history, &record);
}

static void add_end(int reason, int code, bool unfinished)
{
	struct record record = of(RECORD_END);

	record.reason = reason;
	record.code = code;
	record.after = 5300;
	record.failed = code == 75;
	record.unfinished = unfinished;
	history_add(&history, &record);
}

static void assert_text(size_t index, const char *expected)
{
	static struct text line;

	assert_true(index < history.count);
	history_text(&history.events[index], history.journal_count > 1, &line);
	line.bytes[line.length - 1] = '\0';
	assert_string_equal(line.bytes, expected);
}

static void assert_json(size_t index, const char *expected)
{
	assert_true(index < history.count);
	json_t *object = history_json(&history.events[index]);
	char *text = json_dumps(object, VIEW_JSON);
	assert_string_equal(text, expected);
	free(text);
	json_decref(object);
}

#define COMMON(time, event)                                                                                                    \
	"{\"time\":\"2025-11-21T03:00:" time ".000Z\",\"event\":\"" event                                                      \
	"\",\"journal\":\"slot-1\",\"run\":\"00000000000000a1\""

TEST(a_run_from_start_to_end)
{
	struct record record;

	add_run("00000000000000a1");
	add(RECORD_APP_START);
	record = of(RECORD_PROBE);
	strcpy(record.name, "readiness");
	strcpy(record.text, "api: status 503");
	record.state = STATE_FAILED;
	history_add(&history, &record);
	record = of(RECORD_PROBE);
	strcpy(record.name, "readiness");
	record.state = STATE_OK;
	history_add(&history, &record);
	add_chain(REASON_STOP, 15, "4be1");
	add_step("cancel", STATE_OK, 312, 2, "");
	add_step("close", STATE_FAILED, 2000, 1, "status 503");
	record = of(RECORD_APP_EXIT);
	record.code = 0;
	history_add(&history, &record);
	record = of(RECORD_CHAIN_END);
	record.reason = REASON_STOP;
	record.after = 5100;
	record.failed = true;
	strcpy(record.id, "4be1");
	history_add(&history, &record);
	add_end(REASON_STOP, 75, true);
	history_end(&history, true);
	history_select(&history, 0);
	assert_int_equal(history.count, 10);
	assert_text(0, "2025-11-21T03:00:01Z  tinysup 1.2.3 started for bot, deadline 28 s, platform's grace period 30 s");
	assert_text(1, "2025-11-21T03:00:02Z  app started");
	assert_text(2, "2025-11-21T03:00:03Z  readiness: UNHEALTHY: api: status 503");
	assert_text(3, "2025-11-21T03:00:04Z  readiness: healthy");
	assert_text(4, "2025-11-21T03:00:05Z  stop by SIGTERM: chain of 2 steps, deadline 28 s");
	assert_text(5, "2025-11-21T03:00:07Z    cancel: ok after 312 ms, attempt 2");
	assert_text(6, "2025-11-21T03:00:09Z    close: failed after 2 s: status 503");
	assert_text(7, "2025-11-21T03:00:10Z  app exited with code 0");
	assert_text(8, "2025-11-21T03:00:11Z  chain ended after 5.1 s, A REQUIRED STEP FAILED");
	assert_text(9, "2025-11-21T03:00:12Z  tinysup exited with code 75 (stop), 5.3 s after the first stop event, "
		       "A REQUIRED STEP FAILED, what was left undone stays for the next start");
	assert_json(
	    0,
	    COMMON("01", "start") ",\"version\":\"1.2.3\",\"app\":\"bot\",\"deadline_ms\":28000,\"platform_grace_ms\":30000}");
	assert_json(1, COMMON("02", "app_start") "}");
	assert_json(2,
		    COMMON("03", "probe_change") ",\"probe\":\"readiness\",\"result\":\"failed\",\"why\":\"api: status 503\"}");
	assert_json(
	    4,
	    COMMON("05",
		   "chain_start") ",\"shutdown_id\":\"4be1\",\"reason\":\"stop\",\"signal\":\"SIGTERM\",\"deadline_ms\":28000,"
				  "\"steps\":2}");
	assert_json(
	    5,
	    COMMON("07",
		   "step_end") ",\"shutdown_id\":\"4be1\",\"step\":\"cancel\",\"result\":\"ok\",\"took_ms\":312,\"attempt\":2,"
			       "\"after_ms\":812}");
	assert_json(7, COMMON("10", "app_exit") ",\"exit_code\":0}");
	assert_json(
	    8, COMMON("11",
		      "chain_end") ",\"shutdown_id\":\"4be1\",\"reason\":\"stop\",\"took_ms\":5100,\"required_failed\":true}");
	assert_json(9, COMMON("12", "exit") ",\"reason\":\"stop\",\"took_ms\":5300,\"required_failed\":true,\"exit_code\":75,"
					    "\"unfinished\":true}");
}

TEST(heartbeats)
{
	struct record record;

	add_run("00000000000000a1");
	record = of(RECORD_HEARTBEAT);
	strcpy(record.name, "okx");
	record.state = STATE_OK;
	record.count = 1;
	history_add(&history, &record);
	record = of(RECORD_HEARTBEAT);
	strcpy(record.name, "okx");
	record.state = STATE_FAILED;
	strcpy(record.text, "status 503");
	history_add(&history, &record);
	history_end(&history, true);
	history_select(&history, 0);
	assert_text(1, "2025-11-21T03:00:02Z  okx: heartbeat armed");
	assert_text(2, "2025-11-21T03:00:03Z  okx: heartbeat LOST: status 503");
	assert_json(1, COMMON("02", "heartbeat") ",\"heartbeat\":\"okx\",\"state\":\"armed\"}");
	assert_json(2, COMMON("03", "heartbeat") ",\"heartbeat\":\"okx\",\"state\":\"lost\",\"why\":\"status 503\"}");
}

TEST(restarts_and_what_stops_them)
{
	struct record record;

	add_run("00000000000000a1");
	record = of(RECORD_APP_EXIT);
	record.signal = 11;
	history_add(&history, &record);
	add_chain(REASON_RESTART, RECORD_UNSET, "4be1");
	history.events[history.count - 1].record.cause = REASON_CRASH;
	add_step("close", STATE_SKIPPED, 0, RECORD_UNSET, "the app is not running");
	add_after(RECORD_CHAIN_END, 100);
	record = of(RECORD_APP_START);
	record.count = 1;
	record.reason = REASON_CRASH;
	history_add(&history, &record);
	record = of(RECORD_HELD);
	record.count = 5;
	history_add(&history, &record);
	record = of(RECORD_LOST);
	record.count = 3;
	history_add(&history, &record);
	add_chain(REASON_STOP, 15, "");
	add_end(REASON_STOP, 69, false);
	history_end(&history, true);
	history_select(&history, 0);
	assert_text(1, "2025-11-21T03:00:02Z  app killed by SIGSEGV");
	assert_text(2, "2025-11-21T03:00:03Z  restart (crash): chain of 2 steps, deadline 28 s");
	assert_text(3, "2025-11-21T03:00:05Z    close: skipped: the app is not running");
	assert_text(5, "2025-11-21T03:00:07Z  app started (restart 1 after: crash)");
	assert_text(6, "2025-11-21T03:00:08Z  held: no restarts are left, tinysup stays up without the app");
	assert_text(7, "2025-11-21T03:00:09Z  3 records could not be written");
	assert_text(8, "2025-11-21T03:00:10Z  stop by SIGTERM, deadline 28 s");
	assert_text(9, "2025-11-21T03:00:11Z  tinysup exited with code 69 (stop), 5.3 s after the first stop event");
	assert_json(1, COMMON("02", "app_exit") ",\"exit_signal\":\"SIGSEGV\"}");
	assert_json(5, COMMON("07", "app_start") ",\"restarts\":1,\"cause\":\"crash\"}");
	assert_json(6, COMMON("08", "held") ",\"restarts\":5}");
	assert_json(7, COMMON("09", "lost") ",\"records\":3}");
}

#define ADVICE                                                                                                                 \
	": SIGKILL came before the deadline of 28 s; raise the platform's grace period (stop_grace_period, --stop-timeout, "   \
	"terminationGracePeriodSeconds) to at least 30 s"

TEST(a_run_that_was_cut_off)
{
	add_run("00000000000000a1");
	add(RECORD_APP_START);
	add_chain(REASON_STOP, 15, "4be1");
	add_step("cancel", STATE_OK, 312, 1, "");
	add_step("close", STATE_RUNNING, 0, 0, "");
	add_step("save", STATE_RUNNING, 0, 0, "");
	add_after(RECORD_TICK, 9900);
	history_end(&history, true);
	history_select(&history, 0);
	assert_int_equal(history.count, 7);
	assert_text(3, "2025-11-21T03:00:05Z    cancel: ok after 312 ms");
	assert_text(4, "2025-11-21T03:00:06Z    close: started, no result");
	assert_text(6, "2025-11-21T03:00:08Z  cut off 9.9 s after SIGTERM, during steps close, save" ADVICE);
	assert_json(4, COMMON("06", "step_start") ",\"shutdown_id\":\"4be1\",\"step\":\"close\"}");
	assert_json(
	    6,
	    COMMON("08",
		   "cut_off") ",\"shutdown_id\":\"4be1\",\"reason\":\"stop\",\"signal\":\"SIGTERM\",\"step\":\"close, save\","
			      "\"after_ms\":9900,\"deadline_ms\":28000}");
}

/* A run that is followed by another has no life left; the last one may have. */
TEST(kinds_of_cut_offs)
{
	add_run("00000000000000a1");
	add(RECORD_APP_START);
	add_run("00000000000000a2"); /* after the chain */
	add_chain(REASON_STOP, 2, "4be1");
	add_after(RECORD_CHAIN_END, 3000);
	add_run("00000000000000a3"); /* stopped, but without a chain */
	add_chain(REASON_STOP, 15, "");
	add_after(RECORD_TICK, 40000);
	add_run("00000000000000a4"); /* not by a signal */
	add_chain(REASON_CRASH, RECORD_UNSET, "4be1");
	add_step("close", STATE_RUNNING, 0, 0, "");
	add_after(RECORD_TICK, 1200);
	add_run("00000000000000a5"); /* a restart's chain is over when the app starts */
	add_chain(REASON_STOP, 15, "4be1");
	add(RECORD_APP_START);
	add_run("00000000000000a6");
	history_end(&history, false);
	history_select(&history, 100);
	assert_text(2, "2025-11-21T03:00:02Z  killed without a stop signal (SIGKILL, out of memory, power); the time is that "
		       "of its last record");
	assert_text(6, "2025-11-21T03:00:05Z  cut off 3 s after SIGINT" ADVICE);
	assert_text(9, "2025-11-21T03:00:08Z  cut off 40 s after SIGTERM");
	assert_text(13, "2025-11-21T03:00:12Z  cut off 1.2 s into the chain (crash), during step close");
	assert_text(17, "2025-11-21T03:00:15Z  killed without a stop signal (SIGKILL, out of memory, power); the time is that "
			"of its last record");
	assert_json(2, COMMON("02", "cut_off") "}");
	assert_int_equal(history.count, 19);
}

TEST(a_stop_in_the_midst_of_a_recovery)
{
	add_run("00000000000000a1");
	add_chain(REASON_RECOVERY, RECORD_UNSET, "4be1");
	add_step("cancel", STATE_OK, 312, 1, "");
	add_step("close", STATE_RUNNING, 0, 0, "");
	add_chain(REASON_STOP, 15, "");
	add_step("save", STATE_RUNNING, 0, 0, "");
	add_after(RECORD_TICK, 900);
	history_end(&history, true);
	history_select(&history, 0);
	assert_int_equal(history.count, 7);
	assert_text(1, "2025-11-21T03:00:02Z  recovery: chain of 2 steps, deadline 28 s");
	assert_text(4, "2025-11-21T03:00:06Z  stop by SIGTERM, deadline 28 s");
	assert_text(6, "2025-11-21T03:00:08Z  cut off 0.9 s after SIGTERM, during steps close, save" ADVICE);
	assert_string_equal(history.events[6].record.id, "4be1");
}

TEST(the_last_runs_or_the_last_events)
{
	char id[RECORD_RUN_ID];

	for (int i = 1; i <= 5; i++) {
		snprintf(id, sizeof id, "%016x", (unsigned)i);
		add_run(id);
		add(RECORD_APP_START);
		add_end(REASON_STOP, i, false);
	}
	history_end(&history, true);
	history_select(&history, 7);
	assert_int_equal(history.count, 7);
	assert_int_equal(history.events[0].record.code, 3);
	history_select(&history, 0);
	assert_int_equal(history.count, 7);
	history_free(&history);
	set_up(NULL);
	for (int i = 1; i <= 5; i++) {
		snprintf(id, sizeof id, "%016x", (unsigned)i);
		add_run(id);
		add_end(REASON_STOP, i, false);
	}
	history_end(&history, true);
	history_select(&history, 0);
	assert_int_equal(history.count, 6);
	assert_int_equal(history.events[1].record.code, 3);
}

/* Two journals: by time, a chain in one piece, and each in its own order when a clock is set back. */
TEST(several_journals)
{
	add_run("00000000000000a1");
	now += 10000;
	add_chain(REASON_STOP, 15, "4be1");
	now += 10000;
	add_step("cancel", STATE_OK, 312, 1, "");
	now -= 3600000;
	add_after(RECORD_CHAIN_END, 3000);
	add_end(REASON_STOP, 0, false);
	history_end(&history, true);
	now = NIGHT + 5000;
	history_begin(&history, "two\x1b[2J");
	add_run("00000000000000b1");
	now += 10000;
	add_end(REASON_STOP, 1, false);
	history_end(&history, true);
	history_select(&history, 0);
	assert_int_equal(history.count, 7);
	assert_text(0,
		    "2025-11-21T03:00:01Z  slot-1  tinysup 1.2.3 started for bot, deadline 28 s, platform's grace period 30 s");
	assert_text(
	    1, "2025-11-21T03:00:06Z  two?[2J  tinysup 1.2.3 started for bot, deadline 28 s, platform's grace period 30 s");
	assert_text(2, "2025-11-21T03:00:12Z  slot-1  stop by SIGTERM: chain of 2 steps, deadline 28 s");
	assert_text(3, "2025-11-21T03:00:24Z  slot-1    cancel: ok after 312 ms");
	assert_text(4, "2025-11-21T02:00:25Z  slot-1  chain ended after 3 s");
	assert_text(5, "2025-11-21T02:00:26Z  slot-1  tinysup exited with code 0 (stop), 5.3 s after the first stop event");
	assert_text(6, "2025-11-21T03:00:17Z  two?[2J  tinysup exited with code 1 (stop), 5.3 s after the first stop event");
}

TEST(what_no_terminal_should_get)
{
	add_chain(REASON_STOP, 15, "4be1");
	add_step("a\nb\033c", STATE_FAILED, INT64_MAX, 1, "\xff\r\x7f");
	history_end(&history, false);
	history_select(&history, 0);
	assert_text(1, "2025-11-21T03:00:03Z    a?b?c: failed after 2562047788015h12m55s: ???");
	json_t *object = history_json(&history.events[1]);
	assert_string_equal(json_string_value(json_object_get(object, "step")), "a\nb\033c");
	assert_string_equal(json_string_value(json_object_get(object, "why")), "\xef\xbf\xbd\r\x7f");
	json_decref(object);
}

/* Whatever a file says with a good checksum. */
TEST(any_record_can_be_printed)
{
	static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
	static struct text line;

	for (int kind = 0; kind < RECORD_KINDS; kind++)
		for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
			struct record record = of((enum record_kind)kind);
			record.time = record.after = record.took = record.deadline = record.grace = record.count = numbers[n];
			record.reason = record.cause = record.state = record.signal = record.code = record.attempt =
			    (int)numbers[n];
			memset(record.name, 'n', sizeof record.name - 1);
			memset(record.text, '\033', sizeof record.text - 1);
			history_add(&history, &record);
			snprintf(run, sizeof run, "%d", kind);
		}
	history_end(&history, true);
	history_select(&history, 1000);
	for (size_t i = 0; i < history.count; i++) {
		history_text(&history.events[i], true, &line);
		assert_null(memchr(line.bytes, '\033', line.length));
		json_decref(history_json(&history.events[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_run_from_start_to_end, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(heartbeats, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(restarts_and_what_stops_them, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_run_that_was_cut_off, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(kinds_of_cut_offs, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_stop_in_the_midst_of_a_recovery, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_last_runs_or_the_last_events, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(several_journals, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_no_terminal_should_get, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(any_record_can_be_printed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
