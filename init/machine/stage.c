#include "init/machine/stage.h"

#include "config/budget.h"
#include "init/machine/retry.h"

/* Time to reap the app after SIGKILL before the chain goes on. */
#define REAP_TIME ((msec_t)100)
/* Delay after an attempt that could not start, doubled up to the maximum. */
#define SPAWN_PAUSE     ((msec_t)100)
#define SPAWN_PAUSE_MAX ((msec_t)1000)

static const struct plan_stage *current(const struct seq *seq)
{
	return &seq->chain->stages[seq->stage];
}

static const struct plan_step *plan_of(const struct seq *seq, size_t index)
{
	return seq_step_at(seq, index);
}

/* Time for the current stage, apart from its timeout. */
static msec_t stage_left(const struct seq *seq, msec_t now)
{
	return budget_left(seq->chain, seq->reason, seq->stage, seq->until - now);
}

static bool is_active(const struct seq_step *step)
{
	return step->state == STATE_RUNNING || step->state == STATE_PAUSED;
}

bool stage_busy(const struct seq *seq)
{
	for (size_t i = 0; i < current(seq)->count; i++)
		if (is_active(&seq->steps[current(seq)->first + i]))
			return true;
	return false;
}

/* Whether its attempts are processes. */
static bool is_job(const struct plan_step *plan)
{
	return plan->kind != STEP_STOP && plan->kind != STEP_SLEEP && plan->kind != STEP_SIGNAL;
}

static bool needs_app(const struct plan_step *plan)
{
	return plan->needs_app || plan->kind == STEP_SIGNAL;
}

/* A second stop signal and an abort skip it. */
static bool is_optional(const struct plan_step *plan)
{
	return plan->kind != STEP_STOP && !plan->required && plan->reserve == 0;
}

/* start.chain ends with the first required step that fails. */
static bool is_refused(const struct seq *seq)
{
	return seq->reason == REASON_START && seq->required_failed;
}

/* --- a step's end ------------------------------------------------------------------------------------------------------ */

static void finish(struct seq *seq, msec_t now, size_t index, enum step_state state, enum why why, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];

	if (step->state == STATE_RUNNING && is_job(plan))
		actions_push(out, (struct action){.kind = ACTION_STEP_KILL, .step = index});
	if (step->state == STATE_PENDING)
		step->started = now;
	step->state = state;
	step->ended = now;
	actions_push(
	    out, (struct action){
		     .kind = ACTION_STEP_ENDED, .step = index, .code = (int)state, .why = why, .time = now - step->started});
	if (plan_state_failed(state) && plan->required)
		seq->required_failed = true;
	if (plan_state_failed(state) && plan->on_failure == ON_FAILURE_ABORT && !seq->hurry) {
		seq->hurry = true;
		actions_push(out, (struct action){.kind = ACTION_HURRY});
	}
}

/* It needs the app, which is gone: a required step fails. In recovery there is no app to expect. */
static void finish_without_app(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	bool fails = plan_of(seq, index)->required && seq->reason != REASON_RECOVERY;

	finish(seq, now, index, fails ? STATE_FAILED : STATE_SKIPPED, WHY_NO_APP, out);
}

/* --- attempts ---------------------------------------------------------------------------------------------------------- */

/* Deadline of an attempt. If timeouts are retried, every attempt but the last gets at most half of the time left. */
static msec_t attempt_end(const struct plan_step *plan, const struct seq_step *step, msec_t now)
{
	msec_t left = step->until - now;

	if (plan->kind == STEP_WAIT)
		return now + budget_cap(plan->attempt_timeout, left);
	if (is_job(plan) && step->attempt < plan->retry.attempts && (plan->retry.on & RETRY_TIMEOUT) != 0)
		return now + (left + 1) / 2;
	return step->until;
}

static void start_attempt(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];

	step->state = STATE_RUNNING;
	step->attempt++;
	step->attempt_until = attempt_end(plan_of(seq, index), step, now);
	actions_push(out, (struct action){.kind = ACTION_STEP_START, .step = index, .time = step->attempt_until - now});
}

static void pause_step(struct seq_step *step, msec_t now, msec_t pause)
{
	step->state = STATE_PAUSED;
	step->retry_at = now + (pause > 0 ? pause : 1);
}

/* Pauses until the next attempt, or ends the step if there is no time or no app for it. */
static void retry(struct seq *seq, msec_t now, size_t index, msec_t pause, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];

	if ((seq->app_gone && plan_of(seq, index)->needs_app) || pause >= step->until - now) {
		finish(seq, now, index, STATE_FAILED, WHY_RESULT, out);
		return;
	}
	pause_step(step, now, pause);
	actions_push(out, (struct action){.kind = ACTION_STEP_RETRY, .step = index, .time = pause});
}

