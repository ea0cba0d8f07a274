#include "init/stage.h"

#include "config/budget.h"
#include "init/retry.h"

/* After SIGKILL the app gets this long to be reaped before the chain goes on. */
#define REAP_TIME ((msec_t)100)
/* A step that could not be started for want of a process is tried again after this. */
#define SPAWN_PAUSE ((msec_t)100)

void actions_push(struct actions *out, struct action action)
{
	if (out->count < ACTIONS_MAX)
		out->items[out->count++] = action;
}

static const struct plan_stage *current(const struct seq *seq)
{
	return &seq->plan->shutdown.chain.stages[seq->stage];
}

static bool under_way(const struct seq_step *step)
{
	return step->state == STATE_RUNNING || step->state == STATE_PAUSED;
}

static bool stage_busy(const struct seq *seq)
{
	for (size_t i = 0; i < current(seq)->count; i++)
		if (under_way(&seq->steps[current(seq)->first + i]))
			return true;
	return false;
}

static bool failed(enum step_state state)
{
	return state == STATE_FAILED || state == STATE_TIMEOUT || state == STATE_CUT;
}

static void finish(struct seq *seq, msec_t now, size_t index, enum step_state state, struct actions *out)
{
	const struct plan_step *plan = seq_step(&seq->plan->shutdown.chain, index);
	struct seq_step *step = &seq->steps[index];

	step->state = state;
	step->ended = now;
	if (step->attempt == 0)
		step->begun = now;
	actions_push(out, (struct action){.kind = ACTION_STEP_ENDED, .step = index});
	if (failed(state) && plan->required)
		seq->required_failed = true;
	if (failed(state) && plan->on_failure == ON_FAILURE_ABORT && !seq->hurry) {
		seq->hurry = true;
		actions_push(out, (struct action){.kind = ACTION_HURRY});
	}
}

/* A try's end. While a time-out would be tried again, no try but the last may take more than half of what is left. */
static msec_t try_until(const struct plan_step *plan, const struct seq_step *step, msec_t now)
{
	msec_t left = step->until - now;

	if (plan->kind == STEP_WAIT)
		return plan->try_timeout < left ? now + plan->try_timeout : step->until;
	if (step->attempt < plan->retry.attempts && (plan->retry.on & RETRY_TIMEOUT) != 0)
		return now + (left + 1) / 2;
	return step->until;
}

static void start_try(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];

	step->state = STATE_RUNNING;
	step->attempt++;
	step->try_until = try_until(seq_step(&seq->plan->shutdown.chain, index), step, now);
	actions_push(out, (struct action){.kind = ACTION_STEP_START, .step = index, .time = step->try_until - now});
}

static void stop_app(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	const struct plan_step *plan = seq_step(&seq->plan->shutdown.chain, index);
	struct seq_step *step = &seq->steps[index];
	msec_t left = budget_left(&seq->plan->shutdown, seq->reason, seq->stage, now - seq->begun);
	msec_t time = left > 2 * REAP_TIME ? left - REAP_TIME : left / 2;

	if (plan->timeout != MSEC_UNSET && plan->timeout < time)
		time = plan->timeout;
	step->until = now + time;
	step->try_until = now + (time + REAP_TIME < left ? time + REAP_TIME : left);
	step->state = STATE_RUNNING;
	step->attempt = 1;
	actions_push(out, (struct action){.kind = ACTION_STEP_START, .step = index, .time = time});
	/* a chain that was begun for a restart may have told it already */
	if (!seq->app_gone && (seq->stop_sent >> (plan->signal - 1) & 1) == 0) {
		seq->stop_sent |= UINT64_C(1) << (plan->signal - 1);
		actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = plan->signal});
	}
	stage_app_gone(seq, now, out);
}

void stage_extend(struct seq *seq, msec_t now, msec_t time)
{
	msec_t left = budget_left(&seq->plan->shutdown, seq->reason, seq->stage, now - seq->begun);
	struct seq_step *step = &seq->steps[current(seq)->first];

	if (!current(seq)->has_stop || step->state != STATE_RUNNING || seq->app_killed || left <= REAP_TIME)
		return;
	if (time > left - REAP_TIME)
		time = left - REAP_TIME;
	if (now + time <= step->until)
		return;
	step->until = now + time;
	step->try_until = step->until + REAP_TIME;
}

