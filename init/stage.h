/*
 * The sequencer's inner room: the steps of one stage, their tries and their time. Pure, as the sequencer is.
 */
#ifndef TINYSUP_INIT_STAGE_H
#define TINYSUP_INIT_STAGE_H

#include "init/sequencer.h"

void actions_push(struct actions *out, struct action action);

/* Start what runs of the current stage; false where nothing does (all skipped, cut, or done at once). */
bool stage_enter(struct seq *seq, msec_t now, struct actions *out);

/* Time has passed: end what is out of time, start tries that are due. False once the stage is over. */
bool stage_tick(struct seq *seq, msec_t now, struct actions *out);

/* A try has ended. */
void stage_step_done(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out);

/* The app, or the rest of its group, is gone. */
void stage_app_gone(struct seq *seq, msec_t now, struct actions *out);

/* End every try that is under way, without a word on its step: the chain begins anew. */
void stage_kill(struct seq *seq, struct actions *out);

/* The app asks for `time` from now on: the stop step waits so long, as far as later steps' reserves and the deadline allow. */
void stage_extend(struct seq *seq, msec_t now, msec_t time);

/* A second stop signal: end the running steps that have no reserve. */
void stage_hurry(struct seq *seq, msec_t now, struct actions *out);

/* When stage_tick() has something to do; INT64_MAX: never. */
msec_t stage_wake(const struct seq *seq);

#endif
