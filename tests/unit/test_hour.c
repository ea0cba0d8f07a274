/* The listener's hour of the checks, and its plot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "init/readers/hour.h"
#include "init/readers/html.h"
#include "init/readers/plot.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define BEGIN      (HOUR_BUCKET * 1000)

static struct hour hour;
static struct page_check checks[PLAN_CHECKS_MAX];
static size_t count;

static void name_check(size_t index, const char *name)
{
	snprintf(checks[index].name, CHECK_NAME_MAX, "%s", name);
}

static int set_up(void **state)
{
	(void)state;
	memset(&hour, 0, sizeof hour);
	memset(checks, 0, sizeof checks);
	count = 1;
	name_check(0, "api");
	return 0;
}

static void sample(int64_t now)
{
	hour_add(&hour, checks, count, now);
}

/* A result of the first check. */
static void result(bool ok, int64_t took)
{
	if (ok)
		checks[0].ok++;
	else
		checks[0].failed++;
	checks[0].took_us = took;
	checks[0].total_us += took;
}

static void assert_bucket(const struct hour_bucket *bucket, unsigned ok, unsigned failed, int64_t total, unsigned longest)
{
	assert_non_null(bucket);
	assert_int_equal(bucket->ok, ok);
	assert_int_equal(bucket->failed, failed);
	assert_int_equal(bucket->total_us, total);
	assert_int_equal(bucket->longest_us, longest);
}

TEST(nothing_is_known_before_the_first_sample)
{
	assert_null(hour_bucket(&hour, 0, 0, BEGIN));
	assert_bucket(&(struct hour_bucket){.ok = hour_sum(&hour, 0, BEGIN).ok}, 0, 0, 0, 0);
}

TEST(what_was_before_the_first_sample_is_not_counted)
{
	result(true, 70);
	sample(BEGIN);
	assert_bucket(hour_bucket(&hour, 0, 0, BEGIN), 0, 0, 0, 0);
	assert_null(hour_bucket(&hour, 0, 1, BEGIN));
}

TEST(a_sample_at_the_end_of_a_bucket_belongs_to_it)
{
	int64_t now = BEGIN;

	sample(now);
	for (int i = 1; i <= 5; i++) {
		result(true, 100 * i);
		result(false, 10);
		now = hour_due(now);
		assert_int_equal(now, BEGIN + i * HOUR_BUCKET);
		sample(now + i); /* no timer is on time */
		/* of the first one only the mean of all is known, less the last */
		assert_bucket(hour_bucket(&hour, 0, 1, now + i), 1, 1, 100 * i + 10, (unsigned)(100 * i));
		assert_bucket(hour_bucket(&hour, 0, 0, now + i), 0, 0, 0, 0);
	}
	assert_bucket(&(struct hour_bucket){.longest_us = hour_sum(&hour, 0, now).longest_us}, 0, 0, 0, 500);
	assert_int_equal(hour_sum(&hour, 0, now).ok, 5);
	assert_int_equal(hour_sum(&hour, 0, now).failed, 5);
}

TEST(samples_in_between_add_up)
{
	sample(BEGIN);
	for (int i = 1; i <= 10; i++) {
		result(true, i == 4 ? 900 : 20);
		sample(BEGIN + i * 1000);
	}
	assert_bucket(hour_bucket(&hour, 0, 0, BEGIN + 10000), 10, 0, 1080, 900);
}

TEST(errors_are_no_results)
{
	sample(BEGIN);
	checks[0].errors = 3;
	sample(BEGIN + 1000);
	assert_bucket(hour_bucket(&hour, 0, 0, BEGIN + 1000), 0, 0, 0, 0);
	assert_int_equal(hour_sum(&hour, 0, BEGIN + 1000).errors, 3);
}

/* Of every bucket of many hours, what was put in comes out for an hour, and not longer. */
TEST(many_hours)
{
	uint64_t put[500] = {0};
	int64_t now = BEGIN;

	sample(now);
	for (int64_t n = 1; n < 500; n++) {
		put[n - 1] = (uint64_t)(n * 7 % 13);
		checks[0].ok += put[n - 1];
		checks[0].total_us += (int64_t)put[n - 1] * 10;
		checks[0].took_us = 10;
		now += HOUR_BUCKET;
		sample(now);
		uint64_t sum = 0;
		for (int age = 0; age < HOUR_BUCKETS; age++) {
			const struct hour_bucket *bucket = hour_bucket(&hour, 0, age, now);
			if (age > n) {
				assert_null(bucket);
				continue;
			}
			assert_non_null(bucket);
			assert_int_equal(bucket->ok, age == 0 ? 0 : put[n - age]);
			sum += bucket->ok;
		}
		assert_int_equal(hour_sum(&hour, 0, now).ok, sum);
	}
	assert_null(hour_bucket(&hour, 0, HOUR_BUCKETS, now));
}

