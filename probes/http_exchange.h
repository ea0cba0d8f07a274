/*
 * One request and its answer over libcurl: a fresh connection, no proxy, no redirect followed, nothing unbounded.
 */
#ifndef TINYSUP_PROBES_HTTP_EXCHANGE_H
#define TINYSUP_PROBES_HTTP_EXCHANGE_H

#include "probes/http_request.h"

struct http_response {
	int status;
	bool is_http2;
	int grpc_status;    /* from the trailers or, where there are none, the headers; -1: none */
	char *location;     /* Location, NULL: none */
	msec_t retry_after; /* MSEC_UNSET: none */
	char *body;         /* the first max_body bytes and a NUL */
	size_t length;
	bool cut; /* there was more */
};

/*
 * False where there is no answer: `result` says why. `timeout` is only what messages speak of; what counts is `deadline_us` (of
 * clock_us()). Sets result->sent as soon as the request may have left. http_response_free() in both cases.
 */
bool http_exchange(const struct http_request *request, msec_t timeout, int64_t deadline_us, struct http_response *response,
		   struct check_result *result);
void http_response_free(struct http_response *response);

#endif
