#include "init/machine/sequencer_private.h"

#include "config/budget.h"
#include "init/machine/stage.h"

/* For the journal to be read if nothing depends on it but the history. */
#define READ_TIME ((msec_t)2000)

static void push(struct actions *out, enum action_kind kind)
{
	actions_push(out, (struct action){.kind = kind});
}

static void start_chain(struct seq *seq, msec_t now, enum reason reason, struct actions *out)
{
	seq_begin(seq, now, reason, 0);
	seq_start_chain(seq, out);
}

/* To the end without the app. */
static void refuse(struct seq *seq, msec_t now, struct actions *out)
{
	seq->required_failed = true; /* this makes the exit code */
	seq->started = now;
	push(out, ACTION_REFUSED);
	seq_start_sweep(seq, now, out);
}

static bool has_recovered(const struct seq *seq, size_t index)
{
	return seq->steps[index].state == STATE_OK || (seq->done >> index & 1) != 0;
}

/* Whether a step of recovery has not succeeded. Steps that need the app never run in it. */
static bool leaves_work(const struct seq *seq)
{
	const struct plan_chain *chain = &seq->plan->shutdown.chain;

	for (size_t i = 0; i < chain->steps; i++) {
		const struct plan_step *step = plan_step_at(chain, i);
		if (budget_runs(step, REASON_RECOVERY) && !step->needs_app && !has_recovered(seq, i))
			return true;
	}
	return false;
}

/* The next thing before the app. */
static void go_on(struct seq *seq, msec_t now, struct actions *out)
{
	seq->required_failed = false;
	if (seq->opening == OPENING_RECOVERY && seq->to_hold) {
		opening_hold(seq, now, out);
	} else if (seq->opening == OPENING_RECOVERY && seq->plan->start.chain.count > 0) {
		seq->opening = OPENING_START;
		start_chain(seq, now, REASON_START, out);
	} else {
		seq->opening = OPENING_APP;
		seq->phase = PHASE_WAITING;
		seq->start_at = now;
	}
}

void opening_begin(struct seq *seq, msec_t now, const struct event *event, struct actions *out)
{
	const struct plan *plan = seq->plan;
	bool matters = plan->recovery.possible || plan->app.restart.exhausted == EXHAUSTED_HOLD;

	seq->app_gone = seq->group_gone = true;
	seq->started = now;
	seq->phase = PHASE_READING;
	seq->opening = OPENING_RECOVERY;
	seq->until = now + (matters ? plan->recovery.deadline : READ_TIME);
	if (event->manual)
		start_chain(seq, now, REASON_MANUAL, out);
	else if (!event->journal)
		seq_start_arming(seq, out);
}

void opening_on_armed(struct seq *seq, msec_t now, struct actions *out)
{
	bool recover = seq->to_recover;

	seq->to_recover = false;
	if (recover)
		start_chain(seq, now, REASON_RECOVERY, out);
	else
		go_on(seq, now, out);
}

/* Whether this start is one restart too many. */
static bool is_exhausted(struct seq *seq, msec_t now, const struct account *account)
{
	const struct plan_restart *plan = &seq->plan->app.restart;
	msec_t pause;

	return account_counts(account) && !restart_allowed(&seq->restart, plan, now, &pause) &&
	       plan->exhausted == EXHAUSTED_HOLD;
}

void opening_on_account(struct seq *seq, msec_t now, const struct event *event, struct actions *out)
{
	const struct account *account = event->account;

	if (seq->phase != PHASE_READING)
		return;
	if (account == NULL) {
		opening_without_account(seq, now, out);
		return;
	}
	restart_recall(&seq->restart, &seq->plan->app.restart, account, now, event->time);
	seq->to_hold = is_exhausted(seq, now, account);
	if (seq->to_hold)
		push(out, ACTION_GIVEN_UP);
	seq->done = account->owed == OWED_REST ? account->done : 0;
	seq->to_recover = seq->plan->recovery.possible && account->owed != OWED_NOTHING && leaves_work(seq);
	if (seq->to_hold && !seq->to_recover)
		go_on(seq, now, out);
	else
		seq_start_arming(seq, out);
}

void opening_without_account(struct seq *seq, msec_t now, struct actions *out)
{
	push(out, ACTION_NO_ACCOUNT);
	if (!seq->plan->recovery.possible || seq->plan->recovery.on_failure == RECOVERY_CONTINUE) {
		seq_start_arming(seq, out);
		return;
	}
	seq->reason = REASON_RECOVERY;
	seq->unfinished = true;
	refuse(seq, now, out);
}

void opening_on_chain_end(struct seq *seq, msec_t now, struct actions *out)
{
	bool recovery = seq->reason == REASON_RECOVERY;

	if (recovery)
		seq->unfinished = leaves_work(seq);
	if (seq->stop_after || seq->reason == REASON_MANUAL)
		seq_start_sweep(seq, now, out);
	else if (seq->required_failed && !seq->to_hold && (!recovery || seq->plan->recovery.on_failure == RECOVERY_REFUSE))
		refuse(seq, now, out);
	else
		go_on(seq, now, out);
}

/* Recovery goes on, within the shutdown's deadline. */
static void stop_after_recovery(struct seq *seq, msec_t now, int signal)
{
	seq->signal = signal;
	seq->started = now;
	seq->stop_after = true;
	seq->stop_signals = 1;
	seq->until = now + seq->plan->shutdown.effective - seq->plan->shutdown.kill_reserve;
	stage_shorten(seq, now);
}

/* The result of steps that were run by hand, or before it was held, counts on. */
void opening_stop_at_once(struct seq *seq, msec_t now, int signal, struct actions *out)
{
	if (seq->phase == PHASE_CHAIN)
		stage_break_off(seq, now, WHY_STOP, out);
	bool failed = seq->required_failed && (seq->to_hold || seq->reason == REASON_MANUAL);
	seq_begin(seq, now, seq->reason == REASON_MANUAL ? REASON_MANUAL : REASON_STOP, signal);
	seq->required_failed = failed;
	seq_start_sweep(seq, now, out);
}

void opening_on_stop(struct seq *seq, msec_t now, int signal, struct actions *out)
{
	seq->to_hold = false;
	push(out, ACTION_STOP_OPENING);
	if (seq->phase == PHASE_CHAIN && seq->reason == REASON_RECOVERY) {
		stop_after_recovery(seq, now, signal);
		return;
	}
	seq->unfinished |= seq->phase == PHASE_READING || (seq->phase == PHASE_ARMING && seq->to_recover);
	opening_stop_at_once(seq, now, signal, out);
}

void opening_hold(struct seq *seq, msec_t now, struct actions *out)
{
	push(out, ACTION_HELD);
	if (seq->plan->held.count > 0)
		start_chain(seq, now, REASON_HELD, out);
	else
		seq->phase = PHASE_HELD;
}

void opening_on_lost(struct seq *seq, msec_t now, struct actions *out)
{
	msec_t started = seq->stop_after ? seq->started : now; /* a stop's deadline stays */

	if (seq->phase == PHASE_CHAIN)
		stage_break_off(seq, now, WHY_LOST, out);
	if (seq->reason == REASON_RECOVERY)
		seq->unfinished = leaves_work(seq);
	seq->to_hold = false;
	seq_begin(seq, started, REASON_UNHEALTHY, seq->signal);
	seq_start_sweep(seq, now, out);
}
