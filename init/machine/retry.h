/*
 * Which failures are tried again, and when. Pure.
 */
#ifndef TINYSUP_INIT_MACHINE_RETRY_H
#define TINYSUP_INIT_MACHINE_RETRY_H

#include "config/plan.h"
#include "probes/result.h"

/*
 * Whether another try of the step is safe and asked for. A request that may have reached the server and that is no
 * idempotent method (RFC 9110, 9.2.2) is repeated only under an idempotency key; 429 and 503 say that nothing was done.
 */
bool retry_allowed(const struct plan_step *step, const struct check_result *result);

/* A random time, `most` at the longest. `state` is the generator's, never 0. */
msec_t retry_jitter(uint64_t *state, msec_t most);

/*
 * The pause before try number `attempt` (2 is the first repetition): Retry-After where the server gave one, else exponential
 * backoff with full jitter: anything from 0 to min(backoff_max, backoff * 2^(attempt - 2)). `random` is the generator's state.
 */
msec_t retry_pause(const struct plan_retry *retry, int attempt, msec_t retry_after, uint64_t *random);

#endif
