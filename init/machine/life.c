/* Where the app is in its life: the phase, seen from outside. */
#include "init/machine/sequencer_private.h"

/* For the alerts that tinysup is held: nothing waits for them. */
#define HELD_TIME ((msec_t)60000)

msec_t seq_deadline(const struct plan *plan, enum reason reason)
{
	if (reason == REASON_RECOVERY)
		return plan->recovery.deadline;
	if (reason == REASON_START)
		return plan->start.deadline;
	return reason == REASON_HELD ? HELD_TIME : plan->shutdown.effective;
}

static bool is_in_chain(const struct seq *seq, enum reason reason)
{
	return (seq->phase == PHASE_CHAIN || seq->phase == PHASE_CHAIN_OVER) && seq->reason == reason;
}

/* Before the first start of the app; tinysup may go on without one, and recovery goes on after a stop signal. */
bool life_is_opening(const struct seq *seq)
{
	return seq->opening != OPENING_NONE &&
	       (seq->phase == PHASE_READING || seq->phase == PHASE_ARMING || seq->phase == PHASE_WAITING ||
		is_in_chain(seq, REASON_RECOVERY) || is_in_chain(seq, REASON_START) || is_in_chain(seq, REASON_MANUAL));
}

/* Held, or with nothing left to do before it. */
bool life_is_held(const struct seq *seq)
{
	return seq->to_hold && (seq->phase == PHASE_HELD || seq->phase == PHASE_CLEARING || is_in_chain(seq, REASON_HELD));
}

bool life_is_restarting(const struct seq *seq)
{
	return !seq->to_hold && seq->opening == OPENING_NONE &&
	       (seq->phase == PHASE_CLEARING || seq->phase == PHASE_ARMING || seq->phase == PHASE_WAITING ||
		is_in_chain(seq, REASON_RESTART));
}

enum seq_state seq_state(const struct seq *seq)
{
	if (seq->phase == PHASE_RUNNING)
		return SEQ_RUNNING;
	if (life_is_opening(seq))
		return seq->stop_after ? SEQ_STOPPING : SEQ_STARTING;
	if (life_is_held(seq))
		return SEQ_HELD;
	return life_is_restarting(seq) ? SEQ_RESTARTING : SEQ_STOPPING;
}

bool seq_heeds_loss(const struct seq *seq)
{
	if (seq->phase == PHASE_ARMING || seq->phase == PHASE_READING || seq->reason == REASON_MANUAL)
		return false;
	return seq->phase == PHASE_RUNNING || life_is_restarting(seq) || life_is_opening(seq);
}
