/*
 * Prints the settings' reference for tinysup.conf(5) from the schema's table: `make docs` puts it into the page, and a linter
 * compares the two.
 */
#include <stdio.h>
#include <string.h>

#include "config/duration.h"
#include "config/schema.h"

static const char *type_name(const struct key *key)
{
	static const char *const names[] = {
	    [KEY_BOOL] = "boolean",
	    [KEY_INT] = "number",
	    [KEY_SIZE] = "bytes",
	    [KEY_DURATION] = "duration",
	    [KEY_STRING] = "string",
	    [KEY_TEXT] = "string",
	    [KEY_CHOICE] = "string",
	    [KEY_CHOICES] = "list of strings",
	    [KEY_SIGNAL] = "signal",
	    [KEY_SIGNALS] = "list of signals",
	    [KEY_UMASK] = "octal string",
	    [KEY_USER] = "user",
	    [KEY_PAIRS] = "group of NAME = \"value\"",
	    [KEY_HEADERS] = "group of Name = \"value\", or array of \"Name: value\"",
	    [KEY_EXEC] = "program and arguments",
	    [KEY_NAMES] = "list of names",
	    [KEY_RANGES] = "string",
	    [KEY_CODES] = "list of exit codes",
	    [KEY_VALUE] = "string, number or boolean",
	    [KEY_VALUES] = "list of values",
	    [KEY_REWRITE] = "group of SIGNAL = \"SIGNAL\"",
	    [KEY_GROUP] = "group",
	    [KEY_LIST] = "list of groups",
	    [KEY_MAP] = "group of named groups",
	    [KEY_CHAIN] = "list of steps, and of lists of steps",
	    [KEY_CHECKS] = "list of names, and of checks",
	};

	return names[key->type];
}

/* Text of the table as roff: a leading dot or quote, and every backslash, would be a request. */
static void print_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void print_range(const struct key *key)
{
	char low[DURATION_TEXT], high[DURATION_TEXT];

	if (key->max == 0)
		return;
	if (key->type == KEY_DURATION)
		printf("; %s to %s", duration_format(key->min, low), duration_format(key->max, high));
	else
		printf("; %lld to %lld", (long long)key->min, (long long)key->max);
}

static void print_choices(const struct names *names)
{
	const char *separator = ": ";

	for (size_t i = 0; i < names->count; i++) {
		if (names->words[i] == NULL)
			continue;
		printf("%s\"%s\"", separator, names->words[i]);
		separator = ", ";
	}
	for (const char *word = names->later; word != NULL; word = strchr(word, '|')) {
		word += *word == '|';
		printf("%s\"%.*s\" (not in this version)", separator, (int)strcspn(word, "|"), word);
		separator = ", ";
	}
}

static void print_key(const struct key *key, const char *path)
{
	printf(".TP\n.B ");
	print_text(path);
	printf("\n(%s", type_name(key));
	print_range(key);
	if (key->choices != NULL)
		print_choices(key->choices);
	if (key->fallback != NULL)
		printf("; default \"%s\"", key->fallback);
	printf("%s)%s\n\\&", key->flags & KEY_REQUIRED ? "; must be set" : "",
	       key->flags & KEY_LATER ? " Not in this version." : "");
	print_text(key->help);
	putchar('\n');
}

static void print_schema(const struct schema *schema, const char *path)
{
	for (const struct key *key = schema->keys; key->name != NULL; key++) {
		char whole[128];
		const char *many = key->type == KEY_LIST || key->type == KEY_CHAIN ? "[]" : key->type == KEY_MAP ? ".NAME" : "";

		snprintf(whole, sizeof whole, "%s%s%s%s", path, *path ? "." : "", key->name, many);
		print_key(key, whole);
		/* http is described once, where checks are */
		bool again = key->group != NULL && strcmp(key->group->name, "http") == 0 && strcmp(path, "checks[]") != 0;
		if (again)
			printf("Settings as under\n.BR checks[].http .\n");
		else if (key->group != NULL)
			print_schema(key->group, whole);
		if (key->type == KEY_CHAIN && strcmp(path, "shutdown") == 0)
			print_schema(&schema_step, whole);
	}
}

int main(void)
{
	print_schema(&schema_root, "");
	return 0;
}
