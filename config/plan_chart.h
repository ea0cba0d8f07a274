/* The charts of --check: when each step of a chain runs if all take as long as they can. */
#ifndef TINYSUP_CONFIG_PLAN_CHART_H
#define TINYSUP_CONFIG_PLAN_CHART_H

#include <stdio.h>

#include "config/plan.h"

/* start.chain; nothing if there is none. */
void plan_chart_start(const struct plan *plan, FILE *to);

/* One reason alone: its chart, and what would be cut. Returns how many required steps would have no time at all. */
size_t plan_chart_reason(const struct plan *plan, enum reason reason, FILE *to);

/* The shutdown's chain, and for each reason whose plan differs from a stop's what runs and what does not. */
void plan_chart_shutdown(const struct plan *plan, FILE *to);

#endif
