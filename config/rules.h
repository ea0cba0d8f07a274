/* Rules that the schema's tables cannot express. Each checks a group that has just been read. */
#ifndef TINYSUP_CONFIG_RULES_H
#define TINYSUP_CONFIG_RULES_H

#include "config/schema.h"

schema_rule rule_tls, rule_json, rule_http, rule_grpc, rule_check, rule_alert, rule_step, rule_wait, rule_app, rule_root;

#endif
