/*
 * Clocks and timestamps. Deadlines are values of clock_us(), so that a changed wall clock never moves one; ages are seconds of
 * the wall clock, as the timestamps they are compared with.
 */
#ifndef TINYSUP_PROBES_CLOCK_H
#define TINYSUP_PROBES_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "config/plan.h"

/* CLOCK_MONOTONIC in milliseconds: process 1's only clock. */
static inline msec_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What clock_now()'s `then` was as wall-clock time: milliseconds since 1970. */
static inline int64_t clock_wall(msec_t then)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (clock_now() - then);
}

int64_t clock_us(void);                 /* CLOCK_MONOTONIC, microseconds */
int64_t clock_deadline(msec_t timeout); /* from now; a negative time-out is none at all */
msec_t clock_left(int64_t deadline_us); /* rounded up; 0: it has passed. At most INT_MAX, as poll() wants it */
double clock_unix(void);                /* CLOCK_REALTIME, seconds since 1970 */

/* RFC 3339: a date, a time, a fraction or none, and an offset or "Z". False where text is anything else. */
bool clock_rfc3339(const char *text, double *unix_seconds);

/* The three date formats of RFC 9110, 5.6.7. */
bool clock_http_date(const char *text, double *unix_seconds);

#endif
