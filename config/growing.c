#include "config/growing.h"

#include <stdlib.h>
#include <string.h>

bool growing_append(struct growing *growing, const char *text, size_t length)
{
	if (growing->text == NULL || growing->length + length + 1 > growing->capacity) {
		size_t capacity = (growing->length + length + 1) * 2;
		char *bigger = malloc(capacity);
		if (bigger == NULL)
			return false;
		if (growing->text != NULL) {
			memcpy(bigger, growing->text, growing->length);
			explicit_bzero(growing->text, growing->length);
			free(growing->text);
		}
		growing->text = bigger;
		growing->capacity = capacity;
	}
	memcpy(growing->text + growing->length, text, length);
	growing->length += length;
	growing->text[growing->length] = '\0';
	return true;
}

void growing_free(struct growing *growing)
{
	if (growing->text != NULL)
		explicit_bzero(growing->text, growing->length);
	free(growing->text);
	*growing = (struct growing){.text = NULL};
}
