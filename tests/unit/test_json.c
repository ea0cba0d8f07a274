/* probes/json: every operator, every way a body or a pointer can be wrong, and that no value gets into a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probes/json.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define NOW        1700000000.0 /* 2023-11-14T22:13:20Z */

#define STRING(text)                                                                                                           \
	{                                                                                                                      \
		.type = VALUE_STRING, .string = (text)                                                                         \
	}
#define NUMBER(value)                                                                                                          \
	{                                                                                                                      \
		.type = VALUE_NUMBER, .number = (value)                                                                        \
	}
#define BOOL(value)                                                                                                            \
	{                                                                                                                      \
		.type = VALUE_BOOL, .boolean = (value)                                                                         \
	}
/* One assertion. */
#define AT(pointer_, ...)      (&(const struct plan_json){.pointer = (pointer_), .age_below = MSEC_UNSET, __VA_ARGS__})
#define YOUNGER(pointer_, age) (&(const struct plan_json){.pointer = (pointer_), .age_below = (age)})

static struct check_result ask_bytes(const struct plan_json *json, const char *body, size_t length)
{
	const struct plan_jsons asserted = {.items = json, .count = 1};
	struct check_result result = {.retry_after = MSEC_UNSET};
	bool ok = json_check(&asserted, body, length, NOW, &result);

	assert_int_equal(ok, result.outcome == OUTCOME_OK);
	return result;
}

static struct check_result ask(const struct plan_json *json, const char *body)
{
	return ask_bytes(json, body, strlen(body));
}

static void holds(const struct plan_json *json, const char *body)
{
	struct check_result result = ask(json, body);

	if (result.outcome != OUTCOME_OK)
		fail_msg("%s: %s", body, result.message);
}

static void fails(const struct plan_json *json, const char *body, enum failure failure, const char *message)
{
	struct check_result result = ask(json, body);

	if (result.outcome != OUTCOME_FAIL || result.failure != failure || !strstr(result.message, message))
		fail_msg("%s: outcome %d, %s, \"%s\"", body, (int)result.outcome, failure_name(result.failure), result.message);
}

/* The same for every body of a list. */
#define EACH(...) ((const char *const[]){__VA_ARGS__, NULL})

static void fails_each(const struct plan_json *json, const char *message, const char *const *bodies)
{
	for (; *bodies; bodies++)
		fails(json, *bodies, FAILURE_JSON, message);
}

/* Every time of a list, as {"t":"..."}. */
static void fails_each_time(const char *const *times)
{
	char body[100];

	for (; *times; times++) {
		snprintf(body, sizeof(body), "{\"t\":\"%s\"}", *times);
		fails(YOUNGER("/t", 1000), body, FAILURE_JSON, "json /t: age_below: not a Unix time");
	}
}

TEST(test_no_assertion_takes_any_body)
{
	const struct plan_jsons none = {.items = NULL, .count = 0};
	struct check_result result = {.retry_after = MSEC_UNSET};

	assert_true(json_check(&none, "<html>", 6, NOW, &result));
	assert_int_equal(result.outcome, OUTCOME_OK);
}

TEST(test_all_assertions_must_hold)
{
	const struct plan_json items[] = {*AT("/a", .equals = NUMBER(1)), *AT("/b", .equals = NUMBER(2))};
	const struct plan_jsons both = {.items = items, .count = 2};
	struct check_result result = {.retry_after = MSEC_UNSET};

	assert_true(json_check(&both, "{\"a\":1,\"b\":2}", 13, NOW, &result));
	assert_false(json_check(&both, "{\"a\":1,\"b\":3}", 13, NOW, &result));
	assert_non_null(strstr(result.message, "/b"));
}

