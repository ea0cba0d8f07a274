/*
 * Before the app's first start: the journal, recovery, start.chain, held. Generated plans, accounts of the past and paths, and
 * a model of what was done, kept from the actions alone.
 */
#include "tests/unit/holds.h"

#include "config/budget.h"
#include "config/names.h"
#include "init/machine/sequencer.h"

#define TERM        15
#define PLANS       40000
#define PATHS_EACH  6
#define LENGTH      24
#define MARGIN      200
#define START_TIME  8000
#define RECOVERY    6000
#define EFFECTIVE   10000
#define CHAIN_STEPS 4
#define HELD_ALERTS 2

static struct plan plan;
static struct plan_step shutdown_steps[CHAIN_STEPS], start_steps[CHAIN_STEPS], alerts[HELD_ALERTS];
static struct plan_stage shutdown_stages[CHAIN_STEPS], start_stages[CHAIN_STEPS], alert_stages[HELD_ALERTS];
static struct account account;

struct path {
	struct trail trail;
	msec_t now;
	bool late;
	msec_t stop_at; /* 0: none */
	msec_t broke_at;
	int stops;
	bool start_asked, app_runs, over, held, refused, told;
	bool armed, lost;
	bool recovered, prepared; /* those chains have ended */
	bool required_failed;     /* of the current chain */
	bool recovery_failed;
	enum reason chain; /* the current one */
	msec_t refused_at;
	enum { NOT_YET, STARTED, BETWEEN, ENDED } done[CHAIN_STEPS];
	bool succeeded[CHAIN_STEPS]; /* in recovery */
	int code;
	struct seq seq;
};

static void describe(const struct path *p)
{
	fprintf(stderr, "\ncode %d failed %d hold %d stop %lld refused %d unfinished %d", p->code, p->seq.required_failed,
		p->seq.to_hold, (long long)p->stop_at, p->refused, p->seq.unfinished);
	fprintf(stderr, "\nowed %d, done %llx, on_failure %d, exhausted %d, phase %d, reason %s, chain %s\n", account.owed,
		(unsigned long long)account.done, plan.recovery.on_failure, plan.app.restart.exhausted, p->seq.phase,
		name_of(&names_reasons, p->seq.reason), name_of(&names_reasons, p->chain));
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
		fprintf(stderr, "shutdown %zu: kind %d when %x%s%s, %s\n", i, shutdown_steps[i].kind, shutdown_steps[i].when,
			shutdown_steps[i].required ? " required" : "", shutdown_steps[i].needs_app ? " needs_app" : "",
			name_of(&names_step_states, p->seq.steps[i].state));
	for (size_t i = 0; i < plan.start.chain.steps; i++)
		fprintf(stderr, "start %zu: kind %d%s\n", i, start_steps[i].kind, start_steps[i].required ? " required" : "");
}

/* --- plans --------------------------------------------------------------------------------------------------------------- */

static const struct plan_step *step_of(enum reason chain, size_t i)
{
	return chain == REASON_START ? &start_steps[i] : chain == REASON_HELD ? &alerts[i] : &shutdown_steps[i];
}

static void add(struct plan_chain *chain, struct plan_stage *stages, struct plan_step *steps, enum step_kind kind,
		unsigned when, uint64_t *random)
{
	struct plan_step *step = &steps[chain->steps];
	bool beside = kind != STEP_STOP && chain->count > 0 && !stages[chain->count - 1].has_stop && draw(random, 3) == 0;
	struct plan_stage *stage = &stages[beside ? chain->count - 1 : chain->count];

	*step = (struct plan_step){.name = "step", .kind = kind, .when = when, .signal = TERM, .period = 200};
	step->timeout = draw(random, 4) == 0 ? MSEC_UNSET : 1500;
	step->attempt_timeout = 300;
	step->required = draw(random, 2);
	step->reserve = draw(random, 4) == 0 ? 1000 : 0;
	step->retry = (struct plan_retry){.attempts = 1 + (int)draw(random, 2), .backoff = 100, .backoff_max = 1000, .on = 31};
	step->on_failure = draw(random, 4) == 0 ? ON_FAILURE_ABORT : ON_FAILURE_CONTINUE;
	if (!beside) {
		*stage = (struct plan_stage){.steps = step, .first = chain->steps, .has_stop = kind == STEP_STOP};
		chain->count++;
	}
	stage->count++;
	stage->timeout = MSEC_UNSET;
	chain->steps++;
}

