#include "init/base/line.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "probes/utf8.h"

void text_begin(struct text *text, size_t most)
{
	text->length = 0;
	text->most = most < TEXT_MAX ? most : TEXT_MAX;
	text_keep(text, 0);
}

void text_keep(struct text *text, size_t bytes)
{
	text->limit = text->most - 1 - bytes;
}

static bool put(struct text *text, const char *bytes, size_t length)
{
	if (length > text->limit - text->length || text->length > text->limit)
		return false;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	return true;
}

void text_add(struct text *text, const char *string)
{
	size_t length = strlen(string), room = text->limit - text->length;

	put(text, string, length < room ? length : room);
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

void text_add_plain(struct text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t n = utf8_length(bytes + i, length - i);
		bool bad = n == 0 || (is_control((unsigned char)bytes[i]) && bytes[i] != '\t');
		if (!put(text, bad ? "?" : bytes + i, bad ? 1 : n))
			return;
		i += n == 0 ? 1 : n;
	}
}

void text_add_json(struct text *text, const char *bytes, size_t length)
{
	char escape[8];

	for (size_t i = 0; i < length;) {
		unsigned char byte = (unsigned char)bytes[i];
		size_t n = utf8_length(bytes + i, length - i);
		bool good;
		if (n == 0)
			good = put(text, "?", 1);
		else if (byte == '"' || byte == '\\')
			good = put(text, (char[]){'\\', (char)byte}, 2);
		else if (byte == '\t')
			good = put(text, "\\t", 2);
		else if (is_control(byte))
			good = put(text, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
		else
			good = put(text, bytes + i, n);
		if (!good)
			return;
		i += n == 0 ? 1 : n;
	}
}

/* Days since 1970 to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static void civil(int64_t days, int *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (int)(yoe + era * 400) + (*month <= 2);
}

void text_add_time(struct text *text, const struct timespec *time)
{
	char buffer[64];
	int year;
	unsigned month, day, second = (unsigned)(time->tv_sec % 86400);

	civil(time->tv_sec / 86400, &year, &month, &day);
	snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day, second / 3600,
		 second / 60 % 60, second % 60, (unsigned)(time->tv_nsec / 1000000));
	text_add(text, buffer);
}

void text_end_line(struct text *text)
{
	text->bytes[text->length++] = '\n';
}
