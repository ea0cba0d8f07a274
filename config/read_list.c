#include "config/read_list.h"

#include <stdio.h>
#include <string.h>

#include "config/signame.h"

/* How every list of the plan begins. */
struct any_list {
	const void *items;
	size_t count;
};

static bool is_sequence(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
}

static void element_path(char whole[PATH_TEXT], const char *path, int index)
{
	snprintf(whole, PATH_TEXT, "%s[%d]", path, index);
}

void read_words(struct reader *reader, const struct key *key, const config_setting_t *setting, void *field, const char *path)
{
	char whole[PATH_TEXT];

	if (!is_sequence(setting)) {
		read_scalar(reader, key, setting, field, path);
		return;
	}
	/* no signal would stop the container, no reason run the step */
	if (config_setting_length(setting) == 0 && key->fallback != NULL)
		read_error(reader, setting, path, "expected at least one value; the default is %s", key->fallback);
	for (int i = 0; i < config_setting_length(setting); i++) {
		element_path(whole, path, i);
		read_scalar(reader, key, config_setting_get_elem(setting, (unsigned)i), field, whole);
	}
}

/* "Name: value" */
static bool split_header(struct reader *reader, const char *text, struct plan_pair *out)
{
	const char *colon = strchr(text, ':');

	if (colon == NULL || colon == text)
		return false;
	out->name = arena_strndup(reader->arena, text, (size_t)(colon - text));
	out->value = colon + 1 + strspn(colon + 1, " \t");
	return true;
}

static bool read_pair(struct reader *reader, const config_setting_t *setting, struct plan_pair *out, const char *path)
{
	char number[32];
	bool from_file;

	out->name = arena_strdup(reader->arena, config_setting_name(setting));
	int type = config_setting_type(setting);
	if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
		snprintf(number, sizeof number, "%lld", config_setting_get_int64(setting));
		out->value = arena_strdup(reader->arena, number);
	} else {
		out->value = read_text(reader, setting, path, &from_file);
	}
	return out->value != NULL;
}

void read_pairs(struct reader *reader, const struct key *key, const config_setting_t *setting, struct plan_pairs *out,
		const char *path)
{
	char whole[PATH_TEXT];
	bool from_file, lines = key->type == KEY_HEADERS && is_sequence(setting);

	if (!lines && config_setting_type(setting) != CONFIG_TYPE_GROUP) {
		read_error(reader, setting, path, "expected a group such as { NAME = \"value\"; }, got %s",
			   read_type_name(setting));
		return;
	}
	int length = config_setting_length(setting);
	struct plan_pair *items = arena_alloc(reader->arena, (size_t)length * sizeof *items);
	for (int i = 0; i < length; i++) {
		const config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		if (lines) {
			element_path(whole, path, i);
			const char *text = read_text(reader, child, whole, &from_file);
			if (text != NULL && !split_header(reader, text, &items[i]))
				read_error(reader, child, whole, "expected \"Name: value\"");
		} else {
			snprintf(whole, sizeof whole, "%s.%s", path, config_setting_name(child));
			read_pair(reader, child, &items[i], whole);
		}
		if (key->type == KEY_HEADERS && items[i].value != NULL && strpbrk(items[i].value, "\r\n") != NULL)
			read_error(reader, child, whole, "a header cannot contain a line break");
	}
	*out = (struct plan_pairs){items, (size_t)length};
}

void read_exec(struct reader *reader, const config_setting_t *setting, struct plan_exec *out, const char *path)
{
	char shown[512] = "", whole[PATH_TEXT];
	size_t used = 0;
	bool from_file;

	if (!is_sequence(setting)) {
		read_error(reader, setting, path,
			   "expected an array such as [ \"program\", \"argument\" ], got %s; commands do not run in a shell",
			   read_type_name(setting));
		return;
	}
	int length = config_setting_length(setting);
	if (length == 0) {
		read_error(reader, setting, path, "empty command");
		return;
	}
	char **argv = arena_alloc(reader->arena, ((size_t)length + 1) * sizeof *argv);
	for (int i = 0; i < length; i++) {
		const config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		element_path(whole, path, i);
		const char *word = read_text(reader, child, whole, &from_file);
		if (word == NULL)
			return;
		if (from_file) {
			read_error(reader, child, whole, "every process can read arguments: pass secrets in environment");
			return;
		}
		argv[i] = arena_strdup(reader->arena, word);
		if (used < sizeof shown)
			used += (size_t)snprintf(shown + used, sizeof shown - used, "%s%s", i > 0 ? " " : "",
						 config_setting_get_string(child));
	}
	if (*argv[0] == '\0') {
		read_error(reader, setting, path, "empty command");
		return;
	}
	*out = (struct plan_exec){argv, arena_strdup(reader->arena, shown)};
	if (reader->warnings == NULL)
		return;
	element_path(whole, path, 0);
	struct named_program *program = arena_alloc(reader->arena, sizeof *program);
	*program = (struct named_program){
	    .setting = config_setting_get_elem(setting, 0), .path = arena_strdup(reader->arena, whole), .name = argv[0]};
	*reader->last_program = program;
	reader->last_program = &program->next;
}

