#include "probes/http_judge.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "probes/clock.h"
#include "probes/json.h"

bool http_status_is_accepted(const struct plan_http *http, int status)
{
	for (size_t i = 0; i < http->status.count; i++) {
		if (status >= http->status.items[i].low && status <= http->status.items[i].high)
			return true;
	}
	return false;
}

static bool check_matches(const char *pattern, struct http_response *response, struct check_result *result)
{
	regex_t regex;
	int error = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);

	if (error) {
		result_error(result, "matches: invalid regular expression");
		return false;
	}
	/* regexec() needs a string, and JSON allows neither byte */
	for (size_t i = 0; i < response->length; i++) {
		if (response->body[i] == '\0')
			response->body[i] = '\1';
	}
	error = regexec(&regex, response->body, 0, NULL, 0);
	regfree(&regex);
	if (error)
		result_fail(result, FAILURE_BODY, "body: does not match `matches`");
	return !error;
}

static bool check_json(const struct plan_http *http, const struct http_response *response, struct check_result *result)
{
	if (http->json.count && response->cut) {
		result_fail(result, FAILURE_JSON, "json: body exceeds max_body, %" PRId64 " bytes", http->max_body);
		return false;
	}
	return json_check(&http->json, response->body, response->length, clock_unix(), result);
}

void http_judge(const struct plan_http *http, struct http_response *response, int64_t took_us, struct check_result *result)
{
	if (!http_status_is_accepted(http, response->status)) {
		result_fail(result, FAILURE_STATUS, "status %d", response->status);
		return;
	}
	if (http->slower_than != MSEC_UNSET && took_us > http->slower_than * 1000) {
		result_fail(result, FAILURE_AGE, "age: slower than %" PRId64 " ms: %" PRId64 " ms", http->slower_than,
			    took_us / 1000);
		return;
	}
	if (http->contains && !memmem(response->body, response->length, http->contains, strlen(http->contains))) {
		result_fail(result, FAILURE_BODY, "body: does not contain `contains`");
		return;
	}
	if (http->matches && !check_matches(http->matches, response, result))
		return;
	if (check_json(http, response, result))
		snprintf(result->message, sizeof result->message, "status %d", response->status);
}
