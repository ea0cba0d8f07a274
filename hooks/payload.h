/* Bodies of alerts. Slack: https://api.slack.com/messaging/webhooks; & < > are escaped for mrkdwn. */
#ifndef TINYSUP_HOOKS_PAYLOAD_H
#define TINYSUP_HOOKS_PAYLOAD_H

#include "hooks/report.h"

#define PAYLOAD_TEXT_MAX 3000 /* bytes; Slack shows no more in one section */

/* JSON, or NULL without memory; the caller frees it. Invalid UTF-8 is replaced. */
char *payload_slack(const struct report *report);
char *payload_webhook(const struct report *report);

#endif
