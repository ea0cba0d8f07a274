/* One request and its response over libcurl: new connection, no proxy, no redirects, everything bounded. */
#ifndef TINYSUP_PROBES_HTTP_EXCHANGE_H
#define TINYSUP_PROBES_HTTP_EXCHANGE_H

#include "probes/http_request.h"

struct http_response {
	int status;
	bool is_http2;
	int grpc_status;    /* from the trailers or, where there are none, the headers; -1: none */
	char *location;     /* Location, NULL: none */
	msec_t retry_after; /* MSEC_UNSET: none */
	double date;        /* Date, seconds since 1970; 0: none */
	char *body;         /* the first max_body bytes and a NUL */
	size_t length;
	bool cut; /* there was more */
};

/*
 * False if there is no response: see `result`. deadline_us: of clock_us(); timeout: for messages only. Sets result->sent once
 * the request may have been sent. Call http_response_free() in both cases.
 */
bool http_exchange(const struct http_request *request, msec_t timeout, int64_t deadline_us, struct http_response *response,
		   struct check_result *result);
void http_response_free(struct http_response *response);

#endif