static void random_plan(uint64_t *random)
{
	static const enum step_kind kinds[] = {STEP_EXEC, STEP_HTTP, STEP_TCP, STEP_ALERT, STEP_WAIT, STEP_SLEEP};
	unsigned count = draw(random, CHAIN_STEPS);

	memset(&plan, 0, sizeof plan);
	plan.app.success_codes[0] = 1;
	plan.app.restart = (struct plan_restart){.max = 2, .within = 600000, .exhausted = (enum exhausted)draw(random, 2)};
	plan.shutdown = (struct plan_shutdown){.signals = 1 << (TERM - 1),
					       .effective = EFFECTIVE,
					       .kill_reserve = 500,
					       .failed_exit_code = 75,
					       .chained = true,
					       .chain.stages = shutdown_stages};
	plan.start = (struct plan_start){.deadline = START_TIME, .chain.stages = start_stages};
	plan.recovery = (struct plan_recovery){.deadline = RECOVERY, .on_failure = (enum recovery_failure)draw(random, 2)};
	for (unsigned i = 0; i < count; i++) {
		unsigned when = draw(random, 3) == 0 ? 0xf : 0xf | 1 << REASON_RECOVERY;
		add(&plan.shutdown.chain, shutdown_stages, shutdown_steps, kinds[draw(random, 5)], when, random);
		shutdown_steps[i].needs_app = draw(random, 5) == 0;
		plan.recovery.possible |= (when >> REASON_RECOVERY & 1) != 0;
	}
	add(&plan.shutdown.chain, shutdown_stages, shutdown_steps, STEP_STOP, 0xf, random);
	for (unsigned i = draw(random, CHAIN_STEPS + 1); i > 0; i--)
		add(&plan.start.chain, start_stages, start_steps, kinds[draw(random, 5)], 1 << REASON_START, random);
	plan.heartbeats.arms = draw(random, 2);
	plan.held.stages = alert_stages;
	for (unsigned i = draw(random, HELD_ALERTS + 1); i > 0; i--)
		add(&plan.held, alert_stages, alerts, STEP_ALERT, 1 << REASON_HELD, random);
	if (plan.held.steps == 2 && plan.held.count == 2) /* side by side */
		plan.held = (struct plan_chain){.stages = alert_stages, .count = 1, .steps = 1};
	account_begin(&account);
	account.owed = (enum owed)draw(random, 3);
	account.done = draw(random, 16);
	account.runs = draw(random, 3);
	account.ended = draw(random, 2);
	account.reason = draw(random, 2) ? REASON_CRASH : REASON_STOP;
	account.restart_count = draw(random, 4);
	for (unsigned i = 0; i < account.restart_count; i++)
		account.restarts[i] = 1700000000000 - draw(random, 3) * INT64_C(500000);
}

/* --- what must hold ------------------------------------------------------------------------------------------------------ */

static bool broke_off(const struct action *action)
{
	return action->why == WHY_STOP || action->why == WHY_LOST;
}

static bool is_job(const struct plan_step *step)
{
	return step->kind != STEP_STOP && step->kind != STEP_SLEEP;
}

static bool is_owed(size_t i)
{
	uint64_t done = account.owed == OWED_REST ? account.done : 0;

	return plan.recovery.possible && account.owed != OWED_NOTHING && budget_runs(&shutdown_steps[i], REASON_RECOVERY) &&
	       !shutdown_steps[i].needs_app && (done >> i & 1) == 0;
}

static bool any_owed(const struct path *p)
{
	for (size_t i = 0; i < plan.shutdown.chain.steps; i++)
		if (is_owed(i) && !p->succeeded[i])
			return true;
	return false;
}

static size_t length_of(enum reason chain)
{
	return chain == REASON_START  ? plan.start.chain.steps
	       : chain == REASON_HELD ? plan.held.steps
				      : plan.shutdown.chain.steps;
}

