/*
 * One value from its text, for the types of the schema that are written as one word: settings, defaults and expanded strings
 * all take this way.
 */
#ifndef TINYSUP_CONFIG_SCALAR_H
#define TINYSUP_CONFIG_SCALAR_H

#include "config/arena.h"
#include "config/schema.h"

/*
 * Stores into *field, whose type the key tells. Lists (KEY_SIGNALS, KEY_CHOICES, KEY_CODES) take one word a call and add it.
 * False with what the key wants in `why`; the text itself is not repeated, it may be a secret.
 */
bool scalar_set(struct arena *arena, const struct key *key, const char *text, void *field, char why[256]);

/* Defaults: as above for a comma-separated list, or "not set" where the key has none. */
void scalar_default(struct arena *arena, const struct key *key, void *field);

#endif
