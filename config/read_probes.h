/*
 * The probes of the plan: which checks each asks, and what the schema's table cannot say of them. Checks written inside a probe
 * are added to the plan's checks.
 */
#ifndef TINYSUP_CONFIG_READ_PROBES_H
#define TINYSUP_CONFIG_READ_PROBES_H

#include "config/read.h"

/* Once the whole file is read into `plan`; tree NULL: there is no file. */
void probes_read(struct reader *reader, const config_t *tree, struct plan *plan);

#endif
