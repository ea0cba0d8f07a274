#include "probes/http_request.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "probes/tls.h"
#include "probes/version.h"

bool http_method_is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
			return false;
	}
	return true;
}

/* A line break from a secret file would start another header. */
static bool is_field_value(const char *text)
{
	for (; *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	}
	return true;
}

static bool append(struct curl_slist **list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool append(struct curl_slist **list, const char *fmt, ...)
{
	struct curl_slist *longer;
	char *line;
	va_list args;

	va_start(args, fmt);
	int length = vasprintf(&line, fmt, args);
	va_end(args);
	if (length < 0)
		return false;
	longer = curl_slist_append(*list, line);
	explicit_bzero(line, (size_t)length);
	free(line);
	if (longer)
		*list = longer;
	return longer;
}

static bool travels(const char *name)
{
	return strcasecmp(name, "Accept") == 0 || strcasecmp(name, "Content-Type") == 0 || strcasecmp(name, "User-Agent") == 0;
}

/* Whether a configured header goes into the request. */
static bool is_wanted(const struct http_request *request, const struct plan_pair *header)
{
	if (request->elsewhere && !travels(header->name))
		return false;
	if (request->idempotency_key && strcasecmp(header->name, "Idempotency-Key") == 0)
		return false;
	/* as with Kubernetes, an empty Host is the URL's: HTTP/1.1 has no request without one */
	return *header->value || strcasecmp(header->name, "Host") != 0;
}

static bool has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->http->headers.count; i++) {
		const struct plan_pair *header = &request->http->headers.items[i];
		if (strcasecmp(header->name, name) == 0 && is_wanted(request, header))
			return true;
	}
	return false;
}

/* Adds a default header unless the configuration has it. */
static bool add_default(const struct http_request *request, struct curl_slist **list, const char *name, const char *rest)
{
	return has_header(request, name) || append(list, "%s:%s", name, rest);
}

/* libcurl would default to a form. */
static bool add_content_type(const struct http_request *request, struct curl_slist **list)
{
	const char *body = request->body ? request->body : "";

	body += strspn(body, " \t\r\n");
	if (*body == '{' || *body == '[')
		return add_default(request, list, "Content-Type", " application/json");
	return *body || add_default(request, list, "Content-Type", "");
}

static bool add_headers(const struct http_request *request, const struct plan_pair *headers, size_t count,
			struct curl_slist **list, struct check_result *result)
{
	for (size_t i = 0; i < count; i++) {
		const struct plan_pair *header = &headers[i];
		if (!is_wanted(request, header))
			continue;
		if (!is_token(header->name) || !is_field_value(header->value)) {
			result_fail(result, FAILURE_REQUEST, "header %s: not allowed in HTTP", header->name);
			return false;
		}
		if (!append(list, "%s:%s%s", header->name, *header->value ? " " : "", header->value)) {
			result_error(result, "out of memory");
			return false;
		}
	}
	return true;
}

static bool set_headers(CURL *easy, const struct http_request *request, struct curl_slist **list, struct check_result *result)
{
	const struct plan_pairs *configured = &request->http->headers;
	const char *bearer = request->elsewhere ? NULL : request->http->bearer;
	bool ok = true;

	if (!add_headers(request, configured->items, configured->count, list, result) ||
	    !add_headers(request, request->headers, request->header_count, list, result))
		return false;
	if ((bearer && !is_field_value(bearer)) || (request->idempotency_key && !is_field_value(request->idempotency_key))) {
		result_fail(result, FAILURE_REQUEST, "%s: not allowed in HTTP", bearer ? "bearer" : "idempotency key");
		return false;
	}
	if (bearer && !has_header(request, "Authorization"))
		ok = ok && append(list, "Authorization: Bearer %s", bearer);
	if (request->idempotency_key)
		ok = ok && append(list, "Idempotency-Key: %s", request->idempotency_key);
	ok = ok && add_default(request, list, "Connection", " close");
	/* no "100-continue": many servers do not know it, and libcurl would wait a second */
	ok = ok && add_default(request, list, "Expect", "") && add_content_type(request, list);
	if (!ok || curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *list) != CURLE_OK) {
		result_error(result, "out of memory");
		return false;
	}
	return true;
}

static int set_method(CURL *easy, const struct http_request *request)
{
	const char *method = request->method;
	int failed = 0;

	if (strcmp(method, "HEAD") == 0)
		return (int)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	/* without a body these still need "Content-Length: 0" */
	if (request->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
		curl_off_t length = request->body ? (curl_off_t)request->body_length : 0;
		failed |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
	if (strcmp(method, "GET") != 0 || request->body)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	return failed;
}

/* Connects to the URL's host, with the name `name`. */
static bool rename_host(CURLU *url, const char *name, const struct http_request *request, struct http_lists *lists)
{
	char *host = NULL, *port = NULL;
	bool ok = curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK;

	if (curl_url_get(url, CURLUPART_PORT, &port, 0) != CURLUE_OK)
		port = NULL;
	ok = ok && append(&lists->connect_to, "::%s:", host);
	if (!has_header(request, "Host"))
		ok = ok && append(&lists->headers, "Host: %s%s%s", host, port ? ":" : "", port ? port : "");
	ok = ok && curl_url_set(url, CURLUPART_HOST, name, 0) == CURLUE_OK;
	curl_free(host);
	curl_free(port);
	return ok;
}

static long http_version(const struct http_request *request, bool is_https)
{
	if (!request->http2)
		return CURL_HTTP_VERSION_1_1;
	/* over TLS, the latter would do without the negotiation where the server knows of none */
	return is_https ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static bool set_url(CURL *easy, const struct http_request *request, struct http_lists *lists, struct check_result *result)
{
	const struct plan_tls *tls = &request->http->tls;
	CURLU *url = curl_url_dup(request->url);
	char *scheme = NULL, *text = NULL;
	bool ok = url && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
	bool is_https = ok && strcmp(scheme, "https") == 0;

	if (is_https && tls->server_name)
		ok = rename_host(url, tls->server_name, request, lists);
	ok = ok && curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
	     curl_easy_setopt(easy, CURLOPT_URL, text) == CURLE_OK &&
	     curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, http_version(request, is_https)) == CURLE_OK &&
	     curl_easy_setopt(easy, CURLOPT_CONNECT_TO, lists->connect_to) == CURLE_OK;
	curl_free(scheme);
	curl_free(text);
	curl_url_cleanup(url);
	if (!ok)
		result_fail(result, FAILURE_REQUEST, "url: rejected by libcurl%s",
			    is_https && tls->server_name ? ", or tls.server_name is" : "");
	return ok && (!is_https || tls_setup(easy, tls, result));
}

bool http_request_set(CURL *easy, const struct http_request *request, struct http_lists *lists, struct check_result *result)
{
	int failed = set_method(easy, request);

	if (!is_token(request->method)) {
		result_fail(result, FAILURE_REQUEST, "method: not allowed in HTTP");
		return false;
	}
	failed |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, "tinysup-probe/" TINYSUP_VERSION);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->http->unix_socket);
	if (request->user && !request->elsewhere) {
		failed |= (int)curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
		failed |= (int)curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
	}
	if (failed) {
		result_error(result, "libcurl rejected the request");
		return false;
	}
	return set_url(easy, request, lists, result) && set_headers(easy, request, &lists->headers, result);
}

void http_lists_free(struct http_lists *lists)
{
	for (struct curl_slist *line = lists->headers; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(lists->headers);
	curl_slist_free_all(lists->connect_to);
	*lists = (struct http_lists){NULL, NULL};
}
