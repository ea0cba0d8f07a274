/*
 * The sequencer, walked: plans, what can happen, a model of what was done kept from the actions alone, and what must hold
 * after each event. For the tests that include it.
 */
#ifndef TINYSUP_TESTS_UNIT_WALK_H
#define TINYSUP_TESTS_UNIT_WALK_H

#include "config/names.h"
#include "tests/unit/holds.h"

#include "config/budget.h"
#include "init/machine/sequencer.h"

#define DEPTH             6
#define TERM              15
#define STATUS_EXIT(code) ((code) << 8)
#define LEFTOVERS         5000 /* from SIGTERM to SIGKILL for what is left */
#define MARGIN            200  /* tinysup is gone so long before the deadline */

/* --- plans ----------------------------------------------------------------------------------------------------------- */

static struct plan_step steps[16];
static struct plan_stage stages[16];
static struct plan plan;

static inline void new_plan(void)
{
	memset(steps, 0, sizeof steps);
	memset(stages, 0, sizeof stages);
	memset(&plan, 0, sizeof plan);
	plan.app.success_codes[0] = 1;
	plan.shutdown = (struct plan_shutdown){.signals = 1 << (TERM - 1),
					       .effective = 10000,
					       .kill_reserve = 500,
					       .failed_exit_code = 75,
					       .chain.stages = stages};
}

/* A step at the end of the chain; `beside` puts it into the stage of the one before. */
static inline struct plan_step *add(enum step_kind kind, msec_t timeout, msec_t reserve, bool beside)
{
	struct plan_chain *chain = &plan.shutdown.chain;
	struct plan_step *step = &steps[chain->steps];
	struct plan_stage *stage = &stages[beside ? chain->count - 1 : chain->count];

	*step = (struct plan_step){.name = "step", .kind = kind, .timeout = timeout, .reserve = reserve, .when = 0xf};
	step->retry = (struct plan_retry){.attempts = 1, .backoff = 100, .backoff_max = 1000, .on = 31};
	step->signal = kind == STEP_SIGNAL ? 10 : TERM;
	step->period = 200;
	step->attempt_timeout = 300;
	if (!beside) {
		*stage = (struct plan_stage){.steps = step, .first = chain->steps};
		chain->count++;
	}
	stage->count++;
	stage->timeout = stage->count == 1 || timeout == MSEC_UNSET || timeout > stage->timeout ? timeout : stage->timeout;
	stage->has_stop |= kind == STEP_STOP;
	chain->steps++;
	plan.shutdown.chained = true;
	return step;
}

static inline struct plan_step *add_stop(msec_t timeout)
{
	return add(STEP_STOP, timeout, 3000, false);
}

static inline void may_restart(enum restart_policy policy, int max)
{
	plan.app.restart =
	    (struct plan_restart){.policy = policy, .max = max, .within = 600000, .backoff = 1000, .backoff_max = 30000};
}

/* --- a path ---------------------------------------------------------------------------------------------------------- */

/* What was done about a step in this chain, as the actions had it. */
struct done {
	enum { DONE_NOTHING, DONE_STARTED, DONE_BETWEEN, DONE_ENDED } what;
	msec_t started; /* the first time; 0: never */
};

struct path {
	struct trail trail;
	msec_t now;
	bool late; /* an event came later than it was asked for, in this chain */

	/* the app */
	bool app_gone, group_gone, killed;
	int app_status, exec_errno;
	int stops_sent, stops_came; /* in this life */
	int groups_told;
	bool start_asked; /* ACTION_APP_START, and no answer yet */
	int starts;

	/* the chain */
	msec_t started; /* of the chain, or of what there is instead */
	msec_t stop_at; /* the first stop signal that was heeded; 0: none */
	enum reason reason;
	bool ending;     /* no life comes after this one */
	bool swept;      /* whoever is left was told */
	msec_t swept_at; /* that they were told to end: after the chain, or of an old life */
	msec_t cleared;  /* nothing of the old life is left; 0: not yet */
	bool hurry, required_failed;
	bool in_order; /* a shutdown's chain has ended, and nothing that is required has failed */
	struct done done[16];
	size_t furthest; /* stage of the last step started */

	bool held;
	bool over;
	int exit_code;

	struct seq seq; /* at the end: a copy takes only the steps that there are */
};

