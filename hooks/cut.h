/* Text within a service's limit. */
#ifndef TINYSUP_HOOKS_CUT_H
#define TINYSUP_HOOKS_CUT_H

#include <stddef.h>

/* What a service counts. */
enum unit {
	UNIT_CHARACTERS,
	UNIT_UTF16, /* 16-bit units: two for an emoji */
	UNIT_SLACK, /* the same once & < > are escaped */
	UNIT_JSON,  /* bytes of UTF-8 once it is a JSON string */
};

/*
 * A copy that has at most `limit` units: where it has to be cut, between two characters, it ends in an ellipsis. Invalid UTF-8
 * is replaced by U+FFFD, control characters other than line feeds and tabs by "?"; carriage returns are dropped. To be freed;
 * NULL without memory.
 */
char *cut(const char *text, size_t limit, enum unit unit);

#endif
