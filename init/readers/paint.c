#include "init/readers/paint.h"

#include <string.h>

void paint_word(const struct paint *paint, enum tone tone, int width, const char *word)
{
	static const char *const codes[] = {[TONE_PLAIN] = "",
					    [TONE_GOOD] = "\033[32m",
					    [TONE_WARNING] = "\033[33m",
					    [TONE_BAD] = "\033[1;31m",
					    [TONE_STRONG] = "\033[1m"};
	bool coloured = paint->colour && tone != TONE_PLAIN;
	int length = (int)strlen(word);

	fprintf(paint->to, "%s%s%s%*s", coloured ? codes[tone] : "", word, coloured ? "\033[0m" : "",
		width > length ? width - length : 0, "");
}
