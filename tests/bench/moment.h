/* One start of a contestant with one signal at a given moment of it, and what came of it. */
#ifndef TINYSUP_TESTS_BENCH_MOMENT_H
#define TINYSUP_TESTS_BENCH_MOMENT_H

#include "launch.h"

/* A real-time signal, of which two in a row are two; helper.c and race.conf know it too. */
#define QUEUED 40

struct way {
	const char *name;
	bool first; /* process 1 */
	bool open;  /* it starts with no signal blocked, and its moments begin when it blocks SIGTERM by itself */
	int signal;
	const char *words[3];
	const char *code; /* the app's own exit code */
	int expected;     /* the contestant's, for it */
	int died;         /* the contestant's, where the app died of the signal; -1: cannot be */
};

struct contestant {
	const char *name, *file;
	const struct way *ways;
	size_t count;
};

/* lost: still running when our patience ended. wrong: the exit code, or an app that ended without its signal. */
struct tally {
	long moments, lost, doubled, wrong;
};

/* Once, before the others. */
void moment_prepare(const char *helper_file);

/* How long the start takes. */
nsec_t moment_calibrate(const struct contestant *who, const struct way *way);

/*
 * `moment` counts from the clone, of which the exec comes a tenth of the window later; in an open way from where SIGTERM is
 * blocked. `patience` is in ms.
 */
void moment_try(const struct contestant *who, const struct way *way, nsec_t window, nsec_t moment, long patience,
		struct tally *tally);

#endif
