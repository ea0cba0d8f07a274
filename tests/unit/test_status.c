/* init/status, healthjson and metrics: what they make of a page, without a supervisor or a network; where one may listen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "config/address.h"
#include "init/healthjson.h"
#include "init/metrics.h"
#include "init/sequencer.h"
#include "init/status.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define NOW        INT64_C(100000)

static struct page page;

static int set_up(void **state)
{
	(void)state;
	memset(&page, 0, sizeof page);
	strcpy(page.head.app_name, "bot");
	strcpy(page.head.tinysup, "1.2.3");
	page.head.supervisor = 1;
	page.head.started = 40000;
	page.head.started_unix_ms = INT64_C(1700000000123);
	page.head.written = 99000;
	return 0;
}

static const char *string_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static bool null_at(const json_t *object, const char *key)
{
	return json_is_null(json_object_get(object, key));
}

static json_t *status(void)
{
	json_t *root = status_json(&page, NOW);

	assert_non_null(root);
	return root;
}

TEST(an_empty_page)
{
	json_t *root = status(), *app = json_object_get(root, "app");

	assert_string_equal(string_at(root, "version"), "1.2.3");
	assert_string_equal(string_at(root, "phase"), "running");
	assert_string_equal(string_at(root, "started"), "2023-11-14T22:13:20.123Z");
	assert_int_equal(number_at(root, "uptime_ms"), 60000);
	assert_int_equal(number_at(root, "last_change_ms"), 1000);
	assert_true(null_at(root, "chain") && null_at(app, "pid") && null_at(app, "started") && null_at(app, "last_exit") &&
		    null_at(app, "watchdog") && null_at(app, "restart_in_ms") && null_at(app, "status"));
	assert_int_equal(json_array_size(json_object_get(root, "checks")), 0);
	assert_int_equal(json_object_size(json_object_get(root, "probes")), PROBE_COUNT);
	assert_int_equal(json_object_size(json_object_get(root, "chains")), REASON_COUNT);
	json_decref(root);
}

TEST(the_app)
{
	struct page_app *app = &page.head.app;

	*app = (struct page_app){.started = 90000, .restarts = 3, .restart_at = 100250, .ended = true, .wait_status = 9};
	app->watchdog = 1000;
	app->watchdog_at = 99500;
	strcpy(app->status, "\"quoted\" \\ text");
	page.head.phase = PAGE_WAITING_TO_RESTART;
	json_t *root = status(), *object = json_object_get(root, "app"), *end = json_object_get(object, "last_exit");
	assert_string_equal(string_at(root, "phase"), "waiting_to_restart");
	assert_int_equal(number_at(object, "age_ms"), 10000);
	assert_int_equal(number_at(object, "restarts"), 3);
	assert_int_equal(number_at(object, "restart_in_ms"), 250);
	assert_string_equal(string_at(object, "status"), "\"quoted\" \\ text");
	assert_string_equal(string_at(end, "signal"), "SIGKILL");
	assert_true(null_at(end, "code"));
	assert_int_equal(number_at(json_object_get(object, "watchdog"), "age_ms"), 500);
	json_decref(root);
	app->wait_status = 3 << 8;
	root = status();
	end = json_object_get(json_object_get(root, "app"), "last_exit");
	assert_int_equal(number_at(end, "code"), 3);
	assert_true(null_at(end, "signal"));
	json_decref(root);
}

static void add_check(const char *name, enum outcome outcome, bool soft, int64_t valid_until)
{
	struct page_check *check = &page.check[page.head.checks];

	*check = (struct page_check){
	    .kind = CHECK_HTTP,
	    .soft = soft,
	    .asked = true,
	    .outcome = outcome,
	    .failure = outcome == OUTCOME_OK ? FAILURE_NONE : FAILURE_STATUS,
	    .status = outcome == OUTCOME_OK ? 200 : 503,
	    .took_us = 1500,
	    .at = NOW - 2000,
	    .since = NOW - 5000,
	    .valid_until = valid_until,
	    .ok = 4,
	};
	snprintf(check->name, sizeof check->name, "%s", name);
	snprintf(check->message, sizeof check->message, "%s", outcome == OUTCOME_OK ? "" : "status 503");
	page.head.verdicts[PROBE_READINESS].checks |= UINT64_C(1) << page.head.checks++;
}

TEST(checks)
{
	add_check("good", OUTCOME_OK, false, NOW);
	add_check("bad", OUTCOME_FAIL, false, NOW);
	add_check("old", OUTCOME_OK, false, NOW - 1);
	add_check("done", OUTCOME_OK, false, 0); /* nobody asks it any more: no age makes it worse */
	json_t *root = status(), *list = json_object_get(root, "checks");
	static const char *const states[] = {"ok", "fail", "stale", "ok"};
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		const json_t *check = json_array_get(list, i);
		assert_string_equal(string_at(check, "state"), states[i]);
		assert_int_equal(number_at(check, "age_ms"), 2000);
		assert_int_equal(number_at(check, "since_ms"), 5000);
		assert_true(json_real_value(json_object_get(check, "took_ms")) == 1.5);
	}
	assert_string_equal(string_at(json_array_get(list, 1), "class"), "status");
	assert_int_equal(number_at(json_array_get(list, 1), "status"), 503);
	assert_string_equal(string_at(json_array_get(list, 1), "message"), "status 503");
	json_decref(root);
}

