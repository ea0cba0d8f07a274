#include "probes/grpc.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/clock.h"
#include "probes/failure.h"
#include "probes/grpc_message.h"
#include "probes/http_exchange.h"

#define ANSWER_MAX  4096
#define TIMEOUT_MAX 99999999 /* grpc-timeout has eight digits */

#define STATUS_DEADLINE 4

static const char *status_text(int status)
{
	static const char *const texts[] = {
	    "OK",
	    "CANCELLED",
	    "UNKNOWN",
	    "INVALID_ARGUMENT",
	    "DEADLINE_EXCEEDED",
	    "NOT_FOUND: service unknown",
	    "ALREADY_EXISTS",
	    "PERMISSION_DENIED",
	    "RESOURCE_EXHAUSTED",
	    "FAILED_PRECONDITION",
	    "ABORTED",
	    "OUT_OF_RANGE",
	    "UNIMPLEMENTED: the server has no health service",
	    "INTERNAL",
	    "UNAVAILABLE",
	    "DATA_LOSS",
	    "UNAUTHENTICATED",
	};

	return (size_t)status < sizeof texts / sizeof texts[0] ? texts[status] : "unknown";
}

static void judge_serving(const struct http_response *response, struct check_result *result)
{
	uint64_t serving;
	const char *problem = grpc_parse_response(response->body, response->length, &serving);

	if (problem)
		result_fail(result, FAILURE_PROTOCOL, "grpc: %s", problem);
	else if (serving == GRPC_SERVING)
		snprintf(result->message, sizeof result->message, "grpc: SERVING");
	else if (serving == GRPC_NOT_SERVING)
		result_fail(result, FAILURE_STATUS, "grpc: NOT_SERVING");
	else if (serving == GRPC_SERVICE_UNKNOWN)
		result_fail(result, FAILURE_STATUS, "grpc: SERVICE_UNKNOWN");
	else if (serving == GRPC_UNKNOWN)
		result_fail(result, FAILURE_STATUS, "grpc: UNKNOWN");
	else
		result_fail(result, FAILURE_STATUS, "grpc: serving status %" PRIu64 ", unknown", serving);
}

static void judge(const struct http_response *response, msec_t timeout, struct check_result *result)
{
	result->status = response->status;
	if (!response->is_http2)
		result_fail(result, FAILURE_PROTOCOL, "grpc: the server does not speak HTTP/2");
	else if (response->status != 200)
		result_fail(result, FAILURE_STATUS, "grpc: HTTP status %d; is this a gRPC server?", response->status);
	else if (response->cut)
		result_fail(result, FAILURE_PROTOCOL, "grpc: response too long");
	else if (response->grpc_status < 0)
		result_fail(result, FAILURE_PROTOCOL, "grpc: no grpc-status in the response");
	else if (response->grpc_status == STATUS_DEADLINE)
		failure_timeout(result, timeout, "the server reported DEADLINE_EXCEEDED");
	else if (response->grpc_status != 0)
		result_fail(result, FAILURE_STATUS, "grpc: status %d %s", response->grpc_status,
			    status_text(response->grpc_status));
	else
		judge_serving(response, result);
}

static const char *socket_of(const struct plan_grpc *grpc)
{
	return strncmp(grpc->address, "unix:", 5) == 0 ? grpc->address + 5 : NULL;
}

static CURLU *make_url(const struct plan_grpc *grpc)
{
	CURLU *url = curl_url();
	char *text;

	if (asprintf(&text, "%s://%s/grpc.health.v1.Health/Check", grpc->secure ? "https" : "http",
		     socket_of(grpc) ? "localhost" : grpc->address) < 0)
		text = NULL;
	if (!text || !url || curl_url_set(url, CURLUPART_URL, text, 0)) {
		curl_url_cleanup(url);
		url = NULL;
	}
	free(text);
	return url;
}

static void call(const struct plan_grpc *grpc, CURLU *url, const char *message, size_t length, msec_t timeout,
		 struct check_result *result)
{
	const char *authority = grpc->secure ? grpc->tls.server_name : NULL;
	char limit[16];
	const struct plan_pair headers[] = {
	    {"Content-Type", "application/grpc"},
	    {"TE", "trailers"},
	    {"Accept", ""},
	    {"grpc-timeout", limit},
	    /* gRPC's libraries send the name that they verify */
	    {"Host", authority ? authority : ""},
	};
	const struct plan_http http = {
	    .unix_socket = socket_of(grpc),
	    .headers = {.items = headers, .count = sizeof headers / sizeof headers[0]},
	    .max_body = ANSWER_MAX,
	    .tls = grpc->tls,
	};
	const struct http_request request = {
	    .http = &http, .url = url, .method = "POST", .body = message, .body_length = length, .http2 = true};
	struct http_response response;

	snprintf(limit, sizeof limit, "%" PRId64 "m", timeout < TIMEOUT_MAX ? timeout : TIMEOUT_MAX);
	if (http_exchange(&request, timeout, clock_deadline(timeout), &response, result))
		judge(&response, timeout, result);
	http_response_free(&response);
}

void grpc_run(const struct plan_grpc *grpc, msec_t timeout, struct check_result *result)
{
	size_t length = 0;
	char *message = grpc_request(grpc->service, &length);
	CURLU *url = make_url(grpc);

	/* NOSIGNAL also means that libcurl leaves SIGPIPE to us */
	signal(SIGPIPE, SIG_IGN);
	if (!message)
		result_error(result, "out of memory");
	else if (!url)
		result_error(result, "grpc: malformed address");
	else
		call(grpc, url, message, length, timeout, result);
	curl_url_cleanup(url);
	free(message);
}
