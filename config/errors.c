#include "config/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static _Noreturn void out_of_memory(void)
{
	fputs("tinysup: out of memory\n", stderr);
	exit(EX_OSERR);
}

void errors_add(struct errors *errors, const char *file, int line, const char *path, const char *fmt, ...)
{
	char what[512];
	va_list args;

	if (errors->count == errors->capacity) {
		size_t capacity = errors->capacity * 2 + 8;
		struct error_item *bigger = realloc(errors->items, capacity * sizeof *bigger);
		if (bigger == NULL)
			out_of_memory();
		errors->items = bigger;
		errors->capacity = capacity;
	}
	struct error_item *item = &errors->items[errors->count++];
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	snprintf(item->text, sizeof item->text, "%s%s%s", path, *path ? ": " : "", what);
	snprintf(item->file, sizeof item->file, "%s", file);
	item->line = line;
}

static int by_place(const void *a, const void *b)
{
	const struct error_item *x = a, *y = b;
	int files = strcmp(x->file, y->file);

	return files != 0 ? files : (x->line > y->line) - (x->line < y->line);
}

void errors_print(struct errors *errors, FILE *to)
{
	if (errors->count > 0)
		qsort(errors->items, errors->count, sizeof *errors->items, by_place);
	for (size_t i = 0; i < errors->count; i++) {
		const struct error_item *e = &errors->items[i];
		if (e->line > 0)
			fprintf(to, "%s:%d: %s\n", e->file, e->line, e->text);
		else
			fprintf(to, "%s: %s\n", e->file, e->text);
	}
	free(errors->items);
	*errors = (struct errors){0};
}
