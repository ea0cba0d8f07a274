/*
 * Runs one check, whatever its kind.
 */
#ifndef TINYSUP_PROBES_CHECK_H
#define TINYSUP_PROBES_CHECK_H

#include <sys/types.h>

#include "probes/result.h"

/* Default timeout of a check. */
#define CHECK_TIMEOUT ((msec_t)1000)

/* timeout: of the whole check; check->timeout is ignored. app: its pid, 0: unknown. Fills in the whole result. Blocks. */
void check_run(const struct plan_check *check, pid_t app, msec_t timeout, struct check_result *result);

#endif