static void enter_step(struct seq *seq, msec_t now, size_t index, msec_t time, struct actions *out)
{
	const struct plan_step *plan = seq_step(&seq->plan->shutdown.chain, index);
	struct seq_step *step = &seq->steps[index];

	if (!budget_runs(plan, seq->reason) || (plan->needs_app && seq->app_gone) ||
	    (plan->kind == STEP_SIGNAL && seq->app_gone)) {
		finish(seq, now, index, STATE_SKIPPED, out);
		return;
	}
	if (plan->kind != STEP_STOP && ((seq->hurry && plan->reserve == 0) || (time == 0 && plan->timeout != 0))) {
		finish(seq, now, index, STATE_CUT, out);
		return;
	}
	step->begun = now;
	step->until = now + (plan->timeout != MSEC_UNSET && plan->timeout < time ? plan->timeout : time);
	switch (plan->kind) {
	case STEP_STOP:
		stop_app(seq, now, index, out);
		break;
	case STEP_SIGNAL:
		step->attempt = 1;
		actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = plan->signal});
		finish(seq, now, index, STATE_OK, out);
		break;
	case STEP_SLEEP:
		step->state = STATE_RUNNING;
		step->attempt = 1;
		step->try_until = step->until;
		actions_push(out, (struct action){.kind = ACTION_STEP_START, .step = index, .time = step->until - now});
		break;
	case STEP_EXEC:
	case STEP_HTTP:
	case STEP_ALERT:
	case STEP_WAIT:
		start_try(seq, now, index, out);
		break;
	}
}

bool stage_enter(struct seq *seq, msec_t now, struct actions *out)
{
	msec_t time = budget_time(&seq->plan->shutdown, seq->reason, seq->stage, now - seq->begun);

	for (size_t i = 0; i < current(seq)->count; i++)
		enter_step(seq, now, current(seq)->first + i, time, out);
	return stage_busy(seq);
}

/* Pause until the next try, or end the step where that would come too late, or find nobody. */
static void again(struct seq *seq, msec_t now, size_t index, msec_t pause, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];
	bool nobody = seq->app_gone && seq_step(&seq->plan->shutdown.chain, index)->needs_app;

	if (nobody || pause >= step->until - now) {
		finish(seq, now, index, STATE_FAILED, out);
		return;
	}
	step->state = STATE_PAUSED;
	step->again_at = now + pause;
	actions_push(out, (struct action){.kind = ACTION_STEP_AGAIN, .step = index, .time = pause});
}

/* A wait step goes on until its time is up, and then it is a time-out, whatever the last try said. */
static void wait_again(struct seq *seq, msec_t now, size_t index, const struct plan_step *plan)
{
	struct seq_step *step = &seq->steps[index];

	step->state = STATE_PAUSED;
	step->again_at = now + plan->period;
}

void stage_step_done(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out)
{
	const struct plan_step *plan = seq_step(&seq->plan->shutdown.chain, index);
	struct seq_step *step = &seq->steps[index];

	if (step->state != STATE_RUNNING || plan->kind == STEP_STOP || plan->kind == STEP_SLEEP)
		return; /* it was killed, or came to its end another way */
	step->failure = result->failure;
	step->status = result->status;
	if (result->outcome == OUTCOME_OK) {
		finish(seq, now, index, STATE_OK, out);
	} else if (plan->kind == STEP_WAIT) {
		wait_again(seq, now, index, plan);
	} else if (result->outcome == OUTCOME_ERROR && !result->sent) {
		step->attempt--; /* it never ran */
		again(seq, now, index, SPAWN_PAUSE, out);
	} else if (step->attempt < plan->retry.attempts && retry_allowed(plan, result)) {
		again(seq, now, index, retry_pause(&plan->retry, step->attempt + 1, result->retry_after, &seq->random), out);
	} else {
		finish(seq, now, index, result->failure == FAILURE_TIMEOUT ? STATE_TIMEOUT : STATE_FAILED, out);
	}
}

static void end_early(struct seq *seq, msec_t now, size_t index, enum step_state state, struct actions *out)
{
	enum step_kind kind = seq_step(&seq->plan->shutdown.chain, index)->kind;

	if (kind != STEP_SLEEP && seq->steps[index].state == STATE_RUNNING)
		actions_push(out, (struct action){.kind = ACTION_STEP_KILL, .step = index});
	finish(seq, now, index, state, out);
}

