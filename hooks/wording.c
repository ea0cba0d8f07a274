#include "hooks/wording.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/alert_text.h"
#include "config/names.h"

#define DEFAULT_MAX 3000 /* bytes of the default text */
#define TAIL_ROOM   80   /* room for the elapsed time after a list of steps that was cut */

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static bool has_failed(const struct report_step *step)
{
	static const char *const results[] = {"failed", "timeout", "cut"};

	return is_one_of(step->result, results, 3);
}

static enum alert_level derive_of_event(const char *event)
{
	static const char *const good[] = {"recovered", "stop"};

	if (is_one_of(event, good, 2))
		return LEVEL_INFO;
	return strcmp(event, "restart") == 0 ? LEVEL_WARNING : LEVEL_CRITICAL;
}

static enum alert_level derive_level(const struct report *report)
{
	static const char *const bad_reasons[] = {"crash", "unhealthy", "recovery", "held"};
	bool critical = is_one_of(report->reason, bad_reasons, 4);

	if (*report->notice != '\0')
		return derive_of_event(report->event);
	for (size_t i = 0; i < report->step_count; i++)
		critical = critical || has_failed(&report->steps[i]);
	return critical ? LEVEL_CRITICAL : LEVEL_INFO;
}

struct text {
	char bytes[DEFAULT_MAX + 1];
	size_t length, room; /* room: of bytes, the NUL included */
};

