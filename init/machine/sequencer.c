#include "init/machine/sequencer.h"

#include <signal.h>
#include <sys/wait.h>

#include "config/names.h"
#include "init/machine/exitcode.h"
#include "init/machine/stage.h"

/* tinysup exits this long before the deadline even if a process cannot be killed (or half the kill reserve, if less). */
#define LAST_MARGIN ((msec_t)250)

/* Delay before retrying to start the app if no process was available. */
#define SPAWN_RETRY ((msec_t)1000)

/* From SIGTERM to SIGKILL for leftover processes: tinysup.conf(5). */
#define LEFTOVER_TIME ((msec_t)5000)

const char *seq_state_name(enum step_state state)
{
	static const char *const names[] = {
	    [STATE_PENDING] = "pending", [STATE_RUNNING] = "running", [STATE_PAUSED] = "running",  [STATE_OK] = "ok",
	    [STATE_FAILED] = "failed",   [STATE_TIMEOUT] = "timeout", [STATE_SKIPPED] = "skipped", [STATE_CUT] = "cut"};

	return names[state];
}

void seq_init(struct seq *seq, const struct plan *plan, bool exit_at_once, uint64_t seed)
{
	seq->plan = plan;
	seq->exit_at_once = exit_at_once;
	seq->random = seed | 1; /* xorshift cannot leave 0 */
}

bool seq_is_restarting(const struct seq *seq)
{
	return seq->phase == PHASE_CLEARING || seq->phase == PHASE_WAITING ||
	       (seq->phase == PHASE_CHAIN && seq->reason == REASON_RESTART);
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

/* --- from phase to phase: each sets the next one, and advance() goes on from there ------------------------------------- */

static void finish(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_OVER;
	actions_push(out, (struct action){.kind = ACTION_EXIT, .code = exitcode_final(seq)});
}

static void start_sweep(struct seq *seq, msec_t now, struct actions *out)
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
	forward(signal, out);
}

static void start_chain(struct seq *seq, struct actions *out)
{
	seq->phase = PHASE_CHAIN;
	seq->stage = 0;
	seq->entered = false;
	for (size_t i = 0; i < seq->plan->shutdown.chain.steps; i++)
		seq->steps[i] = (struct seq_step){.state = STATE_PENDING};
	seq->chains_run[seq->reason]++;
	push(out, ACTION_CHAIN_STARTED);
}

static void start_shutdown(struct seq *seq, msec_t now, enum reason reason, int signal, struct actions *out)
{
	seq->hurry = seq->required_failed = seq->kill_sent = false;
	seq->stop_signals = 0;
	seq->reason = reason;
	seq->started = now;
	seq->signal = signal;
	if (seq->plan->shutdown.chained || reason == REASON_RESTART) {
		start_chain(seq, out);
	} else if (seq->app_gone || seq->app_killed) {
		start_sweep(seq, now, out);
	} else {
		start_draining(seq, signal != 0 ? signal : SIGTERM, out);
	}
}

/* False if the limit is reached: then it is a shutdown. */
static bool start_restart(struct seq *seq, msec_t now, enum reason cause, struct actions *out)
{
	if (!restart_allowed(&seq->restart, &seq->plan->app.restart, now, &seq->pause)) {
		push(out, ACTION_GIVEN_UP);
		return false;
	}
	seq->cause = cause;
	start_shutdown(seq, now, REASON_RESTART, 0, out);
	return true;
}

/* If the app cannot be killed or a required step failed, a restart becomes a shutdown. */
static void on_chain_end(struct seq *seq, msec_t now, struct actions *out)
{
	seq->chains_failed[seq->reason] += seq->required_failed;
	if (seq->reason != REASON_RESTART) {
		start_sweep(seq, now, out);
	} else if (seq->required_failed || !seq->app_gone) {
		start_shutdown(seq, now, seq->cause, 0, out);
	} else {
		seq->phase = PHASE_CLEARING;
		seq->term_at = now;
		push(out, ACTION_CLEAR_TERM);
	}
}