static inline void copy_path(struct path *to, const struct path *from)
{
	memcpy(to, from, offsetof(struct path, seq.steps) + plan.shutdown.chain.steps * sizeof from->seq.steps[0]);
}

static inline void describe(const struct path *p)
{
	static const char *const kinds[] = {"exec", "http", "alert", "stop", "wait", "signal", "sleep"};

	fprintf(stderr, "\nrestart.policy %d, max %d, backoff %lld, %s\n", plan.app.restart.policy, plan.app.restart.max,
		(long long)plan.app.restart.backoff, plan.shutdown.chained ? "chain:" : "no chain");
	for (size_t i = 0; i < plan.shutdown.chain.count; i++)
		for (size_t j = 0; j < stages[i].count; j++) {
			const struct plan_step *s = &stages[i].steps[j];
			fprintf(stderr, "%s %s timeout %lld reserve %lld when %x attempts %d%s%s%s: done %d, state %s\n",
				j > 0 ? " |" : " -", kinds[s->kind], (long long)s->timeout, (long long)s->reserve, s->when,
				s->retry.attempts, s->required ? " required" : "", s->needs_app ? " needs_app" : "",
				s->on_failure == ON_FAILURE_ABORT ? " abort" : "", p->done[s - steps].what,
				name_of(&names_step_states, p->seq.steps[s - steps].state));
		}
	fprintf(stderr, "phase %d, reason %s, %lld ms after the begin\n", p->seq.phase, name_of(&names_reasons, p->seq.reason),
		(long long)(p->now - p->seq.started));
}

/* By a stop signal, or because a heartbeat is lost. */
static inline bool broke_off(const struct action *action)
{
	return action->why == WHY_STOP || action->why == WHY_LOST;
}

/* --- what must hold of an action ------------------------------------------------------------------------------------- */

static inline bool is_job(const struct plan_step *step)
{
	return step->kind != STEP_STOP && step->kind != STEP_SLEEP && step->kind != STEP_SIGNAL;
}

static inline size_t stage_of(size_t step)
{
	size_t i = 0;

	while (step >= stages[i].first + stages[i].count)
		i++;
	return i;
}

static inline bool all_ended(const struct path *p)
{
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
		if (p->done[i].what != DONE_ENDED)
			return false;
	return true;
}

static inline bool passed_over(const struct plan_step *step)
{
	return step->kind != STEP_STOP && !step->required && step->reserve == 0;
}

static inline void check_start(struct path *p, const struct action *a, enum reason reason)
{
	const struct plan_step *step = &steps[a->step];
	struct done *done = &p->done[a->step];
	msec_t left = plan.shutdown.effective - (p->now - p->started) - plan.shutdown.kill_reserve;

	HOLDS(p, stage_of(a->step) >= p->furthest); /* in order */
	p->furthest = stage_of(a->step);
	for (size_t i = 0; i < stages[p->furthest].first; i++)
		HOLDS(p, p->done[i].what == DONE_ENDED);
	HOLDS(p, done->what == DONE_NOTHING || done->what == DONE_BETWEEN);
	HOLDS(p, a->time > 0 || step->timeout == 0 || p->late);
	HOLDS(p, step->timeout == MSEC_UNSET || a->time <= step->timeout);
	for (size_t i = p->furthest + 1; i < plan.shutdown.chain.count; i++)
		left -= budget_reserve(&stages[i], reason);
	HOLDS(p, a->time <= (left > 0 ? left : 0)); /* nobody eats a later reserve */
	if (done->what == DONE_NOTHING && step->kind != STEP_STOP && step->kind != STEP_WAIT && step->retry.attempts == 1)
		HOLDS(p, a->time >= step->reserve || a->time == step->timeout || p->late); /* a reserve is kept */
	HOLDS(p, !(step->needs_app && p->app_gone));
	HOLDS(p, !(p->hurry && passed_over(step)));
	HOLDS(p, budget_runs(step, reason));
	if (done->started == 0)
		done->started = p->now;
	done->what = DONE_STARTED;
}

