#include "init/journal/record.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "config/names.h"
#include "config/signame.h"

#define CRC_DIGITS 8
#define NUMBER_MAX INT64_C(253402300799999) /* the year 9999: sums and differences do not overflow */

static const char *const kind_words[RECORD_KINDS] = {
    [RECORD_RUN] = "run",
    [RECORD_APP_START] = "app_start",
    [RECORD_APP_EXIT] = "app_exit",
    [RECORD_CHAIN_START] = "chain_start",
    [RECORD_STEP_START] = "step_start",
    [RECORD_STEP_END] = "step_end",
    [RECORD_CHAIN_END] = "chain_end",
    [RECORD_TICK] = "tick",
    [RECORD_PROBE] = "probe",
    [RECORD_OUTPUT] = "output",
    [RECORD_HELD] = "held",
    [RECORD_HEARTBEAT] = "heartbeat",
    [RECORD_LOST] = "lost",
    [RECORD_END] = "end",
};
static const struct names kinds = {.words = kind_words, .count = RECORD_KINDS};

/* A field of the line that may be left out. */
struct field {
	const char *name;
	enum { FIELD_TEXT, FIELD_INT, FIELD_LONG, FIELD_BOOL, FIELD_WORD } type;
	size_t offset, size; /* size: of a text */
	int64_t most;        /* of a number */
	const struct names *words;
};

#define FIELD(member, kind, ...)                                                                                               \
	{                                                                                                                      \
		.name = #member, .type = (kind), .offset = offsetof(struct record, member), __VA_ARGS__                        \
	}
#define TEXT(member)        FIELD(member, FIELD_TEXT, .size = sizeof((struct record *)NULL)->member)
#define INT(member, limit)  FIELD(member, FIELD_INT, .most = (limit))
#define LONG(member)        FIELD(member, FIELD_LONG, .most = NUMBER_MAX)
#define WORD(member, table) FIELD(member, FIELD_WORD, .words = &(table))

/* In the order of a line. */
static const struct field fields[] = {
    TEXT(id),
    TEXT(name),
    WORD(reason, names_reasons),
    WORD(cause, names_reasons),
    WORD(state, names_step_states),
    INT(signal, SIGNAL_MAX),
    INT(code, INT_MAX),
    INT(attempt, INT_MAX),
    LONG(count),
    LONG(took),
    LONG(after),
    LONG(deadline),
    LONG(grace),
    FIELD(failed, FIELD_BOOL, .most = 1),
    FIELD(unfinished, FIELD_BOOL, .most = 1),
    TEXT(text),
};

#define FIELDS (sizeof fields / sizeof *fields)

struct record record_of(enum record_kind kind)
{
	struct record record = {.kind = kind};

	record.reason = record.cause = record.state = record.signal = record.code = record.attempt = RECORD_UNSET;
	record.after = record.took = record.deadline = record.grace = record.count = RECORD_UNSET;
	return record;
}

void record_put(char *field, size_t size, const char *text)
{
	size_t length = strnlen(text, size), back = 0;

	if (length == size) {
		length = size - 1;
		while (back < 3 && back < length && ((unsigned char)text[length - back] & 0xc0) == 0x80)
			back++;
		if (((unsigned char)text[length - back] & 0xc0) != 0x80)
			length -= back;
	}
	memcpy(field, text, length);
	memset(field + length, 0, size - length);
}

bool record_ends_ticks(const struct record *record)
{
	if (record->kind == RECORD_CHAIN_END)
		return record->reason < REASON_STOP || record->reason >= REASON_RESTART;
	return record->kind == RECORD_APP_START || record->kind == RECORD_HELD || record->kind == RECORD_END;
}

const char *record_kind_name(enum record_kind kind)
{
	return name_of(&kinds, kind);
}

/* CRC-32 as zlib has it, half a byte at a time. */
static uint32_t checksum(const char *bytes, size_t length)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
					   0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					   0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
	uint32_t sum = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		sum ^= (unsigned char)bytes[i];
		sum = sum >> 4 ^ table[sum & 15];
		sum = sum >> 4 ^ table[sum & 15];
	}
	return ~sum;
}

static int digit_of(char byte, bool upper)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= (upper ? 'A' : 'a') && byte <= (upper ? 'F' : 'f'))
		return byte - (upper ? 'A' : 'a') + 10;
	return -1;
}

static bool is_run_id(const char *text)
{
	for (size_t i = 0; i < RECORD_RUN_ID - 1; i++)
		if (digit_of(text[i], false) < 0)
			return false;
	return true;
}

/* --- checking ----------------------------------------------------------------------------------------------------------- */

/* Of a field that is no text. Whatever its bits are: somebody else may have written them. */
static int64_t value_of(const struct record *record, const struct field *field)
{
	const char *at = (const char *)record + field->offset;
	int64_t large;
	int small;

	if (field->type == FIELD_BOOL)
		return (unsigned char)*at;
	if (field->type == FIELD_LONG)
		return memcpy(&large, at, sizeof large), large;
	return memcpy(&small, at, sizeof small), small;
}

static bool field_is_valid(const struct record *record, const struct field *field)
{
	int64_t value = value_of(record, field);

	if (field->type == FIELD_TEXT)
		return memchr((const char *)record + field->offset, '\0', field->size) != NULL;
	if (field->type == FIELD_WORD)
		return value >= RECORD_UNSET && value < (int64_t)field->words->count;
	return value >= RECORD_UNSET && value <= field->most;
}