void read_names(struct reader *reader, const config_setting_t *setting, struct plan_names *out, const char *path)
{
	bool from_file, one = config_setting_type(setting) == CONFIG_TYPE_STRING;
	char whole[PATH_TEXT];

	if (!one && !is_sequence(setting)) {
		read_error(reader, setting, path, "expected names such as [ \"one\", \"two\" ], got %s",
			   read_type_name(setting));
		return;
	}
	int length = one ? 1 : config_setting_length(setting);
	const char **items = arena_alloc(reader->arena, (size_t)length * sizeof *items);
	for (int i = 0; i < length; i++) {
		element_path(whole, path, i);
		const config_setting_t *child = one ? setting : config_setting_get_elem(setting, (unsigned)i);
		items[i] = read_text(reader, child, one ? path : whole, &from_file);
		if (items[i] == NULL)
			return;
	}
	*out = (struct plan_names){items, (size_t)length};
}

void read_value(struct reader *reader, const config_setting_t *setting, struct plan_value *out, const char *path)
{
	bool from_file;

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		out->string = read_text(reader, setting, path, &from_file);
		if (out->string != NULL)
			out->type = VALUE_STRING;
		break;
	case CONFIG_TYPE_BOOL:
		out->type = VALUE_BOOL;
		out->boolean = config_setting_get_bool(setting);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		out->type = VALUE_NUMBER;
		out->number = (double)config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		out->type = VALUE_NUMBER;
		out->number = config_setting_get_float(setting);
		break;
	default:
		read_error(reader, setting, path, "expected a string, a number or a boolean, got %s", read_type_name(setting));
	}
}

void read_values(struct reader *reader, const config_setting_t *setting, struct plan_values *out, const char *path)
{
	char whole[PATH_TEXT];

	if (!is_sequence(setting) || config_setting_length(setting) == 0) {
		read_error(reader, setting, path, "expected values such as [ \"ok\", \"ready\" ]");
		return;
	}
	int length = config_setting_length(setting);
	struct plan_value *items = arena_alloc(reader->arena, (size_t)length * sizeof *items);
	for (int i = 0; i < length; i++) {
		element_path(whole, path, i);
		read_value(reader, config_setting_get_elem(setting, (unsigned)i), &items[i], whole);
	}
	*out = (struct plan_values){items, (size_t)length};
}

void read_rewrite(struct reader *reader, const config_setting_t *setting, uint8_t *out, const char *path)
{
	char whole[PATH_TEXT];
	bool from_file;

	if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
		read_error(reader, setting, path, "expected a group such as { SIGHUP = \"SIGUSR1\"; }, got %s",
			   read_type_name(setting));
		return;
	}
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		snprintf(whole, sizeof whole, "%s.%s", path, config_setting_name(child));
		int from = signal_number(config_setting_name(child));
		const char *text = read_text(reader, child, whole, &from_file);
		int to = text == NULL ? 0 : signal_number(text);
		bool drop = text != NULL && strcmp(text, "none") == 0;
		if (from == 0)
			read_error(reader, child, whole, "unknown signal");
		else if (text != NULL && to == 0 && !drop)
			read_error(reader, child, whole, "expected a signal such as \"SIGUSR1\", or \"none\" to drop it");
		else if (text != NULL)
			out[from] = (uint8_t)to;
	}
}

void read_list(struct reader *reader, const struct key *key, config_setting_t *setting, void *field, const char *path)
{
	char whole[PATH_TEXT];

	if (!is_sequence(setting)) {
		read_error(reader, setting, path, "expected a list ( { ... }, { ... } ), got %s", read_type_name(setting));
		return;
	}
	int length = config_setting_length(setting);
	char *items = arena_alloc(reader->arena, (size_t)length * key->group->size);
	for (int i = 0; i < length; i++) {
		config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		element_path(whole, path, i);
		if (config_setting_type(child) == CONFIG_TYPE_GROUP)
			read_group(reader, key->group, child, items + (size_t)i * key->group->size, whole);
		else
			read_error(reader, child, whole, "expected a group { ... }, got %s", read_type_name(child));
	}
	*(struct any_list *)field = (struct any_list){items, (size_t)length};
}

void read_map(struct reader *reader, const struct key *key, config_setting_t *setting, void *field, const char *path)
{
	char whole[PATH_TEXT];

	if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
		read_error(reader, setting, path, "expected a group of named groups, got %s", read_type_name(setting));
		return;
	}
	int length = config_setting_length(setting);
	char *items = arena_alloc(reader->arena, (size_t)length * key->group->size);
	for (int i = 0; i < length; i++) {
		config_setting_t *child = config_setting_get_elem(setting, (unsigned)i);
		char *item = items + (size_t)i * key->group->size;
		snprintf(whole, sizeof whole, "%s.%s", path, config_setting_name(child));
		*(const char **)item = arena_strdup(reader->arena, config_setting_name(child));
		if (config_setting_type(child) == CONFIG_TYPE_GROUP)
			read_group(reader, key->group, child, item, whole);
		else
			read_error(reader, child, whole, "expected a group { ... }, got %s", read_type_name(child));
	}
	*(struct any_list *)field = (struct any_list){items, (size_t)length};
}
