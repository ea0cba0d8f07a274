#include "config/source.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { IN_CODE, IN_STRING, IN_COMMENT, IN_LINE_COMMENT };

/* A file while it is read; those that include it are linked. */
struct level {
	const struct level *outer;
	const char *file;
	struct contents contents;
	int line;   /* where we are */
	int opened; /* line where the current string or comment starts */
	int depth;
};

struct include {
	struct source *source;
	struct errors *errors;
	const char *first; /* the file that the user named */
};

static bool append(struct include *in, const char *text, size_t length)
{
	struct source *source = in->source;

	if (source->length + length + 1 > source->capacity) {
		size_t capacity = (source->length + length + 1) * 2;
		char *bigger = realloc(source->text, capacity);
		if (bigger == NULL) {
			errors_add(in->errors, in->first, 0, "", "out of memory");
			return false;
		}
		source->text = bigger;
		source->capacity = capacity;
	}
	memcpy(source->text + source->length, text, length);
	source->length += length;
	source->text[source->length] = '\0';
	for (size_t i = 0; i < length; i++)
		source->lines += text[i] == '\n';
	return true;
}

/* What is appended from here on begins with that line of that file. */
static void begin_piece(struct source *source, const char *file, int line)
{
	source->pieces[source->count++] = (struct source_piece){source->lines, line, file};
}

/* Text after `@include "` at the start of a line, or NULL. */
static const char *directive(const char *line)
{
	static const char word[] = "@include";

	line += strspn(line, " \t");
	if (strncmp(line, word, sizeof word - 1) != 0)
		return NULL;
	line += sizeof word - 1;
	size_t blanks = strspn(line, " \t");
	return blanks > 0 && line[blanks] == '"' ? line + blanks + 1 : NULL;
}

/* The name up to its quote, escapes resolved. Returns what follows it; NULL: there is no quote in this line. */
static const char *read_name(const char *from, char *name, size_t size)
{
	size_t length = 0;

	for (; *from != '"'; from++) {
		if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
			from++;
		if (*from == '\0' || *from == '\n' || length + 1 == size)
			return NULL;
		name[length++] = *from;
	}
	name[length] = '\0';
	return from + 1;
}

/* Where an included file is: beside the first one. */
static char *locate(const struct include *in, const char *name)
{
	char *whole = NULL, *copy = strdup(in->first);

	if (*name == '/')
		whole = strdup(name);
	else if (copy != NULL && asprintf(&whole, "%s/%s", dirname(copy), name) < 0)
		whole = NULL;
	free(copy);
	return whole;
}

static bool read_level_text(struct include *in, struct level *level);

static bool is_open(const struct level *level, const struct contents *contents)
{
	for (; level != NULL; level = level->outer)
		if (level->contents.device == contents->device && level->contents.inode == contents->inode)
			return true;
	return false;
}

static bool open_level(struct include *in, struct level *level, size_t most)
{
	char why[256];
	int error;
	const struct level *outer = level->outer;
	bool input = outer == NULL && strcmp(in->first, CONTENTS_STDIN) == 0;

	if (input ? contents_read_input(most, &level->contents, &error, why)
		  : contents_read(level->file, most, &level->contents, &error, why))
		return true;
	if (outer != NULL)
		errors_add(in->errors, outer->file, outer->line, "", "cannot open include file \"%s\": %s", level->file, why);
	else if (error != 0)
		errors_add(in->errors, level->file, 0, "", "cannot read: %s", why);
	else
		errors_add(in->errors, level->file, 0, "", "%s", why);
	return false;
}

