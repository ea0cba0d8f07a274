/* Users by name or number, resolved once at start-up: process 1 looks nobody up later. */
#ifndef TINYSUP_CONFIG_USER_H
#define TINYSUP_CONFIG_USER_H

#include "config/arena.h"
#include "config/plan.h"

/* "1000", "1000:1000", "app", "app:staff". False with one sentence in `why`: unknown, or we may not become that user. */
bool user_resolve(struct arena *arena, const char *text, struct plan_user *out, char why[256]);

#endif
