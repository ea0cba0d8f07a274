/* A check's last hour as inline SVG: latencies above, failures below. */
#ifndef TINYSUP_INIT_READERS_PLOT_H
#define TINYSUP_INIT_READERS_PLOT_H

#include <stdio.h>

#include "init/readers/hour.h"

/* Its title says in words what it shows. */
void plot_print(FILE *to, const struct hour *hour, size_t check, int64_t now);

#endif
