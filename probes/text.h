/*
 * Text from the configuration and from system calls may be any bytes; what tinysup prints as JSON is UTF-8.
 */
#ifndef TINYSUP_PROBES_TEXT_H
#define TINYSUP_PROBES_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* A JSON string of text, with U+FFFD for every byte that is not UTF-8. NULL where there is no memory; the caller owns it. */
json_t *text_json(const char *text);

#endif
