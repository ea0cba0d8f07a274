/* --history for people: one line each. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "config/duration.h"
#include "config/names.h"
#include "config/signame.h"
#include "init/readers/history.h"

/* Texts of ours; what a record says goes through add_plain(). */
__attribute__((format(printf, 2, 3))) static void add(struct text *line, const char *format, ...)
{
	char buffer[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer, sizeof buffer, format, arguments);
	va_end(arguments);
	text_add(line, buffer);
}

static void add_plain(struct text *line, const char *before, const char *text)
{
	if (*text == '\0')
		return;
	text_add(line, before);
	text_add_plain(line, text, strlen(text));
}

static void add_duration(struct text *line, const char *before, int64_t duration)
{
	char buffer[DURATION_TEXT];

	if (duration >= 0)
		add(line, "%s%s", before, duration_format(duration, buffer));
}

static const char *reason_name(int reason)
{
	return name_of(&names_reasons, (size_t)reason);
}

const char *history_time(int64_t unix_ms, char buffer[HISTORY_TIME])
{
	const struct timespec time = {.tv_sec = unix_ms / 1000};
	struct text text;

	text_begin(&text, HISTORY_TIME);
	text_add_time(&text, &time);
	snprintf(buffer, HISTORY_TIME, "%.*sZ", (int)(text.length - strlen(".000Z")), text.bytes);
	return buffer;
}

/* --- the kinds of events ---------------------------------------------------------------------------------------------------
 */

static void add_run(struct text *line, const struct record *record)
{
	text_add(line, "tinysup");
	add_plain(line, " ", record->text);
	add_plain(line, " started for ", record->name);
	add_duration(line, ", deadline ", record->deadline);
	add_duration(line, ", platform's grace period ", record->grace);
}

static void add_app_start(struct text *line, const struct record *record)
{
	text_add(line, "app started");
	if (record->count > 0)
		add(line, " (restart %" PRId64 "%s%s)", record->count, record->reason >= 0 ? " after: " : "",
		    record->reason >= 0 ? reason_name(record->reason) : "");
}

static void add_app_exit(struct text *line, const struct record *record)
{
	if (record->signal > 0)
		add(line, "app killed by %s", signal_name(record->signal));
	else
		add(line, "app exited with code %d", record->code);
}

/* "stop by SIGTERM", "restart (crash)" */
static void add_reason(struct text *line, const struct record *record)
{
	text_add(line, reason_name(record->reason));
	if (record->cause >= 0 && record->cause != record->reason)
		add(line, " (%s)", reason_name(record->cause));
	if (record->signal > 0)
		add(line, " by %s", signal_name(record->signal));
}

static void add_chain_start(struct text *line, const struct record *record)
{
	add_reason(line, record);
	if (record->count > 0)
		add(line, ": chain of %" PRId64 " step%s", record->count, record->count > 1 ? "s" : "");
	add_duration(line, ", deadline ", record->deadline);
}

static void add_step_end(struct text *line, const struct record *record)
{
	add_plain(line, "  ", record->name);
	add(line, ": %s", name_of(&names_step_states, (size_t)record->state));
	if (record->state != STATE_SKIPPED && record->attempt > 0)
		add_duration(line, " after ", record->took);
	if (record->attempt > 1)
		add(line, ", attempt %d", record->attempt);
	add_plain(line, ": ", record->text);
}

static void add_chain_end(struct text *line, const struct record *record)
{
	text_add(line, "chain ended");
	add_duration(line, " after ", record->after);
	if (record->failed)
		text_add(line, ", A REQUIRED STEP FAILED");
}

static void add_end(struct text *line, const struct record *record)
{
	add(line, "tinysup exited with code %d (%s)", record->code, reason_name(record->reason));
	if (record->after >= 0) {
		add_duration(line, ", ", record->after);
		text_add(line, " after the first stop event");
	}
	if (record->failed)
		text_add(line, ", A REQUIRED STEP FAILED");
	if (record->unfinished)
		text_add(line, ", what was left undone stays for the next start");
}

static void add_cut_off(struct text *line, const struct record *record)
{
	bool early = record->deadline >= 0 && record->deadline <= DURATION_MAX && record->after < record->deadline;

	if (record->reason < 0) {
		text_add(line,
			 "killed without a stop signal (SIGKILL, out of memory, power); the time is that of its last record");
		return;
	}
	text_add(line, "cut off");
	if (record->signal > 0) {
		add_duration(line, " ", record->after);
		add(line, " after %s", signal_name(record->signal));
	} else {
		add_duration(line, " ", record->after);
		add(line, " into the chain (%s)", reason_name(record->reason));
	}
	add_plain(line, strchr(record->name, ',') != NULL ? ", during steps " : ", during step ", record->name);
	if (record->signal <= 0 || !early)
		return;
	add_duration(line, ": SIGKILL came before the deadline of ", record->deadline);
	add_duration(line, "; raise the platform's grace period (" HISTORY_GRACE_SETTINGS ") to at least ",
		     record->deadline + HISTORY_GRACE_MORE);
}

static void add_event(struct text *line, const struct record *record)
{
	switch (record->kind) {
	case RECORD_RUN:
		add_run(line, record);
		break;
	case RECORD_APP_START:
		add_app_start(line, record);
		break;
	case RECORD_APP_EXIT:
		add_app_exit(line, record);
		break;
	case RECORD_CHAIN_START:
		add_chain_start(line, record);
		break;
	case RECORD_STEP_START:
		add_plain(line, "  ", record->name);
		text_add(line, ": started, no result");
		break;
	case RECORD_STEP_END:
		add_step_end(line, record);
		break;
	case RECORD_CHAIN_END:
		add_chain_end(line, record);
		break;
	case RECORD_PROBE:
		add_plain(line, "", record->name);
		text_add(line, record->state == STATE_OK ? ": healthy" : ": UNHEALTHY");
		add_plain(line, ": ", record->text);
		break;
	case RECORD_OUTPUT:
		text_add(line, "  | ");
		add_plain(line, "", record->text);
		break;
	case RECORD_HEARTBEAT:
		add_plain(line, "", record->name);
		text_add(line, record->state == STATE_FAILED ? ": heartbeat LOST"
			       : record->count > 0           ? ": heartbeat armed"
							     : ": heartbeat disarmed");
		add_plain(line, ": ", record->text);
		break;
	case RECORD_HELD:
		text_add(line, "held: no restarts are left, tinysup stays up without the app");
		break;
	case RECORD_LOST:
		add(line, "%" PRId64 " record%s could not be written", record->count, record->count == 1 ? "" : "s");
		break;
	case RECORD_END:
		add_end(line, record);
		break;
	case RECORD_TICK:
	case RECORD_NONE:
	case RECORD_KINDS:
		break;
	}
}

static void add_words(struct text *line, const struct history_event *event)
{
	if (event->cut_off)
		add_cut_off(line, &event->record);
	else
		add_event(line, &event->record);
}

void history_text(const struct history_event *event, bool journals, struct text *line)
{
	char time[HISTORY_TIME];

	text_begin(line, TEXT_MAX);
	text_add(line, history_time(event->record.time, time));
	if (journals && event->journal != NULL)
		add_plain(line, "  ", event->journal);
	text_add(line, "  ");
	add_words(line, event);
	text_end_line(line);
}

void history_words(const struct history_event *event, struct text *line)
{
	text_begin(line, TEXT_MAX);
	add_words(line, event);
	text_end_line(line);
}
