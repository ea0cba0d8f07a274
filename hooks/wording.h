/* What an alert says: its level, a headline and the text. */
#ifndef TINYSUP_HOOKS_WORDING_H
#define TINYSUP_HOOKS_WORDING_H

#include "hooks/cut.h"
#include "hooks/report.h"

#define WORDING_HEAD_MAX 200 /* characters */

struct message {
	const struct plan_alert *alert;
	const struct report *report;
	enum alert_level level;
	char *head; /* "paper-bot on HOST: stop (SIGTERM)", in one line */
	char *text;
};

/*
 * Words an alert: each of text and level is the step's where `own` has it, else the channel's, else tinysup's. The text has at
 * most `limit` units. False without memory. To be freed in both cases.
 */
bool wording_make(struct message *out, const struct plan_alert *alert, const struct plan_wording *own,
		  const struct report *report, size_t limit, enum unit unit);
void wording_free(struct message *message);

#endif
