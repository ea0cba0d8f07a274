#include "config/read_probes.h"

#include <string.h>

#include "config/duration.h"
#include "config/names.h"
#include "config/nearest.h"

/* State while checks are read: those of the list, then those of the probes. */
struct gatherer {
	struct reader *reader;
	char path[PATH_TEXT]; /* of the list that is read */
	struct plan_check *items;
	size_t count;
};

static const config_setting_t *find(const config_t *tree, const char *probe, const char *setting)
{
	char path[PATH_TEXT];

	snprintf(path, sizeof path, "probes.%s%s", probe, setting);
	return tree != NULL ? config_lookup(tree, path) : NULL;
}

static void must_be_new(struct gatherer *g, size_t index)
{
	const struct plan_check *check = &g->items[index];

	for (size_t i = 0; i < index; i++)
		if (check->name != NULL && g->items[i].name != NULL && strcmp(check->name, g->items[i].name) == 0)
			read_error_at(g->reader, check->line, "checks", "duplicate check name \"%s\"", check->name);
}

/* Index of a check by its name; -1 after reporting that there is none. */
static int named(struct gatherer *g, const config_setting_t *at)
{
	struct nearest near = {.typed = ""};
	bool from_file;
	const char *name = read_text(g->reader, at, g->path, &from_file);

	if (name == NULL)
		return -1;
	near.typed = name;
	for (size_t i = 0; i < g->count; i++) {
		if (g->items[i].name == NULL)
			continue;
		if (strcmp(g->items[i].name, name) == 0)
			return (int)i;
		nearest_offer(&near, g->items[i].name);
	}
	if (near.best != NULL)
		read_error(g->reader, at, g->path, "no check \"%s\"; did you mean \"%s\"?", name, near.best);
	else
		read_error(g->reader, at, g->path, "no check \"%s\"", name);
	return -1;
}

/* A check defined inside a probe. */
static int written_out(struct gatherer *g, config_setting_t *group)
{
	struct plan_check *check = &g->items[g->count];

	read_group(g->reader, &schema_check, group, check, g->path);
	must_be_new(g, g->count);
	return (int)g->count++;
}

static void read_checks(struct gatherer *g, config_setting_t *list, struct plan_probe *probe)
{
	if (!config_setting_is_list(list) && !config_setting_is_array(list)) {
		read_error(g->reader, list, g->path, "expected a list of checks ( \"name\", { ... } )");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
		int index = config_setting_is_group(element) ? written_out(g, element) : named(g, element);
		if (index >= 0 && index < PLAN_CHECKS_MAX)
			probe->checks |= UINT64_C(1) << index;
	}
}

/* Startup may rely on READY=1 alone, and liveness on WATCHDOG=1. */
static bool app_notifies(const struct plan *plan, enum probe_kind kind)
{
	return (kind == PROBE_STARTUP && plan->app.notify) || (kind == PROBE_LIVENESS && plan->app.watchdog > 0);
}

static void must_make_sense(struct gatherer *g, const config_t *tree, const struct plan *plan, enum probe_kind kind)
{
	const struct plan_probe *probe = &plan->probes[kind];
	const config_setting_t *whole = find(tree, name_of(&names_probes, kind), "");
	const config_setting_t *success = find(tree, name_of(&names_probes, kind), ".success_threshold");
	const config_setting_t *action = find(tree, name_of(&names_probes, kind), ".on_failure");
	char path[PATH_TEXT];

	/* after other errors this may be a follow-up */
	if (probe->checks == 0 && !app_notifies(plan, kind) && g->reader->errors->count == 0)
		read_error(g->reader, whole, g->path, "required: the probe has nothing to check");
	snprintf(path, sizeof path, "probes.%s.success_threshold", name_of(&names_probes, kind));
	if (success != NULL && probe->success_threshold != 1 && kind != PROBE_READINESS)
		read_error(g->reader, success, path, "must be 1 for startup and liveness, as in Kubernetes");
	snprintf(path, sizeof path, "probes.%s.on_failure", name_of(&names_probes, kind));
	if (action != NULL && kind == PROBE_READINESS)
		read_error(g->reader, action, path, "only for startup and liveness: an app that is not ready keeps running");
}