void stage_kill(struct seq *seq, struct actions *out)
{
	for (size_t i = 0; i < current(seq)->count; i++) {
		enum step_kind kind = current(seq)->steps[i].kind;
		size_t index = current(seq)->first + i;
		if (seq->steps[index].state == STATE_RUNNING && kind != STEP_SLEEP && kind != STEP_STOP)
			actions_push(out, (struct action){.kind = ACTION_STEP_KILL, .step = index});
	}
}

void stage_app_gone(struct seq *seq, msec_t now, struct actions *out)
{
	for (size_t i = 0; i < current(seq)->count; i++) {
		size_t index = current(seq)->first + i;
		const struct plan_step *plan = &current(seq)->steps[i];
		if (!under_way(&seq->steps[index]) || !seq->app_gone)
			continue;
		if (plan->kind == STEP_STOP && seq->group_gone) {
			finish(seq, now, index, seq->app_killed ? STATE_TIMEOUT : STATE_OK, out);
		} else if (plan->kind == STEP_STOP && !seq->group_told) {
			/* the leader is gone: its group would never hear of the stop */
			seq->group_told = true;
			if (seq->plan->app.signals == TARGET_CHILD || seq->stop_sent == 0)
				actions_push(out, (struct action){.kind = ACTION_STOP_GROUP, .signal = plan->signal});
		} else if (plan->needs_app && (plan->kind == STEP_WAIT || plan->kind == STEP_SLEEP)) {
			end_early(seq, now, index, STATE_SKIPPED, out);
		} else if (plan->needs_app && seq->steps[index].state == STATE_PAUSED) {
			finish(seq, now, index, STATE_SKIPPED, out); /* another try would find nobody */
		}
	}
}

void stage_hurry(struct seq *seq, msec_t now, struct actions *out)
{
	for (size_t i = 0; i < current(seq)->count; i++) {
		size_t index = current(seq)->first + i;
		const struct plan_step *plan = &current(seq)->steps[i];
		if (under_way(&seq->steps[index]) && plan->kind != STEP_STOP && plan->reserve == 0)
			end_early(seq, now, index, STATE_CUT, out);
	}
}

static void tick_stop(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];

	if (now >= step->until && !seq->app_killed) {
		seq->app_killed = true;
		actions_push(out, (struct action){.kind = ACTION_KILL_APP});
	}
	if (now >= step->try_until)
		finish(seq, now, index, STATE_TIMEOUT, out);
}

static void tick_running(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];
	static const struct check_result late = {
	    .outcome = OUTCOME_FAIL, .failure = FAILURE_TIMEOUT, .sent = true, .retry_after = MSEC_UNSET};

	if (now < step->try_until)
		return;
	actions_push(out, (struct action){.kind = ACTION_STEP_KILL, .step = index});
	if (now >= step->until)
		finish(seq, now, index, STATE_TIMEOUT, out);
	else
		stage_step_done(seq, now, index, &late, out);
}

bool stage_tick(struct seq *seq, msec_t now, struct actions *out)
{
	for (size_t i = 0; i < current(seq)->count; i++) {
		size_t index = current(seq)->first + i;
		struct seq_step *step = &seq->steps[index];
		enum step_kind kind = current(seq)->steps[i].kind;

		if (!under_way(step))
			continue;
		if (kind == STEP_STOP)
			tick_stop(seq, now, index, out);
		else if (kind == STEP_SLEEP && now >= step->until)
			finish(seq, now, index, STATE_OK, out);
		else if (kind != STEP_SLEEP && step->state == STATE_RUNNING)
			tick_running(seq, now, index, out);
		else if (step->state == STATE_PAUSED && now >= step->until)
			finish(seq, now, index, STATE_TIMEOUT, out);
		else if (step->state == STATE_PAUSED && now >= step->again_at)
			start_try(seq, now, index, out);
	}
	return stage_busy(seq);
}

msec_t stage_wake(const struct seq *seq)
{
	msec_t soonest = INT64_MAX;

	for (size_t i = 0; i < current(seq)->count; i++) {
		const struct seq_step *step = &seq->steps[current(seq)->first + i];
		msec_t next;

		if (!under_way(step))
			continue;
		if (step->state == STATE_PAUSED)
			next = step->again_at < step->until ? step->again_at : step->until;
		else if (current(seq)->steps[i].kind == STEP_STOP)
			next = seq->app_killed ? step->try_until : step->until;
		else
			next = step->try_until;
		if (next < soonest)
			soonest = next;
	}
	return soonest;
}
