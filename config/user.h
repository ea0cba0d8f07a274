/* Users by name or number, resolved once at start. */
#ifndef TINYSUP_CONFIG_USER_H
#define TINYSUP_CONFIG_USER_H

#include "config/arena.h"
#include "config/plan.h"

/* "1000", "1000:1000", "app", "app:staff". False with a message in `why` if unknown. */
bool user_resolve(struct arena *arena, const char *text, struct plan_user *out, char why[256]);

/* Checks that we may switch to the user. Clears `set` if we are that user. False with a message in `why`. */
bool user_become(struct plan_user *user, char why[256]);

#endif
