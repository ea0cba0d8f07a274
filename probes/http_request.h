/* Sets up a libcurl handle for a request. */
#ifndef TINYSUP_PROBES_HTTP_REQUEST_H
#define TINYSUP_PROBES_HTTP_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>

#include "probes/result.h"

struct http_signed; /* http_sign.h */

struct http_request {
	const struct plan_http *http;
	CURLU *url; /* without user and password; the host in it is the one connected to */
	const char *method;
	const char *body; /* NULL: none */
	size_t body_length;
	const struct plan_pair *headers; /* besides the plan's */
	size_t header_count;
	const struct http_signed *signed_with; /* of a signed request */
	const char *idempotency_key;           /* NULL: none */
	const char *user;                      /* of basic authentication; NULL: none */
	const char *password;
	/*
	 * After a redirect to another scheme or port: no credentials, and only the headers Accept, Content-Type and User-Agent.
	 */
	bool elsewhere;
	bool connect_only; /* nothing is sent once connected */
	FILE *to;          /* for the body of the last response; NULL: nowhere */
	/* From the first byte; over TLS asked for, and the answer's is_http2 tells whether the server agreed. */
	bool http2;
};

/* Owned by the caller, used by libcurl until the end of the transfer. All zero: empty. */
struct http_lists {
	struct curl_slist *headers;
	struct curl_slist *connect_to;
};

/*
 * Everything but time-outs and callbacks. False: `result` says why the request must not be sent. The lists are the caller's to
 * free, in both cases.
 *
 * tls.server_name: the request is made for https://SERVER_NAME/..., so that libcurl sends and verifies that name, with
 * CURLOPT_CONNECT_TO leading to the URL's host and a Host header that says what the URL says.
 */
bool http_request_set(CURL *easy, const struct http_request *request, struct http_lists *lists, struct check_result *result);
void http_lists_free(struct http_lists *lists); /* wipes them */

/* False for methods that may change state. */
bool http_method_is_safe(const char *method);

#endif
