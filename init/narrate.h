/* Log lines of a shutdown or restart. */
#ifndef TINYSUP_INIT_NARRATE_H
#define TINYSUP_INIT_NARRATE_H

#include "init/machine/sequencer.h"

/* why: message of the last result, or names of leftover processes; "" if none. */
void narrate(const struct seq *seq, const struct action *action, const char *why);

/* Why a step did not run or complete; NULL: its result says it. */
const char *narrate_why(enum why why);

/* What the journal says about the last run, if that was cut off. */
void narrate_account(const struct account *account, const struct plan *plan);

#endif
