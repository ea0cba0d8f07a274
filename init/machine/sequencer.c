#include <signal.h>
#include <sys/wait.h>

#include "init/machine/exitcode.h"
#include "init/machine/sequencer_private.h"
#include "init/machine/stage.h"

/* tinysup exits this long before the deadline even if a process cannot be killed (or half the kill reserve, if less). */
#define LAST_MARGIN ((msec_t)250)

/* Delay before retrying to start the app if no process was available. */
#define SPAWN_RETRY ((msec_t)1000)

/* From SIGTERM to SIGKILL for leftover processes: tinysup.conf(5). */
#define LEFTOVER_TIME ((msec_t)5000)

void seq_init(struct seq *seq, const struct plan *plan, bool exit_at_once, uint64_t seed)
{
	seq->plan = plan;
	seq->chain = &plan->shutdown.chain;
	seq->exit_at_once = exit_at_once;
	seq->random = seed | 1; /* xorshift cannot leave 0 */
}

/* When what is left gets SIGKILL. */
static msec_t kill_at(const struct seq *seq)
{
	msec_t last = seq->started + seq->plan->shutdown.effective - seq->plan->shutdown.kill_reserve;

	return seq->phase == PHASE_DRAINING || last < seq->term_at + LEFTOVER_TIME ? last : seq->term_at + LEFTOVER_TIME;
}

static msec_t over_at(const struct seq *seq)
{
	msec_t half = seq->plan->shutdown.kill_reserve / 2;

	return seq->started + seq->plan->shutdown.effective - (half < LAST_MARGIN ? half : LAST_MARGIN);
}

static void push(struct actions *out, enum action_kind kind)
{
	actions_push(out, (struct action){.kind = kind});
}

static void forward(int signal, struct actions *out)
{
	actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = signal});
}

/* --- the clock --------------------------------------------------------------------------------------------------------- */

static void kill_if_due(struct seq *seq, msec_t now, enum action_kind kind, struct actions *out)
{
	if (seq->kill_sent || now < kill_at(seq))
		return;
	seq->kill_sent = true;
	seq->app_killed |= !seq->app_gone;
	push(out, kind);
}

/* Does what is due in this phase. True if the stage or phase changed. */
static bool move_on(struct seq *seq, msec_t now, struct actions *out)
{
	switch (seq->phase) {
	case PHASE_CHAIN:
		if (seq->stage == seq->chain->count) {
			seq_end_chain(seq, out);
			return false;
		}
		if (seq->reason == REASON_START && seq->required_failed) {
			stage_break_off(seq, now, WHY_REFUSED, out);
			seq_end_chain(seq, out);
			return false;
		}
		if (!seq->entered)
			stage_enter(seq, now, out);
		seq->entered = true;
		stage_tick(seq, now, out);
		if (stage_busy(seq))
			return false;
		seq->stage++;
		seq->entered = false;
		return true;
	case PHASE_CLEARING:
		kill_if_due(seq, now, ACTION_CLEAR_KILL, out);
		if (now < over_at(seq))
			return false;
		push(out, ACTION_NOT_CLEARED);
		if (seq->to_hold)
			opening_hold(seq, now, out);
		else
			seq_start_shutdown(seq, now, seq->cause, 0, out);
		return true;
	case PHASE_WAITING:
		if (now < seq->start_at)
			return false;
		seq_start_arming(seq, out);
		return true;
	case PHASE_ARMING:
		if (seq->plan->heartbeats.arms)
			return false;
		seq_on_armed(seq, now, out);
		return true;
	case PHASE_DRAINING:
	case PHASE_SWEEP:
		kill_if_due(seq, now, ACTION_SWEEP_KILL, out);
		if (now >= over_at(seq))
			seq_finish(seq, out);
		return false;
	case PHASE_CLOSING:
		if (now >= over_at(seq))
			seq_finish(seq, out);
		return false;
	case PHASE_READING:
		if (now < seq->until)
			return false;
		opening_without_account(seq, now, out);
		return true;
	case PHASE_RUNNING:
	case PHASE_CHAIN_OVER:
	case PHASE_HELD:
	case PHASE_OVER:
		break;
	}
	return false;
}

