#include "config/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void *or_die(void *memory)
{
	if (memory == NULL) {
		fputs("tinysup: out of memory\n", stderr);
		exit(EX_OSERR);
	}
	return memory;
}

void errors_add(struct errors *errors, const char *file, int line, const char *path, const char *fmt, ...)
{
	char what[512], whole[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	snprintf(whole, sizeof whole, "%s%s%s", path, *path ? ": " : "", what);
	if (errors->count == errors->capacity) {
		errors->capacity = errors->capacity * 2 + 8;
		errors->items = or_die(realloc(errors->items, errors->capacity * sizeof *errors->items));
	}
	errors->items[errors->count++] = (struct error_item){or_die(strdup(file)), line, or_die(strdup(whole))};
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
		free(e->file);
		free(e->text);
	}
	free(errors->items);
	*errors = (struct errors){0};
}
