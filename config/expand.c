#include "config/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/contents.h"
#include "config/growing.h"

#define EACH     "each"
#define NO_EACH  "${each} is for steps with `each`"
#define KEY      "idempotency_key"
#define NO_KEY   "${idempotency_key} is for the url and the body of http steps with idempotency_key = true"
#define UNCLOSED "\"${\" without a closing \"}\""
#define MISNAMED "${%.100s}: expected ${NAME}, ${NAME:-default} or ${file:/path}"

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
	bool good = growing_append(g, contents.text, contents.length);
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
static bool append_reference(struct growing *g, char *inside, struct expansion *with, char why[256])
{
	if (strncmp(inside, "file:", 5) == 0) {
		with->from_file = true;
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
	if (strcmp(inside, EACH) == 0) {
		if (with->each == NULL)
			snprintf(why, 256, NO_EACH);
		with->used_each = with->each != NULL;
		return with->each != NULL && growing_append(g, with->each, strlen(with->each));
	}
	if (strcmp(inside, KEY) == 0) {
		if (!with->keyed)
			snprintf(why, 256, NO_KEY);
		return with->keyed && growing_append(g, KEY_MARK, KEY_MARK_LENGTH);
	}
	const char *value = getenv(inside);
	if ((value == NULL || *value == '\0') && fallback != NULL)
		value = fallback;
	if (value == NULL) {
		snprintf(why, 256, "${%.100s} is not set in the environment and has no default (${%.100s:-...})", inside,
			 inside);
		return false;
	}
	return growing_append(g, value, strlen(value));
}

/* The next "${" of text; NULL: none. "$$" is a dollar. */
static const char *next_reference(const char *text)
{
	while ((text = strchr(text, '$')) != NULL && text[1] != '{')
		text += text[1] == '$' ? 2 : 1;
	return text;
}

bool expand_is_valid(const char *text, const struct expansion *with, char why[256])
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
		if (strcmp(name, EACH) == 0 && with->each == NULL) {
			snprintf(why, 256, NO_EACH);
			return false;
		}
		if (strcmp(name, KEY) == 0 && !with->keyed) {
			snprintf(why, 256, NO_KEY);
			return false;
		}
		text = end + 1;
	}
	return true;
}

static bool expand_into(struct growing *g, const char *text, struct expansion *with, char why[256])
{
	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		if (plain > 0) {
			if (!growing_append(g, text, plain))
				return false;
			text += plain;
			continue;
		}
		if (text[1] != '{') {
			if (!growing_append(g, "$", 1))
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
		bool good = inside != NULL && append_reference(g, inside, with, why);
		free(inside);
		if (!good)
			return false;
		text = end + 1;
	}
	return growing_append(g, "", 0);
}

char *expand_now(const char *text, struct expansion *with, char why[256])
{
	struct growing g = {0};

	with->from_file = with->used_each = false;
	snprintf(why, 256, "out of memory");
	if (expand_into(&g, text, with, why))
		return g.text;
	growing_free(&g);
	return NULL;
}

void expand_free(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

const char *expand(struct arena *arena, const char *text, struct expansion *with, char why[256])
{
	char *expanded = expand_now(text, with, why);
	const char *result = expanded != NULL ? arena_strdup(arena, expanded) : NULL;

	expand_free(expanded);
	return result;
}

bool expand_is_keyed(const char *text)
{
	return text != NULL && strstr(text, KEY_MARK) != NULL;
}
