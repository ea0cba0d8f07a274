/*
 * The prober over generated plans: one to three checks, shared among probes, with all their times and thresholds at random, the
 * same ones in every run.
 */
#include "tests/unit/probing.h"

#define PLANS        600   /* walked to PLAN_DEPTH */
#define STROLLS      60000 /* plans with one random path of STROLL events each */
#define PLAN_DEPTH   5
#define STROLL       60
#define COUNT(array) (unsigned)(sizeof array / sizeof *array)

static void random_probe(uint64_t *random, enum probe_kind kind)
{
	static const msec_t periods[] = {300, 1000, 1500, 10000}, timeouts[] = {200, 1000, 3000};
	struct plan_probe *probe = add(kind, 1 + draw(random, (1u << plan.checks.count) - 1));

	probe->mode = draw(random, 3) == 0 ? PROBE_ANY : PROBE_ALL;
	probe->period = periods[draw(random, COUNT(periods))];
	probe->timeout = timeouts[draw(random, COUNT(timeouts))];
	probe->initial_delay = draw(random, 3) == 0 ? 500 : 0;
	probe->jitter = draw(random, 4) == 0 ? 400 : 0;
	probe->failure_threshold = 1 + (int)draw(random, 3);
	probe->success_threshold = kind == PROBE_READINESS ? 1 + (int)draw(random, 2) : 1;
}

static void random_plan(uint64_t *random)
{
	static const msec_t timeouts[] = {MSEC_UNSET, MSEC_UNSET, MSEC_UNSET, 500, 2000};
	unsigned which = 1 + draw(random, 7); /* at least one probe */

	new_plan();
	plan.checks.count = 1 + draw(random, 3);
	for (size_t i = 0; i < plan.checks.count; i++) {
		checks[i].timeout = timeouts[draw(random, COUNT(timeouts))];
		checks[i].soft = draw(random, 4) == 0;
		checks[i].kind = draw(random, 4) == 0 ? CHECK_EXEC : CHECK_HTTP;
	}
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if ((which >> kind & 1) != 0)
			random_probe(random, (enum probe_kind)kind);
}

static void plans_at_random(void **state)
{
	uint64_t random = 20261121;

	(void)state;
	paths = events_seen = 0;
	for (int i = 0; i < PLANS; i++) {
		random_plan(&random);
		begin();
		walk(&story, PLAN_DEPTH);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

/* Mostly time and answers: what stops or restarts the app is rare. */
static void stroll(uint64_t *random)
{
	struct choice choice;

	begin();
	for (int i = 0; i < STROLL; i++) {
		look_ahead(&story, &choice);
		unsigned n = draw(random, (unsigned)choice.count);
		if ((n == 1 || n == 2) && draw(random, 8) != 0)
			n = 0;
		choose(&story, &choice, n);
	}
	paths++;
}

static void paths_at_random(void **state)
{
	uint64_t random = 8;

	(void)state;
	paths = events_seen = 0;
	for (int i = 0; i < STROLLS; i++) {
		random_plan(&random);
		stroll(&random);
	}
	print_message("%lu paths, %lu events\n", paths, events_seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_at_random),
	    cmocka_unit_test(paths_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
