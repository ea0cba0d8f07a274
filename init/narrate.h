/* What the log tells of a shutdown, one line for each thing that happens. */
#ifndef TINYSUP_INIT_NARRATE_H
#define TINYSUP_INIT_NARRATE_H

#include "init/machine/sequencer.h"

/* `why`: for a step that failed or is tried again, the last result's message; "" where there is none. */
void narrate(const struct seq *seq, const struct action *action, const char *why);

#endif