/*
 * The only place that changes stages. Events and steps only change state, so no stage starts while another is iterated.
 * Terminates: stages increase, and a chain that has ended stays so until EVENT_CHAIN_OVER.
 */
static void advance(struct seq *seq, msec_t now, struct actions *out)
{
	while (move_on(seq, now, out))
		;
}

/* --- events ------------------------------------------------------------------------------------------------------------ */

static void on_unhealthy(struct seq *seq, msec_t now, enum unhealthy what, struct actions *out)
{
	if (seq->phase != PHASE_RUNNING || what == UNHEALTHY_NONE)
		return;
	if (what == UNHEALTHY_SHUTDOWN || !seq_start_restart(seq, now, REASON_UNHEALTHY, out))
		seq_start_shutdown(seq, now, REASON_UNHEALTHY, 0, out);
}

/* Steps act in the name of a lease, too. */
static void on_lost(struct seq *seq, msec_t now, struct actions *out)
{
	if (!seq_heeds_loss(seq))
		return;
	if (life_is_opening(seq)) {
		opening_on_lost(seq, now, out);
		return;
	}
	if (seq->phase == PHASE_CHAIN)
		stage_break_off(seq, now, WHY_LOST, out);
	seq_start_shutdown(seq, now, REASON_UNHEALTHY, 0, out);
}

/* Without an app nothing would end because of SIGINT or SIGQUIT: they request a stop. */
static bool is_stop_request(const struct seq *seq, int signal)
{
	bool would_end = (life_is_restarting(seq) || life_is_opening(seq) || life_is_held(seq)) && seq->app_gone &&
			 (signal == SIGINT || signal == SIGQUIT);

	return !seq->exit_at_once && (would_end || (seq->plan->shutdown.signals >> (signal - 1) & 1) != 0);
}

static void on_signal(struct seq *seq, msec_t now, int signal, struct actions *out)
{
	if (!is_stop_request(seq, signal)) {
		if (!seq->app_gone)
			forward(signal, out);
	} else if (life_is_opening(seq) && !seq->stop_after) {
		opening_on_stop(seq, now, signal, out);
	} else if (life_is_held(seq)) {
		opening_stop_at_once(seq, now, signal, out);
	} else if (seq->phase == PHASE_RUNNING || life_is_restarting(seq)) {
		if (seq->phase == PHASE_CHAIN)
			stage_break_off(seq, now, WHY_STOP, out);
		seq_start_shutdown(seq, now, REASON_STOP, signal, out);
		seq->stop_signals = 1;
	} else if (seq->phase == PHASE_DRAINING) {
		seq->stop_sent |= UINT64_C(1) << (signal - 1);
		forward(signal, out);
	} else if (seq->phase == PHASE_CHAIN) {
		seq->to_hold = false; /* a shutdown because of the app: it ends with an exit */
		if (++seq->stop_signals >= 2 && !seq->hurry) {
			seq->hurry = true;
			push(out, ACTION_HURRY);
		}
	}
}

static bool is_success(const struct seq *seq, int status)
{
	const struct plan_app *app = &seq->plan->app;

	return WIFEXITED(status) &&
	       (exitcode_in(app->success_codes, WEXITSTATUS(status)) || exitcode_in(app->zero_codes, WEXITSTATUS(status)));
}

static bool restarts_after(const struct seq *seq, enum reason reason)
{
	enum restart_policy policy = seq->plan->app.restart.policy;

	return policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && reason == REASON_CRASH);
}