TEST(a_gap_stays_a_gap)
{
	static const int64_t gaps[] = {HOUR_BUCKET * 2, HOUR_BUCKET * 119, HOUR_BUCKET * 120, HOUR_BUCKET * 121,
				       HOUR_BUCKET * 100000};

	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
		set_up(NULL);
		int64_t now = BEGIN;
		sample(now);
		result(true, 10);
		sample(now + 1000);
		now += gaps[i];
		for (int n = 0; n < 3; n++)
			result(false, 40);
		sample(now);
		/* what came meanwhile came at its end */
		assert_bucket(hour_bucket(&hour, 0, 1, now), 0, 3, 120, 40);
		for (int age = 2; age < HOUR_BUCKETS; age++) {
			const struct hour_bucket *bucket = hour_bucket(&hour, 0, age, now);
			bool first = age == gaps[i] / HOUR_BUCKET;
			assert_int_equal(bucket != NULL ? bucket->ok + bucket->failed : 0, first);
		}
		/* nothing has been recorded after the last sample */
		assert_null(hour_bucket(&hour, 0, 0, now + HOUR_BUCKET));
	}
}

static void fill_and_break(void (*breaking)(void))
{
	set_up(NULL);
	sample(BEGIN);
	for (int i = 0; i < 10; i++)
		result(true, 10);
	sample(BEGIN + HOUR_BUCKET);
	assert_int_equal(hour_sum(&hour, 0, BEGIN + HOUR_BUCKET).ok, 10);
	breaking();
	sample(BEGIN + HOUR_BUCKET + 1000);
	assert_int_equal(hour_sum(&hour, 0, BEGIN + HOUR_BUCKET + 1000).ok, 0);
	assert_null(hour_bucket(&hour, 0, 1, BEGIN + HOUR_BUCKET + 1000));
	checks[0].ok++;
	sample(BEGIN + HOUR_BUCKET + 2000);
	assert_int_equal(hour_sum(&hour, 0, BEGIN + HOUR_BUCKET + 2000).ok, 1);
}

static void ok_goes_back(void)
{
	checks[0].ok = 3;
}

static void total_goes_back(void)
{
	checks[0].total_us = 0;
}

static void failed_goes_back(void)
{
	hour.checks[0].failed = 1;
}

static void errors_go_back(void)
{
	hour.checks[0].errors = 1;
}

static void another_name(void)
{
	name_check(0, "other");
}

static void one_more(void)
{
	count = 2;
}

TEST(what_goes_back_or_changes_begins_anew)
{
	fill_and_break(ok_goes_back);
	fill_and_break(total_goes_back);
	fill_and_break(failed_goes_back);
	fill_and_break(errors_go_back);
	fill_and_break(another_name);
	fill_and_break(one_more);
	set_up(NULL);
	sample(BEGIN);
	sample(BEGIN - 1);
	assert_int_equal(hour.recorded, BEGIN - 1);
}

TEST(counters_that_no_bucket_can_hold)
{
	sample(BEGIN);
	checks[0] = (struct page_check){
	    .ok = UINT64_MAX, .failed = 5, .errors = UINT64_MAX - 1, .total_us = INT64_MAX, .took_us = INT64_MAX};
	name_check(0, "api");
	sample(BEGIN + 1);
	assert_bucket(hour_bucket(&hour, 0, 0, BEGIN + 1), UINT32_MAX, 5, INT64_MAX, UINT32_MAX);
	assert_int_equal(hour_sum(&hour, 0, BEGIN + 1).errors, UINT32_MAX);
}

TEST(all_the_checks_there_can_be)
{
	count = PLAN_CHECKS_MAX;
	for (size_t i = 0; i < count; i++) {
		checks[i].name[0] = (char)('!' + i);
		checks[i].ok = i;
	}
	sample(BEGIN);
	for (size_t i = 0; i < count; i++)
		checks[i].ok += i;
	sample(BEGIN + 1);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hour_sum(&hour, i, BEGIN + 1).ok, i);
	assert_null(hour_bucket(&hour, count, 0, BEGIN + 1));
	assert_true(sizeof hour / PLAN_CHECKS_MAX <= 3100); /* a listener's cost a check */
}

/* --- the plot ------------------------------------------------------------------------------------------------------------- */

static char *plotted;

static const char *plot(int64_t now)
{
	size_t size;

	free(plotted);
	plotted = NULL;
	FILE *to = open_memstream(&plotted, &size);
	plot_print(to, &hour, 0, now);
	fclose(to);
	return plotted;
}

