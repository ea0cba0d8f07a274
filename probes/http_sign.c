#include "probes/http_sign.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "config/expand.h"

#define FILE_REFERENCE "${file:"

/* A file with this text has been replaced since the configuration was read. */
static bool has_changed(const char *shown, int64_t since, char path[PATH_MAX])
{
	struct stat status;

	for (const char *at = shown; (at = strstr(at, FILE_REFERENCE)) != NULL;) {
		at += strlen(FILE_REFERENCE);
		snprintf(path, PATH_MAX, "%.*s", (int)strcspn(at, "}"), at);
		if (stat(path, &status) == 0 &&
		    status.st_ctim.tv_sec * INT64_C(1000) + status.st_ctim.tv_nsec / 1000000 > since)
			return true;
	}
	return false;
}

/*
 * Text of the plan as it is now: files are read again. What cannot be read, or is gone or empty, is as it was at the start,
 * unless it is known to be another one now. False: that is so; see `result`.
 */
static bool freshen(const struct plan_signer *signer, const struct plan_text *text, struct fresh *fresh,
		    struct check_result *result)
{
	struct expansion with = {.each = NULL};
	char why[256], path[PATH_MAX];

	*fresh = (struct fresh){NULL, text->value};
	if (text->value == NULL || strstr(text->shown, FILE_REFERENCE) == NULL)
		return true;
	fresh->read = expand_now(text->shown, &with, why);
	if (fresh->read != NULL && *fresh->read != '\0')
		fresh->text = fresh->read;
	else if (fresh->read == NULL && has_changed(text->shown, signer->read_at, path)) {
		result_error(result, "sign: %s has changed, and this user cannot read it", path);
		return false;
	}
	return true;
}

static void keep_memory_private(void)
{
	static const struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

/* --- the request --------------------------------------------------------------------------------------------------------- */

/* "a&b"; either may be empty. */
static char *join(const char *first, const char *second)
{
	char *whole = malloc(strlen(first) + strlen(second) + 2);

	if (whole != NULL)
		stpcpy(stpcpy(stpcpy(whole, first), *first != '\0' && *second != '\0' ? "&" : ""), second);
	return whole;
}

/* The query, malloc()ed; "": none. NULL without memory. */
static char *get_query(CURLU *url)
{
	char *query = NULL, *copy = NULL;
	CURLUcode code = curl_url_get(url, CURLUPART_QUERY, &query, 0);

	if (code == CURLUE_OK || code == CURLUE_NO_QUERY)
		copy = strdup(code == CURLUE_OK ? query : "");
	curl_free(query);
	return copy;
}

static bool append_query(CURLU *url, const char *parameters)
{
	char *query = get_query(url), *whole = query != NULL ? join(query, parameters) : NULL;
	bool good = whole != NULL && curl_url_set(url, CURLUPART_QUERY, whole, 0) == CURLUE_OK;

	free(query);
	free(whole);
	return good;
}

/* What the scheme adds before it signs. Later additions would not be signed. */
static bool add(struct http_request *request, const struct sign_input *input, struct http_signed *made)
{
	const struct plan_scheme *scheme = input->scheme;
	bool good = true;

	if (scheme->add_query != NULL) {
		char *added = sign_added(input, scheme->add_query);
		good = added != NULL && append_query(request->url, added);
		free(added);
	}
	if (good && scheme->add_body != NULL) {
		char *added = sign_added(input, scheme->add_body);
		made->body = added != NULL ? join(added, request->body != NULL ? request->body : "") : NULL;
		free(added);
		good = made->body != NULL;
		request->body = made->body;
		request->body_length = good ? strlen(made->body) : 0;
	}
	return good;
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL;
}

/* "signature=...", percent-encoded, at the end of the query. */
static bool put_signature(CURLU *url, const char *name, const char *signature)
{
	struct growing parameter = {NULL, 0, 0};
	bool good = growing_append(&parameter, name, strlen(name)) && growing_append(&parameter, "=", 1);

	for (; good && *signature != '\0'; signature++) {
		char encoded[4];
		snprintf(encoded, sizeof encoded, is_unreserved(*signature) ? "%c" : "%%%02X", (unsigned char)*signature);
		good = growing_append(&parameter, encoded, strlen(encoded));
	}
	good = good && append_query(url, parameter.text);
	growing_free(&parameter);
	return good;
}

/* Path and query as libcurl sends them. */
static const char *sign_url(struct http_request *request, struct sign_input *input, struct http_signed *made)
{
	char *path = NULL, *query = get_query(request->url);
	const char *wrong = "out of memory";

	if (query != NULL && curl_url_get(request->url, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
		input->path = path;
		input->query = query;
		input->body = request->body != NULL ? request->body : "";
		wrong = sign(input, &made->signature);
	}
	curl_free(path);
	free(query);
	if (wrong == NULL && input->scheme->sign_query != NULL &&
	    !put_signature(request->url, input->scheme->sign_query, made->signature.text))
		wrong = "out of memory";
	return wrong;
}

static bool read_secrets(const struct plan_signer *signer, struct http_signed *made, struct check_result *result)
{
	return freshen(signer, &signer->key, &made->key, result) && freshen(signer, &signer->secret, &made->secret, result) &&
	       freshen(signer, &signer->passphrase, &made->passphrase, result);
}

bool http_sign(struct http_request *request, struct http_signed *made, struct check_result *result)
{
	const struct plan_signer *signer = request->http->signer;
	struct timespec now;

	keep_memory_private();
	if (!read_secrets(signer, made, result))
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	struct sign_input input = {
	    .scheme = signer->scheme,
	    .key = made->key.text,
	    .secret = made->secret.text,
	    .passphrase = made->passphrase.text,
	    .recv = signer->recv,
	    .now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
	    .nonce = sign_nonce(signer, made->key.text, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec),
	    .method = request->method,
	};
	const char *wrong = add(request, &input, made) ? sign_url(request, &input, made) : "out of memory";
	request->headers = made->signature.headers;
	request->header_count = made->signature.header_count;
	request->signed_with = made;
	if (wrong != NULL)
		result_error(result, "sign: %s", wrong);
	return wrong == NULL;
}

void http_signed_free(struct http_signed *made)
{
	signature_free(&made->signature);
	free(made->body);
	expand_free(made->key.read);
	expand_free(made->secret.read);
	expand_free(made->passphrase.read);
	*made = (struct http_signed){.body = NULL};
}
