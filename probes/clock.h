/*
 * Clocks and timestamps. Deadlines are values of clock_us(), so that a changed wall clock never moves one; ages are seconds of
 * the wall clock, as the timestamps they are compared with.
 */
#ifndef TINYSUP_PROBES_CLOCK_H
#define TINYSUP_PROBES_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "config/plan.h"

int64_t clock_us(void);                 /* CLOCK_MONOTONIC, microseconds */
int64_t clock_deadline(msec_t timeout); /* from now; a negative time-out is none at all */
msec_t clock_left(int64_t deadline_us); /* rounded up; 0: it has passed. At most INT_MAX, as poll() wants it */
double clock_unix(void);                /* CLOCK_REALTIME, seconds since 1970 */

/* RFC 3339: a date, a time, a fraction or none, and an offset or "Z". False where text is anything else. */
bool clock_rfc3339(const char *text, double *unix_seconds);

/* The three date formats of RFC 9110, 5.6.7. */
bool clock_http_date(const char *text, double *unix_seconds);

#endif
