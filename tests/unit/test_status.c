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
#include <unistd.h>

#include "config/address.h"
#include "init/readers/http_reply.h"
#include "init/readers/health_json.h"
#include "init/readers/metrics.h"
#include "init/machine/sequencer.h"
#include "init/readers/status.h"
#include "probes/probe.h"

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
	    .has_result = true,
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

	*chain = (struct page_chain){.ran = true, .running = true, .started = NOW - 1500, .deadline = NOW + 2500, .step = 1};
	chain->unix_ms = INT64_C(1700000000000);
	page.head.steps = 2;
	strcpy(page.step[1].name, "second");
	page.step[0] =
	    (struct page_step){.name = "first", .state = STATE_OK, .attempt = 2, .started = NOW - 1500, .ended = NOW - 1000};
	page.step[1].state = STATE_RUNNING;
	page.step[1].started = NOW - 1000;
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

/* --- what no tinysup has written --------------------------------------------------------------------------------------- */

/* A page with everything in it. */
static void fill_page(void)
{
	page.head.probes = true;
	strcpy(page.head.config, "/etc/tinysup.conf");
	page.head.app =
	    (struct page_app){.pid = 7, .started = 40000, .restarts = 2, .ended = true, .wait_status = 9, .notify = true};
	page.head.app.watchdog = 1000;
	page.head.app.watchdog_at = 99000;
	strcpy(page.head.app.status, "Trading");
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		page.head.verdicts[kind] =
		    (struct page_verdict){.healthy = kind == 0, .probed = true, .valid_until = INT64_MAX, .since = 50000};
		strcpy(page.head.verdicts[kind].why, kind == 0 ? "" : "bad: status 503");
	}
	add_check("good", OUTCOME_OK, false, NOW);
	add_check("bad", OUTCOME_FAIL, false, NOW);
	add_check("old", OUTCOME_OK, true, NOW - 1);
	strcpy(page.check[2].error, "cannot fork");
	page.head.steps = 3;
	for (size_t i = 0; i < 3; i++) {
		page.step[i] = (struct page_step){.state = (uint8_t)i, .attempt = 1, .started = NOW - 1000, .ended = NOW - 500};
		snprintf(page.step[i].name, PAGE_NAME, "step%zu", i);
	}
	page.head.chain =
	    (struct page_chain){.ran = true, .running = true, .started = NOW - 1500, .deadline = NOW + 2500, .step = 1};
	strcpy(page.head.chain.signal, "SIGTERM");
	page.version = PAGE_VERSION;
}

/* xorshift64*: the same damage in every run. */
static uint64_t chance(uint64_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545F4914F6CDD1D) % below;
}

static void damage(struct page *to)
{
	static const uint64_t extremes[] = {0,           1,    UINT64_MAX,         INT64_MAX, (uint64_t)INT64_MIN,
					    0x80000000u, 0x7f, 0xff00ff00ff00ff00u};
	char *bytes = (char *)&to->head, *end = (char *)(to + 1);
	/* what is used lies in the first checks and steps */
	char *const parts[] = {bytes, (char *)to->check, (char *)to->step};
	const size_t sizes[] = {sizeof to->head, 3 * sizeof *to->check, 3 * sizeof *to->step};

	for (uint64_t n = 1 + chance(6); n > 0; n--) {
		size_t part = chance(3);
		char *at = parts[part] + chance(sizes[part]);
		switch (chance(4)) {
		case 0:
			*at ^= (char)(1 << chance(8));
			break;
		case 1:
			*at = (char)chance(256);
			break;
		case 2:
			at -= (uintptr_t)at % sizeof *extremes;
			memcpy(at, &extremes[chance(sizeof extremes / sizeof *extremes)], sizeof *extremes);
			break;
		default:
			for (uint64_t length = chance(300); length > 0 && at < end; length--)
				*at++ = chance(2) ? (char)chance(256) : (char)(1 + chance(126));
		}
	}
}

static void ask_listener(const struct page *of, const char *path, bool verbose, bool json)
{
	static struct known known;
	const struct query query = {.path = path, .method_known = true, .verbose = verbose, .json = json};
	struct reply reply;

	known.page = of;
	assert_true(http_reply_make(&query, &known, NOW, &reply));
	free(reply.body);
}

