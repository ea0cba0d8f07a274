/* Tells the channels of `alerts` what has happened, as notify_on says. */
#ifndef TINYSUP_INIT_ANNOUNCE_H
#define TINYSUP_INIT_ANNOUNCE_H

#include "init/child/jobs.h"
#include "init/machine/notices.h"

#define ANNOUNCE_TEXT 256

/* The start touches the last members only: see struct supervisor. */
struct announcer {
	char words[NOTICE_WORDS];                 /* of the notice in flight */
	char detail[NOTICE_COUNT][ANNOUNCE_TEXT]; /* of the last event of each kind */
	uint64_t told_lost;                       /* of notices.lost, logged */
	struct notices notices;
	const struct plan *plan;
	struct shutdown_facts *facts; /* the supervisor's */
	char (*why)[STEP_WHY_TEXT];   /* the supervisor's: why steps failed */
};

/* announcer: zeroed memory. Before the seal. */
void announce_init(struct announcer *announcer, const struct plan *plan, struct shutdown_facts *facts,
		   char (*why)[STEP_WHY_TEXT]);

/* Something has happened. name, detail: "liveness", "status 503"; NULL: none. */
void announce(struct announcer *announcer, enum notice kind, const char *name, const char *detail);

/* Sends what is due, and kills what is late. */
void announce_tick(struct announcer *announcer, msec_t now);

/* A channel's process has ended. */
void announce_done(struct announcer *announcer, size_t channel, const struct check_result *result);

/* tinysup is about to exit: what waits is sent now, and nothing after `until`. */
void announce_close(struct announcer *announcer, msec_t until);

/* Closed: whether the exit has to wait. */
bool announce_pending(struct announcer *announcer, msec_t now);

#endif
