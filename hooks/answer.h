/* What a service answers to an alert. */
#ifndef TINYSUP_HOOKS_ANSWER_H
#define TINYSUP_HOOKS_ANSWER_H

#include "probes/result.h"

/* What success takes besides a status of 2xx. */
enum answer_kind {
	ANSWER_ANY,
	ANSWER_OK, /* Slack's: "ok", nothing at all, or JSON that says so in `ok` or `success` (others that speak Slack's API)
		    */
	ANSWER_JSON_OK, /* Telegram's: JSON with "ok": true */
};

/*
 * Completes *result, which http_fetch() has filled in: the body may turn a success into a failure, gives a failure the
 * service's own words, and may know better when to try again.
 */
void answer_judge(const struct plan_alert *alert, enum answer_kind kind, const char *body, size_t length,
		  struct check_result *result);

/* A line of a server's reply for a message: printable ASCII, with "*" for the channel's secrets. */
void answer_words(const struct plan_alert *alert, const char *from, char *to, size_t size);

#endif