/* Everything that reads a copy. */
static void print_all(const struct page *of, FILE *nowhere)
{
	static const char *const paths[] = {"/livez", "/readyz", "/startupz"};
	static const struct probe_options has_result[] = {
	    {.json = true}, {.target = "ready"}, {.target = "bad", .json = true}, {.check = "good"}, {.target = "nobody"}};

	for (size_t i = 0; i < 3; i++) {
		ask_listener(of, paths[i], true, false);
		ask_listener(of, paths[i], false, true);
		ask_listener(of, paths[i], false, false);
	}
	ask_listener(of, "/status", false, false);
	ask_listener(of, "/metrics", false, false);
	ask_listener(of, "/", false, false);
	rewind(nowhere);
	status_text(nowhere, true, of, NOW);
	for (size_t i = 0; i < sizeof has_result / sizeof *has_result; i++)
		probe_from_page(&has_result[i], NULL, of);
}

/* Thousands of pages that no tinysup has written: none is taken for one that its readers cannot bear. */
TEST(damaged_pages)
{
	static struct page damaged;
	FILE *nowhere = fopen("/dev/null", "w");
	int out = dup(STDOUT_FILENO), null = fileno(nowhere);
	size_t valid = 0;
	enum { ROUNDS = 8000 };

	assert_non_null(nowhere);
	fill_page();
	assert_true(page_valid(&page));
	fflush(stdout);
	dup2(null, STDOUT_FILENO); /* --probe prints to it */
	for (int n = 0; n < ROUNDS; n++) {
		memcpy(&damaged, &page, sizeof page);
		damage(&damaged);
		if (!page_valid(&damaged)) {
			/* the listener sees it through page_read() */
			ask_listener(&damaged, "/readyz", true, false);
			continue;
		}
		valid++;
		print_all(&damaged, nowhere);
	}
	dup2(out, STDOUT_FILENO);
	close(out);
	fclose(nowhere);
	assert_in_range(valid, ROUNDS / 20, ROUNDS * 19 / 20);
}

TEST(every_promise_of_a_page_is_looked_at)
{
	static struct page damaged;

#define REFUSED(change)                                                                                                        \
	do {                                                                                                                   \
		memcpy(&damaged, &page, sizeof page);                                                                          \
		change;                                                                                                        \
		assert_false(page_valid(&damaged));                                                                            \
	} while (0)
	fill_page();
	REFUSED(memset(damaged.head.app_name, 'x', PAGE_NAME));
	REFUSED(memset(damaged.head.tinysup, 'x', sizeof damaged.head.tinysup));
	REFUSED(memset(damaged.head.app.status, 'x', PAGE_TEXT));
	REFUSED(memset(damaged.head.verdicts[2].why, 'x', PAGE_TEXT));
	REFUSED(memset(damaged.check[1].name, 'x', CHECK_NAME_MAX));
	REFUSED(memset(damaged.check[1].message, 'x', PAGE_TEXT));
	REFUSED(memset(damaged.check[1].error, 'x', PAGE_TEXT));
	REFUSED(memset(damaged.step[1].name, 'x', PAGE_NAME));
	REFUSED(memset(damaged.head.chain.signal, 'x', sizeof damaged.head.chain.signal));
	REFUSED(strcpy(damaged.head.app.status, "\033[2J"));
	REFUSED(strcpy(damaged.check[0].name, "\xff"));
	REFUSED(damaged.head.checks = PLAN_CHECKS_MAX + 1);
	REFUSED(damaged.head.steps = SIZE_MAX);
	REFUSED(damaged.head.chain.step = 4);
	REFUSED(damaged.head.chain.reason = REASON_COUNT);
	REFUSED(damaged.head.phase = (enum page_phase)(PAGE_PHASES));
	REFUSED(damaged.step[2].state = STATE_COUNT);
	REFUSED(damaged.check[2].kind = (enum check_kind)(CHECK_PROCESS + 1));
	REFUSED(damaged.check[2].failure = (enum failure)(FAILURE_INTERNAL + 1));
	REFUSED(damaged.check[2].outcome = (enum outcome)(OUTCOME_ERROR + 1));
	REFUSED(memset(&damaged.check[2].soft, 2, 1));
	REFUSED(damaged.check[2].at = INT64_MIN);
	REFUSED(damaged.head.started_unix_ms = INT64_MAX);
	REFUSED(damaged.head.app.wait_status = 100);
	REFUSED(damaged.head.app.pid = -1);
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
	    cmocka_unit_test_setup(damaged_pages, set_up),
	    cmocka_unit_test_setup(every_promise_of_a_page_is_looked_at, set_up),
	    cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
