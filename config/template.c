#include "config/template.h"

#include <stdio.h>
#include <string.h>

#include "config/nearest.h"

#define NAME_MAX_BYTES 24

static const char *const names[VARIABLE_COUNT] = {
    [VARIABLE_MS] = "ms",
    [VARIABLE_S] = "s",
    [VARIABLE_ISO] = "iso",
    [VARIABLE_NONCE] = "nonce",
    [VARIABLE_EXPIRES] = "expires",
    [VARIABLE_RECV] = "recv",
    [VARIABLE_METHOD] = "method",
    [VARIABLE_KEY] = "key",
    [VARIABLE_PASSPHRASE] = "passphrase",
    [VARIABLE_SEALED] = "sealed",
    [VARIABLE_SECRET] = "secret",
    [VARIABLE_PATH] = "path",
    [VARIABLE_QUERY] = "query",
    [VARIABLE_RAWQUERY] = "rawquery",
    [VARIABLE_TARGET] = "target",
    [VARIABLE_RAWTARGET] = "rawtarget",
    [VARIABLE_BODY] = "body",
    [VARIABLE_HASH] = "hash",
    [VARIABLE_SIGN] = "sign",
};

/* The variable whose "{name}" begins at `at`; -1: unknown. *length: of "{name}"; 0: it is not closed. */
static int variable_at(const char *at, size_t *length)
{
	const char *end = strchr(at, '}');

	*length = end != NULL ? (size_t)(end - at) + 1 : 0;
	for (int i = 0; i < VARIABLE_COUNT; i++)
		if (strlen(names[i]) + 2 == *length && strncmp(names[i], at + 1, *length - 2) == 0)
			return i;
	return -1;
}

/* The next "{name}"; NULL: none. */
static const char *next_variable(const char *text)
{
	while ((text = strchr(text, '{')) != NULL && text[1] == '{')
		text += 2;
	return text;
}

static void unknown(const char *at, size_t length, char why[256])
{
	char name[NAME_MAX_BYTES];
	struct nearest near = {.typed = name};

	if (length == 0) {
		snprintf(why, 256, "\"{\" without a closing \"}\": write {{ for a brace");
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)length - 2, at + 1);
	for (int i = 0; i < VARIABLE_COUNT; i++)
		nearest_offer(&near, names[i]);
	if (near.best != NULL)
		snprintf(why, 256, "{%s}: unknown variable; did you mean \"{%s}\"?", name, near.best);
	else
		snprintf(why, 256, "{%s}: unknown variable", name);
}

bool template_is_valid(const char *text, unsigned allowed, char why[256])
{
	while ((text = next_variable(text)) != NULL) {
		size_t length;
		int variable = variable_at(text, &length);
		if (variable < 0) {
			unknown(text, length, why);
			return false;
		}
		if ((allowed >> variable & 1) == 0) {
			snprintf(why, 256, "{%s} cannot be used here", names[variable]);
			return false;
		}
		text += length;
	}
	return true;
}

unsigned template_uses(const char *text)
{
	unsigned uses = 0;

	while (text != NULL && (text = next_variable(text)) != NULL) {
		size_t length;
		int variable = variable_at(text, &length);
		if (variable < 0)
			break;
		uses |= 1u << variable;
		text += length;
	}
	return uses;
}

bool template_append(struct growing *to, const char *text, const struct template_value values[VARIABLE_COUNT])
{
	bool good = growing_append(to, "", 0);

	while (good && *text != '\0') {
		size_t length = strcspn(text, "{");
		if (length > 0) {
			good = growing_append(to, text, length);
		} else if (text[1] == '{') {
			length = 2;
			good = growing_append(to, "{", 1);
		} else {
			int variable = variable_at(text, &length);
			if (variable < 0)
				return false;
			good =
			    values[variable].text == NULL || growing_append(to, values[variable].text, values[variable].length);
		}
		text += length;
	}
	return good;
}