bool record_valid(const struct record *record)
{
	if ((unsigned)record->kind >= RECORD_KINDS || record->time < 0 || record->time > NUMBER_MAX ||
	    record->number > (uint64_t)NUMBER_MAX || memchr(record->run, '\0', sizeof record->run) == NULL)
		return false;
	for (size_t i = 0; i < FIELDS; i++)
		if (!field_is_valid(record, &fields[i]))
			return false;
	return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

static char *put_text(char *to, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		if (byte >= 33 && byte <= 126 && byte != '%') {
			*to++ = (char)byte;
		} else {
			*to++ = '%';
			*to++ = digits[byte >> 4];
			*to++ = digits[byte & 15];
		}
	}
	return to;
}

static char *put_field(char *to, const struct record *record, const struct field *field)
{
	const char *text = (const char *)record + field->offset;
	int64_t value = value_of(record, field);

	if (field->type == FIELD_TEXT ? *text == '\0' : value < (field->type == FIELD_BOOL))
		return to;
	to += sprintf(to, " %s=", field->name);
	if (field->type == FIELD_TEXT)
		return put_text(to, text);
	if (field->type == FIELD_WORD)
		return stpcpy(to, name_of(field->words, (size_t)value));
	return to + sprintf(to, "%lld", (long long)value);
}

/* All fields at their longest fit: a unit test writes that line. */
size_t record_write(const struct record *record, char line[RECORD_LINE])
{
	char *body = line + CRC_DIGITS, *to = body;
	char sum[CRC_DIGITS + 1];

	if (record->kind == RECORD_NONE || !record_valid(record) || !is_run_id(record->run))
		return 0;
	to += sprintf(to, " %s %llu %lld %s", record->run, (unsigned long long)record->number, (long long)record->time,
		      record_kind_name(record->kind));
	for (size_t i = 0; i < FIELDS; i++)
		to = put_field(to, record, &fields[i]);
	snprintf(sum, sizeof sum, "%08x", checksum(body, (size_t)(to - body)));
	memcpy(line, sum, CRC_DIGITS);
	*to++ = '\n';
	return (size_t)(to - line);
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

/* RECORD_UNSET: not a number, or too large. */
static int64_t number_of(const char *word, int64_t most)
{
	int64_t number = 0;

	if (*word == '\0')
		return RECORD_UNSET;
	for (; *word != '\0'; word++) {
		if (*word < '0' || *word > '9')
			return RECORD_UNSET;
		number = number * 10 + (*word - '0');
		if (number > most)
			return RECORD_UNSET;
	}
	return number;
}

/* In place. False: an escape that is none, or a NUL. */
static bool unescape(char *word)
{
	char *to = word;

	while (*word != '\0') {
		if (*word != '%') {
			*to++ = *word++;
			continue;
		}
		int high = digit_of(word[1], true), low = high < 0 ? -1 : digit_of(word[2], true);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		word += 3;
	}
	*to = '\0';
	return true;
}

static void read_value(struct record *out, const struct field *field, char *value)
{
	char *at = (char *)out + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
		if (unescape(value))
			record_put(at, field->size, value);
		break;
	case FIELD_INT:
		*(int *)(void *)at = (int)number_of(value, field->most);
		break;
	case FIELD_LONG:
		*(int64_t *)(void *)at = number_of(value, field->most);
		break;
	case FIELD_BOOL:
		*(bool *)(void *)at = strcmp(value, "1") == 0;
		break;
	case FIELD_WORD:
		*(int *)(void *)at = name_find(field->words, value);
		break;
	}
}

static void read_field(struct record *out, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(word, fields[i].name) == 0)
			read_value(out, &fields[i], value);
}

/* The next word, ended by a NUL; NULL: there is none. */
static char *next_word(char **rest)
{
	char *word = *rest;

	if (word == NULL)
		return NULL;
	char *blank = strchr(word, ' ');
	if (blank != NULL)
		*blank++ = '\0';
	*rest = blank;
	return word;
}

static bool read_words(char *rest, struct record *out)
{
	const char *run = next_word(&rest), *number = next_word(&rest), *time = next_word(&rest), *kind = next_word(&rest);

	if (kind == NULL || strlen(run) != RECORD_RUN_ID - 1 || !is_run_id(run))
		return false;
	int64_t count = number_of(number, NUMBER_MAX);
	int known = name_find(&kinds, kind);
	*out = record_of(known < 0 ? RECORD_NONE : (enum record_kind)known);
	out->time = number_of(time, NUMBER_MAX);
	if (count < 0 || out->time < 0)
		return false;
	out->number = (uint64_t)count;
	record_put(out->run, sizeof out->run, run);
	for (char *word = next_word(&rest); word != NULL; word = next_word(&rest))
		read_field(out, word);
	return true;
}

bool record_read(const char *line, size_t length, struct record *out)
{
	char copy[RECORD_LINE];
	uint32_t sum = 0;

	if (length <= CRC_DIGITS || length >= sizeof copy || line[CRC_DIGITS] != ' ' || memchr(line, '\0', length) != NULL)
		return false;
	for (size_t i = 0; i < CRC_DIGITS; i++) {
		int digit = digit_of(line[i], false);
		if (digit < 0)
			return false;
		sum = sum << 4 | (uint32_t)digit;
	}
	if (sum != checksum(line + CRC_DIGITS, length - CRC_DIGITS))
		return false;
	memcpy(copy, line + CRC_DIGITS + 1, length - CRC_DIGITS - 1);
	copy[length - CRC_DIGITS - 1] = '\0';
	return read_words(copy, out);
}