static int forget(void **state)
{
	(void)state;
	free(plotted);
	plotted = NULL;
	return 0;
}

static void assert_plot(int64_t now, const char *part)
{
	if (strstr(plot(now), part) == NULL)
		fail_msg("no %s in %s", part, plotted);
}

TEST(a_plot_of_nothing)
{
	assert_plot(BEGIN, ": no result</title>");
	assert_plot(BEGIN, "<path class=\"mean\" d=\"\"/>");
	assert_plot(BEGIN, "<rect class=\"unknown\" width=\"600\"");
	sample(BEGIN);
	assert_plot(BEGIN, "<title>api, the last 0 s: no result</title>");
	assert_plot(BEGIN, "<rect class=\"unknown\" width=\"595\"");
}

TEST(a_plot_of_one)
{
	sample(BEGIN);
	result(true, 3200);
	sample(BEGIN + 1000);
	assert_plot(BEGIN + 1000, "1 ok, 0 failed, latency 3.2 ms on average, at most 3.2 ms</title>");
	assert_plot(BEGIN + 1000, "<path class=\"mean\" d=\"M595 44v-42h5V44z\"/>");
	assert_plot(BEGIN + 1000, "<path class=\"fill-bad\" d=\"\"/>");
}

TEST(a_plot_of_failures_alone)
{
	int64_t now = BEGIN;

	sample(now);
	for (int i = 0; i < 2 * HOUR_BUCKETS; i++) {
		result(false, 1000000);
		now += HOUR_BUCKET;
		sample(now - 1);
	}
	assert_plot(now - 1, "<title>api, the last hour: 0 ok, 120 failed, latency 1.0 s on average, at most 1.0 s</title>");
	assert_null(strstr(plotted, "unknown"));
	/* one area from the first bucket to the last one */
	assert_plot(now - 1, "<path class=\"fill-bad\" d=\"M0 60v-12h5h5");
	assert_plot(now - 1, "h5h5V60z\"/>");
}

TEST(a_plot_with_a_gap_and_with_errors)
{
	sample(BEGIN);
	result(true, 10);
	sample(BEGIN + 1000);
	sample(BEGIN + HOUR_BUCKET);
	sample(BEGIN + 2 * HOUR_BUCKET);
	result(true, 20);
	checks[0].errors++;
	sample(BEGIN + 2 * HOUR_BUCKET + 1000);
	assert_plot(BEGIN + 2 * HOUR_BUCKET + 1000, "<path class=\"most\" d=\"M585 44v-21h5V44zM595 44v-42h5V44z\"/>");
	assert_plot(BEGIN + 2 * HOUR_BUCKET + 1000, "<path class=\"fill-warn\" d=\"M595 60v-6h5V60z\"/>");
	assert_plot(BEGIN + 2 * HOUR_BUCKET + 1000, ", 1 times it could not run</title>");
}

TEST(what_others_have_named)
{
	char text[200] = "";
	FILE *to = fmemopen(text, sizeof text, "w");

	html_text(to, "<b onclick='x'>&\"\x01");
	fclose(to);
	assert_string_equal(text, "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;?");
	name_check(0, "<b>&\"");
	sample(BEGIN);
	assert_plot(BEGIN, "<title>&lt;b&gt;&amp;&quot;, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(nothing_is_known_before_the_first_sample, set_up),
	    cmocka_unit_test_setup(what_was_before_the_first_sample_is_not_counted, set_up),
	    cmocka_unit_test_setup(a_sample_at_the_end_of_a_bucket_belongs_to_it, set_up),
	    cmocka_unit_test_setup(samples_in_between_add_up, set_up),
	    cmocka_unit_test_setup(errors_are_no_results, set_up),
	    cmocka_unit_test_setup(many_hours, set_up),
	    cmocka_unit_test_setup(a_gap_stays_a_gap, set_up),
	    cmocka_unit_test_setup(what_goes_back_or_changes_begins_anew, set_up),
	    cmocka_unit_test_setup(counters_that_no_bucket_can_hold, set_up),
	    cmocka_unit_test_setup(all_the_checks_there_can_be, set_up),
	    cmocka_unit_test_setup_teardown(a_plot_of_nothing, set_up, forget),
	    cmocka_unit_test_setup_teardown(a_plot_of_one, set_up, forget),
	    cmocka_unit_test_setup_teardown(a_plot_of_failures_alone, set_up, forget),
	    cmocka_unit_test_setup_teardown(a_plot_with_a_gap_and_with_errors, set_up, forget),
	    cmocka_unit_test_setup_teardown(what_others_have_named, set_up, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
