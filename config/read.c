#include "config/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/channels.h"
#include "config/expand.h"
#include "config/nearest.h"
#include "config/read_chain.h"
#include "config/read_list.h"
#include "config/scalar.h"

static void add(const struct reader *reader, struct errors *to, int line, const char *path, const char *fmt, va_list args)
    __attribute__((format(printf, 5, 0)));

static void add(const struct reader *reader, struct errors *to, int line, const char *path, const char *fmt, va_list args)
{
	const char *file = source_place(reader->source, &line);
	char what[400];

	vsnprintf(what, sizeof what, fmt, args);
	errors_add(to, file != NULL ? file : reader->file, line, path, "%s", what);
}

void read_error(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(reader, reader->errors, (int)config_setting_source_line(setting), path, fmt, args);
	va_end(args);
}

void read_error_at(struct reader *reader, int line, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(reader, reader->errors, line, path, fmt, args);
	va_end(args);
}

void read_doubt(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
{
	struct errors *to = reader->warnings != NULL ? reader->warnings : reader->errors;
	va_list args;

	va_start(args, fmt);
	add(reader, to, (int)config_setting_source_line(setting), path, fmt, args);
	va_end(args);
}

void read_warn(struct reader *reader, const config_setting_t *setting, const char *path, const char *fmt, ...)
{
	va_list args;

	if (reader->warnings == NULL)
		return;
	va_start(args, fmt);
	add(reader, reader->warnings, (int)config_setting_source_line(setting), path, fmt, args);
	va_end(args);
}

const char *read_type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	case CONFIG_TYPE_LIST:
		return "a list ( )";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "a boolean";
	default:
		return "a number";
	}
}

/* What a chain's steps may do without. */
static bool is_spared(const struct reader *reader, const char *path)
{
	static const char *const parts[] = {"signers.", "alerts.", "checks["};
	bool found = false;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		found |= strncmp(path, parts[i], strlen(parts[i])) == 0;
	return reader->spared != NULL && found;
}

static void miss(struct reader *reader, const config_setting_t *setting, const char *path, const char *why)
{
	if (is_spared(reader, path))
		errors_add(reader->spared, "", 0, path, "%s", why);
	else
		read_doubt(reader, setting, path, "%s", why);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The url and the body of a step's request. */
static bool may_be_keyed(const char *path)
{
	return strstr(path, "chain[") != NULL && (ends_in(path, "].http.url") || ends_in(path, "].http.body"));
}

const char *read_text(struct reader *reader, const config_setting_t *setting, const char *path, bool *from_file)
{
	char why[256];

	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		read_error(reader, setting, path, "expected a string in quotes, got %s", read_type_name(setting));
		return NULL;
	}
	struct expansion with = {.each = reader->each, .keyed = may_be_keyed(path)};
	const char *raw = config_setting_get_string(setting), *text = expand(reader->arena, raw, &with, why);
	*from_file = with.from_file;
	reader->used_each |= with.used_each;
	reader->unresolved = false;
	if (text == NULL && !expand_is_valid(raw, &with, why)) {
		read_error(reader, setting, path, "%s", why);
		return NULL;
	}
	reader->unresolved = text == NULL && (reader->warnings != NULL || is_spared(reader, path));
	if (text == NULL)
		miss(reader, setting, path, why);
	return reader->unresolved ? arena_strdup(reader->arena, raw) : text;
}

/* Which of libconfig's scalar types a key may be written in, besides a string. */
static bool may_be(enum key_type type, int written)
{
	bool is_int = written == CONFIG_TYPE_INT || written == CONFIG_TYPE_INT64;

	switch ((int)type) {
	case KEY_BOOL:
		return written == CONFIG_TYPE_BOOL;
	case KEY_DURATION:
		return is_int || written == CONFIG_TYPE_FLOAT;
	case KEY_INT:
	case KEY_SIZE:
	case KEY_SIGNAL:
	case KEY_SIGNALS:
	case KEY_USER:
	case KEY_RANGES:
	case KEY_CODES:
	case KEY_CHOICES: /* retry.on = [ 429 ] */
		return is_int;
	default:
		return false;
	}
}

