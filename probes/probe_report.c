#include "probes/probe_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/probe.h"
#include "probes/probe_guard.h"
#include "probes/text.h"

/* A line that is cut if too long, with room for the newline. */
struct line {
	char text[PROBE_LINE_MAX + 1];
	size_t length;
};

static void add(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_list(struct line *line, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

static void add_list(struct line *line, const char *fmt, va_list args)
{
	size_t room = PROBE_LINE_MAX - line->length;
	int length = vsnprintf(line->text + line->length, room, fmt, args);

	if (length > 0)
		line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add(struct line *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_list(line, fmt, args);
	va_end(args);
}

static void print(struct line *line)
{
	for (size_t i = 0; i < line->length; i++) {
		if ((unsigned char)line->text[i] < 0x20 || line->text[i] == 0x7f)
			line->text[i] = '?';
	}
	line->text[line->length++] = '\n';
	probe_write(line->text, line->length);
}

static json_t *describe(const struct probed *probed)
{
	static const char *const outcomes[] = {[OUTCOME_OK] = "ok", [OUTCOME_FAIL] = "fail", [OUTCOME_ERROR] = "error"};
	const struct check_result *result = &probed->result;

	return json_pack("{s:o, s:b, s:s, s:s, s:i, s:o, s:I}", "name", text_json(probed->name), "soft", !probed->decides,
			 "outcome", outcomes[result->outcome], "class", failure_name(result->failure), "status", result->status,
			 "message", text_json(result->message), "took_ms", (json_int_t)(result->took_us / 1000));
}

/* If the line is too long, drops healthy checks first, then the last. */
static void leave_one_out(json_t *checks, json_t *root, json_int_t left_out)
{
	size_t index, victim = json_array_size(checks) - 1;
	json_t *check;

	json_array_foreach(checks, index, check)
	{
		if (strcmp(json_string_value(json_object_get(check, "outcome")), "ok") == 0)
			victim = index;
	}
	json_array_remove(checks, victim);
	json_object_set_new(root, "left_out", json_integer(left_out));
}

static bool print_json(json_t *root, json_t *checks)
{
	struct line line = {.length = 0};
	size_t room = PROBE_LINE_MAX - 1;

	line.length = json_dumpb(root, line.text, room, JSON_COMPACT);
	for (json_int_t left_out = 1; line.length > room && json_array_size(checks); left_out++) {
		leave_one_out(checks, root, left_out);
		line.length = json_dumpb(root, line.text, room, JSON_COMPACT);
	}
	if (line.length == 0 || line.length > room)
		return false;
	print(&line);
	return true;
}

/* message: NULL if the checks say enough. */
static void verdict_json(const struct probed *probed, size_t count, bool healthy, const char *message)
{
	json_t *checks = json_array(), *root = json_pack("{s:b, s:O?}", "healthy", healthy, "checks", checks);
	bool ok = root && checks;

	if (ok && message)
		ok = json_object_set_new(root, "message", text_json(message)) == 0;
	for (size_t i = 0; i < count && ok; i++)
		ok = json_array_append_new(checks, describe(&probed[i])) == 0;
	if (!ok || !print_json(root, checks))
		report_problem(true, "cannot write the verdict");
	json_decref(checks);
	json_decref(root);
}

static void add_failures(struct line *line, const struct probed *probed, size_t count, bool decides)
{
	const char *separator = "";

	for (size_t i = 0; i < count; i++) {
		const struct check_result *result = &probed[i].result;
		if (result->outcome == OUTCOME_OK || probed[i].decides != decides)
			continue;
		add(line, "%s%s: %s (%" PRId64 " ms)", separator, probed[i].name, result->message, result->took_us / 1000);
		separator = "; ";
	}
}

void report_verdict(const char *subject, const struct probed *probed, size_t count, bool healthy, int64_t took_us, bool json)
{
	struct line line = {.length = 0};
	bool soft = false;

	if (json) {
		verdict_json(probed, count, healthy, NULL);
		return;
	}
	for (size_t i = 0; i < count; i++)
		soft = soft || (!probed[i].decides && probed[i].result.outcome != OUTCOME_OK);
	if (healthy) {
		add(&line, "healthy: %s %" PRId64 " ms", subject, took_us / 1000);
	} else {
		add(&line, "unhealthy: ");
		add_failures(&line, probed, count, true);
	}
	if (soft) {
		add(&line, "; soft: ");
		add_failures(&line, probed, count, false);
	}
	print(&line);
}

void report_published(const char *subject, const char *why, const struct probed *probed, size_t count, bool healthy, bool json)
{
	struct line line = {.length = 0};

	if (json) {
		verdict_json(probed, count, healthy, healthy ? "" : why);
		return;
	}
	if (healthy)
		add(&line, "healthy: %s", subject);
	else
		add(&line, "unhealthy: %s", why);
	print(&line);
}

void report_problem(bool json, const char *fmt, ...)
{
	struct line line = {.length = 0};
	va_list args;

	if (!json)
		add(&line, "unhealthy: ");
	va_start(args, fmt);
	add_list(&line, fmt, args);
	va_end(args);
	if (!json) {
		print(&line);
		return;
	}
	json_t *root = json_pack("{s:b, s:o}", "healthy", 0, "error", text_json(line.text));
	if (!root || !print_json(root, NULL))
		probe_write("{\"healthy\":false}\n", strlen("{\"healthy\":false}\n"));
	json_decref(root);
}

void report_unknown_name(const struct probe_options *options, const char *const *names, size_t count)
{
	const char *name = options->check ? options->check : options->target;
	char list[2048] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
	if (count == 0 && options->check)
		report_problem(options->json, "no check named %s: no checks are configured", name);
	else if (count == 0)
		report_problem(options->json, "no check named %s; the probes are live, ready, startup", name);
	else
		report_problem(options->json, "no check named %s; the checks are: %s%s", name, list,
			       options->check ? "" : "; the probes are live, ready, startup");
}
