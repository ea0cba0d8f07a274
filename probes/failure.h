/* Failures shared by several kinds of checks. */
#ifndef TINYSUP_PROBES_FAILURE_H
#define TINYSUP_PROBES_FAILURE_H

#include <stdbool.h>

#include "probes/result.h"

/* No connection, by errno. A local shortage (descriptors, memory) is an error, not a failure. */
void failure_connect(struct check_result *result, int error);

/* "timeout after 900 ms, connecting". */
void failure_timeout(struct check_result *result, msec_t timeout, const char *stage);

/*
 * FAILURE_AGE if `age` (seconds) exceeds `limit`, or is in the future by more than `limit` and 5 s. what: start of the message.
 * True if the age is fine.
 */
bool failure_check_age(struct check_result *result, const char *what, double age, msec_t limit);

#endif
