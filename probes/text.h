/* Converts arbitrary bytes to UTF-8 for JSON. */
#ifndef TINYSUP_PROBES_TEXT_H
#define TINYSUP_PROBES_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* A JSON string, with U+FFFD for invalid UTF-8. NULL without memory; the caller owns it. */
json_t *text_json(const char *text);

#endif
