#include "hooks/alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/growing.h"
#include "hooks/answer.h"
#include "hooks/mail.h"
#include "hooks/payload.h"
#include "hooks/smtp.h"
#include "probes/http.h"

/* Telegram's answer repeats the text, with escapes. */
#define ANSWER_MAX ((int64_t)256 << 10)

/* What the services without a limit of their own get. */
#define TEXT_MAX 10000

/*
 * path: appended to the URL, unless that ends with it; after: the same, after the token. limit: of the text. body NULL: a mail.
 */
static const struct channel {
	const char *path, *after;
	size_t limit;
	enum unit unit;
	char *(*body)(const struct message *message);
	enum answer_kind answer;
	bool bearer; /* the token is a bearer token */
} channels[] = {
    [ALERT_SLACK] = {.limit = 3000, .unit = UNIT_SLACK, .body = payload_slack, .answer = ANSWER_OK},
    [ALERT_DISCORD] = {.limit = 2000, .unit = UNIT_CHARACTERS, .body = payload_discord},
    [ALERT_TELEGRAM] = {.path = "/bot",
			.after = "/sendMessage",
			.limit = 4096,
			.unit = UNIT_UTF16,
			.body = payload_telegram,
			.answer = ANSWER_JSON_OK},
    [ALERT_EMAIL] = {.limit = TEXT_MAX, .unit = UNIT_CHARACTERS, .body = NULL},
    [ALERT_PAGERDUTY] = {.path = "/v2/enqueue", .limit = 1024, .unit = UNIT_UTF16, .body = payload_pagerduty},
    [ALERT_NTFY] = {.path = "/", .limit = 4096, .unit = UNIT_JSON, .body = payload_ntfy, .bearer = true},
    [ALERT_ALERTMANAGER] = {.path = "/api/v2/alerts", .limit = TEXT_MAX, .unit = UNIT_CHARACTERS, .body = payload_alertmanager},
    [ALERT_WEBHOOK] = {.limit = TEXT_MAX, .unit = UNIT_CHARACTERS, .body = payload_webhook},
};

/* NULL without memory. */
static char *make_url(const struct plan_alert *alert)
{
	const struct channel *channel = &channels[alert->type];
	const char *base = alert->url.value, *token = channel->after != NULL ? alert->token : "";
	char *path = NULL, *url = NULL;
	size_t length = strlen(base);

	if (channel->path == NULL)
		return strdup(base);
	int added = asprintf(&path, "%s%s%s", channel->path, token, channel->after != NULL ? channel->after : "");
	if (added < 0)
		return NULL;
	if (length >= (size_t)added && strcmp(base + length - (size_t)added, path) == 0)
		length -= (size_t)added;
	while (length > 0 && base[length - 1] == '/')
		length--;
	if (asprintf(&url, "%.*s%s", (int)length, base, path) < 0)
		url = NULL;
	free(path);
	return url;
}

static void post(const struct plan_alert *alert, const char *url, const char *body, msec_t timeout, struct check_result *result)
{
	static const struct plan_range accepted = {200, 299};
	const struct channel *channel = &channels[alert->type];
	const struct plan_http http = {
	    .url = {.value = url},
	    .method = "POST",
	    .headers = alert->headers,
	    .body = body,
	    .bearer = channel->bearer ? alert->token : NULL,
	    .status = {.items = &accepted, .count = 1},
	    .max_body = ANSWER_MAX,
	    .slower_than = MSEC_UNSET,
	    .tls = alert->tls,
	};
	char *answer = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&answer, &length);

	if (to == NULL) {
		result_error(result, "out of memory");
		return;
	}
	http_fetch(&http, timeout, to, result);
	if (fclose(to) == 0)
		answer_judge(alert, channel->answer, answer, length, result);
	free(answer);
}

static void send_json(const struct message *message, msec_t timeout, struct check_result *result)
{
	char *url = make_url(message->alert), *body = channels[message->alert->type].body(message);

	if (url != NULL && body != NULL)
		post(message->alert, url, body, timeout, result);
	else
		result_error(result, "out of memory");
	free(url);
	free(body);
}

static void send_mail(const struct message *message, msec_t timeout, struct check_result *result)
{
	struct growing mail = {.text = NULL};

	if (mail_write(&mail, message))
		smtp_send(message->alert, mail.text, mail.length, timeout, result);
	else
		result_error(result, "out of memory");
	growing_free(&mail);
}

void alert_send(const struct plan_alert *alert, const struct plan_wording *own, const struct report *report, msec_t timeout,
		struct check_result *result)
{
	const struct channel *channel = &channels[alert->type];
	struct message message;

	*result = (struct check_result){.retry_after = MSEC_UNSET};
	if (!wording_make(&message, alert, own, report, channel->limit, channel->unit))
		result_error(result, "out of memory");
	else if (channel->body == NULL)
		send_mail(&message, timeout, result);
	else
		send_json(&message, timeout, result);
	wording_free(&message);
}

void alert_connect(const struct plan_alert *alert, msec_t timeout, struct check_result *result)
{
	const struct plan_http http = {.url = alert->url, .max_body = 1, .slower_than = MSEC_UNSET, .tls = alert->tls};

	if (alert->type == ALERT_EMAIL)
		smtp_connect(alert, timeout, result);
	else
		http_connect(&http, timeout, result);
}
