#include "probes/http_exchange.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "probes/clock.h"
#include "probes/connect.h"
#include "probes/failure.h"
#include "probes/tls.h"

#define HEADERS_MAX ((size_t)64 * 1024)

/* What the callbacks share. */
struct transfer {
	struct http_response *response;
	size_t body_max;
	size_t capacity;
	size_t header_bytes;
	bool request_sent; /* connected, and about to send */
	bool headed;       /* the empty line after the headers has come */
	bool http2;
	bool corked;
	bool out_of_memory;
	int fd;
	size_t to_send; /* the request's body */
};

/* Takes only as much as max_body; the short count then ends the transfer. */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct http_response *response = transfer->response;
	size_t length = size * count, room = transfer->body_max - response->length;

	if (length > room) {
		response->cut = true;
		length = room;
	}
	if (response->length + length + 1 > transfer->capacity) {
		size_t capacity = 2 * (response->length + length + 1);
		char *body = realloc(response->body, capacity);
		if (!body) {
			transfer->out_of_memory = true;
			return 0;
		}
		response->body = body;
		transfer->capacity = capacity;
	}
	memcpy(response->body + response->length, data, length);
	response->length += length;
	response->body[response->length] = '\0';
	return response->cut ? 0 : length;
}

/* Interim responses and trailers come here, too: limits them. */
static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count;

	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
		transfer->headed = false;
	else if (length > 0 && (data[0] == '\r' || data[0] == '\n'))
		transfer->headed = true;
	transfer->header_bytes += length;
	return transfer->header_bytes > HEADERS_MAX ? 0 : length;
}

/*
 * A server that refuses a call may answer and reset the stream once it has seen the headers. libcurl, when it sends the body
 * to a stream that is closed, forgets the answer (7.88): so headers and body go in one piece. The kernel opens the cork itself
 * after 200 ms.
 */
static void cork(struct transfer *transfer, bool corked)
{
	int on = corked;

	if (transfer->http2 && transfer->corked != corked)
		setsockopt(transfer->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
	transfer->corked = corked;
}

static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	struct transfer *transfer = context;

	(void)purpose;
	transfer->fd = fd;
	return CURL_SOCKOPT_OK;
}

static int on_progress(void *context, curl_off_t to_receive, curl_off_t received, curl_off_t to_send, curl_off_t sent)
{
	struct transfer *transfer = context;

	(void)to_receive, (void)received, (void)to_send;
	if (sent >= (curl_off_t)transfer->to_send)
		cork(transfer, false);
	return 0;
}

static int on_request(void *context, char *peer, char *local, int peer_port, int local_port)
{
	struct transfer *transfer = context;

	(void)peer, (void)local, (void)peer_port, (void)local_port;
	transfer->request_sent = true;
	cork(transfer, true);
	return CURL_PREREQFUNC_OK;
}

static int set_transport(CURL *easy, struct transfer *transfer)
{
	int failed = 0;

	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	if (transfer->http2) {
		failed |= (int)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, transfer);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	}
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	return failed;
}

static const char *stage(CURL *easy, const struct transfer *transfer)
{
	if (transfer->header_bytes)
		return "connected, incomplete response";
	return transfer->request_sent ? "connected, no response" : connect_stage(easy);
}

/* A server of another protocol may do anything with HTTP/2. */
static const char *doubt(const struct transfer *transfer)
{
	return transfer->http2 && !transfer->header_bytes ? "; does the server speak HTTP/2?" : "";
}

static void explain(CURL *easy, CURLcode code, const struct transfer *transfer, msec_t timeout, struct check_result *result)
{
	/* libcurl also returns this if a header line exceeds its buffer: the server's fault */
	if (transfer->out_of_memory || (code == CURLE_OUT_OF_MEMORY && !transfer->request_sent))
		result_error(result, "out of memory");
	else if (transfer->header_bytes > HEADERS_MAX || code == CURLE_OUT_OF_MEMORY)
		result_fail(result, FAILURE_PROTOCOL, "protocol: response headers exceed %zu bytes", HEADERS_MAX);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		failure_timeout(result, timeout, stage(easy, transfer));
	else if (connect_failed(easy, code, result) || tls_failed(easy, code, result))
		return;
	else if (code == CURLE_GOT_NOTHING)
		result_fail(result, FAILURE_PROTOCOL, "protocol: connection closed without a response%s", doubt(transfer));
	else if (code == CURLE_PARTIAL_FILE)
		result_fail(result, FAILURE_PROTOCOL, "protocol: truncated response%s", doubt(transfer));
	else if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR)
		result_fail(result, FAILURE_PROTOCOL, "protocol: connection lost%s", doubt(transfer));
	else if (code == CURLE_HTTP2_STREAM)
		result_fail(result, FAILURE_PROTOCOL, "protocol: the server reset the stream");
	else if (!transfer->request_sent && (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL))
		result_fail(result, FAILURE_REQUEST, "request: %s", curl_easy_strerror(code));
	else if (!transfer->request_sent)
		result_error(result, "request: %s", curl_easy_strerror(code));
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_BAD_FUNCTION_ARGUMENT)
		result_fail(result, FAILURE_PROTOCOL, "protocol: not an HTTP response");
	else
		result_fail(result, FAILURE_PROTOCOL, "protocol: %s", curl_easy_strerror(code));
}

