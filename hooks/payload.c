#include "hooks/payload.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/names.h"
#include "probes/text.h"

/* How long Alertmanager takes an alert for firing: longer than anybody's group_wait. A container that is gone cannot renew it.
 */
#define FIRING_SECONDS 3600

static const char *level_of(const struct message *message)
{
	return name_of(&names_alert_levels, message->level);
}

static char *dump(json_t *root)
{
	char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return body;
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

char *payload_slack(const struct message *message)
{
	char *escaped = escape_for_slack(message->text);
	json_t *root = escaped ? json_pack("{s:o}", "text", text_json(escaped)) : NULL;

	free(escaped);
	return dump(root);
}

char *payload_discord(const struct message *message)
{
	return dump(json_pack("{s:o, s:{s:[]}}", "content", text_json(message->text), "allowed_mentions", "parse"));
}

char *payload_telegram(const struct message *message)
{
	return dump(json_pack("{s:o, s:o}", "chat_id", text_json(message->alert->chat_id), "text", text_json(message->text)));
}

static json_t *list_steps(const struct report *report)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < report->step_count; i++) {
		const struct report_step *step = &report->steps[i];
		json_t *entry = json_pack("{s:o, s:o, s:I}", "name", text_json(step->name), "result", text_json(step->result),
					  "took_ms", (json_int_t)step->took);
		if (entry && *step->why)
			json_object_set_new(entry, "error", text_json(step->why));
		if (json_array_append_new(steps, entry) != 0) {
			json_decref(steps);
			return NULL;
		}
	}
	return steps;
}

/* Everything there is to say. */
static json_t *describe(const struct message *message)
{
	const struct report *report = message->report;
	json_t *exit_code = report->exit_code < 0 ? json_null() : json_integer(report->exit_code);

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "event",
			 text_json(report->event), "severity", level_of(message), "app", text_json(report->app), "host",
			 text_json(report->host), "instance", text_json(report->instance), "reason", text_json(report->reason),
			 "signal", text_json(report->signal), "shutdown_id", text_json(report->shutdown_id), "app_state",
			 text_json(report->app_state), "exit_code", exit_code, "elapsed_ms", (json_int_t)report->elapsed,
			 "deadline_ms", (json_int_t)report->deadline, "text", text_json(message->text), "steps",
			 list_steps(report));
}

char *payload_webhook(const struct message *message)
{
	return dump(describe(message));
}

/* Of an event, where there is no shutdown: the event, at this host. */
static json_t *dedup_key(const struct message *message)
{
	const struct report *report = message->report;
	bool alone = *report->notice != '\0' || *report->shutdown_id == '\0';

	return json_sprintf("%.100s/%.40s/%s", alone ? report->host : report->shutdown_id, report->event, level_of(message));
}

/* Alerts of one shutdown and level are one incident: "info" at its start must not swallow "critical" at its end. */
char *payload_pagerduty(const struct message *message)
{
	const struct report *report = message->report;

	return dump(json_pack("{s:o, s:s, s:o, s:s, s:{s:o, s:o, s:s, s:o, s:o}}", "routing_key",
			      text_json(message->alert->routing_key), "event_action", "trigger", "dedup_key",
			      dedup_key(message), "client", "tinysup", "payload", "summary", text_json(message->text), "source",
			      text_json(*report->host ? report->host : "unknown"), "severity", level_of(message), "component",
			      text_json(report->app), "custom_details", describe(message)));
}

char *payload_ntfy(const struct message *message)
{
	static const struct {
		int priority;
		const char *tag; /* the name of an emoji */
	} manners[] = {
	    [LEVEL_INFO] = {2, "information_source"},
	    [LEVEL_WARNING] = {3, "warning"},
	    [LEVEL_ERROR] = {4, "x"},
	    [LEVEL_CRITICAL] = {5, "rotating_light"},
	};

	return dump(json_pack("{s:o, s:o, s:o, s:i, s:[s]}", "topic", text_json(message->alert->topic), "title",
			      text_json(message->head), "message", text_json(message->text), "priority",
			      manners[message->level].priority, "tags", manners[message->level].tag));
}

/* RFC 3339, in seconds from now. */
static json_t *moment(time_t in)
{
	time_t then = time(NULL) + in;
	struct tm parts;
	char text[32];

	gmtime_r(&then, &parts);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return json_string(text);
}

/* Labels identify an alert; the configured ones come last, and win. */
static json_t *label(const struct message *message)
{
	const struct report *report = message->report;
	const struct plan_pairs *more = &message->alert->labels;
	json_t *labels = json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "alertname", "tinysup", "event", text_json(report->event),
				   "app", text_json(report->app), "instance", text_json(report->instance), "reason",
				   text_json(report->reason), "severity", level_of(message));

	for (size_t i = 0; labels && i < more->count; i++)
		json_object_set_new(labels, more->items[i].name, text_json(more->items[i].value));
	return labels;
}

char *payload_alertmanager(const struct message *message)
{
	return dump(json_pack("[{s:o, s:{s:o, s:o, s:o}, s:o, s:o}]", "labels", label(message), "annotations", "summary",
			      text_json(message->head), "description", text_json(message->text), "shutdown_id",
			      text_json(message->report->shutdown_id), "startsAt", moment(0), "endsAt",
			      moment(FIRING_SECONDS)));
}