/* A check's timeout takes precedence: a shorter one of the probe is a default, not a limit. */
static void warn_of_timeouts(struct gatherer *g, const config_t *tree, const struct plan *plan, enum probe_kind kind)
{
	const struct plan_probe *probe = &plan->probes[kind];
	const config_setting_t *timeout = find(tree, name_of(&names_probes, kind), ".timeout");
	char path[PATH_TEXT], own[DURATION_TEXT], probes[DURATION_TEXT];

	snprintf(path, sizeof path, "probes.%s.timeout", name_of(&names_probes, kind));
	for (size_t i = 0; timeout != NULL && i < g->count && i < PLAN_CHECKS_MAX; i++) {
		const struct plan_check *check = &g->items[i];
		if ((probe->checks >> i & 1) == 0 || check->timeout == MSEC_UNSET || check->timeout <= probe->timeout)
			continue;
		read_warn(g->reader, timeout, path, "%s is shorter than the %s timeout of check \"%s\", which takes precedence",
			  duration_format(probe->timeout, probes), duration_format(check->timeout, own),
			  check->name != NULL ? check->name : "");
	}
}

static void read_probe(struct gatherer *g, const config_t *tree, struct plan *plan, enum probe_kind kind)
{
	struct plan_probe *probe = &plan->probes[kind];

	probe->given = find(tree, name_of(&names_probes, kind), "") != NULL;
	if (!probe->given)
		return;
	const config_setting_t *list = find(tree, name_of(&names_probes, kind), ".checks");
	snprintf(g->path, sizeof g->path, "probes.%s.checks", name_of(&names_probes, kind));
	if (list != NULL)
		read_checks(g, (config_setting_t *)(uintptr_t)list, probe);
	must_make_sense(g, tree, plan, kind);
	warn_of_timeouts(g, tree, plan, kind);
}

static size_t most_checks(const config_t *tree, const struct plan *plan)
{
	size_t count = plan->checks.count;

	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		const config_setting_t *list = find(tree, name_of(&names_probes, kind), ".checks");
		if (list != NULL && config_setting_is_aggregate(list))
			count += (size_t)config_setting_length(list);
	}
	return count;
}

static void settle_actions(const config_t *tree, struct plan *plan)
{
	struct plan_probe *startup = &plan->probes[PROBE_STARTUP];

	if (find(tree, name_of(&names_probes, PROBE_STARTUP), ".on_failure") == NULL)
		startup->on_failure = plan->probes[PROBE_LIVENESS].on_failure;
}

void probes_read(struct reader *reader, const config_t *tree, struct plan *plan)
{
	struct gatherer g = {.reader = reader, .count = plan->checks.count};

	g.items = arena_alloc(reader->arena, (most_checks(tree, plan) + 1) * sizeof *g.items);
	if (g.count > 0)
		memcpy(g.items, plan->checks.items, g.count * sizeof *g.items);
	for (size_t i = 0; i < g.count; i++)
		must_be_new(&g, i);
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		read_probe(&g, tree, plan, (enum probe_kind)kind);
	plan->checks.items = g.items;
	plan->checks.count = g.count;
	if (g.count > PLAN_CHECKS_MAX)
		read_error_at(reader, g.items[PLAN_CHECKS_MAX].line, "checks", "%zu checks; the maximum is %d", g.count,
			      PLAN_CHECKS_MAX);
	for (size_t i = 0; i < g.count; i++)
		if (g.items[i].kind == CHECK_NOTIFY && !plan->app.notify)
			read_error_at(reader, g.items[i].line, "checks", "\"%s\": a notify check requires app.notify = true",
				      g.items[i].name != NULL ? g.items[i].name : "");
	settle_actions(tree, plan);
}