/* The attempt could not start. There may be room a moment later. */
static void retry_unstarted(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	struct seq_step *step = &seq->steps[index];
	msec_t pause = SPAWN_PAUSE;

	for (int i = 0; i < step->unstarted && pause < SPAWN_PAUSE_MAX; i++)
		pause *= 2;
	if (pause > SPAWN_PAUSE_MAX)
		pause = SPAWN_PAUSE_MAX;
	if (pause >= step->until - now)
		pause = SPAWN_PAUSE; /* no long delay at the end */
	step->unstarted++;
	step->attempt--;
	retry(seq, now, index, pause, out);
}

/* A wait step polls until it times out, whatever the last attempt returned. */
static void poll_again(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out)
{
	if (result->outcome == OUTCOME_FAIL && (result->failure == FAILURE_FILE || result->failure == FAILURE_INTERNAL))
		finish(seq, now, index, STATE_FAILED, WHY_RESULT,
		       out); /* no such program or URL: it will fail the next time, too */
	else
		pause_step(&seq->steps[index], now, plan_of(seq, index)->period);
}

static void on_attempt_end(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];

	step->failure = result->failure;
	step->status = result->status;
	if (result->outcome == OUTCOME_OK)
		finish(seq, now, index, STATE_OK, WHY_RESULT, out);
	else if (plan->kind == STEP_WAIT)
		poll_again(seq, now, index, result, out);
	else if (result->outcome == OUTCOME_ERROR && !result->sent)
		retry_unstarted(seq, now, index, out);
	else if (step->attempt < plan->retry.attempts && retry_allowed(plan, result))
		retry(seq, now, index, retry_pause(&plan->retry, step->attempt + 1, result->retry_after, &seq->random), out);
	else
		finish(seq, now, index, result->failure == FAILURE_TIMEOUT ? STATE_TIMEOUT : STATE_FAILED, WHY_RESULT, out);
}

void stage_step_done(struct seq *seq, msec_t now, size_t index, const struct check_result *result, struct actions *out)
{
	if (seq->steps[index].state != STATE_RUNNING || !is_job(plan_of(seq, index)))
		return;                         /* it was killed or has ended */
	seq->steps[index].state = STATE_PAUSED; /* nothing is running */
	on_attempt_end(seq, now, index, result, out);
}

/* --- begin ------------------------------------------------------------------------------------------------------------- */

static void stop_app(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];
	msec_t left = stage_left(seq, now);
	msec_t time = budget_cap(plan->timeout, left > 2 * REAP_TIME ? left - REAP_TIME : left / 2);

	if (seq->app_killed && time > REAP_TIME)
		time = REAP_TIME; /* a restart has tried to kill it in vain */
	step->until = now + time;
	step->attempt_until = now + (time + REAP_TIME < left ? time + REAP_TIME : left);
	step->state = STATE_RUNNING;
	step->attempt = 1;
	actions_push(out, (struct action){.kind = ACTION_STEP_START, .step = index, .time = time});
	/* a restart's chain may have sent it already */
	if (seq->app_gone || (seq->stop_sent >> (plan->signal - 1) & 1) != 0)
		return;
	seq->stop_sent |= UINT64_C(1) << (plan->signal - 1);
	actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = plan->signal});
}

void stage_extend(struct seq *seq, msec_t now, msec_t time)
{
	msec_t left = stage_left(seq, now);
	struct seq_step *step = &seq->steps[current(seq)->first];

	if (!current(seq)->has_stop || step->state != STATE_RUNNING || seq->app_killed || left <= REAP_TIME)
		return;
	if (time > left - REAP_TIME)
		time = left - REAP_TIME;
	if (now + time <= step->until)
		return;
	step->until = now + time;
	step->attempt_until = step->until + REAP_TIME;
}

static void enter_step(struct seq *seq, msec_t now, size_t index, msec_t time, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];

	if (!budget_runs(plan, seq->reason)) {
		finish(seq, now, index, STATE_SKIPPED, WHY_REASON, out);
		return;
	}
	if (seq->reason == REASON_RECOVERY && (seq->done >> index & 1) != 0) {
		finish(seq, now, index, STATE_SKIPPED, WHY_DONE, out);
		return;
	}
	if (needs_app(plan) && seq->app_gone) {
		finish_without_app(seq, now, index, out);
		return;
	}
	if (is_refused(seq) || (seq->hurry && is_optional(plan))) {
		finish(seq, now, index, STATE_CUT, is_refused(seq) ? WHY_REFUSED : WHY_HURRY, out);
		return;
	}
	if (time == 0 && plan->timeout != 0 && plan->kind != STEP_STOP) {
		finish(seq, now, index, STATE_CUT, WHY_TIME, out);
		return;
	}
	step->started = now;
	step->until = now + budget_cap(plan->timeout, time);
	switch (plan->kind) {
	case STEP_STOP:
		stop_app(seq, now, index, out);
		break;
	case STEP_SIGNAL:
		step->state = STATE_RUNNING;
		step->attempt = 1;
		actions_push(out, (struct action){.kind = ACTION_FORWARD, .signal = plan->signal});
		finish(seq, now, index, STATE_OK, WHY_RESULT, out);
		break;
	case STEP_SLEEP:
	case STEP_EXEC:
	case STEP_HTTP:
	case STEP_TCP:
	case STEP_ALERT:
	case STEP_WAIT:
		start_attempt(seq, now, index, out);
		break;
	}
}

