#include "init/readers/hour.h"

#include <string.h>

static int64_t number_of(int64_t time)
{
	return time / HOUR_BUCKET;
}

static struct hour_bucket *place(struct hour_check *check, int64_t number)
{
	return &check->buckets[number % HOUR_BUCKETS];
}

/* Whether the counters go on from the last sample's. */
static bool goes_on(const struct hour *hour, const struct page_check *checks, size_t count, int64_t now)
{
	if (!hour->known || count != hour->count || now < hour->at)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct hour_check *check = &hour->checks[i];
		if (strcmp(check->name, checks[i].name) != 0 || checks[i].ok < check->ok || checks[i].failed < check->failed ||
		    checks[i].errors < check->errors || checks[i].total_us < check->total_us)
			return false;
	}
	return true;
}

/* The counters that the next sample is compared with. */
static void keep(struct hour_check *check, const struct page_check *from)
{
	check->ok = from->ok;
	check->failed = from->failed;
	check->errors = from->errors;
	check->total_us = from->total_us;
}

static void begin(struct hour *hour, const struct page_check *checks, size_t count, int64_t now)
{
	hour->known = true;
	hour->recorded = now;
	hour->newest = number_of(now);
	hour->count = count;
	for (size_t i = 0; i < count; i++) {
		memset(&hour->checks[i], 0, sizeof hour->checks[i]);
		memcpy(hour->checks[i].name, checks[i].name, CHECK_NAME_MAX);
		keep(&hour->checks[i], &checks[i]);
	}
}

/* Empties the buckets up to that of `number`. */
static void advance(struct hour *hour, int64_t number)
{
	int64_t first = number - hour->newest > HOUR_BUCKETS ? number - HOUR_BUCKETS : hour->newest;

	for (size_t i = 0; i < hour->count; i++)
		for (int64_t n = first + 1; n <= number; n++)
			*place(&hour->checks[i], n) = (struct hour_bucket){.ok = 0};
	if (number > hour->newest)
		hour->newest = number;
}

static uint32_t at_most(uint64_t value)
{
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static uint32_t sum_of(uint32_t a, uint64_t b)
{
	return at_most(a + (b < UINT32_MAX ? b : UINT32_MAX));
}

static void count_in(struct hour_bucket *bucket, const struct hour_check *before, const struct page_check *check)
{
	const uint64_t ok = check->ok - before->ok, failed = check->failed - before->failed, results = ok + failed;
	const int64_t total = check->total_us - before->total_us;

	bucket->ok = sum_of(bucket->ok, ok);
	bucket->failed = sum_of(bucket->failed, failed);
	bucket->errors = sum_of(bucket->errors, check->errors - before->errors);
	bucket->total_us += total;
	if (results == 0)
		return;
	/* of several results only the last one's latency is published: the others have at least their mean */
	uint64_t last = check->took_us > 0 ? (uint64_t)check->took_us : 0;
	uint64_t rest = results > 1 && (uint64_t)total > last ? ((uint64_t)total - last) / (results - 1) : 0;
	uint64_t longest = last > rest ? last : rest;
	if (longest > bucket->longest_us)
		bucket->longest_us = at_most(longest);
}

void hour_add(struct hour *hour, const struct page_check *checks, size_t count, int64_t now)
{
	if (!goes_on(hour, checks, count, now)) {
		begin(hour, checks, count, now);
		hour->at = now;
		return;
	}
	/* in the midst between two samples; after a long silence, at its end: a process that was paused paused the checks, too
	 */
	int64_t passed = now - hour->at < HOUR_BUCKET ? now - hour->at : HOUR_BUCKET;
	int64_t number = number_of(now - passed / 2);
	advance(hour, number_of(now));
	for (size_t i = 0; i < count; i++) {
		count_in(place(&hour->checks[i], number), &hour->checks[i], &checks[i]);
		keep(&hour->checks[i], &checks[i]);
	}
	hour->at = now;
}

const struct hour_bucket *hour_bucket(const struct hour *hour, size_t check, int age, int64_t now)
{
	const int64_t number = number_of(now) - age;

	if (!hour->known || check >= hour->count || number > hour->newest || number <= hour->newest - HOUR_BUCKETS ||
	    number < number_of(hour->recorded))
		return NULL;
	return &hour->checks[check].buckets[number % HOUR_BUCKETS];
}

struct hour_bucket hour_sum(const struct hour *hour, size_t check, int64_t now)
{
	struct hour_bucket sum = {.ok = 0};

	for (int age = 0; age < HOUR_BUCKETS; age++) {
		const struct hour_bucket *bucket = hour_bucket(hour, check, age, now);
		if (bucket == NULL)
			continue;
		sum.ok = sum_of(sum.ok, bucket->ok);
		sum.failed = sum_of(sum.failed, bucket->failed);
		sum.errors = sum_of(sum.errors, bucket->errors);
		sum.total_us += bucket->total_us;
		if (bucket->longest_us > sum.longest_us)
			sum.longest_us = bucket->longest_us;
	}
	return sum;
}

int64_t hour_due(int64_t now)
{
	return (number_of(now) + 1) * HOUR_BUCKET;
}
