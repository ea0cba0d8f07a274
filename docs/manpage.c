/* Prints the settings reference of tinysup.conf(5) from the schema. `make docs` inserts it into the page; lint-docs compares.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/duration.h"
#include "config/schema.h"

static const char *type_name(const struct key *key)
{
	static const char *const names[] = {
	    [KEY_BOOL] = "boolean",
	    [KEY_INT] = "number",
	    [KEY_SIZE] = "size",
	    [KEY_DURATION] = "duration",
	    [KEY_STRING] = "string",
	    [KEY_TEXT] = "string",
	    [KEY_WORDING] = "string",
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

/* Escapes text for roff. */
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
}

/* "json: one object" is "Json: ..." for nobody: only plain words get a capital. */
static void print_sentence(const char *text)
{
	char first[2] = {*text, '\0'};
	size_t word = strcspn(text, " "), length = strlen(text);

	if (memchr(text, ':', word) == NULL && memchr(text, '_', word) == NULL)
		*first = (char)toupper((unsigned char)*first);
	print_text(first);
	print_text(text + 1);
	puts(text[length - 1] == '?' ? "" : ".");
}

static void print_key(const struct key *key, const char *path)
{
	printf(".TP\n\\fB");
	print_text(path);
	printf("\\fR (%s", type_name(key));
	print_range(key);
	if (key->choices != NULL)
		print_choices(key->choices);
	if (key->fallback != NULL)
		printf("; default %s%s%s", *key->fallback ? "" : "\"", key->fallback, *key->fallback ? "" : "\"");
	printf("%s)\n", key->flags & KEY_REQUIRED ? "; required" : "");
	fputs("\\&", stdout);
	print_sentence(key->help);
}

static void print_schema(const struct schema *schema, const char *path);

static void print_members(const struct key *key, const char *path, const char *whole)
{
	/* http and its assertions are documented once, with the checks */
	const char *name = key->group != NULL ? key->group->name : "";
	bool elsewhere = strcmp(name, "http") == 0 && strcmp(path, "checks[]") != 0;
	bool assertions = strcmp(name, "json") == 0 && strcmp(path, "checks[].http") != 0;

	if (elsewhere || assertions)
		printf("The settings are those of\n.BR checks[].http%s .\n", assertions ? ".json[]" : "");
	else if (key->group != NULL)
		print_schema(key->group, whole);
	if (key->type == KEY_CHAIN && strcmp(path, "shutdown") == 0) {
		puts(".SS shutdown.chain[]\nA step has a name, exactly one of\n.BR exec \", \" http \", \" tcp \", \" alert "
		     "\", \" stop "
		     "\", "
		     "\" wait \", \" signal\nand\n.BR sleep ,\nand any of the other settings. See THE CHAIN.");
		print_schema(&schema_step, whole);
		puts(".SS shutdown, other settings");
	}
}

static void whole_path(const struct key *key, const char *path, char whole[128])
{
	const char *many = key->type == KEY_LIST || key->type == KEY_CHAIN ? "[]" : key->type == KEY_MAP ? ".NAME" : "";

	snprintf(whole, 128, "%s%s%s%s", path, *path ? "." : "", key->name, many);
}

static void print_schema(const struct schema *schema, const char *path)
{
	for (const struct key *key = schema->keys; key->name != NULL; key++) {
		char whole[128];

		whole_path(key, path, whole);
		print_key(key, whole);
		print_members(key, path, whole);
	}
}

/* --- sections ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *text;
} introductions[] = {
    {"app", "The program to run. See RESTARTS for\n.B app.restart\nand SD_NOTIFY for\n.BR app.notify ."},
    {"signers",
     "Named keys, and how requests are signed with them. See SIGNED REQUESTS. The settings after\n.I nonce\ndescribe a scheme; "
     "with a preset they must not be set."},
    {"checks",
     "A check has a name, exactly one of\n.BR http \", \" tcp \", \" grpc \", \" exec \", \" file \", \" notify\nand\n.BR "
     "process ,\nand any of the other settings. Probes refer to checks by name."},
    {"start", "Steps before the app. See BEFORE THE APP STARTS."},
    {"probes", "The three probes. See PROBES."},
    {"heartbeats", "Dead man's switches and leases; at most 16. See HEARTBEATS."},
    {"shutdown", "Deadline, signals, exit codes and the chain. See THE CHAIN."},
    {"alerts", "Channels that\n.B alert\nsteps send to. See ALERTS."},
    {"recovery", "After a run that was killed. See THE JOURNAL."},
    {"log", "The log of tinysup, on standard error. See LOG."},
};

static const char *introduction(const char *name)
{
	for (size_t i = 0; i < sizeof introductions / sizeof *introductions; i++)
		if (strcmp(introductions[i].name, name) == 0)
			return introductions[i].text;
	return NULL;
}

/* The sections in use, each under a heading; then single settings. */
int main(void)
{
	static const char *const headings[] = {NULL, "Settings without a section"};

	for (int part = 0; part < 2; part++) {
		if (headings[part] != NULL)
			printf(".SS %s\n", headings[part]);
		for (const struct key *key = schema_root.keys; key->name != NULL; key++) {
			int its_part = key->group != NULL ? 0 : 1;
			char whole[128];
			if (its_part != part)
				continue;
			whole_path(key, "", whole);
			if (part == 0)
				printf(".SS %s\n%s\n", key->name, introduction(key->name));
			else
				print_key(key, whole);
			print_members(key, "", whole);
		}
	}
	return 0;
}
