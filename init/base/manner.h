/* How process 1 behaves under its names (tinysup, tini, dumb-init): see persona.h. */
#ifndef TINYSUP_INIT_BASE_MANNER_H
#define TINYSUP_INIT_BASE_MANNER_H

#include <stdbool.h>
#include <stdint.h>

enum dialect { DIALECT_TINYSUP, DIALECT_TINI, DIALECT_DUMB_INIT };

enum spawn_group {
	SPAWN_GROUP,      /* a process group of its own */
	SPAWN_FOREGROUND, /* the same, in the terminal's foreground if we are */
	SPAWN_SESSION,    /* a new session, which takes over the terminal (dumb-init) */
	SPAWN_SAME,       /* our group */
};

struct manner {
	enum dialect dialect;   /* whose messages it gives */
	int exec_code;          /* exit code if the app cannot be executed; 0: 127 or 126 */
	bool exit_at_once;      /* exit with the app: no deadline, no sweep */
	bool term_at_end;       /* with exit_at_once: SIGTERM to the app's group first */
	enum spawn_group group; /* the app's */
	uint64_t withheld;      /* signals that are not forwarded */
	bool suspends;          /* if the terminal stops the app, stop tinysup too */
	bool root_directory;    /* change to "/" after the start, to hold no mount */
	bool shell_fallback;
	bool warn_on_reap;
	bool publishes; /* for --probe and --status */
	bool subreaper; /* become a subreaper if not process 1 */
};

#endif
