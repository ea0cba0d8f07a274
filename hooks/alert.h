/*
 * Sends an alert to one channel: a POST of application/json, or a mail.
 */
#ifndef TINYSUP_HOOKS_ALERT_H
#define TINYSUP_HOOKS_ALERT_H

#include "hooks/report.h"
#include "probes/result.h"

/* own: the step's text and level. Fills in the whole result. For workers only. */
void alert_send(const struct plan_alert *alert, const struct plan_wording *own, const struct report *report, msec_t timeout,
		struct check_result *result);

/* Connects to the channel's server; no alert is sent. */
void alert_connect(const struct plan_alert *alert, msec_t timeout, struct check_result *result);

#endif
