#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 40

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static int same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Edit distance (a transposition counts as one), ignoring case. Both at most LONGEST. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1], n = strlen(b), i;

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		size_t *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = min3(row[j], row[j], before[j - 2] + 1);
		}
	}
	return rows[(i + 2) % 3][n];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	size_t length = strlen(n->typed);

	if (length > LONGEST || strlen(candidate) > LONGEST)
		return;
	size_t d = distance(n->typed, candidate);
	if (d <= 1 + length / 3 && d < length && (n->best == NULL || d < n->distance)) {
		n->best = candidate;
		n->distance = d;
	}
}