static bool include(struct include *in, const struct level *outer, const char *name)
{
	struct source *source = in->source;
	struct level level = {.outer = outer, .line = 1, .depth = outer->depth + 1};
	const char *problem = NULL;

	if (level.depth > SOURCE_DEPTH)
		problem = "includes are nested too deeply: the maximum is 10 levels";
	else if (source->files == SOURCE_FILES)
		problem = "too many includes: the maximum is 64 files";
	else if ((level.file = source->names[source->files] = locate(in, name)) == NULL)
		problem = "out of memory";
	if (problem != NULL) {
		errors_add(in->errors, outer->file, outer->line, "", "%s", problem);
		return false;
	}
	source->files++;
	if (!open_level(in, &level, SOURCE_MAX - source->length))
		return false;
	bool good = false;
	if (is_open(outer, &level.contents))
		errors_add(in->errors, outer->file, outer->line, "", "\"%s\" includes itself", name);
	else
		good = read_level_text(in, &level);
	contents_free(&level.contents);
	return good;
}

/* Handles a directive: the included file, then the rest of the line. Returns that rest; NULL: an error. */
static const char *follow(struct include *in, struct level *level, const char *after)
{
	char name[1024];
	const char *rest = read_name(after, name, sizeof name);

	if (rest == NULL) {
		errors_add(in->errors, level->file, level->line, "", "@include: expected a file name in quotes");
		return NULL;
	}
	if (!include(in, level, name) || !append(in, "\n", 1))
		return NULL;
	begin_piece(in->source, level->file, level->line);
	return rest;
}

/* Scans the text by libconfig's rules for strings and comments. Returns the number of bytes. */
static size_t step(struct level *level, const char *at, enum state *state)
{
	switch (*state) {
	case IN_CODE:
		if (*at == '"')
			*state = IN_STRING;
		else if (*at == '#' || (at[0] == '/' && at[1] == '/'))
			*state = IN_LINE_COMMENT;
		else if (at[0] == '/' && at[1] == '*')
			*state = IN_COMMENT;
		if (*state != IN_CODE)
			level->opened = level->line;
		return *state == IN_COMMENT ? 2 : 1;
	case IN_STRING:
		if (at[0] == '\\' && at[1] != '\0' && at[1] != '\n')
			return 2;
		if (*at == '"')
			*state = IN_CODE;
		return 1;
	case IN_COMMENT:
		if (at[0] != '*' || at[1] != '/')
			return 1;
		*state = IN_CODE;
		return 2;
	case IN_LINE_COMMENT:
		if (*at == '\n')
			*state = IN_CODE;
		return 1;
	}
	return 1;
}

static bool read_level_text(struct include *in, struct level *level)
{
	const char *at = level->contents.text, *from = at;
	enum state state = IN_CODE;

	begin_piece(in->source, level->file, level->line);
	while (*at != '\0') {
		bool line_begins = at == level->contents.text || at[-1] == '\n';
		const char *after = state == IN_CODE && line_begins ? directive(at) : NULL;
		if (after != NULL) {
			if (!append(in, from, (size_t)(at - from)) || (at = follow(in, level, after)) == NULL)
				return false;
			from = at;
			continue;
		}
		level->line += *at == '\n';
		at += step(level, at, &state);
	}
	if (state == IN_STRING || state == IN_COMMENT) {
		errors_add(in->errors, level->file, level->opened, "", "unterminated %s",
			   state == IN_STRING ? "string" : "comment");
		return false;
	}
	return append(in, from, (size_t)(at - from));
}

bool source_read(struct source *source, const char *file, struct errors *errors)
{
	struct include in = {source, errors, file};
	struct level level = {.file = file, .line = 1};

	*source = (struct source){.lines = 1};
	if (!open_level(&in, &level, SOURCE_MAX))
		return false;
	bool good = read_level_text(&in, &level);
	contents_free(&level.contents);
	return good;
}

void source_free(struct source *source)
{
	for (size_t i = 0; i < source->files; i++)
		free(source->names[i]);
	if (source->text != NULL)
		explicit_bzero(source->text, source->length);
	free(source->text);
}

const char *source_place(const struct source *source, int *line)
{
	size_t i = source->count;

	while (i > 1 && source->pieces[i - 1].from > *line)
		i--;
	if (i == 0)
		return NULL;
	*line = *line - source->pieces[i - 1].from + source->pieces[i - 1].line;
	return source->pieces[i - 1].file;
}
