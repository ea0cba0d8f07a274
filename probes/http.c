#include "probes/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/expand.h"
#include "probes/clock.h"
#include "probes/http_judge.h"
#include "probes/http_sign.h"

/* Where the first request went, to compare redirects with. */
struct origin {
	char *scheme;
	char *host;
	char *port;
};

static bool origin_read(struct origin *origin, CURLU *url)
{
	*origin = (struct origin){NULL, NULL, NULL};
	return curl_url_get(url, CURLUPART_SCHEME, &origin->scheme, 0) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_HOST, &origin->host, 0) == CURLUE_OK &&
	       curl_url_get(url, CURLUPART_PORT, &origin->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

static void origin_free(struct origin *origin)
{
	curl_free(origin->scheme);
	curl_free(origin->host);
	curl_free(origin->port);
}

enum direction { DIRECTION_NONE, DIRECTION_FOLLOW, DIRECTION_AWAY, DIRECTION_FAILED };

static bool is_http(const struct origin *origin)
{
	return strcmp(origin->scheme, "http") == 0 || strcmp(origin->scheme, "https") == 0;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Turns request->url into where `location` leads. */
static enum direction resolve(struct http_request *request, const struct origin *home, const char *location)
{
	struct origin next;
	enum direction direction = DIRECTION_AWAY;

	if (curl_url_set(request->url, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE | CURLU_ALLOW_SPACE))
		return DIRECTION_FAILED;
	curl_url_set(request->url, CURLUPART_USER, NULL, 0);
	curl_url_set(request->url, CURLUPART_PASSWORD, NULL, 0);
	if (origin_read(&next, request->url) && is_http(&next)) {
		bool away = strcasecmp(next.host, home->host) != 0;
		request->elsewhere = away || strcmp(next.scheme, home->scheme) != 0 || strcmp(next.port, home->port) != 0;
		direction = away && !request->http->anywhere ? DIRECTION_AWAY : DIRECTION_FOLLOW;
	}
	origin_free(&next);
	return direction;
}

/* What to do with a response. DIRECTION_FAILED: see `result`. */
static enum direction redirect(struct http_request *request, const struct origin *home, const struct http_response *response,
			       int followed, struct check_result *result)
{
	const char *problem = NULL;
	enum direction direction;
	bool safe = http_method_is_safe(request->method);

	if (!is_redirect(response->status) || !response->location || request->http->redirects == 0)
		return DIRECTION_NONE;
	direction = resolve(request, home, response->location);
	if (direction == DIRECTION_FAILED)
		problem = "to a malformed URL";
	else if (direction == DIRECTION_AWAY && (!safe || !http_status_is_accepted(request->http, response->status)))
		problem = "to another host";
	else if (direction == DIRECTION_FOLLOW && !safe && (response->status == 301 || response->status == 302))
		problem = "it would turn the request into a GET";
	else if (direction == DIRECTION_FOLLOW && followed == request->http->redirects)
		problem = "too many";
	if (problem) {
		result_fail(result, FAILURE_REDIRECT, "status %d: redirect not followed: %s", response->status, problem);
		return DIRECTION_FAILED;
	}
	if (response->status == 303 && !safe) {
		request->method = "GET";
		request->body = NULL;
	}
	return direction;
}

static void converse(struct http_request *request, const struct origin *home, msec_t timeout, struct check_result *result)
{
	int64_t started = clock_us(), deadline = clock_deadline(timeout);
	enum direction direction = DIRECTION_FOLLOW;
	struct http_response response;

	for (int followed = 0; direction == DIRECTION_FOLLOW; followed++) {
		direction = DIRECTION_FAILED;
		if (http_exchange(request, timeout, deadline, &response, result)) {
			result->status = response.status;
			result->retry_after = response.retry_after;
			direction = redirect(request, home, &response, followed, result);
		}
		if (request->to && (direction == DIRECTION_NONE || direction == DIRECTION_AWAY))
			fwrite(response.body, 1, response.length, request->to);
		if (direction == DIRECTION_NONE || direction == DIRECTION_AWAY)
			http_judge(request, &response, clock_us() - started, result);
		http_response_free(&response);
	}
	if (direction == DIRECTION_AWAY && result->outcome == OUTCOME_OK)
		snprintf(result->message, sizeof result->message, "status %d, redirect to another host not followed",
			 result->status);
}

/* Takes credentials out of the URL, so that only redirects to the same origin get them. */
static bool take_credentials(CURLU *url, char **user, char **password)
{
	CURLUcode failed = curl_url_get(url, CURLUPART_USER, user, CURLU_URLDECODE);

	if (failed)
		return failed == CURLUE_NO_USER;
	failed = curl_url_get(url, CURLUPART_PASSWORD, password, CURLU_URLDECODE);
	if (failed && failed != CURLUE_NO_PASSWORD)
		return false;
	return !curl_url_set(url, CURLUPART_USER, NULL, 0) && !curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
}

/* ${idempotency_key} is a client order id: 32 letters and digits suit all exchanges. NULL without memory. */
static char *put_key(const char *text, const char *idempotency_key)
{
	char digest[SIGN_DIGEST_TEXT], *copy = strdup(text);

	sign_digest(idempotency_key, digest);
	for (char *at = copy; at && (at = strstr(at, KEY_MARK)); at += KEY_MARK_LENGTH)
		memcpy(at, digest, KEY_MARK_LENGTH);
	return copy;
}

/* how: what is not the plan's. */
static void run(const struct plan_http *http, const struct http_request *how, msec_t timeout, struct check_result *result)
{
	struct http_request request = {
	    .http = http,
	    .connect_only = how->connect_only,
	    .to = how->to,
	    .body = http->body,
	    .body_length = http->body ? strlen(http->body) : 0,
	    .idempotency_key = how->idempotency_key,
	    .method = http->method ? http->method
		      : http->body ? "POST"
				   : "GET",
	};
	int64_t started = clock_us();
	struct origin home = {NULL, NULL, NULL};
	struct http_signed made = {.body = NULL};
	char *user = NULL, *password = NULL;

	*result = (struct check_result){.retry_after = MSEC_UNSET};
	/* NOSIGNAL also means that libcurl leaves SIGPIPE to us */
	signal(SIGPIPE, SIG_IGN);
	request.url = curl_url();
	if (!request.url) {
		result_error(result, "out of memory");
	} else if (curl_url_set(request.url, CURLUPART_URL, http->url.value, CURLU_URLENCODE | CURLU_ALLOW_SPACE) ||
		   !take_credentials(request.url, &user, &password) || !origin_read(&home, request.url)) {
		result_fail(result, FAILURE_REQUEST, "url: malformed");
	} else {
		request.user = http->basic_user ? http->basic_user : user;
		request.password = http->basic_user ? http->basic_password : password;
		if (http->signer == NULL || http_sign(&request, &made, result))
			converse(&request, &home, timeout, result);
	}
	http_signed_free(&made);
	origin_free(&home);
	curl_free(user);
	curl_free(password);
	curl_url_cleanup(request.url);
	result->took_us = clock_us() - started;
}

void http_run(const struct plan_http *http, const char *idempotency_key, msec_t timeout, struct check_result *result)
{
	struct plan_http keyed = *http;
	char *url = NULL, *body = NULL;

	if (idempotency_key) {
		keyed.url.value = url = put_key(http->url.value, idempotency_key);
		keyed.body = body = http->body ? put_key(http->body, idempotency_key) : NULL;
	}
	if (idempotency_key && (!url || (http->body && !body)))
		result_error(result, "out of memory");
	else
		run(&keyed, &(struct http_request){.idempotency_key = idempotency_key}, timeout, result);
	free(url);
	free(body);
}

void http_fetch(const struct plan_http *http, msec_t timeout, FILE *to, struct check_result *result)
{
	run(http, &(struct http_request){.to = to}, timeout, result);
}

void http_connect(const struct plan_http *http, msec_t timeout, struct check_result *result)
{
	run(http, &(struct http_request){.connect_only = true}, timeout, result);
}

const char *http_url_wrong(const char *text)
{
	CURLU *url = curl_url();
	CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;

	curl_url_cleanup(url);
	return code == CURLUE_OK ? NULL : curl_url_strerror(code);
}
