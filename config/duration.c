#include "config/duration.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Reads digits with an optional fraction as thousandths. False on none or too many. */
static bool thousandths(const char **cursor, int64_t *out)
{
	const char *p = *cursor;
	int64_t whole = 0, part = 0, place = 100;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (whole > DURATION_MAX)
			return false;
		whole = whole * 10 + (*p - '0');
	}
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return false;
		for (; isdigit((unsigned char)*p); p++, place /= 10)
			part += (*p - '0') * place;
	}
	*cursor = p;
	*out = whole * 1000 + part;
	return true;
}

/* Milliseconds in the unit at *cursor, which moves past it and one space before it; 0 if there is none. */
static msec_t unit(const char **cursor)
{
	static const struct {
		char name[3];
		msec_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	*cursor += **cursor == ' ';
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t length = strlen(units[i].name);
		if (strncmp(*cursor, units[i].name, length) == 0 && !isalpha((unsigned char)(*cursor)[length])) {
			*cursor += length;
			return units[i].ms;
		}
	}
	return 0;
}

bool duration_parse(const char *text, msec_t *out)
{
	const char *p = text;
	msec_t total = 0;
	bool first = true;

	do {
		int64_t number;
		if (!thousandths(&p, &number))
			return false;
		msec_t factor = first && *p == '\0' ? 1000 : unit(&p);
		if (factor == 0 || number > DURATION_MAX * 1000 / factor)
			return false;
		total += number * factor / 1000;
		if (total > DURATION_MAX)
			return false;
		first = false;
	} while (*p != '\0');
	*out = total;
	return true;
}

/* Hours, minutes and seconds, without those that are 0. */
static void format_long(long long seconds, char buffer[DURATION_TEXT])
{
	const struct {
		long long count;
		char unit;
	} parts[] = {{seconds / 3600, 'h'}, {seconds / 60 % 60, 'm'}, {seconds % 60, 's'}};
	size_t used = 0;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (parts[i].count > 0)
			used += (size_t)snprintf(buffer + used, DURATION_TEXT - used, "%lld%c", parts[i].count, parts[i].unit);
}

const char *duration_format(msec_t duration, char buffer[DURATION_TEXT])
{
	const long long ms = duration, tenths = (ms + 50) / 100;

	if (ms < 0)
		snprintf(buffer, DURATION_TEXT, "-");
	else if (ms < 1000 && ms % 100 != 0)
		snprintf(buffer, DURATION_TEXT, "%lld ms", ms);
	else if (ms < 60000 && tenths % 10 != 0)
		snprintf(buffer, DURATION_TEXT, "%lld.%lld s", tenths / 10, tenths % 10);
	else if (ms < 60000)
		snprintf(buffer, DURATION_TEXT, "%lld s", tenths / 10);
	else
		format_long(ms / 1000, buffer);
	return buffer;
}
