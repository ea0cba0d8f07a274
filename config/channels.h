/* The settings of alert channels. */
#ifndef TINYSUP_CONFIG_CHANNELS_H
#define TINYSUP_CONFIG_CHANNELS_H

#include "config/read.h"

/* KEY_WORDING: a text whose ${...} are an alert's, not the environment's. Reports errors. */
void channels_read_text(struct reader *reader, const config_setting_t *setting, const char **out, const char *path);

/* Who is told of events. notify_on: the setting; NULL: not set. After the heartbeats, which may add to it. Reports errors. */
void channels_settle(struct reader *reader, const config_setting_t *notify_on, struct plan *plan);

#endif
