#include "config/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/contents.h"

#define UNCLOSED "\"${\" without a closing \"}\""
#define MISNAMED "${%.100s}: expected ${NAME}, ${NAME:-default} or ${file:/path}"

/* A growing text. Old copies are wiped, since they may hold a secret. */
struct growing {
	char *text;
	size_t length, capacity;
};

static bool append(struct growing *g, const char *text, size_t length)
{
	if (g->text == NULL || g->length + length + 1 > g->capacity) {
		size_t capacity = (g->length + length + 1) * 2;
		char *bigger = malloc(capacity);
		if (bigger == NULL)
			return false;
		if (g->text != NULL) {
			memcpy(bigger, g->text, g->length);
			explicit_bzero(g->text, g->length);
			free(g->text);
		}
		g->text = bigger;
		g->capacity = capacity;
	}
	memcpy(g->text + g->length, text, length);
	g->length += length;
	return true;
}

static bool append_file(struct growing *g, const char *path, char why[256])
{
	struct contents contents;
	char what[256];
	int error;

	if (!contents_read(path, SECRET_FILE_MAX, &contents, &error, what)) {
		snprintf(why, 256, error != 0 ? "cannot read %s: %s" : "%s %s", path, what);
		return false;
	}
	if (contents.length > 0 && contents.text[contents.length - 1] == '\n')
		contents.length--;
	if (contents.length > 0 && contents.text[contents.length - 1] == '\r')
		contents.length--;
	bool good = append(g, contents.text, contents.length);
	contents_free(&contents);
	return good;
}

static bool valid_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return *name == '\0';
}

/* Appends a ${...}; inside: what is between the braces. */
static bool append_reference(struct growing *g, char *inside, bool *from_file, char why[256])
{
	if (strncmp(inside, "file:", 5) == 0) {
		*from_file = true;
		return append_file(g, inside + 5, why);
	}
	char *fallback = strstr(inside, ":-");
	if (fallback != NULL) {
		*fallback = '\0';
		fallback += 2;
	}
	if (!valid_name(inside)) {
		snprintf(why, 256, MISNAMED, inside);
		return false;
	}
	const char *value = getenv(inside);
	if ((value == NULL || *value == '\0') && fallback != NULL)
		value = fallback;
	if (value == NULL) {
		snprintf(why, 256, "${%.100s} is not set in the environment and has no default (${%.100s:-...})", inside,
			 inside);
		return false;
	}
	return append(g, value, strlen(value));
}

/* The next "${" of text; NULL: none. "$$" is a dollar. */
static const char *next_reference(const char *text)
{
	while ((text = strchr(text, '$')) != NULL && text[1] != '{')
		text += text[1] == '$' ? 2 : 1;
	return text;
}

bool expand_is_valid(const char *text, char why[256])
{
	while ((text = next_reference(text)) != NULL) {
		const char *end = strchr(text, '}');
		if (end == NULL) {
			snprintf(why, 256, UNCLOSED);
			return false;
		}
		char name[128];
		snprintf(name, sizeof name, "%.*s", (int)(end - text - 2), text + 2);
		char *fallback = strstr(name, ":-");
		if (fallback != NULL)
			*fallback = '\0';
		if (strncmp(name, "file:", 5) != 0 && !valid_name(name)) {
			snprintf(why, 256, MISNAMED, name);
			return false;
		}
		text = end + 1;
	}
	return true;
}

static bool expand_into(struct growing *g, const char *text, bool *from_file, char why[256])
{
	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		if (plain > 0) {
			if (!append(g, text, plain))
				return false;
			text += plain;
			continue;
		}
		if (text[1] != '{') {
			if (!append(g, "$", 1))
				return false;
			text += text[1] == '$' ? 2 : 1;
			continue;
		}
		const char *end = strchr(text, '}');
		if (end == NULL) {
			snprintf(why, 256, UNCLOSED);
			return false;
		}
		char *inside = strndup(text + 2, (size_t)(end - text - 2));
		bool good = inside != NULL && append_reference(g, inside, from_file, why);
		free(inside);
		if (!good)
			return false;
		text = end + 1;
	}
	return append(g, "", 0);
}

const char *expand(struct arena *arena, const char *text, bool *from_file, char why[256])
{
	struct growing g = {0};
	const char *result = NULL;

	*from_file = false;
	snprintf(why, 256, "out of memory");
	if (expand_into(&g, text, from_file, why))
		result = arena_strndup(arena, g.text, g.length);
	if (g.text != NULL)
		explicit_bzero(g.text, g.length);
	free(g.text);
	return result;
}
