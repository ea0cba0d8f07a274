/*
 * Process 1 at work: the loop that turns what the kernel tells into events for the sequencer, and its actions into system
 * calls.
 */
#ifndef TINYSUP_INIT_SUPERVISOR_H
#define TINYSUP_INIT_SUPERVISOR_H

#include "config/plan.h"
#include "init/signals.h"
#include "init/spawn.h"
#include "init/voice.h"

/* How this process 1 behaves where its names differ: see personality.h. */
struct manner {
	enum voice voice;       /* whose messages it gives */
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

/*
 * Starts the app and stays until there is nothing left to do. Returns the exit code. Everything that may fail for want of
 * memory or descriptors happens before the seal; it returns EX_OSERR after saying why.
 */
int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals);

#endif
