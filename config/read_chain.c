#include "config/read_chain.h"

#include <signal.h>
#include <string.h>

#include "config/nearest.h"
#include "config/read_list.h"

/* The journal tells steps apart by so many bytes, and those of an `each` may differ in the last one. */
#define STEP_NAME_MAX 63

/* State while the chain is read. */
struct chain_reader {
	struct reader *reader;
	const struct plan *plan;
	bool before_app; /* start.chain */
	struct plan_stage *stages;
	size_t count;
	int stops;     /* stop steps seen */
	unsigned flat; /* reasons for which an earlier wait step breaks off what is optional, if it fails */
};

static const struct plan_alert *find_alert(struct chain_reader *c, const config_setting_t *at, const char *name,
					   const char *path)
{
	struct nearest near = {.typed = name};

	for (size_t i = 0; i < c->plan->alerts.count; i++) {
		if (strcmp(c->plan->alerts.items[i].name, name) == 0)
			return &c->plan->alerts.items[i];
		nearest_offer(&near, c->plan->alerts.items[i].name);
	}
	if (near.best != NULL)
		read_error(c->reader, at, path, "no alert channel \"%s\"; did you mean \"%s\"?", name, near.best);
	else
		read_error(c->reader, at, path, "no alert channel \"%s\"", name);
	return NULL;
}

static bool name_taken(const struct chain_reader *c, const struct plan_step *own, size_t own_count, const char *name)
{
	for (size_t i = 0; i < own_count; i++)
		if (strcmp(own[i].name, name) == 0)
			return true;
	for (size_t s = 0; s < c->count; s++)
		for (size_t i = 0; i < c->stages[s].count; i++)
			if (strcmp(c->stages[s].steps[i].name, name) == 0)
				return true;
	return false;
}

/* Copies what has another name or place in plan_step. */
static void settle(struct chain_reader *c, struct step_text *text)
{
	struct plan_step *step = &text->step;

	if (step->kind == STEP_STOP) {
		step->signal = text->stop.signal;
		if (text->stop.timeout != MSEC_UNSET)
			step->timeout = text->stop.timeout;
		c->stops++;
	} else if (step->reserve == MSEC_UNSET) {
		step->reserve = 0;
	}
	if (step->kind == STEP_SIGNAL) {
		step->signal = text->signal;
		step->timeout = step->reserve = 0; /* it takes no time */
	}
	if (step->kind == STEP_SLEEP)
		step->timeout = text->sleep;
	if (step->kind == STEP_WAIT) {
		step->exec = text->wait.exec;
		step->http = text->wait.http;
		step->tcp = text->wait.tcp;
		step->period = text->wait.period;
		step->attempt_timeout = text->wait.timeout;
	}
	if (!step->user.set)
		step->user = c->plan->app.user;
}

/* start.chain runs once, and there is no app yet. */
static void check_start_step(struct chain_reader *c, config_setting_t *group, struct plan_step *step, const char *path)
{
	if (step->kind == STEP_STOP || step->kind == STEP_SIGNAL || step->needs_app)
		read_error(c->reader, group, path,
			   "there is no app yet: start.chain takes no stop or signal step and no needs_app");
	if (read_member(group, "when") != NULL)
		read_error(c->reader, read_member(group, "when"), path,
			   "start.chain has no `when`: it runs once, before the app starts");
	step->when = 1u << REASON_START;
}

/* "tell/slack": names one of several. */
static void rename_step(struct chain_reader *c, struct plan_step *step, const char *one)
{
	char *whole = arena_alloc(c->reader->arena, strlen(step->name) + strlen(one) + 2);

	stpcpy(stpcpy(stpcpy(whole, step->name), "/"), one);
	step->family = strlen(step->name);
	step->name = whole;
}

/* One channel: a step; several: one for each. */
static size_t add_alert(struct chain_reader *c, config_setting_t *group, const struct step_text *text, struct plan_step *to,
			const char *path)
{
	for (size_t i = 0; i < text->alert.count; i++) {
		to[i] = text->step;
		to[i].alert = find_alert(c, read_member(group, "alert"), text->alert.items[i], path);
		if (text->alert.count > 1)
			rename_step(c, &to[i], text->alert.items[i]);
	}
	if (text->alert.count == 0)
		read_error(c->reader, group, path, "alert list is empty");
	return text->alert.count;
}

/* Reads a step. False after an error. */
static bool read_step(struct chain_reader *c, config_setting_t *group, struct step_text *text, const char *path)
{
	size_t errors = c->reader->errors->count;

	*text = (struct step_text){.alert = {NULL, 0}};
	read_group(c->reader, &schema_step, group, text, path);
	if (c->reader->errors->count > errors)
		return false;
	settle(c, text);
	return true;
}

