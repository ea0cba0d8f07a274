/* The one clock of process 1: CLOCK_MONOTONIC in milliseconds. */
#ifndef TINYSUP_INIT_BASE_CLOCK_H
#define TINYSUP_INIT_BASE_CLOCK_H

#include <time.h>

#include "config/plan.h"

static inline msec_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (msec_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What CLOCK_MONOTONIC's `then` was on the clock on the wall: milliseconds since 1970. */
static inline int64_t clock_wall(msec_t then)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000 - (clock_now() - then);
}

#endif
