#include "hooks/alert.h"

#include <stdlib.h>

#include "hooks/payload.h"
#include "probes/http.h"

void alert_send(const struct plan_alert *alert, const struct report *report, msec_t timeout, struct check_result *result)
{
	static const struct plan_range accepted = {200, 299};
	char *body = NULL;

	*result = (struct check_result){.retry_after = MSEC_UNSET};
	switch (alert->type) {
	case ALERT_SLACK:
		body = payload_slack(report);
		break;
	case ALERT_WEBHOOK:
		body = payload_webhook(report);
		break;
	}
	if (!body) {
		result_error(result, "out of memory");
		return;
	}
	const struct plan_http http = {
	    .url = alert->url,
	    .method = "POST",
	    .headers = alert->headers,
	    .body = body,
	    .status = {.items = &accepted, .count = 1},
	    .max_body = 4096,
	    .slower_than = MSEC_UNSET,
	    .tls = alert->tls,
	};
	http_run(&http, NULL, timeout, result);
	free(body);
}
