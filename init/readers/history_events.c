/* From records to events. */
#include <stdlib.h>
#include <string.h>

#include "init/readers/history.h"

#define STEP_REACH 256 /* events from a step's end back to its start */

static struct history_event *append(struct history *history, const struct record *record)
{
	if (history->count == history->room) {
		size_t room = history->room > 0 ? 2 * history->room : 256;
		struct history_event *events = reallocarray(history->events, room, sizeof *events);
		if (events == NULL) {
			history->no_memory = true;
			return NULL;
		}
		history->events = events;
		history->room = room;
	}
	struct history_event *event = &history->events[history->count++];
	*event = (struct history_event){.record = *record, .run = history->runs};
	event->journal = history->journal_count > 0 ? history->journals[history->journal_count - 1] : NULL;
	return event;
}

static bool add_name(struct history *history, const char *name)
{
	char **journals = reallocarray(history->journals, history->journal_count + 1, sizeof *journals);

	if (journals == NULL)
		return false;
	history->journals = journals;
	journals[history->journal_count] = strdup(name);
	if (journals[history->journal_count] == NULL)
		return false;
	history->journal_count++;
	return true;
}

void history_begin(struct history *history, const char *name)
{
	history->first = history->count;
	history->runs = 0;
	history->run = (struct history_run){.known = false};
	if (name != NULL && !add_name(history, name))
		history->no_memory = true;
}

/* The steps that have started and not ended, as far as they fit: "cancel, close". */
static void running_steps(const struct history *history, char names[RECORD_NAME])
{
	size_t used = 0;

	*names = '\0';
	if (!history->run.chain)
		return;
	for (size_t i = history->run.chain_at; i < history->count; i++) {
		const struct record *record = &history->events[i].record;
		size_t length = strlen(record->name);
		if (record->kind != RECORD_STEP_START || used + length + 2 >= RECORD_NAME)
			continue;
		if (used > 0)
			used = (size_t)(stpcpy(names + used, ", ") - names);
		used = (size_t)(stpcpy(names + used, record->name) - names);
	}
}

/* The run that was read last is over. */
static void end_run(struct history *history)
{
	const struct history_run *run = &history->run;
	struct record record = record_of(RECORD_NONE);

	if (!run->known || run->ended)
		return;
	record.time = run->last_time;
	record_put(record.run, sizeof record.run, run->id);
	running_steps(history, record.name);
	if (run->chain || run->signal > 0) {
		record.reason = run->reason;
		record.signal = run->signal;
		record.after = run->after;
		record.deadline = run->deadline;
		record_put(record.id, sizeof record.id, run->shutdown);
	}
	struct history_event *event = append(history, &record);
	if (event != NULL)
		event->cut_off = true;
}

static void begin_run(struct history *history, const struct record *record)
{
	end_run(history);
	history->runs++;
	history->run = (struct history_run){
	    .known = true, .reason = RECORD_UNSET, .signal = RECORD_UNSET, .after = RECORD_UNSET, .deadline = RECORD_UNSET};
	record_put(history->run.id, sizeof history->run.id, record->run);
}

static void begin_chain(struct history *history, const struct record *record)
{
	struct history_run *run = &history->run;

	/* without steps it is a stop, maybe in the midst of a recovery */
	if (record->count != 0) {
		run->chain = true;
		run->chain_at = history->count;
	}
	run->reason = record->reason;
	run->signal = record->signal;
	run->after = 0;
	if (record->deadline >= 0)
		run->deadline = record->deadline;
	if (*record->id != '\0')
		record_put(run->shutdown, sizeof run->shutdown, record->id);
}

/* One line tells a step: its end takes the place of its start. */
static void drop_start(struct history *history, const struct record *end)
{
	size_t least = history->run.chain_at;

	if (history->count - least > STEP_REACH)
		least = history->count - STEP_REACH;
	for (size_t i = history->count; i > least; i--) {
		struct record *record = &history->events[i - 1].record;
		if (record->kind != RECORD_STEP_START || strcmp(record->name, end->name) != 0)
			continue;
		record->kind = RECORD_NONE;
		return;
	}
}

