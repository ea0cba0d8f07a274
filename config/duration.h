/* Durations: "500ms", "10s", "1m30s", "2 h"; a number without a unit is seconds, with an optional fraction. */
#ifndef TINYSUP_CONFIG_DURATION_H
#define TINYSUP_CONFIG_DURATION_H

#include <stdbool.h>

#include "config/plan.h"

#define DURATION_MAX ((msec_t)366 * 24 * 3600 * 1000)

/* False if text is not a duration, is negative or exceeds DURATION_MAX. */
bool duration_parse(const char *text, msec_t *out);

/* "250 ms", "2 s", "1.5 s", "1m30s", "24h"; duration_parse() accepts it. Returns buffer. */
#define DURATION_TEXT 32
const char *duration_format(msec_t duration, char buffer[DURATION_TEXT]);

#endif
