#include "config/mailbox.h"

#include <string.h>

#define ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3, without the brackets */

static bool is_address(const char *text, size_t length)
{
	const char *at = memchr(text, '@', length);

	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("<>()[]\\,;:\"", text[i]) != NULL)
			return false;
	return at != NULL && at > text && at < text + length - 1 && length <= ADDRESS_MAX &&
	       memchr(at + 1, '@', length - (size_t)(at + 1 - text)) == NULL;
}

static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

static void trim(const char **text, size_t *length)
{
	while (*length > 0 && **text == ' ')
		++*text, --*length;
	while (*length > 0 && (*text)[*length - 1] == ' ')
		--*length;
}

bool mailbox_split(const char *text, struct mailbox *out)
{
	const char *open = strrchr(text, '<');

	*out = (struct mailbox){.name = text, .address = text, .address_length = strlen(text)};
	trim(&out->address, &out->address_length);
	if (open == NULL)
		return is_address(out->address, out->address_length);
	if (out->address_length == 0 || out->address[out->address_length - 1] != '>')
		return false;
	out->name_length = (size_t)(open - text);
	out->address_length -= (size_t)(open + 1 - out->address) + 1;
	out->address = open + 1;
	trim(&out->name, &out->name_length);
	if (out->name_length >= 2 && out->name[0] == '"' && out->name[out->name_length - 1] == '"') {
		out->name++;
		out->name_length -= 2;
	}
	return is_plain(out->name, out->name_length) && is_address(out->address, out->address_length);
}
