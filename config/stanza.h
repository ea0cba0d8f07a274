/* The numbers of --emit: what a platform has to be given so that it fits a configuration. Pure; emit_*.c write them down. */
#ifndef TINYSUP_CONFIG_STANZA_H
#define TINYSUP_CONFIG_STANZA_H

#include "config/plan.h"

#define STANZA_TIMEOUT 5   /* seconds for an answer: a verdict is read, no check runs */
#define STANZA_READY   300 /* seconds for READY=1 where no startup probe limits them */
#define STANZA_NAME    64  /* bytes of a name that every platform accepts (RFC 1123 label), the NUL included */

/* How a platform asks for a verdict. tinysup has applied its own thresholds to it already. */
struct stanza_probe {
	bool given;
	int64_t period; /* seconds, 1 to 60: as often as tinysup checks */
};

/* All times are whole seconds, rounded up. */
struct stanza {
	char name[STANZA_NAME]; /* made of the app's */
	int64_t grace;          /* between the stop signal and SIGKILL */
	msec_t deadline; /* what it leaves for a shutdown: shutdown.deadline, or less if platform_grace is too short for that */
	const char *signal; /* that stops tinysup: SIGTERM unless it is not among shutdown.signals */
	int port;           /* of the listener, as far as others reach it; 0: none */
	bool loopback;      /* there is a listener that others cannot reach */

	struct stanza_probe probes[PROBE_COUNT];
	bool notified;   /* startup is READY=1 alone, for which tinysup has no time limit */
	int64_t opening; /* before the app's first start: journal, recovery, start.chain */
	int64_t start;   /* and until startup has failed once, from the container's start */
	int64_t startup; /* and for good, restarts included */
	int64_t failing; /* from there until liveness has failed, if it never succeeds */
	int64_t ready;   /* until readiness can be there at the latest if startup takes as long as it may */
	int64_t
	    busy; /* /livez may be 503 so long although tinysup acts: it restarts the app or shuts down; 0: it does nothing */

	bool restarts;   /* tinysup restarts the app */
	bool acts;       /* it does so, or shuts down, because of a probe */
	bool returns;    /* the container must come back whatever the exit code was */
	bool single;     /* two instances at a time may harm: journal, heartbeats, exchange, required steps */
	bool arms;       /* the app's start waits for a heartbeat, as long as it takes */
	int64_t backoff; /* before a restart of the container, for platforms that want to be told */
	int64_t within;
	int attempts;
};

void stanza_make(const struct plan *plan, struct stanza *to);

/* The smallest failure threshold whose last failure comes no earlier than this time after the first; 2 at least, as an answer
 * may be lost. */
int64_t stanza_failures(int64_t period, int64_t time);

#endif
