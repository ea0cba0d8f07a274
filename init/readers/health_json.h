/* A verdict in the format of draft-inadarei-api-health-check-06, "Health Check Response Format for HTTP APIs". */
#ifndef TINYSUP_INIT_READERS_HEALTH_JSON_H
#define TINYSUP_INIT_READERS_HEALTH_JSON_H

#include <jansson.h>

#include "probes/page.h"

/* NULL without memory; the caller owns it. */
json_t *health_json(const struct page *copy, enum probe_kind kind, int64_t now);

#endif
