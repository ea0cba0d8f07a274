#include "probes/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/clock.h"
#include "probes/failure.h"

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

/* "~1" is "/", "~0" is "~"; false for any other "~". */
static bool unescape(char *token)
{
	char *to = token;

	for (const char *from = token; *from; from++) {
		if (*from != '~') {
			*to++ = *from;
			continue;
		}
		from++;
		if (*from != '0' && *from != '1')
			return false;
		*to++ = *from == '0' ? '~' : '/';
	}
	*to = '\0';
	return true;
}

static json_t *member(const json_t *value, const char *token)
{
	size_t digits = strspn(token, "0123456789");

	if (json_is_object(value))
		return json_object_get(value, token);
	/* no leading zeros, and no array has a member past ten digits */
	if (!json_is_array(value) || digits == 0 || token[digits] || digits > 10 || (token[0] == '0' && digits > 1))
		return NULL;
	return json_array_get(value, strtoul(token, NULL, 10));
}

/* False if the pointer is malformed; *found is NULL if there is no such value. */
static bool follow(json_t *root, const char *pointer, json_t **found)
{
	*found = root;
	if (*pointer == '\0')
		return true;
	if (*pointer != '/')
		return false;
	char *tokens = strdup(pointer + 1);
	bool ok = tokens;
	for (char *token = tokens, *next; ok && token; token = next) {
		next = strchr(token, '/');
		if (next)
			*next++ = '\0';
		ok = unescape(token);
		if (ok && *found)
			*found = member(*found, token);
	}
	free(tokens);
	return ok;
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

static bool check_one(const struct plan_json *json, json_t *root, double now_unix, struct check_result *result)
{
	json_t *found;

	if (!follow(root, json->pointer, &found))
		return fail(result, json, "invalid JSON pointer");
	if (json->exists.type != VALUE_UNSET && !json->exists.boolean)
		return !found || fail(result, json, "exists: value is present");
	if (!found)
		return fail(result, json, "no such value");
	if (json->equals.type != VALUE_UNSET && !equals(found, &json->equals))
		return fail(result, json, "equals: value differs");
	if (json->not_equals.type != VALUE_UNSET && equals(found, &json->not_equals))
		return fail(result, json, "not_equals: value is equal");
	if (json->one_of.count && !is_one_of(found, &json->one_of))
		return fail(result, json, "one_of: no match");
	return check_bounds(json, found, result) && check_all_true(json, found, result) &&
	       check_age(json, found, now_unix, result);
}

bool json_check(const struct plan_jsons *asserted, const char *body, size_t length, double now_unix,
		struct check_result *result)
{
	/* integers as reals: a counter over 2^63 is not malformed */
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
	json_error_t error;
	bool ok = true;

	if (asserted->count == 0)
		return true;
	if (is_too_deep(body, length)) {
		result_fail(result, FAILURE_JSON, "json: nested deeper than %d levels", JSON_DEPTH_MAX);
		return false;
	}
	json_t *root = json_loadb(body, length, flags, &error);
	if (!root) {
		if (json_error_code(&error) == json_error_out_of_memory)
			result_error(result, "out of memory");
		else
			result_fail(result, FAILURE_JSON, "json: malformed at line %d, column %d", error.line, error.column);
		return false;
	}
	for (size_t i = 0; i < asserted->count && ok; i++)
		ok = check_one(&asserted->items[i], root, now_unix, result);
	json_decref(root);
	return ok;
}