/* What can be wrong with a step besides its settings. own: the steps of its stage so far. */
static void check_step(struct chain_reader *c, config_setting_t *group, struct plan_step *step, const struct plan_step *own,
		       size_t own_count, const char *path)
{
	if (c->before_app)
		check_start_step(c, group, step, path);
	if (step->http.disarms && ((step->when & ~c->flat) != 0 || step->required || step->reserve > 0))
		read_error(
		    c->reader, group, path,
		    "disarms the exchange's dead man's switch, which would no longer cancel open orders: only after a wait "
		    "step with on_failure = \"abort\" for the same reasons, and neither required nor with a reserve");
	if (name_taken(c, own, own_count, step->name))
		read_error(c->reader, group, path, "duplicate step name \"%s\"", step->name);
	if (step->reserve > 0 && step->timeout != MSEC_UNSET && step->reserve > step->timeout)
		read_error(c->reader, group, path, "reserve is longer than timeout");
}

/*
 * A step for each value, side by side: each has the step's whole time and is retried alone, and one that hangs delays no other.
 * The machines know nothing of it, as with an alert's channels.
 */
static size_t add_each(struct chain_reader *c, config_setting_t *group, const struct plan_names *each, struct plan_step *to,
		       size_t before, const char *path)
{
	struct step_text text;
	size_t count = 0;

	for (; count < each->count; count++) {
		c->reader->each = each->items[count];
		c->reader->used_each = false;
		if (!read_step(c, group, &text, path))
			break;
		to[count] = text.step;
		rename_step(c, &to[count], each->items[count]);
		if (strlen(to[count].name) > STEP_NAME_MAX)
			read_error(c->reader, group, path, "%s: longer than %d bytes", to[count].name, STEP_NAME_MAX);
		check_step(c, group, &to[count], to - before, before + count, path);
	}
	c->reader->each = NULL;
	if (count == each->count && !c->reader->used_each)
		read_error(c->reader, read_member(group, "each"), path, "no setting of the step contains ${each}");
	return count;
}

/* The values of `each`; none: the step has none, or there was an error. */
static struct plan_names find_each(struct chain_reader *c, config_setting_t *group, const char *path)
{
	config_setting_t *setting = read_member(group, "each");
	struct plan_names each = {NULL, 0};
	char whole[PATH_TEXT];

	if (setting == NULL)
		return each;
	snprintf(whole, sizeof whole, "%s.each", path);
	read_names(c->reader, setting, &each, whole);
	return each;
}

/* Adds a step, or what it becomes, to `to`, after `before` steps of the same stage. Returns the number added. */
static size_t add_step(struct chain_reader *c, config_setting_t *group, struct plan_step *to, size_t before, const char *path)
{
	struct step_text text;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		read_error(c->reader, group, path, "expected a step { ... } or a list of steps to run in parallel");
		return 0;
	}
	struct plan_names each = find_each(c, group, path);
	if (each.count > 0)
		return add_each(c, group, &each, to, before, path);
	if (!read_step(c, group, &text, path))
		return 0;
	check_step(c, group, &text.step, to - before, before, path);
	if (text.step.kind == STEP_ALERT)
		return add_alert(c, group, &text, to, path);
	*to = text.step;
	return 1;
}

/* At most so many steps of an element: an alert has one per channel, a step with `each` one for each. */
static size_t steps_in(const config_setting_t *group)
{
	static const char *const lists[] = {"alert", "each"};
	size_t most = 1;

	for (size_t i = 0; i < 2 && config_setting_type(group) == CONFIG_TYPE_GROUP; i++) {
		const config_setting_t *list = read_member(group, lists[i]);
		if (list != NULL && config_setting_length(list) > (int)most)
			most = (size_t)config_setting_length(list);
	}
	return most;
}

static void close_stage(struct plan_stage *stage)
{
	stage->timeout = 0;
	for (size_t i = 0; i < stage->count; i++) {
		const struct plan_step *step = &stage->steps[i];
		if (step->timeout == MSEC_UNSET || stage->timeout == MSEC_UNSET)
			stage->timeout = MSEC_UNSET;
		else if (step->timeout > stage->timeout)
			stage->timeout = step->timeout;
		if (step->kind == STEP_STOP)
			stage->has_stop = true;
	}
}