/* Adds all of it, or nothing if less than `spare` bytes would be left. */
static bool add(struct text *text, size_t spare, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool add(struct text *text, size_t spare, const char *fmt, ...)
{
	size_t room = text->room - text->length;
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

/* "attempt 3 of 3"; "" where there is one only. */
static const char *attempts_of(const struct report_step *step, char buffer[48])
{
	*buffer = '\0';
	if (step->attempts > 1 && step->attempt > 0)
		snprintf(buffer, 48, "attempt %d of %d", step->attempt, step->attempts);
	return buffer;
}

static void add_head(struct text *text, const struct report *report)
{
	const char *why = *report->signal ? report->signal : report->app_state;

	if (*report->notice != '\0')
		add(text, TAIL_ROOM, "%.500s on %.255s: %.128s", report->app, report->host, report->notice);
	else
		add(text, TAIL_ROOM, "%.500s on %.255s: %.50s (%.100s)", report->app, report->host, report->reason, why);
}

static bool add_step(struct text *text, const char *separator, const struct report_step *step)
{
	char attempts[48];
	const char *why = has_failed(step) ? step->why : "";

	attempts_of(step, attempts);
	if (!has_failed(step) || (*why == '\0' && *attempts == '\0'))
		return add(text, TAIL_ROOM, "%s%.200s %s %.1f s", separator, step->name, step->result,
			   (double)step->took / 1000);
	return add(text, TAIL_ROOM, "%s%.200s %s %.1f s (%s%s%s)", separator, step->name, step->result,
		   (double)step->took / 1000, why, *why && *attempts ? "; " : "", attempts);
}

/* "cancel ok 0.2 s, save failed 3.0 s (status 503; attempt 3 of 3)". What has not run yet is left out. False: nothing. */
static bool add_steps(struct text *text, const char *separator, const struct report *report)
{
	static const char *const unfinished[] = {"pending", "running"};
	bool any = false;

	for (size_t i = 0; i < report->step_count; i++) {
		if (is_one_of(report->steps[i].result, unfinished, 2))
			continue;
		bool fits = add_step(text, any ? ", " : separator, &report->steps[i]);
		if (!fits)
			add(text, 0, "%s...", any ? ", " : separator);
		any = true;
		if (!fits)
			break;
	}
	return any;
}

static const char *deadline_of(const struct report *report, char buffer[32])
{
	snprintf(buffer, 32, "%.*f s", report->deadline % 1000 ? 1 : 0, (double)report->deadline / 1000);
	return buffer;
}

/* What the app said last belongs to a message about a crash or a failed probe. */
static void add_tail(struct text *text, const struct report *report)
{
	static const char *const bad[] = {"crash", "unhealthy", "held"};

	if (*report->tail != '\0' && (is_one_of(report->reason, bad, 3) || is_one_of(report->event, bad, 3)))
		add(text, 0, "\n%.*s", (int)(text->room - text->length - 2), report->tail);
}

/* "paper-bot on HOST: stop (SIGTERM): cancel ok 0.2 s, save failed 3.0 s (status 503), 4.1 s of 28 s" */
static void compose(struct text *text, const struct report *report)
{
	char deadline[32];

	add_head(text, report);
	if (*report->notice != '\0') {
		add(text, 0, "%s%.1000s", *report->detail ? ": " : "", report->detail);
		return;
	}
	if (strcmp(report->reason, "held") == 0) {
		add(text, 0, ": restarted too often, and not running until the container is restarted");
		return;
	}
	bool any = add_steps(text, ": ", report);
	add(text, 0, "%s%.1f s of %s", any ? ", " : ": ", (double)report->elapsed / 1000, deadline_of(report, deadline));
}

/* A program that was killed at its timeout has nothing to say but that. */
static const char *why_of(const struct report_step *step, char buffer[48])
{
	if (strcmp(step->result, "timeout") == 0 && strcmp(step->why, "killed") == 0) {
		snprintf(buffer, 48, "timeout after %.1f s", (double)step->took / 1000);
		return buffer;
	}
	return *step->why ? step->why : step->result;
}

/* "save: status 503 (attempt 3 of 3); close: timeout after 5.0 s" */
static void add_failures(struct text *text, const struct report *report)
{
	char attempts[48], why[48];

	for (size_t i = 0; i < report->step_count; i++) {
		const struct report_step *step = &report->steps[i];
		if (!has_failed(step))
			continue;
		attempts_of(step, attempts);
		if (add(text, TAIL_ROOM, "%s%.200s: %s%s%s%s", text->length > 0 ? "; " : "", step->name, why_of(step, why),
			*attempts ? " (" : "", attempts, *attempts ? ")" : ""))
			continue;
		add(text, 0, "; ...");
		break;
	}
	if (text->length == 0)
		add(text, 0, "%.1000s", report->detail);
}

/* The template with its variables. False without memory. */
static bool fill_in(struct growing *to, const char *template, const struct message *message)
{
	const struct report *report = message->report;
	struct text failed = {.room = sizeof failed.bytes}, steps = {.room = sizeof steps.bytes};
	char exit_code[12] = "", took[32], deadline[32];

	add_failures(&failed, report);
	add_steps(&steps, "", report);
	if (report->exit_code >= 0)
		snprintf(exit_code, sizeof exit_code, "%d", report->exit_code);
	snprintf(took, sizeof took, "%.1f s", (double)report->elapsed / 1000);
	const char *const values[TEXT_VARIABLES] = {
	    [TEXT_APP] = report->app,
	    [TEXT_HOST] = report->host,
	    [TEXT_INSTANCE] = report->instance,
	    [TEXT_EVENT] = report->event,
	    [TEXT_LEVEL] = name_of(&names_alert_levels, message->level),
	    [TEXT_REASON] = report->reason,
	    [TEXT_SIGNAL] = report->signal,
	    [TEXT_EXIT_CODE] = exit_code,
	    [TEXT_APP_STATE] = report->app_state,
	    [TEXT_FAILED] = failed.bytes,
	    [TEXT_STEPS] = steps.bytes,
	    [TEXT_TOOK] = took,
	    [TEXT_DEADLINE] = deadline_of(report, deadline),
	    [TEXT_SHUTDOWN_ID] = report->shutdown_id,
	    [TEXT_TAIL] = report->tail,
	};
	return alert_text_append(to, template, values);
}

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* Makes it one line. */
static void flatten(char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if (*text == '\n' || *text == '\t')
			*text = ' ';
}

bool wording_make(struct message *out, const struct plan_alert *alert, const struct plan_wording *own,
		  const struct report *report, size_t limit, enum unit unit)
{
	const char *template = own->text != NULL ? own->text : alert->wording.text;
	struct text head = {.room = sizeof head.bytes};
	struct text text = {.room = limit < DEFAULT_MAX ? limit + 1 : sizeof text.bytes};
	struct growing filled = {.text = NULL};

	*out = (struct message){.alert = alert, .report = report, .level = own->level};
	if (out->level == LEVEL_DERIVED)
		out->level = alert->wording.level;
	if (out->level == LEVEL_DERIVED)
		out->level = derive_level(report);
	add_head(&head, report);
	out->head = cut(head.bytes, WORDING_HEAD_MAX, UNIT_JSON);
	flatten(out->head);
	compose(&text, report);
	add_tail(&text, report);
	/* services refuse an empty text */
	if (template == NULL)
		out->text = cut(text.bytes, limit, unit);
	else if (fill_in(&filled, template, out))
		out->text = cut(is_blank(filled.text) ? text.bytes : filled.text, limit, unit);
	growing_free(&filled);
	return out->head != NULL && out->text != NULL;
}

void wording_free(struct message *message)
{
	free(message->head);
	free(message->text);
}
