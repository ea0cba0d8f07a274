#include "probes/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "config/growing.h"
#include "probes/clock.h"
#include "probes/failure.h"
#include "probes/json_pointer.h"

#define MILLISECONDS_FROM 1e11

static bool fail(struct check_result *result, const struct plan_json *json, const char *reason)
{
	result_fail(result, FAILURE_JSON, "json %s: %s", *json->pointer ? json->pointer : "(root)", reason);
	return false;
}

/* jansson recurses up to 2048 levels. */
static bool is_too_deep(const char *body, size_t length)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length && depth <= JSON_DEPTH_MAX; i++) {
		if (in_string && body[i] == '\\')
			i++;
		else if (body[i] == '"')
			in_string = !in_string;
		else if (!in_string && (body[i] == '[' || body[i] == '{'))
			depth++;
		else if (!in_string && (body[i] == ']' || body[i] == '}'))
			depth--;
	}
	return depth > JSON_DEPTH_MAX;
}

static bool equals(const json_t *found, const struct plan_value *value)
{
	switch (value->type) {
	case VALUE_STRING:
		return json_is_string(found) && json_string_length(found) == strlen(value->string) &&
		       memcmp(json_string_value(found), value->string, json_string_length(found)) == 0;
	case VALUE_NUMBER:
		return json_is_number(found) && json_number_value(found) == value->number;
	case VALUE_BOOL:
		return json_is_boolean(found) && json_is_true(found) == value->boolean;
	case VALUE_UNSET:
		break;
	}
	return false;
}

static bool is_one_of(const json_t *found, const struct plan_values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		if (equals(found, &values->items[i]))
			return true;
	}
	return false;
}

static bool check_bounds(const struct plan_json *json, const json_t *found, struct check_result *result)
{
	bool has_minimum = json->minimum.type != VALUE_UNSET, has_maximum = json->maximum.type != VALUE_UNSET;

	if ((has_minimum || has_maximum) && !json_is_number(found))
		return fail(result, json, has_minimum ? "minimum: not a number" : "maximum: not a number");
	if (has_minimum && json_number_value(found) < json->minimum.number)
		return fail(result, json, "minimum: value is lower");
	if (has_maximum && json_number_value(found) > json->maximum.number)
		return fail(result, json, "maximum: value is higher");
	return true;
}

static bool are_all_true(json_t *found)
{
	const char *key;
	json_t *value;
	size_t index;

	json_array_foreach(found, index, value)
	{
		if (!json_is_true(value))
			return false;
	}
	json_object_foreach(found, key, value)
	{
		if (!json_is_true(value))
			return false;
	}
	return true;
}

static bool check_all_true(const struct plan_json *json, json_t *found, struct check_result *result)
{
	if (json->all_true.type == VALUE_UNSET)
		return true;
	if (!json_is_array(found) && !json_is_object(found))
		return fail(result, json, "all_true: not an array or object");
	if (are_all_true(found) != json->all_true.boolean)
		return fail(result, json,
			    json->all_true.boolean ? "all_true: not all members are true" : "all_true: all members are true");
	return true;
}

static bool check_age(const struct plan_json *json, const json_t *found, double now_unix, struct check_result *result)
{
	char what[120];
	double when;

	if (json->age_below == MSEC_UNSET)
		return true;
	if (json_is_number(found)) {
		when = json_number_value(found);
		if (when > MILLISECONDS_FROM)
			when /= 1000;
	} else if (!json_is_string(found) || strlen(json_string_value(found)) != json_string_length(found) ||
		   !clock_rfc3339(json_string_value(found), &when)) {
		return fail(result, json, "age_below: not a Unix time or an RFC 3339 time with an offset");
	}
	snprintf(what, sizeof what, "json %s: age_below", *json->pointer ? json->pointer : "(root)");
	return failure_check_age(result, what, now_unix - when, json->age_below);
}

static bool check_empty(const struct plan_json *json, const json_t *found, struct check_result *result)
{
	if (json->empty.type == VALUE_UNSET)
		return true;
	if (!json_is_array(found) && !json_is_object(found))
		return fail(result, json, "empty: not an array or object");
	if ((json_array_size(found) + json_object_size(found) == 0) != json->empty.boolean)
		return fail(result, json, json->empty.boolean ? "empty: there are members" : "empty: there are none");
	return true;
}

