#include "hooks/request.h"

#include "probes/http.h"

void request_run(const struct plan_step *step, const char *idempotency_key, msec_t timeout, struct check_result *result)
{
	if (step->kind == STEP_WAIT && step->attempt_timeout != MSEC_UNSET && step->attempt_timeout < timeout)
		timeout = step->attempt_timeout;
	http_run(&step->http, step->idempotency_key ? idempotency_key : NULL, timeout, result);
}
