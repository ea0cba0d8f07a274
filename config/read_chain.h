/* Reads a chain into stages, expanding alerts and parallel groups. */
#ifndef TINYSUP_CONFIG_READ_CHAIN_H
#define TINYSUP_CONFIG_READ_CHAIN_H

#include "config/read.h"

/* The settings that hold a chain. */
#define CHAIN_SHUTDOWN "shutdown.chain"
#define CHAIN_START    "start.chain"

/* Reads `list`, the setting `name`, into *out. The plan's alerts and app must have been read. Reports errors. */
void chain_read(struct reader *reader, config_setting_t *list, const struct plan *plan, const char *name,
		struct plan_chain *out);

/* A chain of one stop step. */
void chain_stop_only(struct arena *arena, struct plan_chain *out);

/* A chain of one alert for each channel, side by side, for REASON_HELD. Empty if there is no channel. */
void chain_alerts(struct arena *arena, const struct plan *plan, struct plan_chain *out);

/* Default reserve of the stop step. */
#define CHAIN_STOP_RESERVE ((msec_t)3000)

#endif