TEST(test_pointers)
{
	static const char body[] =
	    "{\"a/b\":1,\"m~n\":2,\"\":3,\"~1\":4,\"list\":[5,{\"x\":6}],\"deep\":{\"er\":7},\"0\":8,\" \":9}";

	holds(AT("", .equals = NUMBER(5)), "5");
	holds(AT("", .equals = STRING("x")), "\"x\"");
	holds(AT("/a~1b", .equals = NUMBER(1)), body);
	holds(AT("/m~0n", .equals = NUMBER(2)), body);
	holds(AT("/", .equals = NUMBER(3)), body);
	holds(AT("/~01", .equals = NUMBER(4)), body);
	holds(AT("/list/0", .equals = NUMBER(5)), body);
	holds(AT("/list/1/x", .equals = NUMBER(6)), body);
	holds(AT("/deep/er", .equals = NUMBER(7)), body);
	holds(AT("/0", .equals = NUMBER(8)), body);
	holds(AT("/ ", .equals = NUMBER(9)), body);
	static const char *const nowhere[] = {
	    "/list/2",          "/list/00",  "/list/01", "/list/-",    "/list/x",
	    "/list/",           "/list/1e0", "/no",      "/deep/er/x", "/list/18446744073709551616",
	    "/list/4294967296", "/deep/",    "/list/+1"};
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		fails(AT(nowhere[i], .equals = NUMBER(5)), body, FAILURE_JSON, "no such value");
	static const char *const wrong[] = {"a", "a/b", "/~", "/~2", "/a~", "/x/~~", "#/a"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		fails(AT(wrong[i], .exists = BOOL(true)), body, FAILURE_JSON, "invalid JSON pointer");
}

TEST(test_equals)
{
	holds(AT("/s", .equals = STRING("ok")), "{\"s\":\"ok\"}");
	holds(AT("/s", .equals = STRING("")), "{\"s\":\"\"}");
	holds(AT("/s", .equals = STRING("gr\xc3\xbcn")), "{\"s\":\"gr\\u00fcn\"}");
	holds(AT("/n", .equals = NUMBER(3)), "{\"n\":3}");
	holds(AT("/n", .equals = NUMBER(3)), "{\"n\":3.0}");
	holds(AT("/n", .equals = NUMBER(-0.5)), "{\"n\":-5e-1}");
	holds(AT("/n", .equals = NUMBER(18446744073709551615.0)), "{\"n\":18446744073709551615}");
	holds(AT("/b", .equals = BOOL(true)), "{\"b\":true}");
	holds(AT("/b", .equals = BOOL(false)), "{\"b\":false}");
	fails_each(AT("/s", .equals = STRING("ok")), "json /s: equals: ",
		   EACH("{\"s\":\"OK\"}", "{\"s\":\"ok \"}", "{\"s\":\"\"}", "{\"s\":true}", "{\"s\":1}", "{\"s\":null}",
			"{\"s\":[\"ok\"]}", "{\"s\":\"ok\\u0000\"}"));
	fails(AT("/n", .equals = NUMBER(1)), "{\"n\":\"1\"}", FAILURE_JSON, "equals");
	fails(AT("/n", .equals = NUMBER(1)), "{\"n\":true}", FAILURE_JSON, "equals");
	fails(AT("/b", .equals = BOOL(false)), "{\"b\":0}", FAILURE_JSON, "equals");
	fails(AT("/b", .equals = BOOL(false)), "{\"b\":true}", FAILURE_JSON, "equals");
	fails(AT("/b", .equals = BOOL(false)), "{\"b\":null}", FAILURE_JSON, "equals");
	fails(AT("/b", .equals = BOOL(true)), "{}", FAILURE_JSON, "json /b: no such value");
}

TEST(test_not_equals)
{
	holds(AT("/s", .not_equals = STRING("degraded")), "{\"s\":\"ready\"}");
	holds(AT("/s", .not_equals = STRING("degraded")), "{\"s\":null}");
	holds(AT("/n", .not_equals = NUMBER(0)), "{\"n\":0.5}");
	holds(AT("/n", .not_equals = NUMBER(0)), "{\"n\":\"0\"}");
	fails(AT("/s", .not_equals = STRING("degraded")), "{\"s\":\"degraded\"}", FAILURE_JSON, "json /s: not_equals: ");
	fails(AT("/n", .not_equals = NUMBER(0)), "{\"n\":0.0}", FAILURE_JSON, "not_equals");
	fails(AT("/b", .not_equals = BOOL(true)), "{\"b\":true}", FAILURE_JSON, "not_equals");
	/* nothing there is no value that differs */
	fails(AT("/s", .not_equals = STRING("degraded")), "{}", FAILURE_JSON, "no such value");
}

TEST(test_one_of)
{
	static const struct plan_value values[] = {STRING("pass"), STRING("warn"), NUMBER(1), BOOL(true)};
	const struct plan_values allowed = {.items = values, .count = 4};

	holds(AT("/s", .one_of = allowed), "{\"s\":\"warn\"}");
	holds(AT("/s", .one_of = allowed), "{\"s\":1.0}");
	holds(AT("/s", .one_of = allowed), "{\"s\":true}");
	fails(AT("/s", .one_of = allowed), "{\"s\":\"fail\"}", FAILURE_JSON, "json /s: one_of: ");
	fails(AT("/s", .one_of = allowed), "{\"s\":false}", FAILURE_JSON, "one_of");
	fails(AT("/s", .one_of = allowed), "{\"s\":[\"pass\"]}", FAILURE_JSON, "one_of");
	fails(AT("/s", .one_of = allowed), "{}", FAILURE_JSON, "no such value");
}

TEST(test_exists)
{
	holds(AT("/a", .exists = BOOL(true)), "{\"a\":null}");
	holds(AT("/a", .exists = BOOL(false)), "{\"b\":1}");
	holds(AT("/a/b", .exists = BOOL(false)), "{\"a\":1}");
	fails(AT("/a", .exists = BOOL(true)), "{}", FAILURE_JSON, "json /a: no such value");
	fails(AT("/a", .exists = BOOL(false)), "{\"a\":null}", FAILURE_JSON, "json /a: exists: ");
	fails(AT("/a"), "{}", FAILURE_JSON, "no such value");
	holds(AT("/a"), "{\"a\":0}");
}

TEST(test_minimum_and_maximum)
{
	holds(AT("/n", .minimum = NUMBER(1), .maximum = NUMBER(2)), "{\"n\":1}");
	holds(AT("/n", .minimum = NUMBER(1), .maximum = NUMBER(2)), "{\"n\":2.0}");
	holds(AT("/n", .maximum = NUMBER(0)), "{\"n\":-1e300}");
	fails(AT("/n", .minimum = NUMBER(1)), "{\"n\":0.999}", FAILURE_JSON, "json /n: minimum: ");
	fails(AT("/n", .maximum = NUMBER(2)), "{\"n\":2.001}", FAILURE_JSON, "json /n: maximum: ");
	fails(AT("/n", .minimum = NUMBER(1)), "{\"n\":\"5\"}", FAILURE_JSON, "minimum: not a number");
	fails(AT("/n", .maximum = NUMBER(1)), "{\"n\":null}", FAILURE_JSON, "maximum: not a number");
	fails(AT("/n", .maximum = NUMBER(1)), "{}", FAILURE_JSON, "no such value");
}

TEST(test_all_true)
{
	holds(AT("/c", .all_true = BOOL(true)), "{\"c\":{\"api\":true,\"db\":true}}");
	holds(AT("/c", .all_true = BOOL(true)), "{\"c\":[true,true]}");
	holds(AT("/c", .all_true = BOOL(true)), "{\"c\":{}}");
	holds(AT("/c", .all_true = BOOL(false)), "{\"c\":[true,false]}");
	fails(AT("/c", .all_true = BOOL(true)), "{\"c\":{\"api\":true,\"db\":false}}", FAILURE_JSON,
	      "json /c: all_true: not all");
	fails(AT("/c", .all_true = BOOL(true)), "{\"c\":[true,1]}", FAILURE_JSON, "all_true: not all");
	fails(AT("/c", .all_true = BOOL(true)), "{\"c\":[\"true\"]}", FAILURE_JSON, "all_true: not all");
	fails(AT("/c", .all_true = BOOL(true)), "{\"c\":[[true]]}", FAILURE_JSON, "all_true: not all");
	fails(AT("/c", .all_true = BOOL(true)), "{\"c\":true}", FAILURE_JSON, "all_true: not an array or object");
	fails(AT("/c", .all_true = BOOL(false)), "{\"c\":[true]}", FAILURE_JSON, "all_true: all members");
}

TEST(test_age_of_numbers)
{
	holds(YOUNGER("/t", 30000), "{\"t\":1700000000}");
	holds(YOUNGER("/t", 30000), "{\"t\":1699999970.0}");
	holds(YOUNGER("/t", 30000), "{\"t\":1699999970000}");
	holds(YOUNGER("/t", 30000), "{\"t\":1700000029.5}");
	fails(YOUNGER("/t", 30000), "{\"t\":1699999969}", FAILURE_AGE, "json /t: age_below: 31.0 s old, 30.0 s allowed");
	fails(YOUNGER("/t", 30000), "{\"t\":1699999969000}", FAILURE_AGE, "31.0 s old");
	fails(YOUNGER("/t", 30000), "{\"t\":1700000031}", FAILURE_AGE, "31.0 s in the future");
	/* clocks differ by seconds, however short the age asked for */
	holds(YOUNGER("/t", 1000), "{\"t\":1700000005}");
	fails(YOUNGER("/t", 1000), "{\"t\":1700000006}", FAILURE_AGE, "6.0 s in the future");
	fails(YOUNGER("/t", 30000), "{\"t\":0}", FAILURE_AGE, "old");
	fails_each(YOUNGER("/t", 30000), "json /t: age_below: ",
		   EACH("{\"t\":null}", "{\"t\":true}", "{\"t\":[]}", "{\"t\":\"1700000000\"}", "{\"t\":\"\"}"));
}

TEST(test_age_of_rfc3339)
{
	static const char *const now[] = {"2023-11-14T22:13:20Z",      "2023-11-14T22:13:20.000Z",
					  "2023-11-14t22:13:20z",      "2023-11-14 22:13:20Z",
					  "2023-11-15T00:13:20+02:00", "2023-11-14T16:43:20-05:30",
					  "2023-11-14T22:13:20+00:00", "2023-11-14T22:13:19.999999999Z"};
	char body[100];

	for (size_t i = 0; i < sizeof(now) / sizeof(now[0]); i++) {
		snprintf(body, sizeof(body), "{\"t\":\"%s\"}", now[i]);
		holds(YOUNGER("/t", 1), body);
	}
	fails_each_time(EACH("2023-11-14T22:13:20", "2023-11-14", "2023-11-14T22:13Z", "2023-11-14T22:13:20.Z",
			     "2023-11-14T24:00:00Z", "2023-11-14T22:60:20Z", "2023-11-14T22:13:61Z", "2023-13-14T22:13:20Z",
			     "2023-00-14T22:13:20Z", "2023-11-31T22:13:20Z", "2023-11-00T22:13:20Z", "2023-02-29T22:13:20Z",
			     "2023-11-14T22:13:20+2:00", "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20+0200",
			     "2023-11-14T22:13:20+24:00", "23-11-14T22:13:20Z", " 2023-11-14T22:13:20Z",
			     "Tue, 14 Nov 2023 22:13:20 GMT", "2023-11-14X22:13:20Z", "2023-11-14T22:13:20Z\\u0000"));
	fails(YOUNGER("/t", 1000), "{\"t\":\"2023-11-14T22:13:18.5Z\"}", FAILURE_AGE, "1.5 s old, 1.0 s allowed");
	fails(YOUNGER("/t", 1000), "{\"t\":\"2023-11-14T22:13:20-01:00\"}", FAILURE_AGE, "3600.0 s in the future");
	fails(YOUNGER("/t", 1000), "{\"t\":\"2020-02-29T00:00:00Z\"}", FAILURE_AGE, "old");
	/* the second between 23:59:59 and midnight */
	fails(YOUNGER("/t", 1000), "{\"t\":\"2016-12-31T23:59:60Z\"}", FAILURE_AGE, "old");
}

TEST(test_malformed_bodies)
{
	fails_each(AT("/a", .equals = NUMBER(1)), "json: malformed",
		   EACH("", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":1}{}", "{'a':1}", "{a:1}", "{\"a\":NaN}",
			"{\"a\":Infinity}", "{\"a\":-}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e999}",
			"{\"a\":\"\\x\"}", "{\"a\":\"\n\"}", "{\"a\":\"unterminated", "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\"}",
			"{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "\xef\xbb\xbf{\"a\":1}", "nul", "TRUE",
			"{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":{\"c\":1,\"c\":2}}", "{\"a\":1,\"\\u0061\":1}", "<html></html>",
			"\x1f\x8b\x08"));
	struct check_result result = ask_bytes(AT("/a", .equals = NUMBER(1)), "{\"a\":1}\0", 8);
	assert_int_equal(result.outcome, OUTCOME_FAIL);
	result = ask_bytes(AT("/a", .equals = NUMBER(1)), "{\"a\":\"\0\"}", 9);
	assert_int_equal(result.outcome, OUTCOME_FAIL);
}

TEST(test_depth)
{
	static char body[200001];

	memset(body, '[', 64);
	memset(body + 64, ']', 64);
	holds(AT("", .exists = BOOL(true)), body);
	memset(body, '[', 65);
	memset(body + 65, ']', 65);
	fails(AT("", .exists = BOOL(true)), body, FAILURE_JSON, "json: nested deeper than 64");
	memset(body, '[', 200000);
	fails(AT("", .exists = BOOL(true)), body, FAILURE_JSON, "json: nested deeper than 64");
	/* brackets in a string, and a quote in it that does not end it, are no depth */
	body[0] = '"', body[1] = '\\', body[2] = '"', body[199999] = '"';
	holds(AT("", .exists = BOOL(true)), body);
}

TEST(test_no_value_in_a_message)
{
	static const char body[] = "{\"a\":\"s3cret\",\"n\":424242,\"l\":[\"s3cret\"],\"t\":\"s3cret\"}";
	static const struct plan_value other[] = {STRING("x")};
	const struct plan_json *const has_result[] = {
	    AT("/a", .equals = STRING("x")),
	    AT("/a", .not_equals = STRING("s3cret")),
	    AT("/a", .one_of = {.items = other, .count = 1}),
	    AT("/a", .exists = BOOL(false)),
	    AT("/a", .minimum = NUMBER(1)),
	    AT("/n", .minimum = NUMBER(1e9)),
	    AT("/n", .maximum = NUMBER(1)),
	    AT("/l", .all_true = BOOL(true)),
	    AT("/a", .all_true = BOOL(true)),
	    YOUNGER("/t", 1000),
	};

	for (size_t i = 0; i < sizeof(has_result) / sizeof(has_result[0]); i++) {
		struct check_result result = ask(has_result[i], body);
		assert_int_equal(result.outcome, OUTCOME_FAIL);
		assert_null(strstr(result.message, "s3cret"));
		assert_null(strstr(result.message, "424242"));
	}
	struct check_result result = ask(has_result[0], "{\"a\":s3cret}");
	assert_null(strstr(result.message, "s3cret"));
}

TEST(test_message_is_one_short_line)
{
	char pointer[1000];

	memset(pointer, 'x', sizeof(pointer) - 1);
	pointer[0] = '/', pointer[1] = '\n', pointer[sizeof(pointer) - 1] = '\0';
	struct check_result result = ask(AT(pointer, .equals = NUMBER(1)), "{}");
	assert_int_equal(strlen(result.message), sizeof(result.message) - 1);
	assert_null(strchr(result.message, '\n'));
}

TEST(what_is_optional_may_be_missing)
{
	const struct plan_json *optional = AT("/a/0", .equals = STRING("x"), .optional = true);

	holds(optional, "{}");
	holds(optional, "[]");
	holds(optional, "{\"a\":[]}");
	holds(optional, "{\"a\":[\"x\"]}");
	fails(optional, "{\"a\":[\"y\"]}", FAILURE_JSON, "json /a/0: equals: value differs");
	fails(optional, "{\"a\":[null]}", FAILURE_JSON, "json /a/0: equals: value differs");
	fails(optional, "", FAILURE_JSON, "json: malformed");
}

TEST(every_member_behind_an_asterisk)
{
	const struct plan_json *codes = AT("/data/*/code", .equals = STRING("0"));
	const struct plan_json *deep = AT("/*/list/*", .minimum = NUMBER(2));

	holds(codes, "{\"data\":[]}");
	holds(codes, "{\"data\":{}}");
	holds(codes, "{\"data\":[{\"code\":\"0\"},{\"code\":\"0\"}]}");
	holds(codes, "{\"data\":{\"a\":{\"code\":\"0\"}}}");
	fails_each(codes, "json /data/*/code: equals: value differs",
		   EACH("{\"data\":[{\"code\":\"0\"},{\"code\":\"1\"}]}", "{\"data\":[{\"code\":\"1\"},{\"code\":\"0\"}]}",
			"{\"data\":{\"a\":{\"code\":\"0\"},\"b\":{\"code\":0}}}"));
	fails_each(
	    codes, "json /data/*/code: no such value",
	    EACH("{}", "[]", "{\"data\":null}", "{\"data\":\"\"}", "{\"data\":[{\"code\":\"0\"},{}]}", "{\"data\":[1]}"));
	holds(AT("/data/*/code", .equals = STRING("0"), .optional = true), "{\"data\":[{},{\"code\":\"0\"},7]}");
	holds(AT("/data/*/code", .equals = STRING("0"), .optional = true), "{\"data\":null}");
	holds(deep, "{\"a\":{\"list\":[2,3]},\"b\":{\"list\":[]}}");
	fails(deep, "{\"a\":{\"list\":[2,3]},\"b\":{\"list\":[4,1]}}", FAILURE_JSON, "minimum: value is lower");
	holds(AT("/*", .equals = NUMBER(1)), "[1,1]");
	fails(AT("/*", .equals = NUMBER(1)), "1", FAILURE_JSON, "no such value");
	fails(AT("/a/**", .exists = BOOL(true)), "{\"a\":[1]}", FAILURE_JSON, "no such value");
	fails(AT("/*/~2", .exists = BOOL(true)), "[]", FAILURE_JSON, "invalid JSON pointer");
}

TEST(no_member_behind_an_asterisk)
{
	const struct plan_json *none = AT("/failed/*", .exists = BOOL(false));

	holds(none, "{}");
	holds(none, "{\"failed\":null}");
	holds(none, "{\"failed\":[]}");
	fails(none, "{\"failed\":[null]}", FAILURE_JSON, "exists: value is present");
	fails(none, "{\"failed\":{\"a\":1}}", FAILURE_JSON, "exists: value is present");
}

TEST(test_empty)
{
	const struct plan_json *empty = AT("/list", .empty = BOOL(true)), *filled = AT("/list", .empty = BOOL(false));

	holds(empty, "{\"list\":[]}");
	holds(empty, "{\"list\":{}}");
	holds(AT("", .empty = BOOL(true)), "[]");
	holds(AT("/list", .empty = BOOL(true), .optional = true), "{}");
	fails_each(empty, "empty: there are members", EACH("{\"list\":[0]}", "{\"list\":{\"a\":0}}"));
	fails_each(empty, "empty: not an array or object",
		   EACH("{\"list\":null}", "{\"list\":\"\"}", "{\"list\":0}", "{\"list\":false}"));
	fails_each(empty, "no such value", EACH("{}", "[]", "{\"error\":\"denied\"}", "null"));
	fails(empty, "<html>", FAILURE_JSON, "json: malformed");
	fails(empty, "", FAILURE_JSON, "json: malformed");
	holds(filled, "{\"list\":[0]}");
	fails_each(filled, "empty: there are none", EACH("{\"list\":[]}", "{\"list\":{}}"));
	fails_each(filled, "empty: not an array or object", EACH("{\"list\":null}"));
}

TEST(what_is_said)
{
	const struct plan_json items[] = {*AT("/code", .not_equals = STRING("0")), *AT("/msg", .exists = BOOL(true)),
					  *AT("/data/*/code", .not_equals = STRING("0"))};
	const struct plan_jsons wanted = {items, 3};
	static const struct {
		const char *body, *said;
	} cases[] = {
	    {"{\"code\":\"1\",\"msg\":\"All failed\",\"data\":[{\"code\":\"0\"},{\"code\":\"7\"},{\"code\":\"8\"}]}",
	     "1 All failed 7"},
	    {"{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"code\":\"7\"}]}", "7"},
	    {"{\"code\":-1021,\"msg\":[]}", "-1021"},
	    {"{\"code\":1.5e300}", "1.5e+300"},
	    {"{\"code\":\"0\",\"data\":[]}", NULL},
	    {"<html>", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *said = json_say(&wanted, cases[i].body, strlen(cases[i].body), NOW);
		if (cases[i].said == NULL)
			assert_null(said);
		else
			assert_string_equal(said, cases[i].said);
		free(said);
	}
}

TEST(the_first_list_of_which_any_member_holds)
{
	const struct plan_json one[] = {*AT("/error/*", .equals = STRING("busy"))};
	const struct plan_json two[] = {*AT("/data/*", .exists = BOOL(false))};
	const struct plan_jsons lists[] = {{one, 1}, {two, 1}};
	static const struct {
		const char *body;
		int first;
	} bodies[] = {{"{\"error\":[\"a\",\"busy\"],\"data\":[1]}", 0},
		      {"{\"error\":[],\"data\":[1]}", -1},
		      {"{\"error\":[\"a\"],\"data\":[]}", 1},
		      {"{\"error\":null,\"data\":[1]}", -1}};

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(json_first(lists, 2, bodies[i].body, strlen(bodies[i].body), NOW), bodies[i].first);
}

TEST(the_first_list_of_which_any_holds)
{
	const struct plan_json one[] = {*AT("/code", .equals = NUMBER(1)), *AT("/code", .equals = STRING("1"))};
	const struct plan_json two[] = {*AT("/code", .equals = NUMBER(2))};
	const struct plan_jsons lists[] = {{one, 2}, {NULL, 0}, {two, 1}};
	static const struct {
		const char *body;
		int first;
	} bodies[] = {{"{\"code\":1}", 0}, {"{\"code\":\"1\"}", 0},
		      {"{\"code\":2}", 2}, {"{\"code\":3}", -1},
		      {"{}", -1},          {"[]", -1},
		      {"not JSON", -1},    {"", -1}};

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(json_first(lists, 3, bodies[i].body, strlen(bodies[i].body), NOW), bodies[i].first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_assertion_takes_any_body),
	    cmocka_unit_test(test_all_assertions_must_hold),
	    cmocka_unit_test(test_pointers),
	    cmocka_unit_test(test_equals),
	    cmocka_unit_test(test_not_equals),
	    cmocka_unit_test(test_one_of),
	    cmocka_unit_test(test_exists),
	    cmocka_unit_test(test_minimum_and_maximum),
	    cmocka_unit_test(test_all_true),
	    cmocka_unit_test(test_age_of_numbers),
	    cmocka_unit_test(test_age_of_rfc3339),
	    cmocka_unit_test(test_malformed_bodies),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_no_value_in_a_message),
	    cmocka_unit_test(test_message_is_one_short_line),
	    cmocka_unit_test(what_is_optional_may_be_missing),
	    cmocka_unit_test(every_member_behind_an_asterisk),
	    cmocka_unit_test(no_member_behind_an_asterisk),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(what_is_said),
	    cmocka_unit_test(the_first_list_of_which_any_member_holds),
	    cmocka_unit_test(the_first_list_of_which_any_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
