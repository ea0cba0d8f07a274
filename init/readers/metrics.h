/* A page in the Prometheus text format. */
#ifndef TINYSUP_INIT_READERS_METRICS_H
#define TINYSUP_INIT_READERS_METRICS_H

#include <stdio.h>

#include "probes/page.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* now: milliseconds of CLOCK_MONOTONIC; verdicts and ages are judged by it. */
void metrics_print(FILE *to, const struct page *copy, int64_t now);

#endif
