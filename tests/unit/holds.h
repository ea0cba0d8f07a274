/* What the walks of both machines have in common: the trail of a path, what must hold on it, and a generator that is seeded. */
#ifndef TINYSUP_TESTS_UNIT_HOLDS_H
#define TINYSUP_TESTS_UNIT_HOLDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRAIL_MAX 64

/* The numbers of the events that led here, each among those that were possible. */
struct trail {
	int events[TRAIL_MAX], length;
};

static unsigned long paths, events_seen;

static inline void trail_add(struct trail *trail, int event)
{
	if (trail->length < TRAIL_MAX)
		trail->events[trail->length++] = event;
}

/* Each walk says by describe() what a path that went wrong was. */
#define HOLDS(p, condition)                                                                                                    \
	do {                                                                                                                   \
		if (!(condition)) {                                                                                            \
			describe(p);                                                                                           \
			fprintf(stderr, "events:");                                                                            \
			for (int i_ = 0; i_ < (p)->trail.length; i_++)                                                         \
				fprintf(stderr, " %d", (p)->trail.events[i_]);                                                 \
			fail_msg("%s", #condition);                                                                            \
		}                                                                                                              \
	} while (0)

/* xorshift64*; the same numbers on every machine */
static inline unsigned draw(uint64_t *random, unsigned below)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (unsigned)(*random * UINT64_C(2685821657736338717) >> 33) % below;
}

#endif
