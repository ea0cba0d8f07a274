#include "config/heartbeats.h"

#include <stdint.h>
#include <string.h>

#include "config/rules.h"

#define USUAL_TIMEOUT  ((msec_t)5000)
#define NAME_MAX_BYTES 63

/* Whose `exec`, `http` or `tcp` is set. */
static void settle_kind(struct reader *reader, config_setting_t *group, struct plan_step *step, const char *path)
{
	static const char *const words[] = {[STEP_EXEC] = "exec", [STEP_HTTP] = "http", [STEP_TCP] = "tcp"};
	static const struct names kinds = {.words = words, .count = 3};
	int kind = rules_exactly_one(reader, group, path, &kinds);

	if (kind >= 0)
		step->kind = (enum step_kind)kind;
	step->retry.attempts = 1;
}

/* Whether a shutdown fails if what it waits for does not come. */
static bool sees_flat(const struct plan_chain *chain)
{
	for (size_t i = 0; i < chain->steps; i++)
		if (plan_step_at(chain, i)->kind == STEP_WAIT && plan_step_at(chain, i)->required)
			return true;
	return false;
}

static bool is_name(const char *text)
{
	const size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return length > 0 && length <= NAME_MAX_BYTES;
}

static void settle_disarm(struct reader *reader, config_setting_t *group, const struct plan *plan,
			  struct plan_heartbeat *heartbeat, const char *path)
{
	char whole[PATH_TEXT];

	snprintf(whole, sizeof whole, "%s.disarm", path);
	heartbeat->disarms = true;
	settle_kind(reader, group, &heartbeat->disarm, whole);
	heartbeat->disarm.name = heartbeat->beat.name;
	heartbeat->disarm.user = heartbeat->beat.user;
	heartbeat->disarm.environment = heartbeat->beat.environment;
	if (!plan->shutdown.chained)
		read_error(reader, group, whole, "is sent after shutdown.chain, and there is none");
	else if (heartbeat->disarm.http.disarms && !sees_flat(&plan->shutdown.chain))
		read_warn(
		    reader, group, whole,
		    "the dead man's switch is disarmed even if orders are open: no wait step of shutdown.chain is required");
}

static void settle_times(struct reader *reader, config_setting_t *group, struct plan_heartbeat *heartbeat, const char *path)
{
	msec_t *timeout = &heartbeat->beat.timeout;
	char whole[PATH_TEXT];

	snprintf(whole, sizeof whole, "%s.timeout", path);
	if (*timeout == MSEC_UNSET)
		*timeout = heartbeat->period < USUAL_TIMEOUT ? heartbeat->period : USUAL_TIMEOUT;
	else if (*timeout > heartbeat->period)
		read_error(reader, read_member(group, "timeout"), whole, "longer than period");
}

/* Whether a channel gets what notify_on has now: that a heartbeat is lost. */
static bool is_told(const struct plan_alerts *alerts)
{
	for (size_t i = 0; i < alerts->count; i++)
		if (alerts->items[i].on == 0 || (alerts->items[i].on >> NOTICE_HEARTBEAT & 1) != 0)
			return true;
	return false;
}

static void settle_one(struct reader *reader, config_setting_t *group, struct plan *plan, struct plan_heartbeat *heartbeat,
		       const char *path)
{
	config_setting_t *disarm = read_member(group, "disarm");

	if (heartbeat->beat.name != NULL && !is_name(heartbeat->beat.name))
		read_error(reader, group, path, "expected a name of 1 to %d bytes without control characters", NAME_MAX_BYTES);
	settle_kind(reader, group, &heartbeat->beat, path);
	settle_times(reader, group, heartbeat, path);
	if (heartbeat->beat.http.disarms)
		read_error(reader, group, path, "disarms the exchange's dead man's switch: that belongs into `disarm`");
	if (!heartbeat->beat.user.set)
		heartbeat->beat.user = plan->app.user;
	if (disarm != NULL)
		settle_disarm(reader, disarm, plan, heartbeat, path);
	plan->heartbeats.arms |= heartbeat->start;
	if (heartbeat->on_failure != BEAT_ALERT)
		return;
	plan->notify_on |= 1u << NOTICE_HEARTBEAT;
	if (!is_told(&plan->alerts))
		read_error(reader, group, path, "on_failure = \"alert\": no channel of `alerts` gets it");
}

static void must_be_only(struct reader *reader, config_setting_t *group, const struct plan_heartbeats *all, size_t index,
			 const char *path)
{
	const char *name = all->items[index].beat.name;

	for (size_t i = 0; i < index; i++)
		if (name != NULL && all->items[i].beat.name != NULL && strcmp(all->items[i].beat.name, name) == 0)
			read_error(reader, group, path, "duplicate heartbeat name \"%s\"", name);
}

void heartbeats_settle(struct reader *reader, config_setting_t *list, struct plan *plan)
{
	struct plan_heartbeats *all = &plan->heartbeats;
	char path[PATH_TEXT];

	if (all->count > PLAN_HEARTBEATS_MAX) {
		read_error(reader, list, "heartbeats", "%zu heartbeats; the maximum is %d", all->count, PLAN_HEARTBEATS_MAX);
		return;
	}
	for (size_t i = 0; i < all->count; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		snprintf(path, sizeof path, "heartbeats[%zu]", i);
		settle_one(reader, group, plan, (struct plan_heartbeat *)(uintptr_t)&all->items[i], path);
		must_be_only(reader, group, all, i, path);
	}
}