/* settled: no other chain begins in the same list, so that the sequencer's word on the step is there to be looked at. */
static inline void check_end(struct path *p, const struct action *a, bool settled, enum reason reason)
{
	const struct plan_step *step = &steps[a->step];
	const struct seq_step *state = &p->seq.steps[a->step];
	struct done *done = &p->done[a->step];
	enum step_state end = (enum step_state)a->code;
	bool runs = budget_runs(step, reason), needs_app = step->needs_app || step->kind == STEP_SIGNAL;

	HOLDS(p, done->what != DONE_ENDED);
	HOLDS(p, !(is_job(step) && done->what == DONE_STARTED)); /* no process is left behind */
	done->what = DONE_ENDED;
	HOLDS(p, a->time == (done->started != 0 ? p->now - done->started : 0));
	HOLDS(p, runs || (end == STATE_SKIPPED && done->started == 0));
	HOLDS(p, end != STATE_SKIPPED || !runs || (needs_app && p->app_gone && !step->required));
	HOLDS(p, end != STATE_CUT || p->late || broke_off(a) || (p->hurry && passed_over(step)) ||
		     (step->reserve == 0 && done->started == 0));
	HOLDS(p, !broke_off(a) || (reason == REASON_RESTART && p->stop_at == p->now));
	p->required_failed |= step->required && end != STATE_OK && runs && !broke_off(a);
	if (!settled)
		return;
	HOLDS(p, state->state == end && state->ended == p->now && state->started == p->now - a->time);
	HOLDS(p, state->attempt <= step->retry.attempts || step->kind == STEP_WAIT);
}

/* --- the exit code, reckoned anew from what happened ----------------------------------------------------------------- */

static inline int app_code(const struct path *p)
{
	int signal = p->app_status & 0x7f, code = p->app_status >> 8;

	if (p->exec_errno != 0)
		return p->exec_errno == 2 ? 127 : 126;
	if (!p->app_gone || (p->killed && signal == 9))
		return 137;
	if (p->reason == REASON_STOP && p->stops_sent > 0 && (signal == TERM || (signal == 0 && code == 143)) &&
	    plan.shutdown.clean_exit_code >= 0)
		return plan.shutdown.clean_exit_code;
	return signal != 0 ? 128 + signal : code;
}

static inline int expected_code(const struct path *p)
{
	return p->held ? 69 : p->required_failed ? 75 : p->reason == REASON_UNHEALTHY ? 69 : app_code(p);
}

/* --- one event ------------------------------------------------------------------------------------------------------- */