/* true and 5 may result from an expansion, but must not be in quotes. */
static bool may_be_string(enum key_type type, const char *raw)
{
	return (type != KEY_BOOL && type != KEY_INT && type != KEY_CODES) || strstr(raw, "${") != NULL;
}

static const char *expected_type(enum key_type type)
{
	switch ((int)type) {
	case KEY_BOOL:
		return "true or false";
	case KEY_INT:
	case KEY_CODES:
		return "a whole number";
	case KEY_SIZE:
		return "a number of bytes such as 65536 or \"50MB\"";
	case KEY_DURATION:
		return "a duration such as \"500ms\", \"10s\" or \"1m30s\"";
	case KEY_UMASK:
		return "an octal mask in quotes such as \"022\"";
	case KEY_SIGNAL:
	case KEY_SIGNALS:
		return "a signal such as \"SIGTERM\"";
	default:
		return "a string in quotes";
	}
}

/* A common mistake: milliseconds without a unit. */
static void warn_of_seconds(struct reader *reader, const struct key *key, const config_setting_t *setting, const char *text,
			    const char *path)
{
	double seconds = strtod(text, NULL);
	int minutes = (int)(seconds / 60);

	if (key->type != KEY_DURATION || text[strspn(text, "0123456789.")] != '\0' || seconds <= 3600)
		return;
	read_warn(reader, setting, path, "%.15g s = %dh%dm: did you mean milliseconds? A number without a unit is seconds",
		  seconds, minutes / 60, minutes % 60);
}

void read_scalar(struct reader *reader, const struct key *key, const config_setting_t *setting, void *field, const char *path)
{
	char number[64], why[256];
	const char *text = number;
	int written = config_setting_type(setting);
	bool from_file;

	if (written == CONFIG_TYPE_STRING && may_be_string(key->type, config_setting_get_string(setting))) {
		text = read_text(reader, setting, path, &from_file);
		if (text == NULL || (reader->unresolved && key->type != KEY_STRING))
			return;
	} else if (!may_be(key->type, written)) {
		read_error(reader, setting, path, "expected %s, got %s", expected_type(key->type), read_type_name(setting));
		return;
	} else if (written == CONFIG_TYPE_BOOL) {
		text = config_setting_get_bool(setting) ? "true" : "false";
	} else if (written == CONFIG_TYPE_FLOAT) {
		snprintf(number, sizeof number, "%.3f", config_setting_get_float(setting));
	} else {
		snprintf(number, sizeof number, "%lld", config_setting_get_int64(setting));
	}
	if (scalar_set(reader->arena, key, text, field, why))
		warn_of_seconds(reader, key, setting, text, path);
	else if (key->type == KEY_USER)
		read_doubt(reader, setting, path, "%s", why);
	else
		read_error(reader, setting, path, "%s", why);
}

static void read_shown(struct reader *reader, const config_setting_t *setting, struct plan_text *out, const char *path)
{
	bool from_file;

	out->value = read_text(reader, setting, path, &from_file);
	if (out->value != NULL)
		out->shown = arena_strdup(reader->arena, config_setting_get_string(setting));
}

static void read_subgroup(struct reader *reader, const struct key *key, config_setting_t *setting, void *out, const char *path)
{
	if (config_setting_type(setting) == CONFIG_TYPE_GROUP)
		read_group(reader, key->group, setting, out, path);
	else
		read_error(reader, setting, path, "expected a group { ... }, got %s", read_type_name(setting));
}

