/*
 * What the drivers share: a clock, and starting a contestant as process 1 of a fresh PID namespace, or as a child, in
 * such a way that it dies with us.
 */
#ifndef TINYSUP_TESTS_BENCH_LAUNCH_H
#define TINYSUP_TESTS_BENCH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WORDS_MAX 16

/* Nanoseconds of CLOCK_MONOTONIC, as the helper's answers are. */
typedef int64_t nsec_t;

nsec_t now(void);

/* Busy: sleeping is not exact enough. */
void spin_until(nsec_t when);

struct launch {
	char *const *argv; /* argv[0] is the path */
	const char *extra; /* one more variable; NULL: none */
	int out;           /* becomes standard output; -1: /dev/null */
	bool first;        /* process 1 of a namespace of its own; else our child */
	bool own_proc;     /* and /proc is that namespace's */
	bool at_once;      /* we are suspended until the exec, and no page table is copied (vfork): for exact times */
	bool blocked;      /* starts with every signal blocked; else with none */
	nsec_t pause;      /* spins this long before the exec */
};

/* The pid, as we see it. Ends us where it is not permitted. */
pid_t launch(const struct launch *what);

/* A file of /proc/PID as text, cut to `size`; "" where it cannot be read. */
void read_proc(pid_t pid, const char *name, char *text, size_t size);

/* Prints a message and ends us with 2. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
