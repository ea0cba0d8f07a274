/* The platform's grace period between its stop signal and SIGKILL, and the effective deadline. */
#ifndef TINYSUP_CONFIG_PLATFORM_H
#define TINYSUP_CONFIG_PLATFORM_H

#include "config/plan.h"

/*
 * By environment variables: Kubernetes, Azure Container Apps and ECS 30 s, Fly 5 s. Unknown: MSEC_UNSET, and *name is NULL.
 * *name is static.
 */
msec_t platform_grace(const char **name);

/* min(deadline, grace - max(2 s, a tenth of it)); an unknown grace limits nothing. May be <= 0 for a grace of 2 s or less. */
msec_t platform_effective(msec_t deadline, msec_t grace);

#endif
