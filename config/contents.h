/*
 * A whole file in memory, read without ever waiting for anybody: only regular files are read, and none larger than allowed.
 * Standard input may be a pipe or a terminal as well; it is given up once nothing has come for a while.
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
 * False: nothing is allocated, and `why` says what is wrong. *error is errno where a system call failed, and `why` its text;
 * 0 where the file is not fit to be read, and `why` completes "PATH ...".
 */
bool contents_read(const char *path, size_t most, struct contents *out, int *error, char why[256]);
bool contents_read_input(size_t most, struct contents *out, int *error, char why[256]);

/* Wipes it first: it may hold a secret. */
void contents_free(struct contents *contents);

#endif
