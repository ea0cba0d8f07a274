/* Reads the probes and their checks. Checks defined inside a probe are added to the plan's checks. */
#ifndef TINYSUP_CONFIG_READ_PROBES_H
#define TINYSUP_CONFIG_READ_PROBES_H

#include "config/read.h"

/* After the rest of the file. tree NULL: no file. */
void probes_read(struct reader *reader, const config_t *tree, struct plan *plan);

#endif
