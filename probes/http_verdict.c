#include "probes/http_verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "probes/clock.h"
#include "probes/http_sign.h"
#include "probes/json.h"

/* A Date counts whole seconds, and was sent some time ago. */
#define SKEW_SECONDS 2.0
#define SAID_MAX     100 /* bytes of an exchange's own words */
#define SECRET_MIN   4   /* shorter texts are no secrets, */
#define HEADER_MIN   16  /* and neither are headers such as the version of a key */

/* "; its clock is 90 s ahead", if the response says so: else the request arrived late. */
static const char *clock_text(const struct http_response *response, char buffer[64])
{
	double ahead = response->date - clock_unix();

	*buffer = '\0';
	if (response->date > 0 && (ahead >= SKEW_SECONDS || ahead <= -SKEW_SECONDS))
		snprintf(buffer, 64, "; its clock is %.0f s %s", ahead > 0 ? ahead : -ahead, ahead > 0 ? "ahead" : "behind");
	return buffer;
}

static bool judge_nothing(const struct plan_http *http, const struct http_response *response, struct check_result *result)
{
	/* it is no answer to a question of the plan's own */
	if (http->json.count > 0 || http->contains != NULL || http->matches != NULL)
		return false;
	if (http->nothing_is_done)
		snprintf(result->message, sizeof result->message, "status %d: there was nothing to do", response->status);
	else
		result_fail(result, FAILURE_JSON, "nothing to do, or the request names the wrong side, mode or symbol");
	return true;
}

bool http_verdict(const struct http_request *request, const struct http_response *response, struct check_result *result)
{
	const struct plan_scheme *scheme = request->http->signer->scheme;
	char clock[64];
	int verdict = json_first(scheme->verdicts, VERDICT_COUNT, response->body, response->length, clock_unix());

	switch (verdict) {
	case VERDICT_NOTHING:
		return judge_nothing(request->http, response, result);
	case VERDICT_CLOCK:
		result_fail(result, FAILURE_STATUS, "clock skew: the exchange refused the timestamp%s",
			    clock_text(response, clock));
		break;
	case VERDICT_NONCE:
		result_fail(result, FAILURE_STATUS, "nonce: the exchange refused it; is the key used by others?");
		break;
	case VERDICT_RATE:
		result_fail(result, FAILURE_STATUS, "rate limit: the exchange refused the request");
		break;
	case VERDICT_BUSY:
		result_fail(result, FAILURE_STATUS, "busy: the exchange refused the request");
		result->status = 503;
		return true;
	case VERDICT_UNKNOWN:
		result_fail(result, FAILURE_TIMEOUT, "unknown outcome: the exchange does not say what it has done");
		return true;
	case VERDICT_KEY:
		result_fail(result, FAILURE_REQUEST, "key: the exchange refused the key, its permissions or the signature%s",
			    clock_text(response, clock));
		return true;
	default:
		if (!scheme->unclear_5xx || response->status < 500)
			return false;
		result_fail(result, FAILURE_TIMEOUT, "unknown outcome: status %d", response->status);
		return true;
	}
	result->status = 429;
	return true;
}

/* --- the exchange's own words -------------------------------------------------------------------------------------------- */

static void hide(char *text, const char *secret, size_t shortest)
{
	size_t length = secret != NULL ? strlen(secret) : 0;

	if (length < shortest)
		return;
	for (char *at = text; strlen(at) >= length; at++)
		if (strncasecmp(at, secret, length) == 0)
			memset(at, '*', length);
}

/* Bybit repeats what should have been signed, its key included. */
static void hide_all(char *text, const struct http_signed *made)
{
	hide(text, made->key.text, SECRET_MIN);
	hide(text, made->secret.text, SECRET_MIN);
	hide(text, made->passphrase.text, SECRET_MIN);
	hide(text, made->signature.text, SECRET_MIN);
	for (size_t i = 0; i < made->signature.header_count; i++)
		hide(text, made->signature.headers[i].value, HEADER_MIN);
}

void http_verdict_add(const struct http_request *request, const struct http_response *response, struct check_result *result)
{
	char *said = json_say(&request->http->signer->scheme->reason, response->body, response->length, clock_unix());
	size_t length = strlen(result->message);

	if (said == NULL)
		return;
	hide_all(said, request->signed_with);
	for (char *at = said; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	snprintf(result->message + length, sizeof result->message - length, "%srefused: %.*s", length > 0 ? "; " : "", SAID_MAX,
		 said);
	free(said);
}
