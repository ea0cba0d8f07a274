#include <stdint.h>
#include <string.h>

#include "init/child/notify.h"

#define DAY_USEC (UINT64_C(86400) * 1000000)

/* One line of a message, without its line break. */
struct line {
	const char *text;
	size_t length;
};

static bool is(struct line line, const char *what)
{
	return line.length == strlen(what) && memcmp(line.text, what, line.length) == 0;
}

/* What follows `key`, such as "STATUS="; false where it is another line. */
static bool value_of(struct line line, const char *key, struct line *value)
{
	size_t length = strlen(key);

	if (line.length < length || memcmp(line.text, key, length) != 0)
		return false;
	*value = (struct line){line.text + length, line.length - length};
	return true;
}

/* Microseconds, as milliseconds rounded up; a day is the most. */
static msec_t duration(struct line value)
{
	uint64_t usec = 0;

	if (value.length == 0)
		return MSEC_UNSET;
	for (size_t i = 0; i < value.length; i++) {
		if (value.text[i] < '0' || value.text[i] > '9')
			return MSEC_UNSET;
		usec = usec * 10 + (uint64_t)(value.text[i] - '0');
		if (usec > DAY_USEC)
			usec = DAY_USEC;
	}
	return (msec_t)((usec + 999) / 1000);
}

static void parse_line(struct line line, struct notify_message *message)
{
	struct line value;

	message->ready |= is(line, "READY=1");
	message->stopping |= is(line, "STOPPING=1");
	message->reloading |= is(line, "RELOADING=1");
	message->watchdog |= is(line, "WATCHDOG=1");
	message->watchdog_trigger |= is(line, "WATCHDOG=trigger");
	if (value_of(line, "WATCHDOG_USEC=", &value))
		message->watchdog_every = duration(value);
	if (value_of(line, "EXTEND_TIMEOUT_USEC=", &value))
		message->extend = duration(value);
	if (value_of(line, "STATUS=", &value)) {
		size_t length = value.length < NOTIFY_STATUS - 1 ? value.length : NOTIFY_STATUS - 1;
		message->has_status = true;
		memcpy(message->status, value.text, length);
		message->status[length] = '\0';
	}
}

void notify_parse(const char *text, size_t length, struct notify_message *message)
{
	*message = (struct notify_message){.watchdog_every = MSEC_UNSET, .extend = MSEC_UNSET};
	if (length > 0 && text[length - 1] == '\0')
		length--; /* systemd permits one, for C programs that send their string whole */
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t piece = end != NULL ? (size_t)(end - text) : length;
		parse_line((struct line){text, piece}, message);
		piece += end != NULL;
		text += piece;
		length -= piece;
	}
}
