/* Rules that the schema's tables cannot express. Each checks a group that has just been read. */
#ifndef TINYSUP_CONFIG_RULES_H
#define TINYSUP_CONFIG_RULES_H

#include "config/read.h"

schema_rule rule_tls, rule_json, rule_http, rule_grpc, rule_check, rule_alert, rule_step, rule_wait, rule_app, rule_output,
    rule_root, rule_signer;

/* The enum value of the one setting of a group that is set; -1 after an error. */
int rules_exactly_one(struct reader *reader, config_setting_t *group, const char *path, const struct names *names);

/* For the files of rules. False for text that is not set or that --check could not expand. */
bool rules_is_here(const struct reader *reader, const char *text);

/* An error at a setting of a group, or at the group if it is not set. */
void rules_report(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *what);

enum url_kind { URL_HTTP, URL_MAIL, URL_STARTTLS };

/* The setting `url` of a group. */
void rules_url(struct reader *reader, config_setting_t *group, const char *path, const char *url, enum url_kind kind,
	       const struct plan_tls *tls);

#endif
