/* Responses of the listener: path, options and page in, status and body out. No I/O. */
#ifndef TINYSUP_INIT_READERS_HTTP_REPLY_H
#define TINYSUP_INIT_READERS_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/page.h"

#define TYPE_HEALTH_JSON "application/health+json"

struct query {
	const char *path;
	bool method_known; /* GET or HEAD */
	bool verbose;      /* ?verbose */
	bool json;         /* ?format=json, or Accept names TYPE_HEALTH_JSON */
};

struct reply {
	unsigned status;  /* of HTTP */
	const char *type; /* Content-Type, static */
	char *body;       /* the caller frees it */
	size_t length;
};

/* False where there is no memory. now: milliseconds of CLOCK_MONOTONIC. */
bool http_reply_make(const struct query *query, const struct page *page, int64_t now, struct reply *reply);

#endif
