/* The rules that the schema's table cannot say. Each gets a group that was just read, and reports what is wrong with it. */
#ifndef TINYSUP_CONFIG_RULES_H
#define TINYSUP_CONFIG_RULES_H

#include "config/schema.h"

schema_rule rule_tls, rule_json, rule_http, rule_grpc, rule_check, rule_alert, rule_step, rule_wait, rule_app, rule_root;

#endif
