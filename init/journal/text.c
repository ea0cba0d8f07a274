#include "init/journal/text.h"

#include <string.h>

#define DROPPED '\0' /* the first byte of a line that is not kept */
#define SPOILED 'x'  /* in its place in a damaged one that is */

#define CRC_DIGITS 8
#define RUN_DIGITS (RECORD_RUN_ID - 1)

static bool is_hex(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((bytes[i] < '0' || bytes[i] > '9') && (bytes[i] < 'a' || bytes[i] > 'f'))
			return false;
	return true;
}

/* Where in the line a record begins: its checksum and its run's id. 0: nowhere, or where the line does. */
static size_t find_record(const char *line, size_t length)
{
	for (size_t at = 1; at + CRC_DIGITS + RUN_DIGITS + 2 < length; at++) {
		const char *run = line + at + CRC_DIGITS + 1;
		if (run[-1] == ' ' && run[RUN_DIGITS] == ' ' && is_hex(run, RUN_DIGITS) && is_hex(line + at, CRC_DIGITS))
			return at;
	}
	return 0;
}

bool text_next(const char *text, size_t length, size_t *at, struct text_line *line)
{
	if (*at >= length)
		return false;
	const char *end = memchr(text + *at, '\n', length - *at);
	line->bytes = text + *at;
	line->length = end == NULL ? length - *at : (size_t)(end - line->bytes);
	size_t next = find_record(line->bytes, line->length);
	if (next > 0)
		line->length = next - 1;
	*at += line->length + 1;
	return true;
}

/* A flipped bit spoils one byte; what spoils more may take newlines with it. */
size_t text_lost(const struct text_line *line)
{
	size_t odd = 0;

	for (size_t i = 0; i < line->length; i++)
		odd += line->bytes[i] < ' ' || line->bytes[i] > '~';
	return line->length >= RECORD_LINE || odd > 1 ? 2 : 1;
}

/* From the last line to the first. */
struct choice {
	size_t kept, old, old_bytes, damaged;
	bool answered;                          /* damaged lines mean nothing any more */
	bool full;                              /* all earlier ones go */
	bool has_tick;                          /* of the chain that we are in */
	char run[RECORD_RUN_ID], id[RECORD_ID]; /* its chain */
};

static bool keep_tick(struct choice *choice, const struct record *record)
{
	bool same = choice->has_tick && strcmp(choice->run, record->run) == 0 && strcmp(choice->id, record->id) == 0;

	choice->has_tick = true;
	memcpy(choice->run, record->run, sizeof choice->run);
	memcpy(choice->id, record->id, sizeof choice->id);
	return !same;
}

static bool keep_old(struct choice *choice, const struct record *record, size_t length)
{
	if (record->kind == RECORD_PROBE || record->kind == RECORD_HEARTBEAT || record->kind == RECORD_OUTPUT)
		return false;
	choice->old++;
	choice->old_bytes += length;
	choice->full = choice->old > TEXT_OLD || choice->old_bytes > TEXT_OLD_BYTES;
	return !choice->full;
}

static bool keep(struct choice *choice, const struct record *record, size_t length)
{
	if (choice->full)
		return false;
	if (record->kind == RECORD_TICK)
		return keep_tick(choice, record);
	if (record->kind == RECORD_CHAIN_START || record->kind == RECORD_RUN)
		choice->has_tick = false;
	if (choice->kept < TEXT_KEPT) {
		choice->kept++;
		return true;
	}
	return keep_old(choice, record, length);
}

/* Whether what was owed before this record, and what a damaged line may have been, is owed no longer or known again. */
static bool answers(const struct record *record)
{
	return record->kind == RECORD_APP_START || record->kind == RECORD_END ||
	       (record->kind == RECORD_CHAIN_START && record->reason != REASON_START && record->reason != REASON_HELD);
}

static bool keep_line(struct choice *choice, const char *line, size_t length)
{
	struct record record;

	if (!record_read(line, length, &record))
		return !choice->full && !choice->answered && choice->damaged++ < TEXT_DAMAGED;
	choice->answered |= answers(&record);
	return keep(choice, &record, length);
}

/* Marks lines that go. False: all do. */
static bool choose(char *text, size_t length)
{
	struct choice choice = {0};
	size_t end = length;

	while (end > 0) {
		size_t stop = text[end - 1] == '\n' ? end - 1 : end, start = stop;
		while (start > 0 && text[start - 1] != '\n')
			start--;
		if (stop > start && !keep_line(&choice, text + start, stop - start))
			text[start] = DROPPED;
		else if (stop > start && text[start] == DROPPED)
			text[start] = SPOILED;
		end = start;
	}
	return choice.kept > 0 || choice.damaged > 0;
}

size_t text_compact(char *text, size_t length)
{
	struct text_line line;
	size_t at = 0, to = 0;

	if (!choose(text, length))
		return 0;
	while (text_next(text, length, &at, &line)) {
		if (line.length == 0 || *line.bytes == DROPPED)
			continue;
		size_t kept = line.length < RECORD_LINE ? line.length : RECORD_LINE;
		memmove(text + to, line.bytes, kept);
		to += kept;
		text[to++] = '\n';
	}
	return to;
}
