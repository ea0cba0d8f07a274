/*
 * A process that writes the log where a write may block: a file's disk may hang (NFS, a frozen file system, a full quota), and
 * process 1 must not hang with it. Process 1 sends to a socket that never blocks; this process writes what comes. The socket
 * outlives the writer, so that what was not written yet is written by the next one.
 */
#ifndef TINYSUP_INIT_BASE_WRITER_H
#define TINYSUP_INIT_BASE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct writer {
	int in;          /* process 1 sends here, with MSG_DONTWAIT: a message is whole or refused */
	int out;         /* the writer reads here; kept open, so that a dead writer costs neither lines nor a SIGPIPE */
	pid_t pid;       /* 0: none runs */
	int64_t started; /* of the one that runs, or ran last; clock_now() */
};

/* Makes the socket; no process yet. False with errno set. */
bool writer_open(struct writer *writer);

/* Starts the process where there is none. Where none is to be had, the next call tries again; the socket keeps the lines. */
void writer_start(struct writer *writer);

/* A child was reaped. False: it was not the writer. */
bool writer_reaped(struct writer *writer, pid_t pid);

/* No more lines come: waits until all is written, `limit` milliseconds at the most. */
void writer_finish(struct writer *writer, int64_t limit);

#endif
