/* Facts about the shutdown, for attempts of steps. Owned by the supervisor. */
#ifndef TINYSUP_INIT_CHILD_STEP_FACTS_H
#define TINYSUP_INIT_CHILD_STEP_FACTS_H

#include <sys/types.h>

#include "hooks/report.h"
#include "init/machine/sequencer.h"
#include "init/base/signals.h"
#include "init/child/app_output.h"
#include "init/child/journal.h"

#define SHUTDOWN_ID_TEXT 33
#define STEP_WHY_TEXT    sizeof(((struct check_result *)0)->message)

struct shutdown_facts {
	const struct seq *seq;
	const struct signals_inherited *signals;
	pid_t app; /* 0 once it is gone */
	char id[SHUTDOWN_ID_TEXT];
	const struct journal *journal;
	uint64_t on_record;   /* number of the record with the id; 0: none */
	struct report report; /* as of the last step_facts_report() */
	const struct app_output *output;
	struct app_output_mark mark; /* what the app had written by then */
	char host[65];
	char app_state[48];
};

/* facts: zeroed memory. */
void step_facts_init(struct shutdown_facts *facts, const struct seq *seq, const struct plan *plan,
		     const struct signals_inherited *signals, const struct journal *journal, const struct app_output *output);

/* A chain starts and gets an id: this one, or a new one if it is "". */
void step_facts_start(struct shutdown_facts *facts, const char *id);

/* In the child: waits until the id is on disk, in a part of `time`. Returns what is left of it. */
msec_t step_facts_wait(const struct shutdown_facts *facts, msec_t time);

/* Updates the report. why: the message of each step's last result; the report points to them. */
void step_facts_report(struct shutdown_facts *facts, char why[][STEP_WHY_TEXT]);

/* "running", "exited with code 1", "killed by SIGSEGV". Returns buffer. */
const char *step_facts_app_text(const struct seq *seq, char buffer[48]);

#endif
