/* Builds a line in a fixed buffer, without allocation; what does not fit is cut. */
#ifndef TINYSUP_INIT_BASE_LINE_H
#define TINYSUP_INIT_BASE_LINE_H

#include <stddef.h>
#include <time.h>

#define TEXT_MAX 4096

struct text {
	size_t length, limit; /* limit: end of the usable part */
	size_t most;
	char bytes[TEXT_MAX];
};

/* An empty line of at most `most` bytes (up to TEXT_MAX), the line break included. */
void text_begin(struct text *text, size_t most);
/* Keeps room for what must follow. */
void text_keep(struct text *text, size_t bytes);
/* Trusted text, as it is. */
void text_add(struct text *text, const char *string);
/* Any bytes: control characters and invalid UTF-8 become '?'. */
void text_add_plain(struct text *text, const char *bytes, size_t length);
/* Any bytes as the content of a JSON string (RFC 8259); invalid UTF-8 becomes '?'. Cut between characters. */
void text_add_json(struct text *text, const char *bytes, size_t length);
/* RFC 3339 in UTC with milliseconds. Our own arithmetic: gmtime_r() of glibc reads files. */
void text_add_time(struct text *text, const struct timespec *time);
/* The line break; there is always room for it. */
void text_end_line(struct text *text);

#endif
