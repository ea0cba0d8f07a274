/* One probe's rounds of checks and its verdict. Part of the prober; pure. */
#ifndef TINYSUP_INIT_MACHINE_ROUND_H
#define TINYSUP_INIT_MACHINE_ROUND_H

#include "init/machine/prober.h"

/* Starts a round, or notes that it must wait or is skipped because the last one is still running. */
void round_tick(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* Starts a round that had to wait, if the previous one is over. */
void round_catch_up(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* A check has ended: updates every round that waits for it. */
void round_result(struct prober *prober, msec_t now, size_t index, const struct check_result *result,
		  struct prober_actions *out);

/* Fails the checks of a round that have timed out. */
void round_expire(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* Abandons a round and kills checks that only it waited for. */
void round_abandon(struct prober *prober, enum probe_kind kind, struct prober_actions *out);

/* When the first open check of a round times out. */
msec_t round_expires(const struct prober *prober, enum probe_kind kind);
/* Longest duration of a round. */
msec_t round_longest(const struct prober *prober, enum probe_kind kind);

#endif
