#include "hooks/request.h"

#include "probes/http.h"

void request_run(const struct plan_step *step, const char *idempotency_key, msec_t timeout, struct check_result *result)
{
	if (step->kind == STEP_WAIT && step->try_timeout != MSEC_UNSET && step->try_timeout < timeout)
		timeout = step->try_timeout;
	http_run(&step->http, step->idempotency_key ? idempotency_key : NULL, timeout, result);
}
