/* Whether the programs that a configuration names are here. For --check: in the container they may be others. */
#ifndef TINYSUP_CONFIG_PROGRAMS_H
#define TINYSUP_CONFIG_PROGRAMS_H

#include "config/read.h"

/* Warns of each that is not there or not executable. `plan` is read already. */
void programs_look(struct reader *reader, const struct plan *plan);

#endif