static inline void check_action(struct path *p, const struct action *a, bool settled)
{
	/* only a restart is followed by something else: what ends before that was its */
	enum reason reason = !settled || broke_off(a) ? REASON_RESTART : p->seq.reason;

	HOLDS(p, !p->over);
	switch (a->kind) {
	case ACTION_STEP_START:
		check_start(p, a, reason);
		break;
	case ACTION_STEP_KILL:
		HOLDS(p, is_job(&steps[a->step]) && p->done[a->step].what == DONE_STARTED);
		p->done[a->step].what = DONE_BETWEEN;
		break;
	case ACTION_STEP_RETRY:
		HOLDS(p, p->done[a->step].what == DONE_BETWEEN);
		break;
	case ACTION_STEP_ENDED:
		check_end(p, a, settled, reason);
		break;
	case ACTION_FORWARD:
		HOLDS(p, !p->app_gone);
		p->stops_sent += a->signal == TERM;
		HOLDS(p, a->signal != TERM || p->stops_sent <= 1 || !plan.shutdown.chained);
		/* without a chain each that comes, and one of our own where nobody asked for the stop */
		HOLDS(p, a->signal != TERM || p->stops_sent <= 1 ||
			     p->stops_sent <= p->stops_came + (p->reason == REASON_UNHEALTHY));
		break;
	case ACTION_STOP_GROUP:
		HOLDS(p, p->app_gone && ++p->groups_told == 1);
		break;
	case ACTION_KILL_APP:
		HOLDS(p, !p->killed && !(p->app_gone && p->group_gone));
		p->killed = true;
		break;
	case ACTION_HURRY:
		HOLDS(p, !p->hurry);
		p->hurry = true;
		break;
	case ACTION_CHAIN_STARTED:
		for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
			HOLDS(p, !(is_job(&steps[i]) && p->done[i].what == DONE_STARTED));
		memset(p->done, 0, sizeof p->done);
		p->furthest = 0;
		p->started = p->now;
		p->hurry = p->required_failed = p->late = p->swept = p->in_order = false;
		p->cleared = 0;
		break;
	case ACTION_ARM:
		HOLDS(p, plan.heartbeats.arms && p->app_gone && !p->ending);
		break;
	case ACTION_CLOSE: /* disarming needs a chain of a shutdown whose required steps have all succeeded */
		HOLDS(p, p->app_gone && p->ending);
		HOLDS(p, (a->code != 0) == (p->in_order && !p->held));
		break;
	case ACTION_CLEAR_TERM:
		HOLDS(p, p->app_gone && (!p->ending || p->seq.to_hold) && all_ended(p));
		p->swept_at = p->now;
		break;
	case ACTION_CLEAR_KILL:
		HOLDS(p, p->late || p->now == p->swept_at + LEFTOVERS ||
			     p->now == p->started + plan.shutdown.effective - plan.shutdown.kill_reserve);
		break;
	case ACTION_NOT_CLEARED:
		HOLDS(p, p->cleared == 0 && p->now < p->started + plan.shutdown.effective - MARGIN + (p->late ? 1000000 : 0));
		break;
	case ACTION_RESTART_IN:
		HOLDS(p, p->cleared == p->now);
		break;
	case ACTION_APP_START:
		HOLDS(p, p->app_gone && p->stop_at == 0 && !p->start_asked && all_ended(p)); /* a stop is a stop */
		HOLDS(p, p->cleared != 0 && p->now >= p->cleared + plan.app.restart.backoff);
		HOLDS(p, ++p->starts <= plan.app.restart.max + 40);
		p->start_asked = true;
		break;
	case ACTION_SWEEP_TERM:
		HOLDS(p, p->app_gone || p->killed); /* the app was told by other means */
		HOLDS(p, !p->swept);
		p->swept = true;
		p->swept_at = p->now;
		break;
	case ACTION_SWEEP_KILL:
		HOLDS(p, p->late || (p->swept && p->now == p->swept_at + LEFTOVERS) ||
			     p->now == p->seq.started + plan.shutdown.effective - plan.shutdown.kill_reserve);
		p->killed |= !p->app_gone;
		break;
	case ACTION_EXIT:
		p->over = true;
		p->exit_code = a->code;
		HOLDS(p, p->exit_code == expected_code(p));
		HOLDS(p, !plan.shutdown.chained || all_ended(p) || p->exec_errno != 0); /* nothing is forgotten */
		break;
	case ACTION_HELD:
		HOLDS(p, p->app_gone && !p->held && plan.app.restart.exhausted == EXHAUSTED_HOLD && all_ended(p));
		p->held = true;
		break;
	case ACTION_CHAIN_ENDED:
		HOLDS(p, all_ended(p));
		p->in_order = reason != REASON_RESTART && !p->required_failed && p->app_gone && !p->seq.to_hold;
		break;
	case ACTION_GIVEN_UP:
		break;
	case ACTION_NO_ACCOUNT: /* before the first start: test_opening.c */
	case ACTION_REFUSED:
	case ACTION_STOP_OPENING:
		HOLDS(p, false);
		break;
	}
}

/* The sequencer's own view, which --status shows, against what was done. */
static inline void check_view(const struct path *p)
{
	const struct seq *seq = &p->seq;

	HOLDS(p, seq->stage <= plan.shutdown.chain.count);
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++) {
		enum step_state state = seq->steps[i].state;
		HOLDS(p, (state == STATE_RUNNING) == (p->done[i].what == DONE_STARTED));
		HOLDS(p, (state == STATE_PAUSED) == (p->done[i].what == DONE_BETWEEN));
		HOLDS(p, (state == STATE_PENDING) == (p->done[i].what == DONE_NOTHING));
		if (state == STATE_RUNNING || state == STATE_PAUSED)
			HOLDS(p,
			      seq->phase == PHASE_CHAIN && stage_of(i) == seq->stage && !(p->hurry && passed_over(&steps[i])));
	}
	HOLDS(p, seq->app_gone == p->app_gone || p->over);
	HOLDS(p, seq->required_failed == p->required_failed);
	HOLDS(p, p->over == (seq->phase == PHASE_OVER));
	if (seq->phase == PHASE_CLEARING || seq->phase == PHASE_WAITING || seq->phase == PHASE_ARMING)
		HOLDS(p, p->app_gone && (!p->ending || seq->to_hold) && all_ended(p));
	HOLDS(p, p->held == (seq_state(seq) == SEQ_HELD && seq->phase != PHASE_CLEARING) || p->ending);
	if (seq->phase == PHASE_RUNNING || seq->phase == PHASE_DRAINING)
		HOLDS(p, !p->app_gone);
}

