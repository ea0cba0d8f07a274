/*
 * The steps of the current stage, their attempts and timeouts. Part of the sequencer; pure. Does not change the stage or phase.
 */
#ifndef TINYSUP_INIT_MACHINE_STAGE_H
#define TINYSUP_INIT_MACHINE_STAGE_H

#include "init/machine/sequencer.h"

/* Starts the steps of the stage. */
void stage_enter(struct seq *seq, msec_t now, struct actions *out);

/* Ends steps that timed out, lack the app or are skipped; starts attempts that are due. */
void stage_tick(struct seq *seq, msec_t now, struct actions *out);

/* Whether any step is running or paused. */
bool stage_busy(const struct seq *seq);

/* An attempt has ended. */
void stage_step_done(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out);

/* Cuts running steps: a stop signal interrupts a restart, or start.chain has failed. */
void stage_break_off(struct seq *seq, msec_t now, enum why why, struct actions *out);

/* seq->until is sooner: running steps end by then. */
void stage_shorten(struct seq *seq, msec_t now);

/* EXTEND_TIMEOUT_USEC: the stop step waits for `time` from now on, as far as the deadline and later reserves allow. */
void stage_extend(struct seq *seq, msec_t now, msec_t time);

/* When stage_tick() is due; INT64_MAX: never. */
msec_t stage_wake(const struct seq *seq);

#endif
