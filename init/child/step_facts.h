/* Facts about the shutdown, for attempts of steps. Owned by the supervisor. */
#ifndef TINYSUP_INIT_CHILD_STEP_FACTS_H
#define TINYSUP_INIT_CHILD_STEP_FACTS_H

#include <sys/types.h>

#include "hooks/report.h"
#include "init/machine/sequencer.h"
#include "init/base/signals.h"

#define SHUTDOWN_ID_TEXT 33

struct shutdown_facts {
	const struct seq *seq;
	const struct signals_inherited *signals;
	pid_t app; /* 0 once it is gone */
	char id[SHUTDOWN_ID_TEXT];
	struct report report; /* as of the last step_facts_report() */
	char host[65];
	char app_state[48];
};

/* facts: zeroed memory. */
void step_facts_init(struct shutdown_facts *facts, const struct seq *seq, const struct plan *plan,
		     const struct signals_inherited *signals);

/* A chain starts and gets an id. */
void step_facts_start(struct shutdown_facts *facts);

/* Updates the report. */
void step_facts_report(struct shutdown_facts *facts);

/* "running", "exited with code 1", "killed by SIGSEGV". Returns buffer. */
const char *step_facts_app_text(const struct seq *seq, char buffer[48]);

#endif
