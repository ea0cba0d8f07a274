/* "Did you mean ...?": finds the closest name in a list. */
#ifndef TINYSUP_CONFIG_NEAREST_H
#define TINYSUP_CONFIG_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed;
	const char *best; /* NULL: nothing near enough */
	size_t distance;
};

/* Call for every candidate; then n->best is the closest within a third of the typed length. */
void nearest_offer(struct nearest *n, const char *candidate);

#endif
