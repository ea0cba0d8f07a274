/* The chain of steps, from its list in the configuration to stages with every alert and parallel group laid out. */
#ifndef TINYSUP_CONFIG_READ_CHAIN_H
#define TINYSUP_CONFIG_READ_CHAIN_H

#include "config/read.h"

/* Reads `list` into *out; alerts and app are the plan's, already read. Reports what is wrong, as everywhere. */
void chain_read(struct reader *reader, config_setting_t *list, const struct plan *plan, struct plan_chain *out);

/* A chain of one stop step. */
void chain_stop_only(struct arena *arena, struct plan_chain *out);

/* The reserve of a stop step that has none of its own. */
#define CHAIN_STOP_RESERVE ((msec_t)3000)

#endif
