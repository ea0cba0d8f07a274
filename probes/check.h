/*
 * Runs one check, whatever its kind.
 */
#ifndef TINYSUP_PROBES_CHECK_H
#define TINYSUP_PROBES_CHECK_H

#include "probes/result.h"

/* `timeout` is the whole time; check->timeout is the caller's to look at. Fills in the whole result. Blocks. */
void check_run(const struct plan_check *check, msec_t timeout, struct check_result *result);

#endif