static void note(struct history *history, const struct record *record)
{
	struct history_run *run = &history->run;

	run->last_time = record->time;
	if (record->after >= 0)
		run->after = record->after;
}

void history_add(struct history *history, const struct record *record)
{
	struct history_run *run = &history->run;

	if (record->kind == RECORD_NONE)
		return;
	if (!run->known || strcmp(run->id, record->run) != 0)
		begin_run(history, record);
	if (record->kind == RECORD_CHAIN_START)
		begin_chain(history, record);
	else if (record->kind == RECORD_APP_START)
		run->signal = run->after = RECORD_UNSET;
	else if (record->kind == RECORD_STEP_END)
		drop_start(history, record);
	else if (record->kind == RECORD_RUN)
		run->deadline = record->deadline;
	note(history, record);
	if (record->kind == RECORD_CHAIN_END || record->kind == RECORD_APP_START)
		run->chain = false;
	if (record->kind != RECORD_OUTPUT) /* which may come after the end */
		run->ended = record->kind == RECORD_END;
	if (record->kind != RECORD_TICK)
		append(history, record);
}

static bool is_shown(const struct history_event *event)
{
	return event->cut_off || event->record.kind != RECORD_NONE;
}

/* A chain has the time of its start. Clocks may have been set back: no event comes before the one that it follows. */
static void set_keys(struct history *history)
{
	bool chain = false;
	int64_t key = 0;

	for (size_t i = history->first; i < history->count; i++) {
		struct history_event *event = &history->events[i];
		enum record_kind kind = event->record.kind;
		bool starts = kind == RECORD_CHAIN_START && event->record.count != 0;
		if (starts || kind == RECORD_RUN || kind == RECORD_APP_START)
			chain = false;
		if (!chain && event->record.time > key)
			key = event->record.time;
		event->key = key;
		chain = starts || (chain && kind != RECORD_CHAIN_END && !event->cut_off);
	}
}

/* The app's lines come to the file a little later than the event they belong to, and are shown after it. */
static void settle_output(struct history *history)
{
	for (size_t i = history->first; i < history->count; i++) {
		const struct history_event line = history->events[i];
		size_t at = i;
		if (line.record.kind != RECORD_OUTPUT)
			continue;
		for (; at > history->first && at + STEP_REACH > i; at--) {
			const struct record *before = &history->events[at - 1].record;
			bool beside = before->kind == RECORD_OUTPUT && before->count == line.record.count;
			if (beside || strcmp(before->run, line.record.run) != 0 ||
			    before->number <= (uint64_t)line.record.count)
				break;
			history->events[at] = history->events[at - 1];
		}
		history->events[at] = line;
	}
}

void history_end(struct history *history, bool over)
{
	size_t kept = history->first;

	if (over)
		end_run(history);
	settle_output(history);
	for (size_t i = history->first; i < history->count; i++)
		if (is_shown(&history->events[i]))
			history->events[kept++] = history->events[i];
	history->count = kept;
	set_keys(history);
	for (size_t i = history->first; i < history->count; i++)
		history->events[i].run = history->runs - history->events[i].run; /* how many came after it */
}

/* Events of one journal stay in its order. */
static int by_key(const void *a, const void *b)
{
	const struct history_event *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

/* The app's lines belong to the event before them. */
static void keep_last(struct history *history, size_t last)
{
	size_t from = history->count;

	for (size_t seen = 0; from > 0 && seen < last; from--)
		seen += history->events[from - 1].record.kind != RECORD_OUTPUT;
	memmove(history->events, history->events + from, (history->count - from) * sizeof *history->events);
	history->count -= from;
}

void history_select(struct history *history, size_t last)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->count; i++)
		if (last > 0 || history->events[i].run < HISTORY_RUNS) {
			history->events[kept] = history->events[i];
			history->events[kept].order = kept;
			kept++;
		}
	history->count = kept;
	if (kept > 0)
		qsort(history->events, kept, sizeof *history->events, by_key);
	if (last > 0)
		keep_last(history, last);
}

void history_free(struct history *history)
{
	for (size_t i = 0; i < history->journal_count; i++)
		free(history->journals[i]);
	free(history->journals);
	free(history->events);
	*history = (struct history){.count = 0};
}
