/*
 * All 64 signals, by raw system calls: sigset_t hides real-time signals that C libraries reserve (musl 32 to 34, glibc 32 and
 * 33), and an app built with another library may use them. Only the disposition of SIGCHLD is changed, if it was ignored.
 */
#ifndef TINYSUP_INIT_BASE_SIGNALS_H
#define TINYSUP_INIT_BASE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Inherited state, restored in the child. */
struct signals_inherited {
	uint64_t mask; /* bit n-1 for signal n */
	bool chld_ignored;
};

/* Blocks all signals. First call in main(). */
void signals_block(struct signals_inherited *inherited);

/* A close-on-exec, non-blocking signalfd for everything; -1 with errno set. */
int signals_open(void);

/* Restores inherited dispositions and mask. In a child, last before exec. */
void signals_restore(const struct signals_inherited *inherited);

/* In a worker: SIGPIPE ignored, nothing blocked. */
void signals_default(void);

struct signal_seen {
	int number;
	bool own;    /* raised by our own write: SIGPIPE, or SIGXFSZ at a file's limit */
	bool kernel; /* sent by the kernel, such as by a terminal */
};

/* Next pending signal; false if there is none. */
bool signals_next(int fd, struct signal_seen *seen);

/*
 * Waits up to `time` milliseconds (INT64_MAX: no limit) for a signal, when no other event can occur. One system call instead of
 * two with epoll: it shortens the way of a signal to the app. False on timeout.
 */
bool signals_wait(struct signal_seen *seen, int64_t time);

/* Takes one pending signal of `which` (bit n-1 for signal n), even behind a flood of others. Never waits. */
bool signals_take(uint64_t which, struct signal_seen *seen);

/* Waits up to `time` milliseconds for one of `which` and consumes it. */
void signals_sleep(uint64_t which, int64_t time);

#endif