static void read_stage(struct chain_reader *c, config_setting_t *element, struct plan_stage *stage, const char *path)
{
	bool parallel = config_setting_type(element) == CONFIG_TYPE_LIST;
	int length = parallel ? config_setting_length(element) : 1;
	size_t most = 0;
	char whole[PATH_TEXT];

	if (length == 0)
		read_error(c->reader, element, path, "is empty");
	for (int i = 0; i < length; i++)
		most += steps_in(parallel ? config_setting_get_elem(element, (unsigned)i) : element);
	struct plan_step *steps = arena_alloc(c->reader->arena, most * sizeof *steps);
	for (int i = 0; i < length; i++) {
		snprintf(whole, sizeof whole, parallel ? "%s[%d]" : "%s", path, i);
		config_setting_t *group = parallel ? config_setting_get_elem(element, (unsigned)i) : element;
		stage->count += add_step(c, group, steps + stage->count, stage->count, whole);
	}
	stage->steps = steps;
	close_stage(stage);
	if (parallel && stage->has_stop)
		read_error(c->reader, element, path, "the stop step cannot run in parallel with other steps");
}

/* For which reasons the chain goes on with what is optional only if these have succeeded. */
static unsigned flat_after(const struct plan_stage *stage)
{
	unsigned reasons = 0;

	for (size_t i = 0; i < stage->count; i++)
		if (stage->steps[i].kind == STEP_WAIT && stage->steps[i].on_failure == ON_FAILURE_ABORT)
			reasons |= stage->steps[i].when;
	return reasons;
}

void chain_read(struct reader *reader, config_setting_t *list, const struct plan *plan, const char *name,
		struct plan_chain *out)
{
	struct chain_reader c = {.reader = reader, .plan = plan, .before_app = strcmp(name, CHAIN_START) == 0};
	size_t errors = reader->errors->count;
	char path[PATH_TEXT];

	if (config_setting_type(list) != CONFIG_TYPE_LIST) {
		read_error(reader, list, name, "expected a list of steps ( { ... }, { ... } )");
		return;
	}
	int length = config_setting_length(list);
	if (length > PLAN_STEPS_MAX) {
		read_error(reader, list, name, "%d steps; the maximum is %d", length, PLAN_STEPS_MAX);
		return;
	}
	c.stages = arena_alloc(reader->arena, (size_t)length * sizeof *c.stages);
	for (int i = 0; i < length; i++, c.count++) {
		snprintf(path, sizeof path, "%s[%d]", name, i);
		c.stages[i].first = out->steps;
		read_stage(&c, config_setting_get_elem(list, (unsigned)i), &c.stages[i], path);
		out->steps += c.stages[i].count;
		c.flat |= flat_after(&c.stages[i]);
	}
	if (length > 0 && c.stops == 0 && !c.before_app && reader->errors->count == errors)
		read_error(reader, list, name,
			   "no step stops the app: add one such as { name = \"stop\"; stop: { timeout = \"10s\"; }; }");
	if (c.stops > 1)
		read_error(reader, list, name, "%d steps stop the app: exactly one must do so", c.stops);
	if (out->steps > PLAN_STEPS_MAX)
		read_error(reader, list, name, "%zu steps; the maximum is %d", out->steps, PLAN_STEPS_MAX);
	out->stages = c.stages;
	out->count = c.count;
}

void chain_stop_only(struct arena *arena, struct plan_chain *out)
{
	struct plan_step *step = arena_alloc(arena, sizeof *step);
	struct plan_stage *stage = arena_alloc(arena, sizeof *stage);

	*step = (struct plan_step){
	    .name = "stop", .kind = STEP_STOP, .signal = SIGTERM, .timeout = MSEC_UNSET, .reserve = MSEC_UNSET};
	step->retry.attempts = 1;
	*stage = (struct plan_stage){.steps = step, .count = 1, .timeout = MSEC_UNSET, .has_stop = true};
	*out = (struct plan_chain){.stages = stage, .count = 1, .steps = 1};
}

/* One stage; an alert that cannot be sent is tried again. */
void chain_alerts(struct arena *arena, const struct plan *plan, struct plan_chain *out)
{
	size_t count = plan->alerts.count;

	if (count == 0)
		return;
	struct plan_step *steps = arena_alloc(arena, count * sizeof *steps);
	struct plan_stage *stage = arena_alloc(arena, sizeof *stage);
	for (size_t i = 0; i < count && i < PLAN_STEPS_MAX; i++) {
		steps[i] = (struct plan_step){.name = plan->alerts.items[i].name,
					      .kind = STEP_ALERT,
					      .alert = &plan->alerts.items[i],
					      .timeout = MSEC_UNSET,
					      .when = 1u << REASON_HELD,
					      .user = plan->app.user};
		steps[i].retry = (struct plan_retry){
		    .attempts = 5,
		    .backoff = 1000,
		    .backoff_max = 5000,
		    .on = RETRY_CONNECT | RETRY_TIMEOUT | RETRY_429 | RETRY_5XX,
		};
		out->steps++;
	}
	*stage = (struct plan_stage){.steps = steps, .count = out->steps, .timeout = MSEC_UNSET};
	out->stages = stage;
	out->count = 1;
}
