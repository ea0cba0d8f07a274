/*
 * The text of the configuration with includes expanded, and the file and line of each of its lines. libconfig gets this text
 * and opens no files.
 */
#ifndef TINYSUP_CONFIG_SOURCE_H
#define TINYSUP_CONFIG_SOURCE_H

#include "config/contents.h"
#include "config/errors.h"

#define SOURCE_MAX   ((size_t)1 << 20) /* bytes, all files together */
#define SOURCE_FILES 64
#define SOURCE_DEPTH 10

/* From line `from` of the text on, until the next piece, these are the lines of `file` that begin with `line`. */
struct source_piece {
	int from, line;
	const char *file;
};

struct source {
	char *text;
	size_t length, capacity;
	int lines; /* of the text so far; the first is 1 */
	struct source_piece pieces[2 * SOURCE_FILES + 1];
	size_t count;
	char *names[SOURCE_FILES];
	size_t files;
};

/* False after adding to `errors`. Call source_free() in both cases. */
bool source_read(struct source *source, const char *file, struct errors *errors);
void source_free(struct source *source);

/* The file of a line of the text; *line becomes the line in that file. */
const char *source_place(const struct source *source, int *line);

#endif
