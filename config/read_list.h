/* Reads settings with several values. Each function stores into the type in its name and reports errors. */
#ifndef TINYSUP_CONFIG_READ_LIST_H
#define TINYSUP_CONFIG_READ_LIST_H

#include "config/read.h"

/* KEY_CHOICES, KEY_SIGNALS, KEY_CODES: one word, or several. */
void read_words(struct reader *reader, const struct key *key, const config_setting_t *setting, void *field, const char *path);
void read_pairs(struct reader *reader, const struct key *key, const config_setting_t *setting, struct plan_pairs *out,
		const char *path);
void read_exec(struct reader *reader, const config_setting_t *setting, struct plan_exec *out, const char *path);
void read_names(struct reader *reader, const config_setting_t *setting, struct plan_names *out, const char *path);
void read_value(struct reader *reader, const config_setting_t *setting, struct plan_value *out, const char *path);
void read_values(struct reader *reader, const config_setting_t *setting, struct plan_values *out, const char *path);
void read_rewrite(struct reader *reader, const config_setting_t *setting, uint8_t *out, const char *path);
/* Both fill a pointer and a count, as all lists of the plan begin. */
void read_list(struct reader *reader, const struct key *key, config_setting_t *setting, void *field, const char *path);
void read_map(struct reader *reader, const struct key *key, config_setting_t *setting, void *field, const char *path);

/* From read.c */
void read_scalar(struct reader *reader, const struct key *key, const config_setting_t *setting, void *field, const char *path);
const char *read_type_name(const config_setting_t *setting);

#endif
