/* "Did you mean ...?": the name in a list that is nearest to what was typed. */
#ifndef TINYSUP_CONFIG_NEAREST_H
#define TINYSUP_CONFIG_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed;
	const char *best; /* NULL: nothing near enough */
	size_t distance;
};

/* Offer every candidate in turn; afterwards n->best is the nearest within a third of what was typed. */
void nearest_offer(struct nearest *n, const char *candidate);

#endif
