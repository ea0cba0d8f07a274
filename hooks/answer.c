#include "hooks/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/encoding.h"

#define WORDS_MAX  150 /* bytes */
#define SECRET_MIN 6   /* shorter pieces of URLs and headers are words */
#define SEPARATORS "/?&=#@:;, "
#define RETRY_MAX  86400.0 /* seconds */

static void hide(char *words, const char *secret, size_t length)
{
	char piece[256];

	if (length < SECRET_MIN || length >= sizeof piece)
		return;
	memcpy(piece, secret, length);
	piece[length] = '\0';
	for (char *at = words; (at = strcasestr(at, piece)) != NULL; at += length)
		memset(at, '*', length);
}

/* The whole text, and what stands between separators: a service may quote a part of it. */
static void hide_pieces(char *words, const char *text)
{
	if (text == NULL)
		return;
	hide(words, text, strlen(text));
	while (*text != '\0') {
		size_t length = strcspn(text, SEPARATORS);
		hide(words, text, length);
		text += length + strspn(text + length, SEPARATORS);
	}
}

/* As SMTP's logins have it. */
static void hide_encoded(char *words, const char *bytes, size_t length)
{
	char *encoded = malloc(ENCODING_ROOM(length));

	if (encoded == NULL)
		return;
	hide(words, encoded, encoding_write(ENCODING_BASE64, (const unsigned char *)bytes, length, encoded));
	free(encoded);
}

static void hide_login(char *words, const char *user, const char *password)
{
	char *plain = NULL;

	if (user == NULL || password == NULL)
		return;
	hide_encoded(words, user, strlen(user));
	hide_encoded(words, password, strlen(password));
	int length = asprintf(&plain, "%c%s%c%s", '\0', user, '\0', password);
	if (length < 0)
		return;
	hide_encoded(words, plain, (size_t)length);
	free(plain);
}

void answer_words(const struct plan_alert *alert, const char *from, char *to, size_t size)
{
	size_t used = 0;

	for (; *from != '\0' && used + 1 < size; from++) {
		bool blank = (unsigned char)*from <= ' ';
		if (blank && (used == 0 || to[used - 1] == ' '))
			continue;
		to[used++] = blank ? ' ' : (unsigned char)*from < 0x7f ? *from : '?';
	}
	while (used > 0 && to[used - 1] == ' ')
		used--;
	to[used] = '\0';
	const char *const secrets[] = {alert->url.value, alert->token, alert->routing_key, alert->user,
				       alert->password,  alert->topic, alert->chat_id};
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		hide_pieces(to, secrets[i]);
	hide_login(to, alert->user, alert->password);
	for (size_t i = 0; i < alert->headers.count; i++)
		hide_pieces(to, alert->headers.items[i].value);
	/* no URL of any kind */
	for (char *at = to; (at = strstr(at, "://")) != NULL;)
		memset(at, '*', strcspn(at, " \"'"));
}

/* A string, or the first one of an array. */
static const char *string_of(const json_t *value)
{
	return json_string_value(json_is_array(value) ? json_array_get(value, 0) : value);
}

/* Where services explain: Telegram, Discord, PagerDuty, ntfy, Alertmanager, Slack's API. NULL: nowhere. */
static void explain(const json_t *answer, const char *body, char *to, size_t size)
{
	static const char *const members[] = {"description", "message", "error", "errors", "detail"};
	size_t used = 0;

	*to = '\0';
	if (json_is_string(answer))
		snprintf(to, size, "%s", json_string_value(answer));
	for (size_t i = 0; i < sizeof members / sizeof *members && used < size; i++) {
		const char *words = string_of(json_object_get(answer, members[i]));
		if (words != NULL)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used > 0 ? ": " : "", words);
	}
	/* plain text; a page of HTML explains nothing */
	if (answer == NULL && *body != '<')
		snprintf(to, size, "%.*s", (int)strcspn(body, "\r\n"), body);
}

/* "status 400: chat not found"; what: "status 400". */
static void give_words(const struct plan_alert *alert, const json_t *answer, const char *body, enum failure failure,
		       const char *what, struct check_result *result)
{
	char said[4 * WORDS_MAX], words[WORDS_MAX];

	explain(answer, body, said, sizeof said);
	answer_words(alert, said, words, sizeof words);
	result_fail(result, failure, "%s%s%s", what, *words ? ": " : "", words);
}

static bool says_ok(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "ok")) || json_is_true(json_object_get(answer, "success"));
}

static bool is_success(enum answer_kind kind, const json_t *answer, const char *body)
{
	const char *text = body + strspn(body, " \r\n");

	switch (kind) {
	case ANSWER_ANY:
		break;
	case ANSWER_OK:
		return *text == '\0' || (strncmp(text, "ok", 2) == 0 && text[2 + strspn(text + 2, " \r\n")] == '\0') ||
		       says_ok(answer);
	case ANSWER_JSON_OK:
		return json_is_true(json_object_get(answer, "ok"));
	}
	return true;
}

/* Telegram's and Discord's delay in seconds, in addition to Retry-After: the shorter of the two. */
static void read_delay(const json_t *answer, struct check_result *result)
{
	const json_t *delay = json_object_get(json_object_get(answer, "parameters"), "retry_after");

	if (delay == NULL)
		delay = json_object_get(answer, "retry_after");
	double seconds = json_number_value(delay);
	if (!json_is_number(delay) || seconds < 0 || seconds > RETRY_MAX)
		return;
	msec_t time = (msec_t)(seconds * 1000 + 0.999);
	if (result->retry_after == MSEC_UNSET || time < result->retry_after)
		result->retry_after = time;
}

void answer_judge(const struct plan_alert *alert, enum answer_kind kind, const char *body, size_t length,
		  struct check_result *result)
{
	json_t *answer = json_loadb(body, length, JSON_DECODE_ANY, NULL);
	char what[32];

	if (result->outcome == OUTCOME_OK && !is_success(kind, answer, body)) {
		/* an error that comes with 200 is what its code says */
		json_int_t code = json_integer_value(json_object_get(answer, "error_code"));
		bool known = code >= 400 && code <= 599;
		snprintf(what, sizeof what, known ? "refused with %d" : "refused", (int)code);
		if (known)
			result->status = (int)code;
		give_words(alert, answer, body, known ? FAILURE_STATUS : FAILURE_BODY, what, result);
	} else if (result->outcome == OUTCOME_FAIL && result->failure == FAILURE_STATUS) {
		snprintf(what, sizeof what, "status %d", result->status);
		give_words(alert, answer, body, FAILURE_STATUS, what, result);
	}
	if (result->outcome == OUTCOME_FAIL && (result->status == 429 || result->status == 503))
		read_delay(answer, result);
	json_decref(answer);
}