TEST(health)
{
	page.head.verdicts[PROBE_READINESS] = (struct page_verdict){.healthy = true, .valid_until = NOW};
	add_check("good", OUTCOME_OK, false, NOW);
	json_t *root = health_json(&page, PROBE_READINESS, NOW);
	assert_string_equal(string_at(root, "status"), "pass");
	json_decref(root);
	add_check("soft", OUTCOME_FAIL, true, NOW);
	root = health_json(&page, PROBE_READINESS, NOW);
	assert_string_equal(string_at(root, "status"), "warn");
	assert_null(json_object_get(root, "output"));
	json_decref(root);
	root = health_json(&page, PROBE_READINESS, NOW + 1);
	assert_string_equal(string_at(root, "status"), "fail");
	assert_non_null(string_at(root, "output"));
	json_decref(root);
}

TEST(a_chain)
{
	struct page_chain *chain = &page.head.chain;

	*chain = (struct page_chain){.ran = true, .running = true, .begun = NOW - 1500, .deadline = NOW + 2500, .step = 1};
	chain->unix_ms = INT64_C(1700000000000);
	page.head.steps = 2;
	strcpy(page.step[1].name, "second");
	page.step[0] =
	    (struct page_step){.name = "first", .state = STATE_OK, .attempt = 2, .begun = NOW - 1500, .ended = NOW - 1000};
	page.step[1].state = STATE_RUNNING;
	page.step[1].begun = NOW - 1000;
	json_t *root = status(), *object = json_object_get(root, "chain"), *steps = json_object_get(object, "steps");
	assert_string_equal(string_at(object, "step"), "second");
	assert_int_equal(number_at(object, "remaining_ms"), 2500);
	assert_int_equal(number_at(object, "took_ms"), 1500);
	assert_int_equal(number_at(json_array_get(steps, 0), "took_ms"), 500);
	assert_int_equal(number_at(json_array_get(steps, 1), "took_ms"), 1000);
	json_decref(root);
	chain->running = false;
	chain->ended = NOW - 500;
	root = status();
	object = json_object_get(root, "chain");
	assert_true(null_at(object, "step") && null_at(object, "remaining_ms"));
	assert_int_equal(number_at(object, "took_ms"), 1000);
	json_decref(root);
}

/* A scrape in which two series have the same labels is refused as a whole. */
TEST(names_that_were_cut_to_the_same_are_two_series)
{
	char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	add_check("same", OUTCOME_OK, false, NOW);
	add_check("same", OUTCOME_FAIL, false, NOW);
	metrics_print(to, &page, NOW);
	fclose(to);
	assert_non_null(strstr(text, "tinysup_check_healthy{check=\"same\",kind=\"http\"} 1\n"));
	assert_non_null(strstr(text, "tinysup_check_healthy{check=\"same#2\",kind=\"http\"} 0\n"));
	free(text);
}

static void assert_address(const char *text, int family, const char *host, int port)
{
	struct sockaddr_storage address;
	socklen_t length;
	char shown[INET6_ADDRSTRLEN];

	assert_true(listen_address(text, &address, &length));
	assert_int_equal(address.ss_family, family);
	bool six = family == AF_INET6;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
	assert_int_equal(length, six ? sizeof *in6 : sizeof *in);
	inet_ntop(family, six ? (const void *)&in6->sin6_addr : &in->sin_addr, shown, sizeof shown);
	assert_string_equal(shown, host);
	assert_int_equal(ntohs(six ? in6->sin6_port : in->sin_port), port);
}

TEST(addresses)
{
	static const char *const wrong[] = {"",
					    ":",
					    "80",
					    "1.2.3.4",
					    "1.2.3.4:",
					    "localhost:80",
					    "::1:80",
					    "[::1]",
					    "[::1]80",
					    "[]:80",
					    "[1.2.3.4]:80",
					    "1.2.3:80",
					    "1.2.3.4:65536",
					    "1.2.3.4:-1",
					    "1.2.3.4: 80",
					    "1.2.3.4:80 ",
					    "1.2.3.4:000080",
					    "[::1:80",
					    "::1]:80",
					    "[fe80::1%lo]:80",
					    "*:80"};
	struct sockaddr_storage address;
	socklen_t length;

	assert_address("0.0.0.0:9180", AF_INET, "0.0.0.0", 9180);
	assert_address("127.0.0.1:0", AF_INET, "127.0.0.1", 0);
	assert_address("[::]:65535", AF_INET6, "::", 65535);
	assert_address("[fe80::1]:1", AF_INET6, "fe80::1", 1);
	assert_address(":9180", AF_INET6, "::", 9180);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(listen_address(wrong[i], &address, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_empty_page, set_up),
	    cmocka_unit_test_setup(the_app, set_up),
	    cmocka_unit_test_setup(checks, set_up),
	    cmocka_unit_test_setup(health, set_up),
	    cmocka_unit_test_setup(a_chain, set_up),
	    cmocka_unit_test_setup(names_that_were_cut_to_the_same_are_two_series, set_up),
	    cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
