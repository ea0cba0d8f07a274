/* sd_notify's messages, well and badly formed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init/child/notify.h"

static struct notify_message parse(const char *text)
{
	struct notify_message message;

	notify_parse(text, strlen(text), &message);
	return message;
}

static void each_field(void **state)
{
	(void)state;
	assert_true(parse("READY=1").ready);
	assert_true(parse("STOPPING=1\n").stopping);
	assert_true(parse("RELOADING=1\nMONOTONIC_USEC=5").reloading);
	assert_true(parse("X=1\nWATCHDOG=1").watchdog);
	assert_true(parse("WATCHDOG=trigger").watchdog_trigger);
	assert_int_equal(parse("WATCHDOG_USEC=20000000").watchdog_every, 20000);
	assert_int_equal(parse("EXTEND_TIMEOUT_USEC=1500001").extend, 1501);
	assert_string_equal(parse("READY=1\nSTATUS=12 open orders\nMAINPID=7").status, "12 open orders");
	assert_true(parse("STATUS=").has_status);
}

static void what_is_not_said(void **state)
{
	static const char *const nothing[] = {
	    "",
	    "\n\n\n",
	    "READY=0",
	    "READY=11",
	    "READY=1 ",
	    "ready=1",
	    "XREADY=1",
	    "READY",
	    "WATCHDOG=",
	    "WATCHDOG=2",
	    "WATCHDOG_USEC=",
	    "WATCHDOG_USEC=-1",
	    "WATCHDOG_USEC=1s",
	    "STATU=",
	    "MAINPID=1",
	    "BARRIER=1",
	    "FDSTORE=1\nFDNAME=x",
	    "EXTEND_TIMEOUT_USEC=0x1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
		struct notify_message m = parse(nothing[i]);
		assert_false(m.ready || m.stopping || m.reloading || m.watchdog || m.watchdog_trigger || m.has_status);
		assert_int_equal(m.watchdog_every, MSEC_UNSET);
		assert_int_equal(m.extend, MSEC_UNSET);
	}
}

static void a_day_is_the_most(void **state)
{
	(void)state;
	assert_int_equal(parse("EXTEND_TIMEOUT_USEC=99999999999999999999999999999999").extend, 86400000);
	assert_int_equal(parse("EXTEND_TIMEOUT_USEC=0").extend, 0);
}

static void a_long_status_is_cut_and_bytes_are_bytes(void **state)
{
	char text[1000] = "STATUS=";
	struct notify_message message;

	(void)state;
	memset(text + 7, 'x', sizeof text - 7);
	notify_parse(text, sizeof text, &message); /* no NUL at its end */
	assert_int_equal(strlen(message.status), NOTIFY_STATUS - 1);
	notify_parse("READY=1\0READY=1", 15, &message);
	assert_false(message.ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_field),
	    cmocka_unit_test(what_is_not_said),
	    cmocka_unit_test(a_day_is_the_most),
	    cmocka_unit_test(a_long_status_is_cut_and_bytes_are_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
