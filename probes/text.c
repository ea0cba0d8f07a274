#include "probes/text.h"

#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

/* Length of the character at `at` (RFC 3629: no overlong form, no surrogate, nothing over U+10FFFF); 0: it is none. */
static size_t character(const unsigned char *at)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return 1;
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		length = 2;
	else if (at[0] >= 0xe0 && at[0] <= 0xef)
		length = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < length; i++) {
		if (at[i] < low || at[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

json_t *text_json(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	char *clean = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
	size_t used = 0;

	if (!clean)
		return NULL;
	while (*at) {
		size_t length = character(at);
		if (length)
			memcpy(clean + used, at, length);
		else
			memcpy(clean + used, replacement, sizeof(replacement) - 1);
		used += length ? length : sizeof(replacement) - 1;
		at += length ? length : 1;
	}
	json_t *string = json_stringn_nocheck(clean, used);
	free(clean);
	return string;
}

bool text_is_plain(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t length = character(at);
		if (!length || (*at < 0x20 && *at != '\t') || *at == 0x7f)
			return false;
		at += length;
	}
	return true;
}
