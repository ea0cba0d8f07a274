/* Log lines of a shutdown or restart. */
#ifndef TINYSUP_INIT_NARRATE_H
#define TINYSUP_INIT_NARRATE_H

#include "init/machine/sequencer.h"

/* why: message of the last result, or names of leftover processes; "" if none. */
void narrate(const struct seq *seq, const struct action *action, const char *why);

#endif
