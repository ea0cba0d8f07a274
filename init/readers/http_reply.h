/* Responses of the listener: path, options and what it knows in, status and body out. No I/O. */
#ifndef TINYSUP_INIT_READERS_HTTP_REPLY_H
#define TINYSUP_INIT_READERS_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "init/readers/people.h"

#define TYPE_HEALTH_JSON "application/health+json"

struct query {
	const char *path;
	bool method_known; /* GET or HEAD */
	bool verbose;      /* ?verbose */
	bool json;         /* ?format=json, or Accept names TYPE_HEALTH_JSON */
};

/* What the listener knows. */
struct known {
	const struct page *page;
	const struct plan *plan; /* for "/": as in struct people */
	struct hour hour;
};

struct reply {
	unsigned status;  /* of HTTP */
	const char *type; /* Content-Type, static */
	char *body;       /* the caller frees it */
	size_t length;
	const char *policy; /* Content-Security-Policy, static; NULL: none */
};

/* False where there is no memory. now: milliseconds of CLOCK_MONOTONIC. Takes a sample of the checks if the path is "/". */
bool http_reply_make(const struct query *query, struct known *known, int64_t now, struct reply *reply);

/* Takes a sample of the checks. False: there are none, and no other sample is wanted. */
bool http_reply_sample(struct known *known, int64_t now);

#endif
