#include "probes/json_pointer.h"

#include <stdlib.h>
#include <string.h>

#include "probes/json.h"

/* No body has values deeper than this. */
#define PARTS_MAX (JSON_DEPTH_MAX + 1)

struct path {
	const char *parts[PARTS_MAX]; /* NULL: every member */
	size_t count;
	json_visit *visit;
	void *context;
};

/* "~1" is "/", "~0" is "~"; false for any other "~". */
static bool unescape(char *part)
{
	char *to = part;

	for (const char *from = part; *from; from++) {
		if (*from != '~') {
			*to++ = *from;
			continue;
		}
		from++;
		if (*from != '0' && *from != '1')
			return false;
		*to++ = *from == '0' ? '~' : '/';
	}
	*to = '\0';
	return true;
}

/* Cuts up the text behind the first "/". */
static bool split(char *text, struct path *path)
{
	for (char *part = text, *next; part; part = next) {
		next = strchr(part, '/');
		if (next)
			*next++ = '\0';
		bool every = strcmp(part, "*") == 0;
		if (!unescape(part))
			return false;
		if (path->count < PARTS_MAX)
			path->parts[path->count++] = every ? NULL : part;
	}
	return true;
}

static json_t *member(const json_t *value, const char *part)
{
	size_t digits = strspn(part, "0123456789");

	if (json_is_object(value))
		return json_object_get(value, part);
	/* no leading zeros, and no array has a member past ten digits */
	if (!json_is_array(value) || digits == 0 || part[digits] || digits > 10 || (part[0] == '0' && digits > 1))
		return NULL;
	return json_array_get(value, strtoul(part, NULL, 10));
}

/* Recurses as deep as `*` comes in the pointer, and the body goes. */
static bool walk(const struct path *path, size_t at, json_t *value)
{
	const char *key;
	json_t *one;
	size_t index;

	while (value && at < path->count && path->parts[at])
		value = member(value, path->parts[at++]);
	if (!value || at == path->count || (!json_is_array(value) && !json_is_object(value)))
		return path->visit(path->context, at == path->count ? value : NULL);
	json_array_foreach(value, index, one)
	{
		if (!walk(path, at + 1, one))
			return false;
	}
	json_object_foreach(value, key, one)
	{
		if (!walk(path, at + 1, one))
			return false;
	}
	return true;
}

bool json_follow(json_t *root, const char *pointer, json_visit *visit, void *context)
{
	struct path path = {.count = 0, .visit = visit, .context = context};

	if (*pointer != '\0' && *pointer != '/')
		return false;
	char *text = strdup(pointer);
	bool good = text && (*pointer == '\0' || split(text + 1, &path));
	if (good)
		walk(&path, 0, root);
	free(text);
	return good;
}
