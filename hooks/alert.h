/*
 * Sends an alert: one POST of application/json to one channel.
 */
#ifndef TINYSUP_HOOKS_ALERT_H
#define TINYSUP_HOOKS_ALERT_H

#include "hooks/report.h"
#include "probes/result.h"

/* 2xx is a success. Fills in the whole result. For workers only. */
void alert_send(const struct plan_alert *alert, const struct report *report, msec_t timeout, struct check_result *result);

#endif
