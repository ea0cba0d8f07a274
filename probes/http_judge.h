/* Judges a response: what its scheme says, status, slower_than, contains, matches, json; the first that fails decides. */
#ifndef TINYSUP_PROBES_HTTP_JUDGE_H
#define TINYSUP_PROBES_HTTP_JUDGE_H

#include "probes/http_exchange.h"

bool http_status_is_accepted(const struct plan_http *http, int status);

/* May change bytes of answer->body. `took_us`: from the first connection to the end of the answer. */
void http_judge(const struct http_request *request, struct http_response *response, int64_t took_us,
		struct check_result *result);

#endif
