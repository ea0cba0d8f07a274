/*
 * The files of a journal in state_dir: NAME.journal, and NAME.lock, which its instance holds locked as long as it lives. For
 * the journal's own process: every call may block.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_FILE_H
#define TINYSUP_INIT_CHILD_JOURNAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_NAME     64
#define JOURNAL_READ_MAX ((size_t)8 << 20) /* of a longer file the end is read */

/* What failed, for people. Its first cause stays. */
struct journal_failure {
	int error; /* errno; 0: nothing failed */
	char what[200];
};

/* Notes errno as the cause: "cannot VERB DIRECTORY/NAME". */
void journal_fail(struct journal_failure *failure, const char *verb, const char *directory, const char *name,
		  const char *suffix);

struct journal_file {
	const char *path;        /* of the directory */
	int directory;           /* -1: not open */
	char name[JOURNAL_NAME]; /* "": none is claimed */
	int lock;                /* -1: not locked */
	int fd;                  /* appended to; -1: it cannot be written */
	size_t size;
	size_t reserved; /* up to here the disk has room for it; 0: not asked for */
	bool torn;       /* the last line has no newline */
};

/* Opens the directory; makes it if it is missing. *missing: it could not be made, so there is nothing in it. */
bool journal_open_directory(struct journal_file *file, bool *missing, struct journal_failure *failure);

/* Opens NAME.journal, to append to or at least to read: *fd. False: it cannot be read. -1 in *fd: there is none. */
bool journal_open_file(struct journal_file *file, int *fd, struct journal_failure *failure);

/* The end of a file, to be freed; there is room for one more byte behind it. NULL with errno set. */
char *journal_read(int fd, size_t *length);

/* Appends; a torn line before is ended first. False with errno set. */
bool journal_append(struct journal_file *file, const char *bytes, size_t length);

/* Replaces the file by what has to be kept of it, if that is less. False: the old one stays in use. */
bool journal_compact(struct journal_file *file, struct journal_failure *failure);

/* Whether somebody has removed the file that is open. */
bool journal_is_removed(const struct journal_file *file);

/* Closes all of it. */
void journal_close_files(struct journal_file *file);

#endif
