/*
 * Failures that several kinds of checks share, so that they read the same everywhere.
 */
#ifndef TINYSUP_PROBES_FAILURE_H
#define TINYSUP_PROBES_FAILURE_H

#include <stdbool.h>

#include "probes/result.h"

/* No connection, by errno. Where the shortage is our own (descriptors, memory) it is an error, no failure. */
void failure_connect(struct check_result *result, int error);

/* "timeout after 900 ms, connecting". */
void failure_timeout(struct check_result *result, msec_t timeout, const char *stage);

/*
 * FAILURE_AGE where `age` (seconds) is over `limit`, or so far in the future that no clock skew explains it: by more than
 * `limit`, and by 5 s at least. `what` comes first in the message. True where the age is fine.
 */
bool failure_check_age(struct check_result *result, const char *what, double age, msec_t limit);

#endif