static void read_key(struct reader *reader, const struct key *key, config_setting_t *setting, void *field, const char *path)
{
	switch (key->type) {
	case KEY_BOOL:
	case KEY_INT:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_STRING:
	case KEY_CHOICE:
	case KEY_SIGNAL:
	case KEY_UMASK:
	case KEY_USER:
	case KEY_RANGES:
		read_scalar(reader, key, setting, field, path);
		break;
	case KEY_CHOICES:
	case KEY_SIGNALS:
	case KEY_CODES:
		read_words(reader, key, setting, field, path);
		break;
	case KEY_TEXT:
		read_shown(reader, setting, field, path);
		break;
	case KEY_WORDING:
		channels_read_text(reader, setting, field, path);
		break;
	case KEY_PAIRS:
	case KEY_HEADERS:
		read_pairs(reader, key, setting, field, path);
		break;
	case KEY_EXEC:
		read_exec(reader, setting, field, path);
		break;
	case KEY_NAMES:
		read_names(reader, setting, field, path);
		break;
	case KEY_VALUE:
		read_value(reader, setting, field, path);
		break;
	case KEY_VALUES:
		read_values(reader, setting, field, path);
		break;
	case KEY_REWRITE:
		read_rewrite(reader, setting, field, path);
		break;
	case KEY_GROUP:
		read_subgroup(reader, key, setting, field, path);
		break;
	case KEY_LIST:
		read_list(reader, key, setting, field, path);
		break;
	case KEY_MAP:
		read_map(reader, key, setting, field, path);
		break;
	case KEY_CHAIN:
		if (strcmp(path, CHAIN_START) == 0)
			reader->start_chain = setting;
		else
			reader->chain = setting;
		break;
	case KEY_CHECKS: /* read after `checks` */
		break;
	}
}

static const struct key *find_key(const struct schema *schema, const char *name)
{
	for (const struct key *key = schema->keys; key->name != NULL; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

static void report_unknown_name(struct reader *reader, const struct schema *schema, config_setting_t *group, const char *path)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *child = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(child);
		struct nearest near = {.typed = name};
		char whole[PATH_TEXT];

		if (find_key(schema, name) != NULL)
			continue;
		for (const struct key *key = schema->keys; key->name != NULL; key++)
			nearest_offer(&near, key->name);
		snprintf(whole, sizeof whole, "%s%s%s", path, *path ? "." : "", name);
		if (near.best != NULL)
			read_error(reader, child, whole, "unknown setting; did you mean \"%s\"?", near.best);
		else
			read_error(reader, child, whole, "unknown setting");
	}
}

config_setting_t *read_member(const config_setting_t *group, const char *name)
{
	int count = config_setting_length(group);

	for (int i = 0; i < count; i++) {
		config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
		const char *known = config_setting_name(member);
		if (known != NULL && *known == *name && strcmp(known, name) == 0)
			return member;
	}
	return NULL;
}

/* Without printf, which would take half of the time of reading a file. */
static void path_join(char whole[PATH_TEXT], const char *path, const char *name)
{
	size_t length = strnlen(path, PATH_TEXT - 2), more = strlen(name);

	memcpy(whole, path, length);
	if (length > 0)
		whole[length++] = '.';
	if (more > PATH_TEXT - 1 - length)
		more = PATH_TEXT - 1 - length;
	memcpy(whole + length, name, more);
	whole[length + more] = '\0';
}

void read_group(struct reader *reader, const struct schema *schema, config_setting_t *group, void *out, const char *path)
{
	for (const struct key *key = schema->keys; key->name != NULL; key++) {
		char whole[PATH_TEXT];
		void *field = (char *)out + key->offset;
		config_setting_t *setting = group != NULL ? read_member(group, key->name) : NULL;

		/* the paths of settings that are not set are not needed */
		if (setting != NULL || key->type == KEY_GROUP || (key->flags & KEY_REQUIRED))
			path_join(whole, path, key->name);
		bool list = key->type == KEY_CHOICES || key->type == KEY_SIGNALS || key->type == KEY_CODES;
		if (key->type == KEY_GROUP) {
			if (setting == NULL && !(key->flags & KEY_OPTIONAL))
				read_group(reader, key->group, NULL, field, whole);
		} else if (!list || setting == NULL) {
			scalar_default(reader->arena, key, field);
		}
		if (setting != NULL)
			read_key(reader, key, setting, field, whole);
		else if (group != NULL && (key->flags & KEY_REQUIRED))
			read_error(reader, group, whole, "must be set");
	}
	if (group == NULL)
		return;
	if (schema->line_offset >= 0)
		*(int *)((char *)out + schema->line_offset) = (int)config_setting_source_line(group);
	report_unknown_name(reader, schema, group, path);
	if (schema->rule != NULL)
		schema->rule(reader, group, out, path);
}
