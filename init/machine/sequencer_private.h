/* Shared by sequencer.c (events and the clock), phases.c (from phase to phase), opening.c (before the first start of the app;
 * held) and life.c (where it is). */
#ifndef TINYSUP_INIT_MACHINE_SEQUENCER_PRIVATE_H
#define TINYSUP_INIT_MACHINE_SEQUENCER_PRIVATE_H

#include "init/machine/sequencer.h"

/* --- phases.c: to another phase; advance() goes on from there */

/* What a chain, a shutdown or a stop without one begins with. signal: the stop signal; 0: none. */
void seq_begin(struct seq *seq, msec_t now, enum reason reason, int signal);
/* Starts a chain: seq->reason says which, seq->started is set. */
void seq_start_chain(struct seq *seq, struct actions *out);
/* Until the heartbeats with `start` are armed: recovery, start.chain and the app come after them. */
void seq_start_arming(struct seq *seq, struct actions *out);
/* All steps have ended. */
void seq_end_chain(struct seq *seq, struct actions *out);
void seq_start_shutdown(struct seq *seq, msec_t now, enum reason reason, int signal, struct actions *out);
/* False if the limit is reached: then it is a shutdown. */
bool seq_start_restart(struct seq *seq, msec_t now, enum reason cause, struct actions *out);
void seq_start_sweep(struct seq *seq, msec_t now, struct actions *out);
/* What is sent after the chain. */
void seq_start_closing(struct seq *seq, struct actions *out);
void seq_finish(struct seq *seq, struct actions *out);

/* Events that end a phase; in another one they change nothing. */
void seq_on_chain_over(struct seq *seq, msec_t now, struct actions *out);
void seq_on_cleared(struct seq *seq, msec_t now, struct actions *out);
void seq_on_armed(struct seq *seq, msec_t now, struct actions *out);

/* --- life.c */

bool life_is_opening(const struct seq *seq);
bool life_is_held(const struct seq *seq);
bool life_is_restarting(const struct seq *seq);

/* --- opening.c */

/* The app has not been started. */
void opening_begin(struct seq *seq, msec_t now, const struct event *event, struct actions *out);
/* The journal was read, or cannot be. */
void opening_on_account(struct seq *seq, msec_t now, const struct event *event, struct actions *out);
/* The heartbeats are armed: recovery, or what comes after it. */
void opening_on_armed(struct seq *seq, msec_t now, struct actions *out);
/* Patience with the journal ended. */
void opening_without_account(struct seq *seq, msec_t now, struct actions *out);
/* A stop signal before the app was started. */
void opening_on_stop(struct seq *seq, msec_t now, int signal, struct actions *out);
/* A heartbeat is lost before the app was started: recovery is left to the next start. */
void opening_on_lost(struct seq *seq, msec_t now, struct actions *out);
/* The chain of recovery or start.chain has ended. */
void opening_on_chain_end(struct seq *seq, msec_t now, struct actions *out);

/* Restarts are exhausted and nothing of the app is left: sends the alerts, if there are channels, and stays up. */
void opening_hold(struct seq *seq, msec_t now, struct actions *out);
/* A stop without the shutdown's chain: while held, or on the way there after its chain has ended. */
void opening_stop_at_once(struct seq *seq, msec_t now, int signal, struct actions *out);

#endif