static inline void check_time(const struct path *p)
{
	HOLDS(p, p->over || seq_wake(&p->seq) > p->now); /* never spins */
	if (p->seq.phase == PHASE_RUNNING || p->seq.phase == PHASE_WAITING || p->seq.phase == PHASE_ARMING ||
	    p->seq.phase == PHASE_HELD || p->over)
		return;
	HOLDS(p, seq_wake(&p->seq) != INT64_MAX);
	HOLDS(p, p->now < p->seq.started + plan.shutdown.effective - MARGIN);
	HOLDS(p, p->stop_at == 0 || p->now < p->stop_at + plan.shutdown.effective - MARGIN);
}

/* What the world knows before the sequencer hears of it. */
static inline void happen(struct path *p, const struct event *event)
{
	enum phase phase = p->seq.phase;
	bool running = phase == PHASE_RUNNING;

	switch (event->kind) {
	case EVENT_SIGNAL:
		p->stops_came += event->signal == TERM;
		p->held |= phase == PHASE_CLEARING && p->seq.to_hold; /* as good as held */
		if (event->signal != TERM && !(p->app_gone && !p->ending))
			break;
		if (p->stop_at == 0 && !p->ending)
			p->stop_at = p->now;
		if (!p->ending)
			p->reason = REASON_STOP;
		break;
	case EVENT_LOST:
		if (!seq_heeds_loss(&p->seq))
			break;
		p->stop_at = p->stop_at == 0 ? p->now : p->stop_at;
		p->reason = REASON_UNHEALTHY;
		break;
	case EVENT_APP_EXIT:
		p->app_gone = true;
		p->group_gone = !event->group_left;
		p->app_status = event->wait_status;
		p->exec_errno = event->exec_errno;
		if (running)
			p->reason = event->wait_status == 0 ? REASON_EXIT : REASON_CRASH;
		break;
	case EVENT_GROUP_GONE:
		p->group_gone = true;
		break;
	case EVENT_STEP_DONE:
		if (p->done[event->step].what == DONE_STARTED && is_job(&steps[event->step]))
			p->done[event->step].what = DONE_BETWEEN;
		break;
	case EVENT_UNHEALTHY:
		if (running)
			p->reason = REASON_UNHEALTHY;
		break;
	case EVENT_CLEARED:
		if (phase == PHASE_CLEARING)
			p->cleared = p->now;
		break;
	case EVENT_APP_STARTED:
		p->app_gone = p->group_gone = p->killed = false;
		p->stops_sent = p->stops_came = p->groups_told = p->exec_errno = 0;
		p->start_asked = false;
		break;
	case EVENT_NOT_STARTED:
		p->start_asked = false;
		break;
	case EVENT_TIME:
	case EVENT_NOTHING_LEFT:
	case EVENT_EXTEND:
	case EVENT_OPEN:
	case EVENT_ACCOUNT:
	case EVENT_CHAIN_OVER:
	case EVENT_ARMED:
	case EVENT_CLOSED:
		break;
	}
}

static inline void take(struct path *p, const struct event *event)
{
	struct actions actions;
	size_t last_chain = 0;

	p->late |= p->now > seq_wake(&p->seq);
	happen(p, event);
	seq_event(&p->seq, p->now, event, &actions);
	events_seen++;
	for (;;) {
		HOLDS(p, actions.count <= plan.shutdown.chain.steps * 4 + 8);
		for (size_t i = 0; i < actions.count; i++)
			if (actions.items[i].kind == ACTION_CHAIN_STARTED)
				last_chain = i;
		for (size_t i = 0; i < actions.count; i++)
			check_action(p, &actions.items[i], i >= last_chain);
		if (p->seq.phase != PHASE_CHAIN_OVER)
			break;
		last_chain = 0;
		seq_event(&p->seq, p->now, &(struct event){.kind = EVENT_CHAIN_OVER}, &actions);
	}
	p->ending |= p->seq.phase == PHASE_DRAINING || p->seq.phase == PHASE_SWEEP ||
		     (p->seq.phase == PHASE_CHAIN && p->seq.reason != REASON_RESTART);
	check_view(p);
	check_time(p);
}

/* --- what can happen ------------------------------------------------------------------------------------------------- */

