/* Templates of alerts: text with ${variables} that are filled in when it is sent; "$$" is a dollar. Pure. */
#ifndef TINYSUP_CONFIG_ALERT_TEXT_H
#define TINYSUP_CONFIG_ALERT_TEXT_H

#include <stdbool.h>

#include "config/growing.h"

enum alert_variable {
	TEXT_APP,
	TEXT_HOST,
	TEXT_INSTANCE,
	TEXT_EVENT,
	TEXT_LEVEL,
	TEXT_REASON,
	TEXT_SIGNAL,
	TEXT_EXIT_CODE,
	TEXT_APP_STATE,
	TEXT_FAILED, /* "cancel: status 503 (attempt 3 of 3); ..." */
	TEXT_STEPS,  /* "cancel ok 0.2 s, ..." */
	TEXT_TOOK,
	TEXT_DEADLINE,
	TEXT_SHUTDOWN_ID,
	TEXT_TAIL, /* the last lines of the app's output */
	TEXT_VARIABLES
};

/* False with a message in `why`. A `$` not followed by `{` or `$` is literal. */
bool alert_text_is_valid(const char *text, char why[256]);

/* Appends a valid text with its variables' values. False without memory. */
bool alert_text_append(struct growing *to, const char *text, const char *const values[TEXT_VARIABLES]);

#endif
