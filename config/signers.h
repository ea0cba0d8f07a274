/* What the configuration of signed requests must fulfil, and what it brings along. */
#ifndef TINYSUP_CONFIG_SIGNERS_H
#define TINYSUP_CONFIG_SIGNERS_H

#include "config/plan_signer.h"
#include "config/read.h"
#include "config/template.h"

/* Resolves http->sign: the signer, what it sets by default, what it excludes. Reports errors. */
void signers_settle_http(struct reader *reader, config_setting_t *group, struct plan_http *http, const char *path);

/* Reports an error at a setting, else at its group. */
void signers_report(struct reader *reader, config_setting_t *group, const char *path, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* False for text that is not there, or that --check could not expand. */
bool signers_expanded(const struct reader *reader, const char *text);

/* Whether any template of the signer's scheme has the variable. */
bool signer_uses(const struct plan_signer *signer, enum template_variable variable);

/* Makes the memory that nonces are kept in, shared by all processes forked later. False without memory. */
bool signers_share(struct plan *plan);

#endif
