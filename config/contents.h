/*
 * Reads a whole file without blocking: regular files of limited size only. Standard input may be a pipe or terminal, with a
 * timeout.
 */
#ifndef TINYSUP_CONFIG_CONTENTS_H
#define TINYSUP_CONFIG_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONTENTS_STDIN "-" /* the path that means standard input, where the caller allows it */

struct contents {
	char *text; /* malloc()ed, with a NUL after the last byte and none before it */
	size_t length;
	dev_t device;
	ino_t inode;
};

/*
 * False: nothing is allocated. *error: errno if a system call failed, `why` its text; else 0, and `why` completes "PATH ...".
 */
bool contents_read(const char *path, size_t most, struct contents *out, int *error, char why[256]);
bool contents_read_input(size_t most, struct contents *out, int *error, char why[256]);

/* Wipes it: it may hold a secret. */
void contents_free(struct contents *contents);

#endif
