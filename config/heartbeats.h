/* What heartbeats must fulfil besides their settings, and what they take from the rest of the configuration. */
#ifndef TINYSUP_CONFIG_HEARTBEATS_H
#define TINYSUP_CONFIG_HEARTBEATS_H

#include "config/read.h"

/* list: the setting `heartbeats`; NULL: there is none. After the shutdown's chain was read. Reports errors. */
void heartbeats_settle(struct reader *reader, config_setting_t *list, struct plan *plan);

#endif
