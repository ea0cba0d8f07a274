/*
 * The bodies of alerts.
 *
 * Slack's incoming webhooks: https://api.slack.com/messaging/webhooks; & < > are escaped as its mrkdwn wants.
 */
#ifndef TINYSUP_HOOKS_PAYLOAD_H
#define TINYSUP_HOOKS_PAYLOAD_H

#include "hooks/report.h"

#define PAYLOAD_TEXT_MAX 3000 /* bytes; Slack shows no more in one section */

/* JSON, or NULL where there is no memory; the caller's to free(). Names that are not UTF-8 are repaired. */
char *payload_slack(const struct report *report);
char *payload_webhook(const struct report *report);

#endif
