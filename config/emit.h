/* --emit: the health check, grace period and restart policy that fit a configuration, in a platform's own words. */
#ifndef TINYSUP_CONFIG_EMIT_H
#define TINYSUP_CONFIG_EMIT_H

#include <stdio.h>

#include "config/plan.h"

/* The words that emit_stanza() knows: "docker, compose ...". */
#define EMIT_PLATFORMS "docker, compose, swarm, kubernetes, aca or nomad"

/* Prints the stanza of a platform, as it can be pasted. False: no such platform. */
bool emit_stanza(const struct plan *plan, const char *platform, FILE *to);

/* Whether there is one. */
bool emit_knows(const char *platform);

#endif
