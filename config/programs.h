/* For --check: looks for the programs of a configuration. The container may have others. */
#ifndef TINYSUP_CONFIG_PROGRAMS_H
#define TINYSUP_CONFIG_PROGRAMS_H

#include "config/read.h"

/* Warns about programs that are missing or not executable. */
void programs_look(struct reader *reader, const struct plan *plan);

#endif
