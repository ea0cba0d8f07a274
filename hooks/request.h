/*
 * The HTTP request of a chain step: one try, without retries, of a step of kind http or of a wait step that asks by HTTP.
 */
#ifndef TINYSUP_HOOKS_REQUEST_H
#define TINYSUP_HOOKS_REQUEST_H

#include "probes/result.h"

/*
 * `idempotency_key` is sent where the step asks for one; NULL: none. A wait's attempt_timeout may make `timeout` shorter. Fills
 * in the whole result; result->sent tells whether a failure is ambiguous. For workers only.
 */
void request_run(const struct plan_step *step, const char *idempotency_key, msec_t timeout, struct check_result *result);

#endif
