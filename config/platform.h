/* The platform's grace period between its stop signal and SIGKILL, and the effective deadline. */
#ifndef TINYSUP_CONFIG_PLATFORM_H
#define TINYSUP_CONFIG_PLATFORM_H

#include "config/plan.h"

#define PLATFORM_DOCKER_GRACE ((msec_t)10000) /* Docker's default; Docker sets no variable that could tell */

struct platform {
	const char *variable; /* it is this platform if the variable is set */
	const char *name;
	msec_t grace;
	const char
	    *setting; /* of the platform: what raises its grace period; NULL: nothing does, and it is long enough for a stop */
	const char *seconds; /* the variable that holds the grace period, in seconds; NULL: none does */
};

/* By environment variables: look() is getenv(). NULL: unknown. grace: how long it waits as far as the variables tell. */
const struct platform *platform_find(char *(*look)(const char *), msec_t *grace);

/* min(deadline, grace - max(2 s, a tenth of it)); an unknown grace limits nothing. May be <= 0 for a grace of 2 s or less. */
msec_t platform_effective(msec_t deadline, msec_t grace);

/* For a platform that leaves no time at all: its name, its grace period, what raises it, and to how many seconds. */
#define PLATFORM_NO_TIME                                                                                                       \
	"%s sends SIGKILL %s after its stop signal, which leaves the chain no time: set %s to at least %lld (seconds), or "    \
	"say "                                                                                                                 \
	"in shutdown.platform_grace what is set elsewhere"

/* The same turned round: the shortest grace period, in whole seconds, that leaves the whole deadline. In milliseconds. */
msec_t platform_needed(msec_t deadline);

#endif
