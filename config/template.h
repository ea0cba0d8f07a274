/* Templates of signing schemes: text with {variables}; "{{" is a brace. Pure. */
#ifndef TINYSUP_CONFIG_TEMPLATE_H
#define TINYSUP_CONFIG_TEMPLATE_H

#include <stdbool.h>

#include "config/growing.h"

enum template_variable {
	VARIABLE_MS,      /* Unix time in milliseconds */
	VARIABLE_S,       /* in seconds */
	VARIABLE_ISO,     /* 2023-11-14T22:13:20.123Z */
	VARIABLE_NONCE,   /* a number that rises */
	VARIABLE_EXPIRES, /* {s} + lifetime */
	VARIABLE_RECV,    /* how long a request is valid, in milliseconds */
	VARIABLE_METHOD,  /* in capitals */
	VARIABLE_KEY,
	VARIABLE_PASSPHRASE,
	VARIABLE_SEALED, /* base64 of HMAC-SHA256(secret, passphrase) */
	VARIABLE_SECRET,
	VARIABLE_PATH,      /* as sent, without the query */
	VARIABLE_QUERY,     /* as sent, without "?" */
	VARIABLE_RAWQUERY,  /* percent-decoded */
	VARIABLE_TARGET,    /* path, "?" and query */
	VARIABLE_RAWTARGET, /* path, "?" and decoded query */
	VARIABLE_BODY,
	VARIABLE_HASH, /* the prehash */
	VARIABLE_SIGN, /* the signature */
	VARIABLE_COUNT
};

/* What each template of a scheme may use, as masks of 1 << variable: what exists by then. */
#define TEMPLATE_ADDED   ((1u << VARIABLE_SECRET) - 1)
#define TEMPLATE_HASHED  (((1u << VARIABLE_HASH) - 1) & ~(1u << VARIABLE_SECRET))
#define TEMPLATE_MESSAGE (TEMPLATE_HASHED | 1u << VARIABLE_HASH)
#define TEMPLATE_HEADER  ((1u << VARIABLE_COUNT) - 1)

struct template_value {
	const char *text; /* NULL: there is none */
	size_t length;
};

/* False with a message in `why`. */
bool template_is_valid(const char *text, unsigned allowed, char why[256]);

/* The variables in a valid template, as a mask. NULL: none. */
unsigned template_uses(const char *text);

/* Appends a valid template. False without memory. */
bool template_append(struct growing *to, const char *text, const struct template_value values[VARIABLE_COUNT]);

#endif
