/*
 * A process that writes for process 1 where writing may block: the log (NFS, frozen file system, full quota), the journal.
 * Process 1 sends to a socket and never blocks. The socket outlives the process, so the next one continues.
 */
#ifndef TINYSUP_INIT_BASE_WRITER_H
#define TINYSUP_INIT_BASE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The process: reads messages from `out` (MSG_PEEK) and consumes each one after writing it, so that the next writer finds it if
 * this one is killed. Ends at the end of input; all signals stay blocked. Closes the descriptors that it does not need. Never
 * returns.
 */
typedef void writer_body(const void *context, int out, pid_t parent);

struct writer {
	int in;          /* process 1 sends here with MSG_DONTWAIT: whole messages or none */
	int out;         /* the writer reads here; kept open, so a dead writer loses no messages */
	pid_t pid;       /* 0: none runs */
	int short_lives; /* in a row */
	int64_t started; /* of the one that runs, or ran last; clock_now() */
	bool resident;   /* a dead one is replaced even if no message waits */
	writer_body *body;
	const void *context;
};

/* Makes the socket; no process yet. False with errno set. */
bool writer_open(struct writer *writer, writer_body *body, const void *context);

/* Starts the process if it is not running. If that fails, the next call retries; the socket keeps the messages. */
void writer_start(struct writer *writer);

/* A child was reaped. False: it was not the writer. Starts the next one, unless too many in a row died at once. */
bool writer_reaped(struct writer *writer, pid_t pid);

/* Waits up to `limit` milliseconds until everything is written. */
void writer_finish(struct writer *writer, int64_t limit);

#endif
