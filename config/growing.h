/* A text that grows. It may hold a secret: old copies are wiped. */
#ifndef TINYSUP_CONFIG_GROWING_H
#define TINYSUP_CONFIG_GROWING_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: empty. */
struct growing {
	char *text; /* malloc()ed, with a NUL after `length` bytes; NULL: nothing was appended */
	size_t length, capacity;
};

/* False without memory. */
bool growing_append(struct growing *growing, const char *text, size_t length);

/* Wipes and frees it. */
void growing_free(struct growing *growing);

#endif