/* Seconds or a date (RFC 9110, 10.2.3). Anything else is ignored. */
static msec_t parse_retry_after(const char *text)
{
	double date;

	if (strspn(text, "0123456789") == strlen(text) && *text && strlen(text) < 10)
		return (msec_t)strtol(text, NULL, 10) * 1000;
	if (!clock_http_date(text, &date))
		return MSEC_UNSET;
	date -= clock_unix();
	return date > 0 ? (msec_t)(date * 1000) : 0;
}

/* Retry-After, or Discord's more precise X-RateLimit-Reset-After: seconds, with a fraction. */
static msec_t read_retry_after(CURL *easy)
{
	struct curl_header *header;
	char *end;

	if (curl_easy_header(easy, "X-RateLimit-Reset-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
		double seconds = strtod(header->value, &end);
		if (end != header->value && *end == '\0' && seconds >= 0 && seconds < 1e9)
			return (msec_t)(seconds * 1000 + 0.999);
	}
	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		return parse_retry_after(header->value);
	return MSEC_UNSET;
}

static int read_grpc_status(CURL *easy)
{
	struct curl_header *header;

	if (curl_easy_header(easy, "grpc-status", 0, CURLH_TRAILER, -1, &header) != CURLHE_OK &&
	    curl_easy_header(easy, "grpc-status", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return -1;
	size_t digits = strspn(header->value, "0123456789");
	return digits > 0 && digits < 4 && !header->value[digits] ? (int)strtol(header->value, NULL, 10) : -1;
}

static bool read_answer(CURL *easy, struct http_response *response)
{
	struct curl_header *header;
	long status = 0, version = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	response->status = (int)status;
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	response->is_http2 = version == CURL_HTTP_VERSION_2_0;
	response->grpc_status = read_grpc_status(easy);
	if (status == 429 || status == 503)
		response->retry_after = read_retry_after(easy);
	if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
	    !clock_http_date(header->value, &response->date))
		response->date = 0;
	if (curl_easy_header(easy, "Location", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return true;
	/* libcurl leaves a "\r" in an empty one */
	if (header->value[strspn(header->value, "\r")] == '\0')
		return true;
	response->location = strdup(header->value);
	return response->location;
}

bool http_exchange(const struct http_request *request, msec_t timeout, int64_t deadline_us, struct http_response *response,
		   struct check_result *result)
{
	struct transfer transfer = {
	    .response = response,
	    .body_max = (size_t)request->http->max_body,
	    .capacity = 1,
	    .http2 = request->http2,
	    .fd = -1,
	    .to_send = request->body ? request->body_length : 0,
	};
	struct http_lists lists = {NULL, NULL};
	msec_t left = clock_left(deadline_us);
	bool ok = false;

	*response = (struct http_response){.retry_after = MSEC_UNSET, .body = calloc(1, transfer.capacity)};
	/* libcurl takes 0 for "no limit" */
	if (left == 0) {
		failure_timeout(result, timeout, "before connecting");
		return false;
	}
	CURL *easy = connect_new(left, result);
	if (!easy)
		return false;
	if (!response->body || set_transport(easy, &transfer)) {
		result_error(result, "cannot initialise libcurl");
	} else if (http_request_set(easy, request, &lists, result)) {
		curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, (long)request->connect_only);
		CURLcode code = curl_easy_perform(easy);
		result->sent = result->sent || transfer.request_sent;
		if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && response->cut && !transfer.out_of_memory))
			explain(easy, code, &transfer, timeout, result);
		else if (request->connect_only)
			result->outcome = OUTCOME_OK;
		else if (!transfer.headed)
			/* libcurl takes the end of the connection for it */
			result_fail(result, FAILURE_PROTOCOL, "protocol: truncated response");
		else if (!read_answer(easy, response))
			result_error(result, "out of memory");
		else
			ok = true;
	}
	curl_easy_cleanup(easy);
	http_lists_free(&lists);
	return ok;
}

void http_response_free(struct http_response *response)
{
	free(response->location);
	free(response->body);
	*response = (struct http_response){.retry_after = MSEC_UNSET};
}
