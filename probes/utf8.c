#include "probes/utf8.h"

#include <string.h>

size_t utf8_length(const char *bytes, size_t length)
{
	const unsigned char *b = (const unsigned char *)bytes;
	size_t n = b[0] < 0x80                   ? 1
		   : b[0] >= 0xc2 && b[0] < 0xe0 ? 2
		   : b[0] >= 0xe0 && b[0] < 0xf0 ? 3
		   : b[0] >= 0xf0 && b[0] < 0xf5 ? 4
						 : 0;

	if (n == 0 || n > length)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
	    (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return n;
}

bool utf8_is_plain(const char *string)
{
	for (size_t left = strlen(string); left > 0;) {
		size_t length = utf8_length(string, left);
		if (length == 0 || ((unsigned char)*string < 0x20 && *string != '\t') || *string == 0x7f)
			return false;
		string += length;
		left -= length;
	}
	return true;
}
