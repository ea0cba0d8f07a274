/* From phase to phase: each function sets the next one, and the sequencer's advance() goes on from there. */
#include <signal.h>

#include "init/machine/exitcode.h"
#include "init/machine/sequencer_private.h"

static void push(struct actions *out, enum action_kind kind)
{
	actions_push(out, (struct action){.kind = kind});
}

void seq_finish(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_OVER;
	actions_push(out, (struct action){.kind = ACTION_EXIT, .code = exitcode_final(seq)});
}

void seq_start_sweep(struct seq *seq, msec_t now, struct actions *out)
{
	seq->phase = PHASE_SWEEP;
	seq->term_at = now;
	if (!seq->kill_sent)
		push(out, ACTION_SWEEP_TERM);
}

/* Without a chain: forwards the stop signal, unless a restart has sent it already. */
static void start_draining(struct seq *seq, int signal, struct actions *out)
{
	seq->phase = PHASE_DRAINING;
	if ((seq->stop_sent >> (signal - 1) & 1) != 0)
		return;
	seq->stop_sent |= UINT64_C(1) << (signal - 1);
	actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = signal});
}

static const struct plan_chain *chain_for(const struct plan *plan, enum reason reason)
{
	return reason == REASON_START ? &plan->start.chain : reason == REASON_HELD ? &plan->held : &plan->shutdown.chain;
}

void seq_start_chain(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_CHAIN;
	seq->chain = chain_for(seq->plan, seq->reason);
	seq->until = seq->started + seq_deadline(seq->plan, seq->reason) - seq->plan->shutdown.kill_reserve;
	seq->stage = 0;
	seq->entered = false;
	for (size_t i = 0; i < seq->chain->steps; i++)
		seq->steps[i] = (struct seq_step){.state = STATE_PENDING};
	seq->chains_run[seq->reason]++;
	push(out, ACTION_CHAIN_STARTED);
}

void seq_begin(struct seq *seq, msec_t now, enum reason reason, int signal)
{
	seq->hurry = seq->required_failed = seq->kill_sent = seq->in_order = false;
	seq->stop_signals = 0;
	seq->reason = reason;
	seq->started = now;
	seq->signal = signal;
}

void seq_start_shutdown(struct seq *seq, msec_t now, enum reason reason, int signal, struct actions *out)
{
	seq_begin(seq, now, reason, signal);
	if (seq->plan->shutdown.chained || reason == REASON_RESTART || seq->to_hold) {
		seq_start_chain(seq, out);
	} else if (seq->app_gone || seq->app_killed) {
		seq_start_sweep(seq, now, out);
	} else {
		start_draining(seq, signal != 0 ? signal : SIGTERM, out);
	}
}

bool seq_start_restart(struct seq *seq, msec_t now, enum reason cause, struct actions *out)
{
	if (!restart_allowed(&seq->restart, &seq->plan->app.restart, now, &seq->pause)) {
		push(out, ACTION_GIVEN_UP);
		seq->to_hold = seq->plan->app.restart.exhausted == EXHAUSTED_HOLD;
		return false;
	}
	seq->restarts++;
	seq->cause = cause;
	seq_start_shutdown(seq, now, REASON_RESTART, 0, out);
	return true;
}

static void start_clearing(struct seq *seq, msec_t now, struct actions *out)
{
	seq->phase = PHASE_CLEARING;
	seq->term_at = now;
	push(out, ACTION_CLEAR_TERM);
}

void seq_start_arming(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_ARMING;
	if (seq->plan->heartbeats.arms)
		push(out, ACTION_ARM);
}

void seq_on_armed(struct seq *seq, msec_t now, struct actions *out)
{
	if (seq->phase != PHASE_ARMING)
		return;
	if (seq->opening == OPENING_RECOVERY) {
		opening_on_armed(seq, now, out);
		return;
	}
	seq->phase = PHASE_WAITING;
	seq->start_at = INT64_MAX; /* until we know whether it worked */
	push(out, ACTION_APP_START);
}

void seq_start_closing(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_CLOSING;
	actions_push(out, (struct action){.kind = ACTION_CLOSE, .code = seq->in_order});
}

void seq_end_chain(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_CHAIN_OVER;
	seq->chains_failed[seq->reason] += seq->required_failed;
	push(out, ACTION_CHAIN_ENDED);
}

/* If the app cannot be killed or a required step failed, a restart becomes a shutdown. */
void seq_on_chain_over(struct seq *seq, msec_t now, struct actions *out)
{
	if (seq->phase != PHASE_CHAIN_OVER)
		return;
	if (seq->reason == REASON_RECOVERY || seq->reason == REASON_START || seq->reason == REASON_MANUAL) {
		opening_on_chain_end(seq, now, out);
		return;
	}
	if (seq->reason == REASON_HELD) {
		seq->phase = PHASE_HELD;
		return;
	}
	seq->unfinished = seq->required_failed;
	seq->in_order = !seq->required_failed && seq->app_gone && !seq->to_hold && seq->reason != REASON_RESTART;
	if (seq->reason == REASON_RESTART && (seq->required_failed || !seq->app_gone)) {
		seq_start_shutdown(seq, now, seq->cause, 0, out);
	} else if (seq->reason == REASON_RESTART || (seq->to_hold && seq->app_gone)) {
		start_clearing(seq, now, out);
	} else {
		seq->to_hold = false; /* an app that cannot be killed: there is nothing to wait for */
		seq_start_sweep(seq, now, out);
	}
}

void seq_on_cleared(struct seq *seq, msec_t now, struct actions *out)
{
	if (seq->phase != PHASE_CLEARING)
		return;
	if (seq->to_hold) {
		opening_hold(seq, now, out);
		return;
	}
	seq->phase = PHASE_WAITING;
	seq->start_at = now + seq->pause;
	actions_push(out, (struct action){.kind = ACTION_RESTART_IN, .time = seq->pause});
}
