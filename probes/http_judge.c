#include "probes/http_judge.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "config/plan_signer.h"
#include "probes/clock.h"
#include "probes/http_verdict.h"
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

static bool check_json(const struct plan_http *http, const struct plan_jsons *asserted, const struct http_response *response,
		       struct check_result *result)
{
	if (asserted->count && response->cut) {
		result_fail(result, FAILURE_JSON, "json: body exceeds max_body, %" PRId64 " bytes", http->max_body);
		return false;
	}
	return json_check(asserted, response->body, response->length, clock_unix(), result);
}

/* HTTP 200 is not success at an exchange. The message is left to the exchange's own words; `why`: where there are none. */
static bool check_success(const struct plan_http *http, const struct http_response *response, struct check_result *why,
			  struct check_result *result)
{
	if (check_json(http, &http->signer->scheme->success, response, why))
		return true;
	result_fail(result, FAILURE_JSON, "%s", "");
	return false;
}

static void judge(const struct plan_http *http, struct http_response *response, int64_t took_us, struct check_result *why,
		  struct check_result *result)
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
	if (http->signer != NULL && !check_success(http, response, why, result))
		return;
	if (check_json(http, &http->json, response, result))
		snprintf(result->message, sizeof result->message, "status %d", response->status);
}

void http_judge(const struct http_request *request, struct http_response *response, int64_t took_us,
		struct check_result *result)
{
	struct check_result why = {.retry_after = MSEC_UNSET};

	if (request->http->signer == NULL) {
		judge(request->http, response, took_us, &why, result);
		return;
	}
	if (!http_verdict(request, response, result))
		judge(request->http, response, took_us, &why, result);
	if (result->outcome == OUTCOME_FAIL)
		http_verdict_add(request, response, result);
	if (*result->message == '\0')
		result_fail(result, result->failure, "refused: %s", why.message);
}
