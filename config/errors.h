/* All errors of a configuration, so that one run reports them all: at most ERRORS_KEPT lines, fewer without memory. */
#ifndef TINYSUP_CONFIG_ERRORS_H
#define TINYSUP_CONFIG_ERRORS_H

#include <stddef.h>
#include <stdio.h>

#define ERRORS_KEPT 1000

struct error_item {
	int line;
	size_t order; /* sequence number */
	char file[256];
	char text[800]; /* "path.of.setting: what is wrong" */
};

struct errors {
	struct error_item *items;
	size_t count; /* total */
	size_t kept, capacity;
};

/* line 0: the file as a whole. path may be "". Never pass an expanded value: it may be a secret. */
void errors_add(struct errors *errors, const char *file, int line, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Prints one line each, in the order of the file, with `label` before the message; then clears the list. */
void errors_print(struct errors *errors, const char *label, FILE *to);

#endif
