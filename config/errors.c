#include "config/errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more; false: it is only counted. */
static bool make_room(struct errors *errors)
{
	if (errors->kept < errors->capacity)
		return true;
	size_t capacity = errors->capacity * 2 + 8;
	struct error_item *bigger = errors->kept < ERRORS_KEPT ? realloc(errors->items, capacity * sizeof *bigger) : NULL;
	if (bigger == NULL)
		return false;
	errors->items = bigger;
	errors->capacity = capacity;
	return true;
}

/* A step with `each` is read several times. */
static bool is_known(const struct errors *errors, const struct error_item *item)
{
	for (size_t i = 0; i < errors->kept; i++)
		if (errors->items[i].line == item->line && strcmp(errors->items[i].text, item->text) == 0 &&
		    strcmp(errors->items[i].file, item->file) == 0)
			return true;
	return false;
}

void errors_add(struct errors *errors, const char *file, int line, const char *path, const char *fmt, ...)
{
	char what[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	errors->count++;
	if (!make_room(errors))
		return;
	struct error_item *item = &errors->items[errors->kept];
	snprintf(item->text, sizeof item->text, "%s%s%s", path, *path ? ": " : "", what);
	snprintf(item->file, sizeof item->file, "%s", file);
	item->line = line;
	if (is_known(errors, item)) {
		errors->count--;
		return;
	}
	errors->kept++;
	item->order = errors->kept;
}

static int by_place(const void *a, const void *b)
{
	const struct error_item *x = a, *y = b;
	int files = strcmp(x->file, y->file);

	if (files != 0)
		return files;
	return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : (x->order > y->order) - (x->order < y->order);
}

void errors_print(struct errors *errors, const char *label, FILE *to)
{
	if (errors->kept > 0)
		qsort(errors->items, errors->kept, sizeof *errors->items, by_place);
	for (size_t i = 0; i < errors->kept; i++) {
		const struct error_item *e = &errors->items[i];
		if (e->line > 0)
			fprintf(to, "%s:%d: %s%s\n", e->file, e->line, label, e->text);
		else
			fprintf(to, "%s: %s%s\n", e->file, label, e->text);
	}
	if (errors->count > errors->kept)
		fprintf(to, "tinysup: %zu more errors\n", errors->count - errors->kept);
	free(errors->items);
	*errors = (struct errors){0};
}
