/* How this process 1 behaves where its names differ (tini, dumb-init): see persona.h. */
#ifndef TINYSUP_INIT_BASE_MANNER_H
#define TINYSUP_INIT_BASE_MANNER_H

#include <stdbool.h>
#include <stdint.h>

enum dialect { DIALECT_TINYSUP, DIALECT_TINI, DIALECT_DUMB_INIT };

enum spawn_group {
	SPAWN_GROUP,      /* a process group of its own */
	SPAWN_FOREGROUND, /* the same, and the terminal's foreground where ours was it */
	SPAWN_SESSION,    /* a session of its own, with the terminal where we had it (dumb-init's way) */
	SPAWN_SAME,       /* our group */
};

struct manner {
	enum dialect dialect;   /* whose messages it gives */
	int exec_code;          /* exit code where the app cannot be executed; 0: 127 or 126 */
	bool exit_at_once;      /* over when the app is: no deadline, no sweep */
	bool term_at_end;       /* with exit_at_once: SIGTERM to the app's group first */
	enum spawn_group group; /* the app's */
	uint64_t withheld;      /* signals that are not forwarded */
	bool suspends;          /* stopped by a terminal, so is tinysup */
	bool root_directory;    /* "/" once the app is started, so that no mount is held */
	bool shell_fallback;
	bool warn_on_reap;
	bool publishes; /* what it knows, for --probe and --status */
	bool subreaper; /* ask to be one, as where it is not process 1 */
};

#endif
