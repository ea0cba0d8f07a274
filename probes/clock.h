/* Clocks and timestamps. Deadlines use clock_us(), so wall-clock changes do not move them; ages use the wall clock. */
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

/* A time of clock_now() as wall-clock time: milliseconds since 1970. */
static inline int64_t clock_wall(msec_t then)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (clock_now() - then);
}

int64_t clock_us(void);                 /* CLOCK_MONOTONIC, microseconds */
int64_t clock_deadline(msec_t timeout); /* from now; a negative timeout has expired */
msec_t clock_left(int64_t deadline_us); /* rounded up; 0: expired. At most INT_MAX, for poll() */
double clock_unix(void);                /* CLOCK_REALTIME, seconds since 1970 */

/* RFC 3339: date, time, optional fraction, offset or "Z". False otherwise. */
bool clock_rfc3339(const char *text, double *unix_seconds);

/* The three date formats of RFC 9110, 5.6.7. */
bool clock_http_date(const char *text, double *unix_seconds);

#endif
