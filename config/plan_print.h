/* Output of --check: the plan and its time budget as a chart. Unexpanded, so without secrets. */
#ifndef TINYSUP_CONFIG_PLAN_PRINT_H
#define TINYSUP_CONFIG_PLAN_PRINT_H

#include <stdio.h>

#include "config/plan.h"

void plan_print(const struct plan *plan, FILE *to);

#endif