void stage_enter(struct seq *seq, msec_t now, struct actions *out)
{
	msec_t time = budget_time(seq->chain, seq->reason, seq->stage, seq->until - now);

	for (size_t i = 0; i < current(seq)->count; i++)
		enter_step(seq, now, current(seq)->first + i, time, out);
}

void stage_break_off(struct seq *seq, msec_t now, enum why why, struct actions *out)
{
	for (size_t i = 0; i < current(seq)->count; i++)
		if (is_active(&seq->steps[current(seq)->first + i]))
			finish(seq, now, current(seq)->first + i, STATE_CUT, why, out);
}

void stage_shorten(struct seq *seq, msec_t now)
{
	msec_t end = now + stage_left(seq, now);

	for (size_t i = 0; i < current(seq)->count; i++) {
		struct seq_step *step = &seq->steps[current(seq)->first + i];
		if (is_active(step) && step->until > end)
			step->until = end;
		if (is_active(step) && step->attempt_until > step->until)
			step->attempt_until = step->until;
	}
}

/* --- time, and the app's end ------------------------------------------------------------------------------------------- */

static void tick_stop(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];

	if (seq->app_gone && seq->group_gone) {
		finish(seq, now, index, seq->app_killed ? STATE_TIMEOUT : STATE_OK, WHY_RESULT, out);
		return;
	}
	if (seq->app_gone && !seq->group_signalled) {
		/* the leader is gone: signal the rest of its group */
		seq->group_signalled = true;
		if (seq->plan->app.signals == TARGET_CHILD || seq->stop_sent == 0)
			actions_push(out, (struct action){.kind = ACTION_STOP_GROUP, .signal = plan->signal});
	}
	if (now >= step->until && !seq->app_killed) {
		seq->app_killed = true;
		actions_push(out, (struct action){.kind = ACTION_KILL_APP});
	}
	if (now >= step->attempt_until)
		finish(seq, now, index, STATE_TIMEOUT, WHY_RESULT, out);
}

static void on_attempt_timeout(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	static const struct check_result late = {
	    .outcome = OUTCOME_FAIL, .failure = FAILURE_TIMEOUT, .sent = true, .retry_after = MSEC_UNSET};

	actions_push(out, (struct action){.kind = ACTION_STEP_KILL, .step = index});
	seq->steps[index].state = STATE_PAUSED;
	on_attempt_end(seq, now, index, &late, out);
}

static void tick_step(struct seq *seq, msec_t now, size_t index, struct actions *out)
{
	const struct plan_step *plan = plan_of(seq, index);
	struct seq_step *step = &seq->steps[index];
	bool idle = step->state == STATE_PAUSED || plan->kind == STEP_WAIT || plan->kind == STEP_SLEEP;

	if (plan->kind == STEP_STOP)
		tick_stop(seq, now, index, out);
	else if (is_refused(seq))
		finish(seq, now, index, STATE_CUT, WHY_REFUSED, out);
	else if (seq->hurry && is_optional(plan))
		finish(seq, now, index, STATE_CUT, WHY_HURRY, out);
	else if (seq->app_gone && plan->needs_app && idle)
		finish_without_app(seq, now, index, out); /* no app for another attempt */
	else if (now >= step->until)
		finish(seq, now, index, plan->kind == STEP_SLEEP ? STATE_OK : STATE_TIMEOUT, WHY_RESULT, out);
	else if (step->state == STATE_RUNNING && now >= step->attempt_until)
		on_attempt_timeout(seq, now, index, out);
	else if (step->state == STATE_PAUSED && now >= step->retry_at)
		start_attempt(seq, now, index, out);
}

void stage_tick(struct seq *seq, msec_t now, struct actions *out)
{
	bool hurry;

	do { /* again if a failure skips other steps */
		hurry = seq->hurry;
		for (size_t i = 0; i < current(seq)->count; i++)
			if (is_active(&seq->steps[current(seq)->first + i]))
				tick_step(seq, now, current(seq)->first + i, out);
	} while (seq->hurry != hurry);
}

msec_t stage_wake(const struct seq *seq)
{
	msec_t soonest = INT64_MAX;

	for (size_t i = 0; i < current(seq)->count; i++) {
		const struct seq_step *step = &seq->steps[current(seq)->first + i];
		msec_t next;

		if (!is_active(step))
			continue;
		if (step->state == STATE_PAUSED)
			next = step->retry_at < step->until ? step->retry_at : step->until;
		else if (current(seq)->steps[i].kind == STEP_STOP)
			next = seq->app_killed ? step->attempt_until : step->until;
		else
			next = step->attempt_until;
		if (next < soonest)
			soonest = next;
	}
	return soonest;
}
