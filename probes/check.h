/*
 * Runs one check, whatever its kind.
 */
#ifndef TINYSUP_PROBES_CHECK_H
#define TINYSUP_PROBES_CHECK_H

#include <sys/types.h>

#include "probes/result.h"

/* Where neither the check nor a probe says how long it may take. */
#define CHECK_TIMEOUT ((msec_t)1000)

/*
 * `timeout` is the whole time; check->timeout is the caller's to look at. app: its pid, 0 where nobody knows it. Fills in the
 * whole result. Blocks.
 */
void check_run(const struct plan_check *check, pid_t app, msec_t timeout, struct check_result *result);

#endif
