#include "config/signers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/nearest.h"
#include "config/schemes.h"

/* Of an answer that is judged by its body, unless configured: cancelled orders are listed by the hundred. */
#define SIGNED_MAX_BODY (INT64_C(1) << 20)

static const struct plan_signer *find(struct reader *reader, config_setting_t *group, const char *path, const char *name)
{
	const struct plan_signers *signers = &reader->plan->signers;
	struct nearest near = {.typed = name};

	for (size_t i = 0; i < signers->count; i++) {
		if (strcmp(signers->items[i].name, name) == 0)
			return &signers->items[i];
		nearest_offer(&near, signers->items[i].name);
	}
	if (near.best != NULL)
		signers_report(reader, group, path, "sign", "no signer \"%s\"; did you mean \"%s\"?", name, near.best);
	else
		signers_report(reader, group, path, "sign", "no signer \"%s\"", name);
	return NULL;
}

static const char *method_wrong(const struct plan_http *http)
{
	bool get = http->method != NULL && strcmp(http->method, "GET") == 0;

	return get && http->signer->scheme->add_body != NULL ? "this scheme sends a body: POST" : NULL;
}

static const char *body_wrong(const struct plan_http *http)
{
	const char *body = http->body;

	if (body == NULL)
		return NULL;
	body += strspn(body, " \t\r\n");
	bool json = *body == '{' || *body == '[';
	switch (http->signer->scheme->body) {
	case BODY_NONE:
		return "this scheme sends parameters in the query, for POST, too";
	case BODY_JSON:
		if (!json)
			return "this scheme sends JSON";
		break;
	case BODY_FORM:
		if (json)
			return "this scheme sends a form, such as \"timeout=60\"";
		break;
	case BODY_ANY:
		break;
	}
	return http->method != NULL && strcmp(http->method, "GET") == 0 ? "a signed GET has no body" : NULL;
}

const char *signers_request_wrong(const struct plan_http *http)
{
	const char *wrong = method_wrong(http);

	return wrong != NULL ? wrong : body_wrong(http);
}

static void check_body(struct reader *reader, config_setting_t *group, const char *path, const struct plan_http *http)
{
	const char *wrong = signers_expanded(reader, http->body) ? body_wrong(http) : NULL;

	if (wrong != NULL)
		signers_report(reader, group, path, "body", "%s", wrong);
	wrong = method_wrong(http);
	if (wrong != NULL)
		signers_report(reader, group, path, "method", "%s", wrong);
}

static void check_exclusive(struct reader *reader, config_setting_t *group, const char *path, const struct plan_http *http)
{
	static const char *const others[] = {"basic_user", "bearer"};
	const struct plan_pairs *own = &http->signer->scheme->headers;

	for (size_t i = 0; i < 2; i++)
		if (read_member(group, others[i]) != NULL)
			signers_report(reader, group, path, others[i], "cannot be sent together with sign");
	if (read_member(group, "redirects") != NULL && http->redirects != 0)
		signers_report(reader, group, path, "redirects", "a signed request follows no redirects");
	for (size_t i = 0; i < http->headers.count; i++)
		for (size_t j = 0; j < own->count; j++)
			if (strcasecmp(http->headers.items[i].name, own->items[j].name) == 0)
				signers_report(reader, group, path, "headers", "%s comes from the signer", own->items[j].name);
}

/* Copies text without blanks and quotes and with "=" for ":", so that {"timeOut": "0"} reads {timeOut=0}. */
static void simplify(const char *text, char *to)
{
	for (; *text != '\0'; text++)
		if (strchr(" \t\r\n\"", *text) == NULL)
			*to++ = *text == ':' ? '=' : *text;
	*to = '\0';
}

/* Whether simplified text has this parameter, as a whole. */
static bool has_parameter(const char *text, const char *parameter)
{
	size_t length = strlen(parameter);

	for (const char *at = text; (at = strstr(at, parameter)) != NULL; at++)
		if ((at == text || strchr("{,&?", at[-1]) != NULL) &&
		    (at[length] == '\0' || strchr("},&#", at[length]) != NULL))
			return true;
	return false;
}

static bool path_ends_in(const char *url, const char *end)
{
	size_t length = strcspn(url, "?#"), wanted = strlen(end);

	while (length > 0 && url[length - 1] == '/')
		length--;
	return length >= wanted && strncmp(url + length - wanted, end, wanted) == 0;
}

/* body: simplified. */
static bool does_disarm(const struct plan_http *http, const char *body)
{
	const struct plan_disarms *disarms = &http->signer->scheme->disarms;
	const char *url = http->url.value;
	bool found = false;

	for (size_t i = 0; i < disarms->count; i++)
		if (path_ends_in(url, disarms->items[i].path))
			found |= has_parameter(body, disarms->items[i].parameter) ||
				 has_parameter(url + strcspn(url, "?"), disarms->items[i].parameter);
	return found;
}

/* Whether simplified text has a parameter of this name. */
static bool has_name(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
		if (at > text && strchr("{,&?", at[-1]) != NULL && at[length] == '=')
			return true;
	return false;
}

/* Of a scheme of the user's own, `nothing` is said for all requests. */
static bool is_nothing_done(const struct plan_http *http, const char *body)
{
	const struct plan_nothings *known = &http->signer->scheme->nothing_at;
	const char *url = http->url.value;
	bool found = http->signer->preset == 0;

	for (size_t i = 0; i < known->count; i++)
		found |= path_ends_in(url, known->items[i].path) &&
			 (known->items[i].without == NULL || (!has_name(body, known->items[i].without) &&
							      !has_name(url + strcspn(url, "?"), known->items[i].without)));
	return found;
}

/* What is known by path and parameters. A signed request follows no redirect. */
static void settle_request(struct plan_http *http)
{
	const char *body = http->body != NULL ? http->body : "";
	char *simple = malloc(strlen(body) + 1);

	if (simple != NULL && http->url.value != NULL) {
		simplify(body, simple);
		http->disarms = does_disarm(http, simple);
		http->nothing_is_done = is_nothing_done(http, simple);
	}
	free(simple);
	http->redirects = 0;
	if (http->signer->scheme->add_body != NULL && http->method == NULL)
		http->method = "POST";
}

bool signers_use(const struct plan *plan, const char *name, struct plan_http *http)
{
	for (size_t i = 0; i < plan->signers.count && http->signer == NULL; i++)
		if (strcmp(plan->signers.items[i].name, name) == 0)
			http->signer = &plan->signers.items[i];
	if (http->signer == NULL)
		return false;
	http->sign = http->signer->name;
	settle_request(http);
	return true;
}

void signers_settle_http(struct reader *reader, config_setting_t *group, struct plan_http *http, const char *path)
{
	static const struct plan_range success = {200, 299};

	if (http->sign == NULL)
		return;
	http->signer = find(reader, group, path, http->sign);
	if (http->signer == NULL || http->signer->scheme == NULL)
		return;
	check_body(reader, group, path, http);
	check_exclusive(reader, group, path, http);
	settle_request(http);
	if (read_member(group, "status") == NULL)
		http->status = (struct plan_ranges){&success, 1};
	if (read_member(group, "max_body") == NULL)
		http->max_body = SIGNED_MAX_BODY;
}
