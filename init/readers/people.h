/*
 * GET / of the listener: one page for people, written from the published page, the plan and the hour that the listener has
 * kept. It shows what --status shows and no more, loads nothing, sends nothing, and asks for itself again.
 */
#ifndef TINYSUP_INIT_READERS_PEOPLE_H
#define TINYSUP_INIT_READERS_PEOPLE_H

#include <stdio.h>

#include "config/plan.h"
#include "init/readers/hour.h"
#include "probes/page.h"

struct people {
	FILE *to;
	const struct page *copy; /* valid; NULL: it cannot be read, which is all the page says then */
	const struct plan *plan; /* NULL: unknown; chains are drawn without it */
	const struct hour *hour; /* it has a sample of `now` */
	int64_t now;
};

void people_print(const struct people *people);

/* The Content-Security-Policy that belongs to it: nothing but its own style and script, by their hashes. */
extern const char people_policy[];

#endif
