/*
 * The last hour of the checks, kept by the listener for its page. Pure: the published counters and the time go in, and what has
 * happened between two samples is counted in a bucket of 30 s. Process 1 holds nothing for it, and nothing is kept on a disk.
 */
#ifndef TINYSUP_INIT_READERS_HOUR_H
#define TINYSUP_INIT_READERS_HOUR_H

#include "probes/page.h"

#define HOUR_BUCKET  ((msec_t)30000)
#define HOUR_BUCKETS 120

/* What 30 s held. The mean latency is total_us / (ok + failed). */
struct hour_bucket {
	int64_t total_us;
	uint32_t ok, failed, errors;
	uint32_t longest_us; /* that was seen: the last result of each sample, and the mean of those before it */
};

/* About 3 kB, of which nothing is touched for a check that does not exist. */
struct hour_check {
	char name[CHECK_NAME_MAX];
	uint64_t ok, failed, errors; /* of the last sample */
	int64_t total_us;
	struct hour_bucket buckets[HOUR_BUCKETS]; /* a ring: number n is at n % HOUR_BUCKETS */
};

/* Zeroed: nothing is known. */
struct hour {
	bool known;       /* there was a sample */
	int64_t at;       /* of the last one: milliseconds of CLOCK_MONOTONIC */
	int64_t newest;   /* number of the newest bucket: its time / HOUR_BUCKET */
	int64_t recorded; /* since when */
	size_t count;
	struct hour_check checks[PLAN_CHECKS_MAX];
};

/* A sample. A list of checks that has changed, or counters or a clock that went back, begin a new hour. */
void hour_add(struct hour *hour, const struct page_check *checks, size_t count, int64_t now);

/* The bucket `age` buckets before that of `now`; NULL: nothing was recorded at that time. age: up to HOUR_BUCKETS - 1. */
const struct hour_bucket *hour_bucket(const struct hour *hour, size_t check, int age, int64_t now);

/* The whole hour of a check: the sums, and the longest latency of all. */
struct hour_bucket hour_sum(const struct hour *hour, size_t check, int64_t now);

/* When the next sample is due: at the end of the bucket of `now`. */
int64_t hour_due(int64_t now);

#endif
