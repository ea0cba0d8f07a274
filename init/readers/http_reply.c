#include "init/readers/http_reply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/readers/health_json.h"
#include "init/readers/metrics.h"
#include "init/readers/status.h"
#include "init/readers/page_view.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML  "text/html; charset=utf-8"

enum status_code { OK = 200, NOT_FOUND = 404, NOT_ALLOWED = 405, UNAVAILABLE = 503 };

/* Paths, as in the Kubernetes API server. */
static const struct {
	const char *path;
	enum probe_kind kind; /* PROBE_COUNT: no verdict */
} paths[] = {
    {"/livez", PROBE_LIVENESS}, {"/readyz", PROBE_READINESS}, {"/startupz", PROBE_STARTUP},
    {"/status", PROBE_COUNT},   {"/metrics", PROBE_COUNT},    {"/", PROBE_COUNT},
};

static struct page copy_of_page; /* too large for a stack; there is one thread */

static void add_check(FILE *to, const struct page_check *check, int64_t now)
{
	char why[PAGE_TEXT];
	bool ok = view_check(check, now) == VIEW_OK;
	const char *soft = check->soft ? " (soft)" : "";

	view_check_why(check, now, why);
	if (ok)
		fprintf(to, "[+]%s%s ok\n", check->name, soft);
	else
		fprintf(to, "[-]%s%s failed: %s\n", check->name, soft, why);
}

/* ?verbose, as in the API server: a line per check and the verdict. */
static void add_verbose(FILE *to, const char *path, const struct page *copy, enum probe_kind kind, int64_t now)
{
	const struct page_verdict *verdict = &copy->head.verdicts[kind];
	char why[2 * PAGE_TEXT];
	bool healthy = view_healthy(copy, kind, now, why), explained = false;

	for (size_t i = 0; i < copy->head.checks; i++) {
		if ((verdict->checks & UINT64_C(1) << i) == 0)
			continue;
		add_check(to, &copy->check[i], now);
		explained |= !copy->check[i].soft && view_check(&copy->check[i], now) != VIEW_OK;
	}
	/* a check of the API server's, too */
	if (!healthy && copy->head.phase == PAGE_STOPPING)
		fprintf(to, "[-]shutdown failed: %s\n", why);
	else if (!healthy && !explained)
		fprintf(to, "%s\n", why);
	fprintf(to, "%s check %s\n", path + 1, healthy ? "passed" : "failed");
}

static void verdict_text(FILE *to, const struct query *query, const struct page *copy, enum probe_kind kind, int64_t now)
{
	char why[2 * PAGE_TEXT];

	if (query->verbose)
		add_verbose(to, query->path, copy, kind, now);
	else if (view_healthy(copy, kind, now, why))
		fputs("ok\n", to);
	else
		fprintf(to, "%s\n", *why ? why : "unhealthy");
}

static void add_json(FILE *to, json_t *root)
{
	if (root != NULL && json_dumpf(root, to, VIEW_JSON) == 0)
		fputc('\n', to);
	json_decref(root);
}

/* copy: NULL if the page cannot be read. */
static void reply_people(FILE *to, struct known *known, const struct page *copy, int64_t now, struct reply *reply)
{
	const struct people people = {.to = to, .copy = copy, .plan = known->plan, .hour = &known->hour, .now = now};

	reply->status = copy != NULL ? OK : UNAVAILABLE;
	reply->type = TEXT_HTML;
	reply->policy = people_policy;
	if (copy != NULL)
		hour_add(&known->hour, copy->check, copy->head.checks, now);
	people_print(&people);
}

/* kind: from paths[]. copy: valid. */
static void reply_with(FILE *to, const struct query *query, enum probe_kind kind, const struct page *copy, int64_t now,
		       struct reply *reply)
{
	char why[PAGE_TEXT];

	if (kind != PROBE_COUNT) {
		reply->status = page_healthy(copy, kind, now, why) ? OK : UNAVAILABLE;
		reply->type = query->json ? TYPE_HEALTH_JSON : TEXT_PLAIN;
		if (query->json)
			add_json(to, health_json(copy, kind, now));
		else
			verdict_text(to, query, copy, kind, now);
	} else if (strcmp(query->path, "/status") == 0) {
		reply->type = "application/json";
		add_json(to, status_json(copy, now));
	} else {
		reply->type = METRICS_TYPE;
		metrics_print(to, copy, now);
	}
}

/* Where the page cannot be read. */
static void reply_unreadable(FILE *to, const struct query *query, struct reply *reply)
{
	static const char unreadable[] = "cannot read the published status: the supervisor stopped in the middle of an update";

	reply->status = UNAVAILABLE;
	reply->type = query->json ? TYPE_HEALTH_JSON : TEXT_PLAIN;
	if (query->json)
		add_json(to, json_pack("{s:s, s:s}", "status", "fail", "output", unreadable));
	else
		fprintf(to, "%s\n", unreadable);
}

static void fill(FILE *to, const struct query *query, struct known *known, int64_t now, struct reply *reply)
{
	size_t i = 0;

	while (i < sizeof paths / sizeof *paths && strcmp(paths[i].path, query->path) != 0)
		i++;
	*reply = (struct reply){.status = OK, .type = TEXT_PLAIN};
	if (i == sizeof paths / sizeof *paths) {
		reply->status = NOT_FOUND;
		fputs("not found; try / /livez /readyz /startupz /status /metrics\n", to);
		return;
	}
	if (!query->method_known) {
		reply->status = NOT_ALLOWED;
		fputs("method not allowed: use GET or HEAD\n", to);
		return;
	}
	bool good = page_read(known->page, &copy_of_page);
	if (strcmp(query->path, "/") == 0)
		reply_people(to, known, good ? &copy_of_page : NULL, now, reply);
	else if (good)
		reply_with(to, query, paths[i].kind, &copy_of_page, now, reply);
	else
		reply_unreadable(to, query, reply);
}

bool http_reply_sample(struct known *known, int64_t now)
{
	if (!page_read(known->page, &copy_of_page))
		return true;
	hour_add(&known->hour, copy_of_page.check, copy_of_page.head.checks, now);
	return known->hour.count > 0;
}

bool http_reply_make(const struct query *query, struct known *known, int64_t now, struct reply *reply)
{
	char *body = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&body, &length);

	if (to == NULL)
		return false;
	fill(to, query, known, now, reply);
	if (fclose(to) != 0) {
		free(body);
		return false;
	}
	reply->body = body;
	reply->length = length;
	return true;
}
