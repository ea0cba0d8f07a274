/*
 * The sequencer over generated plans: every kind of step with every setting, before, after and beside others, and plans and
 * paths at random, the same ones in every run.
 */
#include "tests/unit/walk.h"

#define PLANS        1200  /* walked to PLAN_DEPTH */
#define STROLLS      60000 /* plans with STROLLS_EACH random paths each */
#define STROLLS_EACH 8
#define PLAN_DEPTH   5
#define EVENTS_MAX   30000 /* of a plan that is walked, about */

static const enum step_kind kinds[] = {STEP_EXEC, STEP_HTTP, STEP_TCP, STEP_ALERT, STEP_WAIT, STEP_SIGNAL, STEP_SLEEP};
static const unsigned whens[] = {
    0xf, 0x1f, 1 << REASON_RESTART, 1 << REASON_STOP, 1 << REASON_CRASH | 1 << REASON_RESTART, 1 << REASON_UNHEALTHY};

#define COUNT(array) (unsigned)(sizeof array / sizeof *array)

/* The settings of one step, as the digits of a number. */
static unsigned digit(unsigned *number, unsigned base)
{
	unsigned value = *number % base;

	*number /= base;
	return value;
}

#define SETTINGS (COUNT(kinds) * 2 * 2 * COUNT(whens) * 2 * 2 * 2)

static void settle(unsigned number, bool beside)
{
	enum step_kind kind = kinds[digit(&number, COUNT(kinds))];
	msec_t reserve = digit(&number, 2) ? 1000 : 0;
	struct plan_step *step = add(kind, kind == STEP_SIGNAL ? MSEC_UNSET : 1500, reserve, beside);

	step->required = digit(&number, 2);
	step->needs_app = digit(&number, 2);
	step->on_failure = digit(&number, 2) ? ON_FAILURE_ABORT : ON_FAILURE_CONTINUE;
	step->retry.attempts = digit(&number, 2) ? 2 : 1;
	step->when = whens[digit(&number, COUNT(whens))];
}

/* One step of every kind and setting: before the stop, after it, beside another, with another after it. */
static void every_step(void **state)
{
	(void)state;
	paths = events_seen = 0;
	for (unsigned number = 0; number < SETTINGS; number++) {
		for (int place = 0; place < 4; place++) {
			struct path root;
			new_plan();
			if (place == 1)
				add_stop(2000);
			if (place == 2)
				add(STEP_EXEC, 1000, 0, false);
			settle(number, place == 2);
			if (place != 1)
				add_stop(2000);
			if (place == 3)
				add(STEP_HTTP, MSEC_UNSET, 500, false)->required = true;
			may_restart((enum restart_policy)(number % 3), 1);
			begin_path(&root);
			walk(&root, 3);
		}
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

static void random_step(uint64_t *random, bool beside)
{
	static const msec_t timeouts[] = {1500, 3000, 20000, 1};

	settle(draw(random, SETTINGS), beside);
	struct plan_step *step = &steps[plan.shutdown.chain.steps - 1];
	if (step->kind == STEP_SIGNAL || step->reserve > 0)
		return;
	step->timeout = step->kind == STEP_SLEEP && draw(random, 8) == 0 ? 0 : timeouts[draw(random, COUNT(timeouts))];
	if (step->kind != STEP_SLEEP && draw(random, 4) == 0)
		step->timeout = MSEC_UNSET;
}

/* The largest of its members', as config/read_chain.c has it. */
static void close_stages(void)
{
	for (size_t i = 0; i < plan.shutdown.chain.count; i++) {
		stages[i].timeout = 0;
		for (size_t j = 0; j < stages[i].count; j++) {
			msec_t timeout = stages[i].steps[j].timeout;
			if (timeout == MSEC_UNSET || stages[i].timeout == MSEC_UNSET)
				stages[i].timeout = MSEC_UNSET;
			else if (timeout > stages[i].timeout)
				stages[i].timeout = timeout;
		}
	}
}

static void random_plan(uint64_t *random)
{
	static const msec_t backoffs[] = {0, 1000};
	unsigned count = 1 + draw(random, 3), stop = draw(random, count);

	new_plan();
	for (unsigned i = 0; i < count; i++) {
		unsigned members = 1 + draw(random, 3) % 2 + draw(random, 4) / 3;
		if (i == stop)
			add_stop(draw(random, 3) == 0 ? MSEC_UNSET : 2000);
		else
			for (unsigned j = 0; j < members; j++)
				random_step(random, j > 0);
	}
	close_stages();
	may_restart((enum restart_policy)draw(random, 3), (int)draw(random, 3));
	plan.app.restart.backoff = backoffs[draw(random, 2)];
	plan.app.restart.exhausted = (enum exhausted)draw(random, 2);
	plan.heartbeats.arms = draw(random, 4) == 0;
	plan.app.signals = draw(random, 2) ? TARGET_GROUP : TARGET_CHILD;
	plan.shutdown.clean_exit_code = draw(random, 2) ? 0 : -1;
	if (count == 1 && draw(random, 2) == 0)
		plan.shutdown.chained = false;
}

static void plans_at_random(void **state)
{
	uint64_t random = 20261121;

	(void)state;
	paths = events_seen = 0;
	for (int i = 0; i < PLANS; i++) {
		struct path root;
		unsigned long before = events_seen;
		random_plan(&random);
		begin_path(&root);
		for (int depth = PLAN_DEPTH - 2; depth <= PLAN_DEPTH && events_seen - before < EVENTS_MAX; depth++)
			walk(&root, depth);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

static void paths_at_random(void **state)
{
	uint64_t random = 8;

	(void)state;
	paths = events_seen = 0;
	for (int i = 0; i < STROLLS; i++) {
		random_plan(&random);
		for (int j = 0; j < STROLLS_EACH; j++)
			stroll(24, &random);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_step),
	    cmocka_unit_test(plans_at_random),
	    cmocka_unit_test(paths_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