struct possible {
	struct event event;
	struct check_result result;
	msec_t wait;
};

#define POSSIBLE_MAX 64

struct choice {
	size_t count;
	struct possible items[POSSIBLE_MAX];
};

static inline struct event *offer(struct choice *choice, enum event_kind kind)
{
	struct possible *possible = &choice->items[choice->count++];

	possible->event = (struct event){.kind = kind};
	possible->wait = 7;
	return &possible->event;
}

static inline void offer_results(struct choice *choice, size_t step)
{
	static const struct check_result results[] = {
	    {.outcome = OUTCOME_OK, .retry_after = MSEC_UNSET},
	    {.outcome = OUTCOME_FAIL, .failure = FAILURE_STATUS, .status = 503, .retry_after = 1000},
	    {.outcome = OUTCOME_FAIL, .failure = FAILURE_TIMEOUT, .retry_after = MSEC_UNSET, .sent = true},
	    {.outcome = OUTCOME_FAIL, .failure = FAILURE_FILE, .retry_after = MSEC_UNSET, .sent = true},
	    {.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL, .retry_after = MSEC_UNSET},
	};

	for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
		struct event *event = offer(choice, EVENT_STEP_DONE);
		event->step = step;
		event->result = &results[i];
	}
}

static inline void offer_ends(const struct path *p, struct choice *choice)
{
	static const int statuses[] = {STATUS_EXIT(0), STATUS_EXIT(1), TERM, 9, STATUS_EXIT(143)};

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		offer(choice, EVENT_APP_EXIT)->wait_status = statuses[i];
	struct event *event = offer(choice, EVENT_APP_EXIT);
	event->wait_status = TERM;
	event->group_left = true;
	if (p->seq.phase != PHASE_RUNNING)
		return;
	event = offer(choice, EVENT_APP_EXIT);
	event->wait_status = STATUS_EXIT(127);
	event->exec_errno = 2;
}

/* wild: what is rare, too: process 1 was kept from running, or something comes where nobody waits for it. */
static inline void look_ahead(const struct path *p, bool wild, struct choice *choice)
{
	msec_t wake = seq_wake(&p->seq);

	choice->count = 0;
	if (p->start_asked) { /* it is answered before anything else can happen */
		offer(choice, EVENT_APP_STARTED);
		offer(choice, EVENT_NOT_STARTED);
		return;
	}
	offer(choice, EVENT_TIME);
	choice->items[0].wait = wake == INT64_MAX ? 1 : wake - p->now;
	offer(choice, EVENT_SIGNAL)->signal = TERM;
	if (!p->app_gone)
		offer_ends(p, choice);
	else if (!p->group_gone)
		offer(choice, EVENT_GROUP_GONE);
	if (p->seq.phase == PHASE_RUNNING && plan.app.restart.max > 0) {
		offer(choice, EVENT_UNHEALTHY)->unhealthy = UNHEALTHY_RESTART;
		offer(choice, EVENT_UNHEALTHY)->unhealthy = UNHEALTHY_SHUTDOWN;
	}
	if (p->seq.phase == PHASE_CLEARING)
		offer(choice, EVENT_CLEARED);
	if (p->seq.phase == PHASE_SWEEP && p->app_gone)
		offer(choice, EVENT_NOTHING_LEFT);
	if (p->seq.phase == PHASE_ARMING)
		offer(choice, EVENT_ARMED);
	if (p->seq.phase == PHASE_CLOSING)
		offer(choice, EVENT_CLOSED);
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
		if (p->done[i].what == DONE_STARTED && is_job(&steps[i]))
			offer_results(choice, i);
	if (p->done[0].what == DONE_STARTED && steps[0].kind == STEP_STOP)
		offer(choice, EVENT_EXTEND)->time = 100000;
	if (!wild)
		return;
	offer(choice, EVENT_TIME);
	offer(choice, EVENT_TIME);
	choice->items[choice->count - 1].wait = wake == INT64_MAX ? 1 : wake - p->now + 20000;
	offer(choice, EVENT_SIGNAL)->signal = 2;
	offer(choice, EVENT_UNHEALTHY)->unhealthy = UNHEALTHY_SHUTDOWN;
	offer(choice, EVENT_EXTEND)->time = 2000;
	offer(choice, EVENT_NOTHING_LEFT);
	offer(choice, EVENT_CLEARED);
	offer(choice, EVENT_ARMED);
	offer(choice, EVENT_CLOSED);
	offer(choice, EVENT_LOST);
}

