#include "init/readers/health_json.h"

#include <stdio.h>

#include "config/names.h"
#include "init/readers/page_view.h"
#include "probes/text.h"

static const char *component_type(enum check_kind kind)
{
	return kind == CHECK_PROCESS || kind == CHECK_FILE || kind == CHECK_EXEC ? "system" : "component";
}

/* A soft check cannot make the whole fail: it warns. */
static json_t *describe(const struct page_check *check, int64_t now)
{
	char why[PAGE_TEXT];
	bool ok = view_check(check, now) == VIEW_OK;
	json_t *object = json_pack("{s:s, s:s}", "componentType", component_type(check->kind), "status",
				   ok            ? "pass"
				   : check->soft ? "warn"
						 : "fail");

	if (object != NULL && check->has_result) {
		json_object_set_new(object, "observedValue", json_real((double)check->took_us / 1000));
		json_object_set_new(object, "observedUnit", json_string("ms"));
		json_object_set_new(object, "time", view_time(check->at, now));
	}
	view_check_why(check, now, why);
	if (!ok)
		json_object_set_new(object, "output", text_json(why));
	return object;
}

/* How far the shutdown is, as one more component. */
static json_t *describe_step(const struct page *copy, int64_t now)
{
	const struct page_step *step = view_step(copy);
	char progress[PAGE_TEXT];

	view_progress(copy, now, progress);
	json_t *object =
	    json_pack("{s:s, s:s, s:o}", "componentType", "system", "status", "fail", "output", text_json(progress));
	if (step != NULL)
		json_object_set_new(object, "observedValue", text_json(step->name));
	return object;
}

/* Also true of a check whose failures are not enough yet to change the verdict. */
static bool add_checks(json_t *checks, const struct page *copy, enum probe_kind kind, int64_t now)
{
	bool all = true;

	for (size_t i = 0; i < copy->head.checks; i++) {
		const struct page_check *check = &copy->check[i];
		char key[PAGE_NAME + sizeof ":responseTime"];
		if (!(copy->head.verdicts[kind].checks & UINT64_C(1) << i))
			continue;
		snprintf(key, sizeof key, "%s:responseTime", check->name);
		json_object_set_new(checks, key, json_pack("[o]", describe(check, now)));
		all = all && view_check(check, now) == VIEW_OK;
	}
	return all;
}

json_t *health_json(const struct page *copy, enum probe_kind kind, int64_t now)
{
	char why[2 * PAGE_TEXT];
	bool healthy = view_healthy(copy, kind, now, why);
	json_t *checks = json_object();
	bool all = add_checks(checks, copy, kind, now);

	if (kind == PROBE_READINESS && copy->head.chain.running)
		json_object_set_new(checks, "shutdown:step", json_pack("[o]", describe_step(copy, now)));
	json_t *root = json_pack("{s:s, s:s, s:o, s:o}", "status",
				 !healthy ? "fail"
				 : all    ? "pass"
					  : "warn",
				 "description", name_of(&names_probes, kind), "serviceId", text_json(copy->head.app_name),
				 "checks", checks);
	if (!healthy)
		json_object_set_new(root, "output", text_json(why));
	return root;
}
