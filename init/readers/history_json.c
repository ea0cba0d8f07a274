/* --history for programs: one object each, with the log's words. */
#include "config/names.h"
#include "config/signame.h"
#include "init/readers/history.h"
#include "init/readers/page_view.h"
#include "probes/text.h"

static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text != '\0')
		json_object_set_new(object, key, text_json(text));
}

static void set_number(json_t *object, const char *key, int64_t number)
{
	if (number >= 0)
		json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void set_word(json_t *object, const char *key, const struct names *names, int value)
{
	if (value >= 0)
		json_object_set_new(object, key, json_string(name_of(names, (size_t)value)));
}

static void set_signal(json_t *object, const char *key, int number)
{
	if (number > 0)
		json_object_set_new(object, key, json_string(signal_name(number)));
}

static void set_flag(json_t *object, const char *key, bool flag)
{
	json_object_set_new(object, key, json_boolean(flag));
}

static void set_run(json_t *object, const struct record *record)
{
	set_text(object, "version", record->text);
	set_text(object, "app", record->name);
	set_number(object, "deadline_ms", record->deadline);
	set_number(object, "platform_grace_ms", record->grace);
}

static void set_chain_start(json_t *object, const struct record *record)
{
	set_word(object, "reason", &names_reasons, record->reason);
	set_word(object, "cause", &names_reasons, record->cause);
	set_signal(object, "signal", record->signal);
	set_number(object, "deadline_ms", record->deadline);
	set_number(object, "steps", record->count);
}

static void set_step(json_t *object, const struct record *record)
{
	set_text(object, "step", record->name);
	if (record->kind == RECORD_STEP_START)
		return;
	set_word(object, "result", &names_step_states, record->state);
	set_number(object, "took_ms", record->took);
	set_number(object, "attempt", record->attempt);
	set_number(object, "after_ms", record->after);
	set_text(object, "why", record->text);
}

static void set_end(json_t *object, const struct record *record)
{
	set_word(object, "reason", &names_reasons, record->reason);
	set_number(object, "took_ms", record->after);
	set_flag(object, "required_failed", record->failed);
	if (record->kind == RECORD_CHAIN_END)
		return;
	set_number(object, "exit_code", record->code);
	set_flag(object, "unfinished", record->unfinished);
}

static void set_cut_off(json_t *object, const struct record *record)
{
	set_word(object, "reason", &names_reasons, record->reason);
	set_signal(object, "signal", record->signal);
	set_text(object, "step", record->name);
	set_number(object, "after_ms", record->after);
	set_number(object, "deadline_ms", record->deadline);
}

static void set_facts(json_t *object, const struct record *record)
{
	switch (record->kind) {
	case RECORD_RUN:
		set_run(object, record);
		break;
	case RECORD_APP_START:
		set_number(object, "restarts", record->count);
		set_word(object, "cause", &names_reasons, record->reason);
		break;
	case RECORD_APP_EXIT:
		if (record->signal <= 0)
			set_number(object, "exit_code", record->code);
		set_signal(object, "exit_signal", record->signal);
		break;
	case RECORD_CHAIN_START:
		set_chain_start(object, record);
		break;
	case RECORD_STEP_START:
	case RECORD_STEP_END:
		set_step(object, record);
		break;
	case RECORD_CHAIN_END:
	case RECORD_END:
		set_end(object, record);
		break;
	case RECORD_PROBE:
		set_text(object, "probe", record->name);
		set_word(object, "result", &names_step_states, record->state);
		set_text(object, "why", record->text);
		break;
	case RECORD_OUTPUT:
		set_text(object, "line", record->text);
		break;
	case RECORD_HEARTBEAT:
		set_text(object, "heartbeat", record->name);
		set_text(object, "state", record->state == STATE_FAILED ? "lost" : record->count > 0 ? "armed" : "disarmed");
		set_text(object, "why", record->text);
		break;
	case RECORD_HELD:
		set_number(object, "restarts", record->count);
		break;
	case RECORD_LOST:
		set_number(object, "records", record->count);
		break;
	case RECORD_TICK:
	case RECORD_NONE:
	case RECORD_KINDS:
		break;
	}
}

static const char *event_name(const struct history_event *event)
{
	static const char *const names[RECORD_KINDS] = {[RECORD_RUN] = "start",
							[RECORD_APP_START] = "app_start",
							[RECORD_APP_EXIT] = "app_exit",
							[RECORD_CHAIN_START] = "chain_start",
							[RECORD_STEP_START] = "step_start",
							[RECORD_STEP_END] = "step_end",
							[RECORD_CHAIN_END] = "chain_end",
							[RECORD_PROBE] = "probe_change",
							[RECORD_OUTPUT] = "output",
							[RECORD_HELD] = "held",
							[RECORD_HEARTBEAT] = "heartbeat",
							[RECORD_LOST] = "lost",
							[RECORD_END] = "exit"};

	return event->cut_off ? "cut_off" : names[event->record.kind];
}

json_t *history_json(const struct history_event *event)
{
	const struct record *record = &event->record;
	json_t *object = json_pack("{s:o, s:s}", "time", view_unix_time(record->time), "event", event_name(event));

	if (object == NULL)
		return NULL;
	if (event->journal != NULL)
		set_text(object, "journal", event->journal);
	set_text(object, "run", record->run);
	set_text(object, "shutdown_id", record->id);
	if (event->cut_off)
		set_cut_off(object, record);
	else
		set_facts(object, record);
	return object;
}
