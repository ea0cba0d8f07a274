/*
 * The sequencer's inner room: the steps of the current stage, their tries and their time. Pure, as the sequencer is. Nothing
 * here goes on to another stage or phase: that is the sequencer's.
 */
#ifndef TINYSUP_INIT_MACHINE_STAGE_H
#define TINYSUP_INIT_MACHINE_STAGE_H

#include "init/machine/sequencer.h"

/* Start what runs of it. */
void stage_enter(struct seq *seq, msec_t now, struct actions *out);

/* End what must end, by the clock, for want of the app or because of `hurry`; start tries that are due. */
void stage_tick(struct seq *seq, msec_t now, struct actions *out);

/* Whether any step is under way. */
bool stage_busy(const struct seq *seq);

/* A try has ended. */
void stage_step_done(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out);

/* End what is under way: a stop came before the restart was done. */
void stage_break_off(struct seq *seq, msec_t now, struct actions *out);

/* The app asks for `time` from now on: the stop step waits so long, as far as later steps' reserves and the deadline allow. */
void stage_extend(struct seq *seq, msec_t now, msec_t time);

/* When stage_tick() has something to do; INT64_MAX: never. */
msec_t stage_wake(const struct seq *seq);

#endif
