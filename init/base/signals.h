/*
 * Signals as process 1 needs them: all 64, the real-time ones that C libraries keep for themselves included, so the raw system
 * calls are used instead of sigset_t (musl hides 32 to 34, glibc 32 and 33; an app built with the other one may use them).
 *
 * Nothing here changes a disposition but SIGCHLD's, and that one only where it was ignored, so that exit statuses are kept.
 */
#ifndef TINYSUP_INIT_BASE_SIGNALS_H
#define TINYSUP_INIT_BASE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* What tinysup was started with, for the child to get back. */
struct signals_inherited {
	uint64_t mask; /* bit n-1 for signal n */
	bool chld_ignored;
};

/* Block everything; the first act of main(). */
void signals_block(struct signals_inherited *inherited);

/* A close-on-exec, non-blocking signalfd for everything; -1 with errno set. */
int signals_open(void);

/* In a child, as its last act before exec: dispositions and mask as tinysup found them. */
void signals_restore(const struct signals_inherited *inherited);

/* In a worker: SIGPIPE ignored, nothing blocked. */
void signals_default(void);

struct signal_seen {
	int number;
	bool own;    /* raised by our own write: SIGPIPE, or SIGXFSZ at a file's limit */
	bool kernel; /* not sent by a process: a terminal's, say */
};

/* The next signal that came; false where none is left. */
bool signals_next(int fd, struct signal_seen *seen);

/*
 * Sleep until a signal comes, `time` milliseconds at the most (INT64_MAX: as long as it takes): for when nothing else can. One
 * system call where epoll and a signalfd are two, which is what lies between a signal to process 1 and the app. False where
 * none came.
 */
bool signals_wait(struct signal_seen *seen, int64_t time);

/* One of `which` (bit n-1 for signal n) where one is pending: no flood of other signals can hide it. Never waits. */
bool signals_take(uint64_t which, struct signal_seen *seen);

/* Sleep until one of `which` comes, `time` milliseconds at the most; it is taken. */
void signals_sleep(uint64_t which, int64_t time);

#endif
