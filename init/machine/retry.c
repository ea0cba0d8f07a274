#include "init/machine/retry.h"

#include <string.h>

static bool idempotent(const struct plan_step *step)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};

	if (step->kind == STEP_EXEC || step->idempotency_key)
		return true; /* programs are retried whenever retry.on says so */
	if (step->kind == STEP_ALERT)
		return true; /* two alerts are better than none */
	if (step->kind == STEP_TCP)
		return step->tcp.send == NULL;
	if (step->http.method == NULL)
		return step->http.body == NULL;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(step->http.method, methods[i]) == 0)
			return true;
	return false;
}

/* The entry of retry.on that a failure falls under; 0: none. */
static unsigned cause(const struct check_result *result)
{
	switch (result->failure) {
	case FAILURE_CONNECT:
		return RETRY_CONNECT;
	case FAILURE_TIMEOUT:
		return RETRY_TIMEOUT;
	case FAILURE_PROTOCOL:
		return RETRY_CONNECT; /* the connection broke */
	case FAILURE_STATUS:
		if (result->status == 429)
			return RETRY_429;
		return result->status >= 500 ? RETRY_5XX : 0;
	case FAILURE_EXEC:
		return RETRY_EXIT;
	case FAILURE_NONE:
	case FAILURE_TLS:
	case FAILURE_REDIRECT:
	case FAILURE_BODY:
	case FAILURE_JSON:
	case FAILURE_AGE:
	case FAILURE_FILE:
	case FAILURE_PROCESS:
	case FAILURE_REQUEST: /* the next attempt would fail, too */
	case FAILURE_INTERNAL:
		break;
	}
	return 0;
}

bool retry_allowed(const struct plan_step *step, const struct check_result *result)
{
	bool refused = result->failure == FAILURE_STATUS && (result->status == 429 || result->status == 503);

	if ((step->retry.on & cause(result)) == 0)
		return false;
	return refused || !result->sent || idempotent(step);
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016) */
msec_t retry_jitter(uint64_t *state, msec_t most)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (msec_t)(*state * UINT64_C(2685821657736338717) >> 33) % (most + 1);
}

msec_t retry_pause(const struct plan_retry *retry, int attempt, msec_t retry_after, uint64_t *random)
{
	msec_t most = retry->backoff;

	if (retry_after != MSEC_UNSET)
		return retry_after;
	for (int i = 2; i < attempt && most < retry->backoff_max; i++)
		most *= 2;
	if (most > retry->backoff_max)
		most = retry->backoff_max;
	return retry_jitter(random, most);
}
