/* Words in colour, for a terminal. */
#ifndef TINYSUP_INIT_READERS_PAINT_H
#define TINYSUP_INIT_READERS_PAINT_H

#include <stdbool.h>
#include <stdio.h>

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARNING, TONE_BAD, TONE_STRONG };

struct paint {
	FILE *to;
	bool colour;
};

/* The word, padded with blanks to `width` columns. */
void paint_word(const struct paint *paint, enum tone tone, int width, const char *word);

#endif