static void on_cleared(struct seq *seq, msec_t now, struct actions *out)
{
	if (seq->phase != PHASE_CLEARING)
		return;
	seq->phase = PHASE_WAITING;
	seq->start_at = now + seq->pause;
	actions_push(out, (struct action){.kind = ACTION_RESTART_IN, .time = seq->pause});
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
		if (seq->stage == seq->plan->shutdown.chain.count) {
			on_chain_end(seq, now, out);
			return true;
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
		start_shutdown(seq, now, seq->cause, 0, out);
		return true;
	case PHASE_WAITING:
		if (now < seq->start_at)
			return false;
		seq->start_at = INT64_MAX; /* until we know whether it worked */
		push(out, ACTION_APP_START);
		return false;
	case PHASE_DRAINING:
	case PHASE_SWEEP:
		kill_if_due(seq, now, ACTION_SWEEP_KILL, out);
		if (now >= over_at(seq))
			finish(seq, out);
		return false;
	case PHASE_RUNNING:
	case PHASE_OVER:
		break;
	}
	return false;
}

/*
 * The only place that changes stages and phases. Events and steps only change state, so no stage starts while another is
 * iterated. Terminates: stages increase, and only a restart's chain is followed by another.
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
	if (what == UNHEALTHY_SHUTDOWN || !start_restart(seq, now, REASON_UNHEALTHY, out))
		start_shutdown(seq, now, REASON_UNHEALTHY, 0, out);
}

/* During a restart there is no app that could end because of SIGINT or SIGQUIT: they request a stop. */
static bool is_stop_request(const struct seq *seq, int signal)
{
	bool would_end = seq_is_restarting(seq) && seq->app_gone && (signal == SIGINT || signal == SIGQUIT);

	return !seq->exit_at_once && (would_end || (seq->plan->shutdown.signals >> (signal - 1) & 1) != 0);
}

static void on_signal(struct seq *seq, msec_t now, int signal, struct actions *out)
{
	if (!is_stop_request(seq, signal)) {
		if (!seq->app_gone)
			forward(signal, out);
	} else if (seq->phase == PHASE_RUNNING || seq_is_restarting(seq)) {
		if (seq->phase == PHASE_CHAIN)
			stage_break_off(seq, now, out);
		start_shutdown(seq, now, REASON_STOP, signal, out);
		seq->stop_signals = 1;
	} else if (seq->phase == PHASE_DRAINING) {
		seq->stop_sent |= UINT64_C(1) << (signal - 1);
		forward(signal, out);
	} else if (seq->phase == PHASE_CHAIN && ++seq->stop_signals >= 2 && !seq->hurry) {
		seq->hurry = true;
		push(out, ACTION_HURRY);
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
		finish(seq, out);
	} else if (seq->phase == PHASE_RUNNING && event->exec_errno != 0 && seq->restart.count == 0) {
		seq->started = now; /* nothing ever ran: no chain */
		seq->reason = REASON_EXIT;
		start_sweep(seq, now, out);
	} else if (seq->phase == PHASE_RUNNING) {
		enum reason reason = is_success(seq, event->wait_status) ? REASON_EXIT : REASON_CRASH;
		if (!restarts_after(seq, reason) || !start_restart(seq, now, reason, out))
			start_shutdown(seq, now, reason, 0, out);
	} else if (seq->phase == PHASE_DRAINING) {
		start_sweep(seq, now, out);
	}
}

/* A new process: forgets which signals the old one got. */
static void on_app_started(struct seq *seq)
{
	if (seq->phase != PHASE_WAITING)
		return;
	seq->phase = PHASE_RUNNING;
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
	case EVENT_CLEARED:
		on_cleared(seq, now, out);
		break;
	case EVENT_NOTHING_LEFT:
		if (seq->phase == PHASE_SWEEP && seq->app_gone)
			finish(seq, out);
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
	case PHASE_WAITING:
		return seq->start_at;
	case PHASE_RUNNING:
	case PHASE_OVER:
		break;
	}
	return INT64_MAX;
}
