#include "config/syntax.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 100 /* bytes of the line, at most */

/* A line of the text, without its line break and the blanks around it. */
struct line {
	const char *text;
	size_t length;
};

static struct line line_of(const struct source *source, int number)
{
	const char *text = source->text;

	for (int i = 1; i < number && text != NULL; i++)
		text = strchr(text, '\n') != NULL ? strchr(text, '\n') + 1 : NULL;
	if (text == NULL)
		return (struct line){"", 0};
	size_t length = strcspn(text, "\n");
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	while (length > 0 && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	return (struct line){text, length};
}

static bool is_comment(const struct line *line)
{
	return line->length == 0 || *line->text == '#' || (line->length > 1 && line->text[0] == '/' && line->text[1] == '/');
}

/* The last line before `number` that holds more than a comment; 0: there is none. */
static int line_before(const struct source *source, int number)
{
	for (number--; number > 0; number--) {
		struct line line = line_of(source, number);
		if (!is_comment(&line))
			break;
	}
	return number;
}

/* The first such byte outside of strings; NULL: none. */
static const char *outside(const struct line *line, const char *bytes)
{
	bool string = false;

	for (size_t i = 0; i < line->length; i++) {
		if (string && line->text[i] == '\\')
			i++;
		else if (line->text[i] == '"')
			string = !string;
		else if (!string && strchr(bytes, line->text[i]) != NULL)
			return line->text + i;
	}
	return NULL;
}

/* `timeout = 10s`: the unit. */
static const char *unquoted_unit(const struct line *line)
{
	const char *at = outside(line, "="), *end = line->text + line->length;

	if (at == NULL)
		return NULL;
	for (at++; at < end && *at == ' '; at++)
		continue;
	const char *digits = at;
	while (at < end && (isdigit((unsigned char)*at) || *at == '.'))
		at++;
	return at > digits && at < end && isalpha((unsigned char)*at) && *at != 'L' && *at != 'e' && *at != 'x' ? at : NULL;
}

/* `key: value` without quotes, as in YAML. */
static const char *bare_word(const struct line *line)
{
	const char *at = outside(line, "=:"), *end = line->text + line->length;

	if (at == NULL)
		return NULL;
	for (at++; at < end && *at == ' '; at++)
		continue;
	size_t length = 0;
	while (at + length < end && (isalnum((unsigned char)at[length]) || strchr("_-./", at[length]) != NULL))
		length++;
	bool boolean = (length == 4 && strncasecmp(at, "true", 4) == 0) || (length == 5 && strncasecmp(at, "false", 5) == 0);
	return length > 0 && (isalpha((unsigned char)*at) || *at == '/') && !boolean ? at : NULL;
}

/* `{ ... }` and `{ ... }` on the next line: a missing comma. */
static bool lacks_comma(const struct line *previous, const struct line *line)
{
	return previous->length > 0 && line->length > 0 && strchr("})", previous->text[previous->length - 1]) != NULL &&
	       strchr("{(", *line->text) != NULL;
}

/* Ignores brackets in comments. */
static bool is_open_at_the_end(const struct source *source, int line)
{
	struct line all = {source->text, source->length};
	int open = 0;

	if (source->text == NULL || line < source->lines)
		return false;
	for (const char *at; (at = outside(&all, "{}()[]")) != NULL;) {
		open += strchr("{([", *at) != NULL ? 1 : -1;
		all = (struct line){at + 1, (size_t)(source->text + source->length - at - 1)};
	}
	return open > 0;
}

/* The likely mistake, or NULL. *at: position, or NULL; *line: the line in question. */
static const char *habit(const struct source *source, int *line, const char **at)
{
	struct line text = line_of(source, *line);
	int before = line_before(source, *line);
	struct line previous = line_of(source, before);

	if ((*at = outside(&text, "'")) != NULL)
		return "strings must be in double quotes";
	if ((*at = unquoted_unit(&text)) != NULL)
		return "a duration with a unit must be in quotes, such as \"10s\"";
	if ((*at = bare_word(&text)) != NULL)
		return "strings must be in double quotes and groups in braces: name = \"value\"; group: { ... };";
	if (before > 0 && lacks_comma(&previous, &text)) {
		*line = before;
		*at = previous.text + previous.length;
		return "missing comma between list elements";
	}
	return is_open_at_the_end(source, *line) ? "missing closing brace, parenthesis or bracket at the end" : NULL;
}

void syntax_error(const struct source *source, int line, const char *said, bool show, struct errors *errors)
{
	const char *at, *why = habit(source, &line, &at);
	struct line text = line_of(source, line);
	int length = text.length < SHOWN ? (int)text.length : SHOWN, column = at != NULL ? (int)(at - text.text) : -1;
	const char *file = source_place(source, &line);

	if (!show || length == 0)
		errors_add(errors, file, line, "", "%s%s%s", said, why != NULL ? ": " : "", why != NULL ? why : "");
	else if (column < 0 || column > SHOWN)
		errors_add(errors, file, line, "", "%s%s%s\n    %.*s", said, why != NULL ? ": " : "", why != NULL ? why : "",
			   length, text.text);
	else
		errors_add(errors, file, line, "", "%s: %s\n    %.*s\n    %*s^", said, why, length, text.text, column, "");
}
