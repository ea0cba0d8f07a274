/* Sends a mail by SMTP (RFC 5321) with libcurl. */
#ifndef TINYSUP_HOOKS_SMTP_H
#define TINYSUP_HOOKS_SMTP_H

#include <stddef.h>

#include "probes/result.h"

/*
 * One transfer to all of the channel's recipients; it succeeds if the server takes the mail for any of them. A reply of 4yz
 * is a failure of the connection, which may be tried again; one of 5yz is for good. Fills in the whole result.
 */
void smtp_send(const struct plan_alert *alert, const char *mail, size_t length, msec_t timeout, struct check_result *result);

/* Connects, and encrypts; nothing is sent but that. */
void smtp_connect(const struct plan_alert *alert, msec_t timeout, struct check_result *result);

#endif