/* --- the walk -------------------------------------------------------------------------------------------------------- */

/* The stages lie in memory of just their size, so that the sanitizer sees who looks beyond the last one. */
static inline void begin_path(struct path *p)
{
	static struct plan_stage *exact;
	size_t size = plan.shutdown.chain.count * sizeof *exact;

	free(exact);
	exact = malloc(size);
	plan.shutdown.chain.stages = size > 0 ? memcpy(exact, stages, size) : NULL;
	memset(p, 0, sizeof *p);
	p->now = 1000000;
	seq_init(&p->seq, &plan, false, 42);
}

/* Nothing happens any more but time. */
static inline void wind_down(struct path *p)
{
	paths++;
	if (p->seq.phase == PHASE_RUNNING)
		return;
	for (int i = 0; i < 500 && !p->over; i++) {
		if (p->start_asked) {
			take(p, &(struct event){.kind = EVENT_APP_STARTED});
			HOLDS(p, p->seq.phase == PHASE_RUNNING);
			return;
		}
		if (p->seq.phase == PHASE_HELD || p->seq.phase == PHASE_ARMING) {
			take(p, &(struct event){.kind = EVENT_SIGNAL, .signal = TERM});
			continue;
		}
		p->now = seq_wake(&p->seq);
		take(p, &(struct event){.kind = EVENT_TIME});
	}
	HOLDS(p, p->over);
}

static inline void walk(const struct path *from, int depth)
{
	struct choice choice;
	struct path p;

	look_ahead(from, false, &choice);
	for (size_t n = 0; n < choice.count; n++) {
		copy_path(&p, from);
		trail_add(&p.trail, (int)n);
		p.now += choice.items[n].wait;
		take(&p, &choice.items[n].event);
		if (p.over)
			paths++;
		else if (depth > 1)
			walk(&p, depth - 1);
		else
			wind_down(&p);
	}
}

/* One path at random. */
static inline void stroll(int length, uint64_t *random)
{
	struct choice choice;
	struct path p;

	begin_path(&p);
	for (int i = 0; i < length && !p.over; i++) {
		look_ahead(&p, true, &choice);
		unsigned n = draw(random, (unsigned)choice.count);
		trail_add(&p.trail, (int)n);
		p.now += choice.items[n].wait;
		take(&p, &choice.items[n].event);
	}
	wind_down(&p);
}

static inline void walk_all(int depth)
{
	struct path root;

	begin_path(&root);
	paths = events_seen = 0;
	walk(&root, depth);
	print_message("%lu paths, %lu events\n", paths, events_seen);
	assert_true(paths > 100);
}

/* --- single stories -------------------------------------------------------------------------------------------------- */

static struct path story;

static inline void begin_story(void)
{
	begin_path(&story);
}

static inline void happens(struct event event)
{
	story.now += 10;
	take(&story, &event);
}

static inline void time_passes(msec_t time)
{
	story.now += time;
	take(&story, &(struct event){.kind = EVENT_TIME});
}

/* On to the next time something is due. */
static inline void due(void)
{
	time_passes(seq_wake(&story.seq) - story.now);
}

static inline void step_brings(size_t step, enum outcome outcome)
{
	struct check_result result = {.outcome = outcome,
				      .failure = outcome == OUTCOME_OK ? FAILURE_NONE : FAILURE_EXEC,
				      .status = outcome == OUTCOME_OK ? 0 : 1,
				      .retry_after = MSEC_UNSET,
				      .sent = true};

	happens((struct event){.kind = EVENT_STEP_DONE, .step = step, .result = &result});
}

/* There is no process to be had for it. */
static inline void step_is_not_started(size_t step)
{
	struct check_result result = {.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL, .retry_after = MSEC_UNSET};

	take(&story, &(struct event){.kind = EVENT_STEP_DONE, .step = step, .result = &result});
}

static inline void app_ends(int status)
{
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = status});
}

static inline void nothing_is_left(void)
{
	happens((struct event){.kind = EVENT_NOTHING_LEFT});
	happens((struct event){.kind = EVENT_CLOSED});
}

static inline void stop_signal(void)
{
	happens((struct event){.kind = EVENT_SIGNAL, .signal = TERM});
}

#endif
