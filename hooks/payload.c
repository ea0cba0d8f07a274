#include "hooks/payload.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/text.h"

#define TAIL_ROOM 80 /* room for the elapsed time after a list of steps that was cut */

struct text {
	char bytes[PAYLOAD_TEXT_MAX];
	size_t length;
};

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static const char *severity(const struct report *report)
{
	static const char *const bad_reasons[] = {"crash", "unhealthy"};
	static const char *const bad_results[] = {"failed", "timeout", "cut"};
	bool critical = is_one_of(report->reason, bad_reasons, 2);

	for (size_t i = 0; i < report->step_count && i < REPORT_STEPS_MAX; i++)
		critical = critical || is_one_of(report->steps[i].result, bad_results, 3);
	return critical ? "critical" : "info";
}

/* Adds all of it, or nothing if less than `spare` bytes would be left. */
static bool add(struct text *text, size_t spare, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool add(struct text *text, size_t spare, const char *fmt, ...)
{
	size_t room = sizeof text->bytes - text->length;
	va_list args;

	va_start(args, fmt);
	int length = vsnprintf(text->bytes + text->length, room, fmt, args);
	va_end(args);
	if (length < 0 || (size_t)length + spare >= room) {
		text->bytes[text->length] = '\0';
		return false;
	}
	text->length += (size_t)length;
	return true;
}

/* "paper-bot on HOST: stop (SIGTERM): cancel ok 0.2 s, save failed 3.0 s, 4.1 s of 28 s". What has not run yet is left out. */
static void compose(struct text *text, const struct report *report)
{
	static const char *const unfinished[] = {"pending", "running"};
	const char *why = *report->signal ? report->signal : report->app_state, *separator = ": ";

	text->length = 0;
	text->bytes[0] = '\0';
	add(text, TAIL_ROOM, "%.500s on %.255s: %.50s (%.100s)", report->app, report->host, report->reason, why);
	for (size_t i = 0; i < report->step_count && i < REPORT_STEPS_MAX; i++) {
		const struct report_step *step = &report->steps[i];
		if (is_one_of(step->result, unfinished, 2))
			continue;
		if (!add(text, TAIL_ROOM, "%s%.200s %s %.1f s", separator, step->name, step->result,
			 (double)step->took / 1000)) {
			add(text, 0, "%s...", separator);
			break;
		}
		separator = ", ";
	}
	add(text, 0, "%s%.1f s of %.*f s", separator, (double)report->elapsed / 1000, report->deadline % 1000 ? 1 : 0,
	    (double)report->deadline / 1000);
}

static char *escape_for_slack(const char *text)
{
	char *escaped = malloc(strlen(text) * strlen("&amp;") + 1), *to = escaped;

	if (!escaped)
		return NULL;
	for (; *text; text++) {
		char plain[2] = {*text, '\0'};
		to = stpcpy(to, *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : plain);
	}
	*to = '\0';
	return escaped;
}

static char *dump(json_t *root)
{
	char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return body;
}

char *payload_slack(const struct report *report)
{
	struct text text;

	compose(&text, report);
	char *escaped = escape_for_slack(text.bytes);
	json_t *root = escaped ? json_pack("{s:o}", "text", text_json(escaped)) : NULL;
	free(escaped);
	return dump(root);
}

static json_t *list_steps(const struct report *report)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < report->step_count && i < REPORT_STEPS_MAX; i++) {
		const struct report_step *step = &report->steps[i];
		json_t *entry = json_pack("{s:o, s:o, s:I}", "name", text_json(step->name), "result", text_json(step->result),
					  "took_ms", (json_int_t)step->took);
		if (json_array_append_new(steps, entry) != 0) {
			json_decref(steps);
			return NULL;
		}
	}
	return steps;
}

char *payload_webhook(const struct report *report)
{
	struct text text;

	compose(&text, report);
	return dump(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "event", "shutdown", "severity",
			      severity(report), "app", text_json(report->app), "host", text_json(report->host), "reason",
			      text_json(report->reason), "signal", text_json(report->signal), "shutdown_id",
			      text_json(report->shutdown_id), "app_state", text_json(report->app_state), "elapsed_ms",
			      (json_int_t)report->elapsed, "deadline_ms", (json_int_t)report->deadline, "text",
			      text_json(text.bytes), "steps", list_steps(report)));
}
