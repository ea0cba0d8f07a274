/* Bodies of alerts: JSON, or NULL without memory; the caller frees it. Invalid UTF-8 is replaced. */
#ifndef TINYSUP_HOOKS_PAYLOAD_H
#define TINYSUP_HOOKS_PAYLOAD_H

#include "hooks/wording.h"

/* https://api.slack.com/messaging/webhooks: & < > are escaped for mrkdwn */
char *payload_slack(const struct message *message);
/* https://discord.com/developers/docs/resources/webhook#execute-webhook: nobody is mentioned, whatever the text holds */
char *payload_discord(const struct message *message);
/* https://core.telegram.org/bots/api#sendmessage: without parse_mode there is nothing to escape */
char *payload_telegram(const struct message *message);
/* https://developer.pagerduty.com/docs/events-api-v2/trigger-events */
char *payload_pagerduty(const struct message *message);
/* https://docs.ntfy.sh/publish/#publish-as-json */
char *payload_ntfy(const struct message *message);
/* https://prometheus.io/docs/alerting/latest/alerts_api */
char *payload_alertmanager(const struct message *message);
char *payload_webhook(const struct message *message);

#endif