static void check_chain_start(struct path *p)
{
	p->chain = p->seq.reason;
	p->required_failed = false;
	memset(p->done, 0, sizeof p->done);
	HOLDS(p, p->stop_at == 0 && !p->app_runs);
	HOLDS(p, p->armed || !plan.heartbeats.arms || p->held);
	switch ((int)p->chain) {
	case REASON_RECOVERY:
		HOLDS(p, p->told && any_owed(p) && !p->recovered && !p->prepared && !p->held);
		break;
	case REASON_START:
		HOLDS(p, !p->prepared && !p->held && (p->recovered || !p->told || !any_owed(p)));
		break;
	case REASON_HELD:
		HOLDS(p, p->held && !p->prepared);
		break;
	default:
		HOLDS(p, false);
	}
}

static void check_step_start(struct path *p, const struct action *a)
{
	const struct plan_step *step = step_of(p->chain, a->step);

	HOLDS(p, p->done[a->step] == NOT_YET || p->done[a->step] == BETWEEN);
	HOLDS(p, p->chain != REASON_RECOVERY || is_owed(a->step)); /* what succeeded is not done again */
	HOLDS(p, p->chain != REASON_START || !p->required_failed);
	HOLDS(p, a->time > 0 || p->late);
	HOLDS(p, step->timeout == MSEC_UNSET || a->time <= step->timeout);
	p->done[a->step] = STARTED;
}

static void check_step_end(struct path *p, const struct action *a)
{
	const struct plan_step *step = step_of(p->chain, a->step);
	bool skipped = a->code == STATE_SKIPPED;

	HOLDS(p, p->done[a->step] != ENDED && !(is_job(step) && p->done[a->step] == STARTED));
	HOLDS(p, !skipped || (p->chain == REASON_RECOVERY && !is_owed(a->step)));
	HOLDS(p, !broke_off(a) || p->broke_at == p->now);
	p->done[a->step] = ENDED;
	p->succeeded[a->step] |= p->chain == REASON_RECOVERY && a->code == STATE_OK;
	p->required_failed |= step->required && a->code != STATE_OK && !skipped && !broke_off(a);
}

static void check_chain_end(struct path *p)
{
	bool broken = p->chain == REASON_START && p->required_failed;

	for (size_t i = 0; i < length_of(p->chain); i++)
		HOLDS(p, p->done[i] == ENDED || (broken && p->done[i] == NOT_YET)); /* none is left out */
	p->recovered |= p->chain == REASON_RECOVERY;
	p->recovery_failed |= p->chain == REASON_RECOVERY && p->required_failed;
	p->prepared |= p->chain == REASON_START;
}

static void check_start(struct path *p)
{
	HOLDS(p, p->stop_at == 0 && !p->refused && !p->held && !p->app_runs && !p->start_asked);
	HOLDS(p, p->armed || !plan.heartbeats.arms);
	p->armed = false; /* a start that failed needs it anew */
	HOLDS(p, plan.start.chain.count == 0 || (p->prepared && !p->required_failed));
	HOLDS(p, !p->told || p->recovered || !any_owed(p));
	HOLDS(p, !p->recovery_failed || plan.recovery.on_failure == RECOVERY_CONTINUE);
	p->start_asked = true;
}

static void check_exit(struct path *p, const struct action *a)
{
	p->over = true;
	p->code = a->code;
	HOLDS(p, p->stop_at != 0 || p->refused);
	HOLDS(p, p->late || p->now < (p->refused ? p->refused_at : p->stop_at) + EFFECTIVE - MARGIN);
	if (p->held || p->lost)
		HOLDS(p, a->code == 69);
	else if (p->refused || (p->chain == REASON_RECOVERY && p->required_failed && p->stop_at != 0 && !p->prepared &&
				p->seq.reason == REASON_RECOVERY))
		HOLDS(p, a->code == 75);
	else
		HOLDS(p, a->code == 0);
	if (p->told && any_owed(p) && !p->held)
		HOLDS(p, p->seq.unfinished); /* the next start has to know */
}

