#include "config/read_chain.h"

#include <signal.h>
#include <string.h>

#include "config/nearest.h"

#define CHAIN_PATH "shutdown.chain"

/* State while the chain is read. */
struct chain_reader {
	struct reader *reader;
	const struct plan *plan;
	struct plan_stage *stages;
	size_t count;
	int stops; /* stop steps seen */
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
		step->period = text->wait.period;
		step->attempt_timeout = text->wait.timeout;
	}
	if (!step->user.set)
		step->user = c->plan->app.user;
}

/* "tell/slack": names one of several channels. */
static const char *with_channel(struct chain_reader *c, const char *name, const char *channel)
{
	char *whole = arena_alloc(c->reader->arena, strlen(name) + strlen(channel) + 2);

	stpcpy(stpcpy(stpcpy(whole, name), "/"), channel);
	return whole;
}

/* Adds a step, or one per channel of an alert, to `to`, after `before` steps of the same stage. Returns the number added. */
static size_t add_step(struct chain_reader *c, config_setting_t *group, struct plan_step *to, size_t before, const char *path)
{
	struct step_text text = {0};

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		read_error(c->reader, group, path, "expected a step { ... } or a list of steps to run in parallel");
		return 0;
	}
	size_t errors = c->reader->errors->count;
	read_group(c->reader, &schema_step, group, &text, path);
	if (c->reader->errors->count > errors)
		return 0;
	settle(c, &text);
	if (name_taken(c, to - before, before, text.step.name))
		read_error(c->reader, group, path, "duplicate step name \"%s\"", text.step.name);
	if (text.step.reserve > 0 && text.step.timeout != MSEC_UNSET && text.step.reserve > text.step.timeout)
		read_error(c->reader, group, path, "reserve is longer than timeout");
	if (text.step.kind != STEP_ALERT) {
		*to = text.step;
		return 1;
	}
	for (size_t i = 0; i < text.alert.count; i++) {
		to[i] = text.step;
		to[i].alert = find_alert(c, read_member(group, "alert"), text.alert.items[i], path);
		if (text.alert.count > 1)
			to[i].name = with_channel(c, text.step.name, text.alert.items[i]);
	}
	if (text.alert.count == 0)
		read_error(c->reader, group, path, "alert list is empty");
	return text.alert.count;
}

/* Number of steps of an element: an alert has one per channel. */
static size_t steps_in(const config_setting_t *group)
{
	const config_setting_t *alert = config_setting_type(group) == CONFIG_TYPE_GROUP ? read_member(group, "alert") : NULL;

	return alert != NULL && config_setting_length(alert) > 1 ? (size_t)config_setting_length(alert) : 1;
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

void chain_read(struct reader *reader, config_setting_t *list, const struct plan *plan, struct plan_chain *out)
{
	struct chain_reader c = {.reader = reader, .plan = plan};
	size_t errors = reader->errors->count;
	char path[PATH_TEXT];

	if (config_setting_type(list) != CONFIG_TYPE_LIST) {
		read_error(reader, list, CHAIN_PATH, "expected a list of steps ( { ... }, { ... } )");
		return;
	}
	int length = config_setting_length(list);
	if (length > PLAN_STEPS_MAX) {
		read_error(reader, list, CHAIN_PATH, "%d steps; the maximum is %d", length, PLAN_STEPS_MAX);
		return;
	}
	c.stages = arena_alloc(reader->arena, (size_t)length * sizeof *c.stages);
	for (int i = 0; i < length; i++, c.count++) {
		snprintf(path, sizeof path, CHAIN_PATH "[%d]", i);
		c.stages[i].first = out->steps;
		read_stage(&c, config_setting_get_elem(list, (unsigned)i), &c.stages[i], path);
		out->steps += c.stages[i].count;
	}
	if (length > 0 && c.stops == 0 && reader->errors->count == errors)
		read_error(reader, list, CHAIN_PATH,
			   "no step stops the app: add one such as { name = \"stop\"; stop: { timeout = \"10s\"; }; }");
	if (c.stops > 1)
		read_error(reader, list, CHAIN_PATH, "%d steps stop the app: exactly one must do so", c.stops);
	if (out->steps > PLAN_STEPS_MAX)
		read_error(reader, list, CHAIN_PATH, "%zu steps; the maximum is %d", out->steps, PLAN_STEPS_MAX);
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
