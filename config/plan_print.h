/* What --check prints: the plan, and its time budget drawn as a timeline. Nothing expanded is shown, so no secret is. */
#ifndef TINYSUP_CONFIG_PLAN_PRINT_H
#define TINYSUP_CONFIG_PLAN_PRINT_H

#include <stdio.h>

#include "config/plan.h"

void plan_print(const struct plan *plan, FILE *to);

#endif