static void check_action(struct path *p, const struct action *a)
{
	HOLDS(p, !p->over);
	switch ((int)a->kind) {
	case ACTION_CHAIN_STARTED:
		check_chain_start(p);
		break;
	case ACTION_CHAIN_ENDED:
		check_chain_end(p);
		break;
	case ACTION_STEP_START:
		check_step_start(p, a);
		break;
	case ACTION_STEP_KILL:
		HOLDS(p, p->done[a->step] == STARTED);
		p->done[a->step] = BETWEEN;
		break;
	case ACTION_STEP_ENDED:
		check_step_end(p, a);
		break;
	case ACTION_APP_START:
		check_start(p);
		break;
	case ACTION_HELD:
		HOLDS(p, plan.app.restart.exhausted == EXHAUSTED_HOLD && account_counts(&account) && p->stop_at == 0);
		p->held = true;
		break;
	case ACTION_REFUSED:
		HOLDS(p, p->stop_at == 0 && (p->required_failed || !p->told));
		p->refused = true;
		p->refused_at = p->now;
		break;
	case ACTION_EXIT:
		check_exit(p, a);
		break;
	case ACTION_FORWARD:
	case ACTION_KILL_APP:
	case ACTION_STOP_GROUP:
		HOLDS(p, false); /* there is no app */
		break;
	default:
		break;
	}
}

static void take(struct path *p, const struct event *event)
{
	struct actions actions;
	enum phase before = p->seq.phase;

	p->late |= p->now > seq_wake(&p->seq);
	if (event->kind == EVENT_SIGNAL && p->stops++ == 0)
		p->stop_at = p->broke_at = p->now;
	if (event->kind == EVENT_LOST && seq_heeds_loss(&p->seq)) {
		p->stop_at = p->stop_at == 0 ? p->now : p->stop_at;
		p->broke_at = p->now;
		p->lost = true;
	}
	if (event->kind == EVENT_ACCOUNT && before == PHASE_READING)
		p->told = event->account != NULL;
	p->armed |= event->kind == EVENT_ARMED && before == PHASE_ARMING;
	if (event->kind == EVENT_STEP_DONE && p->done[event->step] == STARTED)
		p->done[event->step] = BETWEEN;
	if (event->kind == EVENT_APP_STARTED || event->kind == EVENT_NOT_STARTED) {
		p->start_asked = false;
		p->app_runs = event->kind == EVENT_APP_STARTED;
	}
	seq_event(&p->seq, p->now, event, &actions);
	events_seen++;
	for (;;) {
		for (size_t i = 0; i < actions.count; i++)
			check_action(p, &actions.items[i]);
		if (p->seq.phase != PHASE_CHAIN_OVER)
			break;
		seq_event(&p->seq, p->now, &(struct event){.kind = EVENT_CHAIN_OVER}, &actions);
	}
	HOLDS(p, p->over == (p->seq.phase == PHASE_OVER));
	HOLDS(p, p->app_runs == (seq_state(&p->seq) == SEQ_RUNNING));
	HOLDS(p, p->held == (seq_state(&p->seq) == SEQ_HELD) || p->stop_at != 0);
	HOLDS(p, p->over || p->start_asked || seq_wake(&p->seq) > p->now);
	HOLDS(p, p->over || p->app_runs || seq_wake(&p->seq) != INT64_MAX || (p->held && p->stop_at == 0) || p->start_asked ||
		     (p->seq.phase == PHASE_ARMING && plan.heartbeats.arms));
	HOLDS(p, p->stop_at == 0 || p->late || p->now < p->stop_at + EFFECTIVE - MARGIN);
	HOLDS(p, p->late || p->seq.phase != PHASE_READING || p->now < RECOVERY + 1000000);
}

/* --- paths ---------------------------------------------------------------------------------------------------------------- */

static const struct check_result results[] = {
    {.outcome = OUTCOME_OK, .retry_after = MSEC_UNSET},
    {.outcome = OUTCOME_FAIL, .failure = FAILURE_STATUS, .status = 503, .retry_after = MSEC_UNSET},
    {.outcome = OUTCOME_FAIL, .failure = FAILURE_FILE, .retry_after = MSEC_UNSET, .sent = true},
    {.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL, .retry_after = MSEC_UNSET},
};

static struct event draw_event(struct path *p, uint64_t *random)
{
	msec_t wake = seq_wake(&p->seq);
	size_t step = draw(random, CHAIN_STEPS);

