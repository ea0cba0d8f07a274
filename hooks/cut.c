#include "hooks/cut.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probes/utf8.h"

static const char replacement[] = "\xef\xbf\xbd", ellipsis[] = "\xe2\x80\xa6"; /* three bytes each */

/* Units of a clean character of `length` bytes. */
static size_t weigh(const char *character, size_t length, enum unit unit)
{
	switch (unit) {
	case UNIT_CHARACTERS:
		break;
	case UNIT_SLACK:
		if (*character == '&')
			return strlen("&amp;");
		if (*character == '<' || *character == '>')
			return strlen("&lt;");
		return length == 4 ? 2 : 1;
	case UNIT_UTF16:
		return length == 4 ? 2 : 1;
	case UNIT_JSON:
		return strchr("\"\\\n\t", *character) != NULL ? 2 : length;
	}
	return 1;
}

/* The next character, made clean; its length. *taken: bytes of `text`. */
static size_t next_character(const char *text, size_t left, char to[4], size_t *taken)
{
	size_t length = utf8_length(text, left);
	bool control = ((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') || *text == 0x7f;

	*taken = length > 0 ? length : 1;
	if (*text == '\r')
		return 0;
	if (length == 0) {
		memcpy(to, replacement, sizeof replacement);
		return sizeof replacement - 1;
	}
	memcpy(to, text, length);
	if (control)
		*to = '?';
	return length;
}

char *cut(const char *text, size_t limit, enum unit unit)
{
	size_t left = strlen(text), used = 0, units = 0, fits = 0, taken;
	size_t last = weigh(ellipsis, strlen(ellipsis), unit);
	char *clean = malloc(left * strlen(replacement) + sizeof ellipsis), character[4];

	if (clean == NULL)
		return NULL;
	for (; left > 0; text += taken, left -= taken) {
		size_t length = next_character(text, left, character, &taken);
		memcpy(clean + used, character, length);
		used += length;
		units += length > 0 ? weigh(character, length, unit) : 0;
		if (units + last <= limit)
			fits = used;
		if (units > limit) {
			memcpy(clean + fits, ellipsis, sizeof ellipsis);
			return clean;
		}
	}
	clean[used] = '\0';
	return clean;
}