static void on_app_exit(struct seq *seq, msec_t now, const struct event *event, struct actions *out)
{
	if (seq->app_gone)
		return;
	seq->app_gone = true;
	seq->app_status = event->wait_status;
	seq->exec_errno = event->exec_errno;
	seq->group_gone = !event->group_left;
	if (seq->exit_at_once) {
		seq_finish(seq, out);
	} else if (seq->phase == PHASE_RUNNING && event->exec_errno != 0 && seq->restarts == 0) {
		seq->started = now; /* nothing ever ran: no chain */
		seq->reason = REASON_EXIT;
		seq_start_sweep(seq, now, out);
	} else if (seq->phase == PHASE_RUNNING) {
		enum reason reason = is_success(seq, event->wait_status) ? REASON_EXIT : REASON_CRASH;
		if (!restarts_after(seq, reason) || !seq_start_restart(seq, now, reason, out))
			seq_start_shutdown(seq, now, reason, 0, out);
	} else if (seq->phase == PHASE_DRAINING) {
		seq_start_sweep(seq, now, out);
	}
}

/* A new process: forgets which signals the old one got. */
static void on_app_started(struct seq *seq)
{
	if (seq->phase != PHASE_WAITING)
		return;
	seq->phase = PHASE_RUNNING;
	seq->opening = OPENING_NONE;
	seq->unfinished = false;
	seq->app_gone = seq->group_gone = seq->group_signalled = seq->app_killed = false;
	seq->app_status = seq->exec_errno = 0;
	seq->stop_sent = 0;
}

static void handle_event(struct seq *seq, msec_t now, const struct event *event, struct actions *out)
{
	switch (event->kind) {
	case EVENT_TIME:
		break;
	case EVENT_SIGNAL:
		on_signal(seq, now, event->signal, out);
		break;
	case EVENT_APP_EXIT:
		on_app_exit(seq, now, event, out);
		break;
	case EVENT_GROUP_GONE:
		seq->group_gone = seq->app_gone;
		break;
	case EVENT_STEP_DONE:
		if (seq->phase == PHASE_CHAIN)
			stage_step_done(seq, now, event->step, event->result, out);
		break;
	case EVENT_UNHEALTHY:
		on_unhealthy(seq, now, event->unhealthy, out);
		break;
	case EVENT_EXTEND:
		if (seq->phase == PHASE_CHAIN)
			stage_extend(seq, now, event->time);
		break;
	case EVENT_APP_STARTED:
		on_app_started(seq);
		break;
	case EVENT_NOT_STARTED:
		if (seq->phase == PHASE_WAITING)
			seq->start_at = now + SPAWN_RETRY;
		break;
	case EVENT_OPEN:
		opening_begin(seq, now, event, out);
		break;
	case EVENT_CHAIN_OVER:
		seq_on_chain_over(seq, now, out);
		break;
	case EVENT_ACCOUNT:
		opening_on_account(seq, now, event, out);
		break;
	case EVENT_CLEARED:
		seq_on_cleared(seq, now, out);
		break;
	case EVENT_LOST:
		on_lost(seq, now, out);
		break;
	case EVENT_ARMED:
		seq_on_armed(seq, now, out);
		break;
	case EVENT_NOTHING_LEFT:
		if (seq->phase == PHASE_SWEEP && seq->app_gone)
			seq_start_closing(seq, out);
		break;
	case EVENT_CLOSED:
		if (seq->phase == PHASE_CLOSING)
			seq_finish(seq, out);
		break;
	}
}

void seq_event(struct seq *seq, msec_t now, const struct event *event, struct actions *out)
{
	out->count = 0;
	if (seq->phase == PHASE_OVER)
		return;
	handle_event(seq, now, event, out);
	advance(seq, now, out);
}

msec_t seq_wake(const struct seq *seq)
{
	switch (seq->phase) {
	case PHASE_CHAIN:
		return stage_wake(seq);
	case PHASE_DRAINING:
	case PHASE_CLEARING:
	case PHASE_SWEEP:
		return seq->kill_sent ? over_at(seq) : kill_at(seq);
	case PHASE_CLOSING:
		return over_at(seq);
	case PHASE_READING:
		return seq->until;
	case PHASE_WAITING:
		return seq->start_at;
	case PHASE_ARMING:
	case PHASE_RUNNING:
	case PHASE_CHAIN_OVER:
	case PHASE_HELD:
	case PHASE_OVER:
		break;
	}
	return INT64_MAX;
}