	p->now += 7;
	switch (draw(random, 9)) {
	case 0:
		return (struct event){.kind = EVENT_SIGNAL, .signal = draw(random, 3) ? TERM : 2};
	case 1:
		return (struct event){
		    .kind = EVENT_ACCOUNT, .account = draw(random, 4) ? &account : NULL, .time = 1700000000000};
	case 2:
		if (wake != INT64_MAX && wake > p->now)
			p->now = wake + (draw(random, 20) == 0 ? 9000 : 0);
		return (struct event){.kind = EVENT_TIME};
	case 3:
		return (struct event){.kind = draw(random, 2) ? EVENT_NOTHING_LEFT : EVENT_CLOSED};
	case 4:
		if (p->seq.phase == PHASE_ARMING)
			return (struct event){.kind = EVENT_ARMED};
		return (struct event){.kind = draw(random, 4) == 0 ? EVENT_LOST : EVENT_TIME};
	default:
		if (step < length_of(p->chain) && p->done[step] == STARTED && is_job(step_of(p->chain, step)))
			return (struct event){.kind = EVENT_STEP_DONE, .step = step, .result = &results[draw(random, 4)]};
		return (struct event){.kind = EVENT_TIME};
	}
}

static void stroll(uint64_t *random)
{
	struct path p = {.now = 1000000, .chain = REASON_STOP};
	bool journal = draw(random, 4) != 0;

	paths++;
	seq_init(&p.seq, &plan, false, 42);
	p.told = false;
	take(&p, &(struct event){.kind = EVENT_OPEN, .journal = journal});
	HOLDS(&p, journal == (p.seq.phase == PHASE_READING));
	for (int i = 0; i < LENGTH + 500 && !p.over && !p.app_runs; i++) {
		struct event event = {.kind = draw(random, 2) ? EVENT_APP_STARTED : EVENT_NOT_STARTED};
		if (!p.start_asked && i < LENGTH) {
			trail_add(&p.trail, (int)p.seq.phase);
			event = draw_event(&p, random);
		} else if (!p.start_asked && p.seq.phase == PHASE_HELD) {
			event = (struct event){.kind = EVENT_SIGNAL, .signal = TERM};
		} else if (!p.start_asked && p.seq.phase == PHASE_ARMING) {
			event = (struct event){.kind = EVENT_ARMED};
		} else if (!p.start_asked) { /* nothing happens any more but time */
			p.now = seq_wake(&p.seq);
			event = (struct event){.kind = EVENT_TIME};
		}
		take(&p, &event);
	}
	HOLDS(&p, p.over || p.app_runs);
}

static void openings_at_random(void **state)
{
	uint64_t random = 20261122;

	(void)state;
	for (int i = 0; i < PLANS; i++) {
		random_plan(&random);
		for (int j = 0; j < PATHS_EACH; j++)
			stroll(&random);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

static bool has(const struct actions *out, enum action_kind kind)
{
	for (size_t i = 0; i < out->count; i++)
		if (out->items[i].kind == kind)
			return true;
	return false;
}

/* What the old app left was killed on the way to held; a shell that was opened since is not the old app's. */
static void held_ends_with_a_sweep_of_its_own(void **state)
{
	static struct seq seq;
	static struct actions out;
	struct event stop = {.kind = EVENT_SIGNAL, .signal = TERM};

	(void)state;
	memset(&plan, 0, sizeof plan);
	memset(&seq, 0, sizeof seq);
	plan.app.restart = (struct plan_restart){.policy = RESTART_ON_FAILURE, .within = 600000, .exhausted = EXHAUSTED_HOLD};
	plan.shutdown = (struct plan_shutdown){.signals = 1 << (TERM - 1), .effective = EFFECTIVE, .kill_reserve = 500};
	seq_init(&seq, &plan, false, 1);
	seq_event(&seq, 1000, &(struct event){.kind = EVENT_APP_EXIT, .wait_status = 1 << 8}, &out);
	seq_event(&seq, 1000, &(struct event){.kind = EVENT_CHAIN_OVER}, &out);
	seq_event(&seq, seq_wake(&seq), &(struct event){.kind = EVENT_TIME}, &out);
	assert_true(has(&out, ACTION_CLEAR_KILL));
	seq_event(&seq, 8000, &(struct event){.kind = EVENT_CLEARED}, &out);
	assert_int_equal(seq.phase, PHASE_HELD);
	seq_event(&seq, 9000, &stop, &out);
	assert_true(has(&out, ACTION_SWEEP_TERM));
	seq_event(&seq, seq_wake(&seq), &(struct event){.kind = EVENT_TIME}, &out);
	assert_true(has(&out, ACTION_SWEEP_KILL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(held_ends_with_a_sweep_of_its_own),
	    cmocka_unit_test(openings_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