static bool check_found(const struct plan_json *json, json_t *found, double now_unix, struct check_result *result)
{
	if (json->exists.type != VALUE_UNSET && !json->exists.boolean)
		return !found || fail(result, json, "exists: value is present");
	if (!found)
		return json->optional || fail(result, json, "no such value");
	if (json->equals.type != VALUE_UNSET && !equals(found, &json->equals))
		return fail(result, json, "equals: value differs");
	if (json->not_equals.type != VALUE_UNSET && equals(found, &json->not_equals))
		return fail(result, json, "not_equals: value is equal");
	if (json->one_of.count && !is_one_of(found, &json->one_of))
		return fail(result, json, "one_of: no match");
	return check_empty(json, found, result) && check_bounds(json, found, result) && check_all_true(json, found, result) &&
	       check_age(json, found, now_unix, result);
}

/* How far an assertion holds. */
struct judgement {
	const struct plan_json *json;
	double now_unix;
	struct check_result *result;
	json_t *first; /* the first value of which it holds */
	bool all, any;
};

static bool judge(void *context, json_t *found)
{
	struct judgement *judgement = context;
	bool holds = check_found(judgement->json, found, judgement->now_unix, judgement->result);

	if (holds && !judgement->any)
		judgement->first = found;
	judgement->any |= holds;
	judgement->all &= holds;
	return holds;
}

static bool judge_until_one_holds(void *context, json_t *found)
{
	judge(context, found);
	return !((struct judgement *)context)->any;
}

/* Of every value. */
static bool check_one(const struct plan_json *json, json_t *root, double now_unix, struct check_result *result)
{
	struct judgement judgement = {json, now_unix, result, .all = true};

	if (!json_follow(root, json->pointer, judge, &judgement))
		return fail(result, json, "invalid JSON pointer");
	return judgement.all;
}

/* Of any value. *first: the first of them. */
static bool find_one(const struct plan_json *json, json_t *root, double now_unix, json_t **first)
{
	struct check_result unused;
	struct judgement judgement = {json, now_unix, &unused, .all = true};

	if (!json_follow(root, json->pointer, judge_until_one_holds, &judgement))
		return false;
	*first = judgement.first;
	/* that there is none is said of all */
	return judgement.any || (json->exists.type != VALUE_UNSET && !json->exists.boolean && judgement.all);
}

/* NULL: see `result`. */
static json_t *load(const char *body, size_t length, struct check_result *result)
{
	/* integers as reals: a counter over 2^63 is not malformed */
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
	json_error_t error;

	if (is_too_deep(body, length)) {
		result_fail(result, FAILURE_JSON, "json: nested deeper than %d levels", JSON_DEPTH_MAX);
		return NULL;
	}
	json_t *root = json_loadb(body, length, flags, &error);
	if (!root) {
		if (json_error_code(&error) == json_error_out_of_memory)
			result_error(result, "out of memory");
		else
			result_fail(result, FAILURE_JSON, "json: malformed at line %d, column %d", error.line, error.column);
	}
	return root;
}

bool json_check(const struct plan_jsons *asserted, const char *body, size_t length, double now_unix,
		struct check_result *result)
{
	bool ok = true;

	if (asserted->count == 0)
		return true;
	json_t *root = load(body, length, result);
	if (!root)
		return false;
	for (size_t i = 0; i < asserted->count && ok; i++)
		ok = check_one(&asserted->items[i], root, now_unix, result);
	json_decref(root);
	return ok;
}

static bool any_holds(const struct plan_jsons *asserted, json_t *root, double now_unix)
{
	json_t *first;

	for (size_t i = 0; i < asserted->count; i++) {
		if (find_one(&asserted->items[i], root, now_unix, &first))
			return true;
	}
	return false;
}

int json_first(const struct plan_jsons *lists, size_t count, const char *body, size_t length, double now_unix)
{
	struct check_result unused;
	json_t *root = load(body, length, &unused);
	int first = -1;

	for (size_t i = 0; root && i < count && first < 0; i++) {
		if (any_holds(&lists[i], root, now_unix))
			first = (int)i;
	}
	json_decref(root);
	return first;
}

static bool append_value(struct growing *text, const json_t *value)
{
	char number[32];

	if (json_is_number(value))
		snprintf(number, sizeof number, "%.15g", json_number_value(value));
	const char *word = json_is_number(value) ? number : json_string_value(value);
	if (!word || !*word)
		return true;
	return (text->length == 0 || growing_append(text, " ", 1)) && growing_append(text, word, strlen(word));
}

char *json_say(const struct plan_jsons *wanted, const char *body, size_t length, double now_unix)
{
	struct check_result unused;
	struct growing text = {NULL, 0, 0};
	json_t *root = load(body, length, &unused);
	json_t *first;
	bool good = true;

	for (size_t i = 0; root && i < wanted->count && good; i++) {
		first = NULL;
		if (find_one(&wanted->items[i], root, now_unix, &first))
			good = append_value(&text, first);
	}
	json_decref(root);
	return text.text;
}
