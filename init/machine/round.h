/*
 * The prober's inner room: one probe's rounds of checks, and what they make of its verdict. Pure, as the prober is.
 */
#ifndef TINYSUP_INIT_MACHINE_ROUND_H
#define TINYSUP_INIT_MACHINE_ROUND_H

#include "init/machine/prober.h"

/* Ask all checks of a probe, or note that the tick must wait, or is skipped, because the last round or its question is under
 * way. */
void round_tick(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* Ask for a tick that had to wait, where the round before it is over. */
void round_catch_up(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* A check was answered: every round that waits for it hears of it. */
void round_result(struct prober *prober, msec_t now, size_t index, const struct check_result *result,
		  struct prober_actions *out);

/* Judge the checks of a round whose time is up as timed out. */
void round_expire(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out);

/* Forget a round, and kill what only it waited for. */
void round_abandon(struct prober *prober, enum probe_kind kind, struct prober_actions *out);

/* When the first open check of a round is out of time. */
msec_t round_expires(const struct prober *prober, enum probe_kind kind);
/* When all of them are, at the latest, after the round's begin. */
msec_t round_longest(const struct prober *prober, enum probe_kind kind);

#endif
