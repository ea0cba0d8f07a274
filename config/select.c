#include "config/select.h"

#include <stdio.h>
#include <string.h>

#include "config/nearest.h"

static struct plan_step steps[PLAN_STEPS_MAX];
static struct plan_stage stages[PLAN_STEPS_MAX];

static bool is_named(const struct plan_step *step, const char *name, size_t length)
{
	return strncmp(step->name, name, length) == 0 && (step->name[length] == '\0' || step->family == length);
}

static bool add(const struct plan_step *from, struct plan_chain *to, bool app_runs, char why[256])
{
	struct plan_step *step = &steps[to->steps];

	if (from->kind == STEP_STOP || from->kind == STEP_SIGNAL) {
		snprintf(why, 256, "step %.100s is for a shutdown only: it %s", from->name,
			 from->kind == STEP_STOP ? "stops the app" : "sends it a signal");
		return false;
	}
	if (to->steps == PLAN_STEPS_MAX) {
		snprintf(why, 256, "more than %d steps", PLAN_STEPS_MAX);
		return false;
	}
	*step = *from;
	step->required = true;
	step->reserve = 0;
	step->needs_app = from->needs_app && !app_runs;
	step->when = 1u << REASON_MANUAL;
	step->on_failure = ON_FAILURE_CONTINUE;
	stages[to->count] = (struct plan_stage){.steps = step, .count = 1, .first = to->steps, .timeout = step->timeout};
	to->steps++;
	to->count++;
	return true;
}

/* The members of one name: those of `each`, or an alert's channels. */
static void run_together(struct plan_chain *chain, size_t first)
{
	struct plan_stage *stage = &stages[chain->count - (chain->steps - first)];

	stage->count = chain->steps - first;
	for (size_t i = first + 1; i < chain->steps; i++)
		if (steps[i].timeout == MSEC_UNSET || (stage->timeout != MSEC_UNSET && steps[i].timeout > stage->timeout))
			stage->timeout = steps[i].timeout;
	chain->count = (size_t)(stage - stages) + 1;
}

static bool add_named(const struct plan_chain *from, const char *name, size_t length, struct plan_chain *to, bool app_runs,
		      char why[256])
{
	char typed[128];
	struct nearest near = {.typed = typed};
	size_t before = to->steps;

	snprintf(typed, sizeof typed, "%.*s", (int)length, name);
	for (size_t i = 0; i < from->steps; i++) {
		const struct plan_step *step = plan_step_at(from, i);
		if (length > 0 && is_named(step, name, length) && !add(step, to, app_runs, why))
			return false;
		nearest_offer(&near, step->name);
	}
	if (to->steps > before) {
		run_together(to, before);
		return true;
	}
	if (near.best != NULL)
		snprintf(why, 256, "no step \"%.100s\" in shutdown.chain; did you mean \"%.100s\"?", typed, near.best);
	else
		snprintf(why, 256, "no step \"%.100s\" in shutdown.chain", typed);
	return false;
}

/* Nothing else of the plan happens. */
static void keep_only(struct plan *plan, const struct plan_chain *chain)
{
	plan->shutdown.chain = *chain;
	plan->start.chain = plan->held = (struct plan_chain){.count = 0};
	plan->recovery.possible = false;
	plan->notifies = false;
	plan->heartbeats = (struct plan_heartbeats){.count = 0};
	plan->listen = NULL;
	plan->app.notify = false;
	plan->instance = "steps"; /* a journal of its own: the supervisor holds its */
}

bool select_rehearsable(struct plan *plan, bool app_runs, char why[256])
{
	struct plan_chain chain = {.stages = stages};

	for (size_t i = 0; i < plan->shutdown.chain.steps; i++) {
		const struct plan_step *step = plan_step_at(&plan->shutdown.chain, i);
		if (step->rehearsable && !add(step, &chain, app_runs, why))
			return false;
	}
	if (chain.count == 0) {
		snprintf(why, 256, "no step has rehearsable = true");
		return false;
	}
	keep_only(plan, &chain);
	return true;
}

bool select_steps(struct plan *plan, const char *names, bool app_runs, char why[256])
{
	struct plan_chain chain = {.stages = stages};

	for (const char *name = names;; name++) {
		size_t length = strcspn(name, ",");
		if (!add_named(&plan->shutdown.chain, name, length, &chain, app_runs, why))
			return false;
		name += length;
		if (*name == '\0')
			break;
	}
	keep_only(plan, &chain);
	return true;
}
