/* Users by name or number, resolved once at start-up: process 1 looks nobody up later. */
#ifndef TINYSUP_CONFIG_USER_H
#define TINYSUP_CONFIG_USER_H

#include "config/arena.h"
#include "config/plan.h"

/* "1000", "1000:1000", "app", "app:staff". False with one sentence in `why`: it is unknown. */
bool user_resolve(struct arena *arena, const char *text, struct plan_user *out, char why[256]);

/* Before something is started: nothing is to be done where we are that user. False with one sentence where we may not become
 * it. */
bool user_become(struct plan_user *user, char why[256]);

#endif
