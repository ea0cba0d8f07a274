/* Parses scalar values: of settings, defaults and expanded strings. */
#ifndef TINYSUP_CONFIG_SCALAR_H
#define TINYSUP_CONFIG_SCALAR_H

#include "config/arena.h"
#include "config/schema.h"

/*
 * Stores into *field, according to the key's type. Lists (KEY_SIGNALS, KEY_CHOICES, KEY_CODES) add one value per call. False
 * with a message in `why`, which does not repeat the text: it may be a secret.
 */
bool scalar_set(struct arena *arena, const struct key *key, const char *text, void *field, char why[256]);

/* Stores the default, or "not set". */
void scalar_default(struct arena *arena, const struct key *key, void *field);

#endif
