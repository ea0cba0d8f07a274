/*
 * A process that writes the log if writing may block (NFS, frozen file system, full quota). Process 1 sends to a socket and
 * never blocks. The socket outlives the writer, so the next writer continues.
 */
#ifndef TINYSUP_INIT_BASE_WRITER_H
#define TINYSUP_INIT_BASE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct writer {
	int in;          /* process 1 sends here with MSG_DONTWAIT: whole messages or none */
	int out;         /* the writer reads here; kept open, so a dead writer loses no lines */
	pid_t pid;       /* 0: none runs */
	int short_lives; /* in a row */
	int64_t started; /* of the one that runs, or ran last; clock_now() */
};

/* Makes the socket; no process yet. False with errno set. */
bool writer_open(struct writer *writer);

/* Starts the process if it is not running. If that fails, the next call retries; the socket keeps the lines. */
void writer_start(struct writer *writer);

/* Whether the writer is far behind: what is left of the socket is for lines that matter more than a hook's output. */
bool writer_lags(const struct writer *writer);

/* A child was reaped. False: it was not the writer. */
bool writer_reaped(struct writer *writer, pid_t pid);

/* Waits up to `limit` milliseconds until everything is written. */
void writer_finish(struct writer *writer, int64_t limit);

#endif
