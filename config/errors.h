/*
 * Everything that is wrong with a configuration, collected so that one run reports all of it: ERRORS_KEPT lines of it at most,
 * fewer where there is no memory.
 */
#ifndef TINYSUP_CONFIG_ERRORS_H
#define TINYSUP_CONFIG_ERRORS_H

#include <stddef.h>
#include <stdio.h>

#define ERRORS_KEPT 1000

struct error_item {
	int line;
	size_t order; /* the how manieth */
	char file[256];
	char text[800]; /* "path.of.setting: what is wrong" */
};

struct errors {
	struct error_item *items;
	size_t count; /* all there were */
	size_t kept, capacity;
};

/* line 0: the file as a whole. path may be "". Never pass an expanded value: it may be a secret. */
void errors_add(struct errors *errors, const char *file, int line, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* One line each, in the order of the file, to `to`, `label` before what is wrong; then forgets them. */
void errors_print(struct errors *errors, const char *label, FILE *to);

#endif
