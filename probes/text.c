#include "probes/text.h"

#include <stdlib.h>
#include <string.h>

#include "probes/utf8.h"

static const char replacement[] = "\xef\xbf\xbd";

json_t *text_json(const char *text)
{
	size_t left = strlen(text), used = 0;
	char *clean = malloc(left * (sizeof replacement - 1) + 1);

	if (clean == NULL)
		return NULL;
	while (left > 0) {
		size_t length = utf8_length(text, left);
		bool bad = length == 0;
		memcpy(clean + used, bad ? replacement : text, bad ? sizeof replacement - 1 : length);
		used += bad ? sizeof replacement - 1 : length;
		text += bad ? 1 : length;
		left -= bad ? 1 : length;
	}
	json_t *string = json_stringn_nocheck(clean, used);
	free(clean);
	return string;
}
