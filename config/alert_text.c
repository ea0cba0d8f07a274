#include "config/alert_text.h"

#include <stdio.h>
#include <string.h>

#include "config/nearest.h"

static const char *const names[TEXT_VARIABLES] = {
    [TEXT_APP] = "app",
    [TEXT_HOST] = "host",
    [TEXT_INSTANCE] = "instance",
    [TEXT_EVENT] = "event",
    [TEXT_LEVEL] = "level",
    [TEXT_REASON] = "reason",
    [TEXT_SIGNAL] = "signal",
    [TEXT_EXIT_CODE] = "exit_code",
    [TEXT_APP_STATE] = "app_state",
    [TEXT_FAILED] = "failed",
    [TEXT_STEPS] = "steps",
    [TEXT_TOOK] = "took",
    [TEXT_DEADLINE] = "deadline",
    [TEXT_SHUTDOWN_ID] = "shutdown_id",
    [TEXT_TAIL] = "tail",
};

/* The variable whose "${name}" begins at `at`; -1: unknown. *length: of "${name}"; 0: it is not closed. */
static int variable_at(const char *at, size_t *length)
{
	const char *end = strchr(at, '}');

	*length = end != NULL ? (size_t)(end - at) + 1 : 0;
	for (int i = 0; i < TEXT_VARIABLES; i++)
		if (strlen(names[i]) + 3 == *length && strncmp(names[i], at + 2, *length - 3) == 0)
			return i;
	return -1;
}

static void unknown(const char *at, size_t length, char why[256])
{
	char name[32];
	struct nearest near = {.typed = name};

	if (length == 0) {
		snprintf(why, 256, "\"${\" without a closing \"}\"");
		return;
	}
	snprintf(name, sizeof name, "%.*s", (int)length - 3, at + 2);
	for (int i = 0; i < TEXT_VARIABLES; i++)
		nearest_offer(&near, names[i]);
	if (near.best != NULL)
		snprintf(why, 256, "${%s}: unknown variable; did you mean \"${%s}\"?", name, near.best);
	else
		snprintf(why, 256, "${%s}: unknown variable of an alert; $${ is a literal ${", name);
}

bool alert_text_is_valid(const char *text, char why[256])
{
	size_t length;

	for (; (text = strchr(text, '$')) != NULL; text += length) {
		length = text[1] == '$' ? 2 : 1;
		if (text[1] == '{' && variable_at(text, &length) < 0) {
			unknown(text, length, why);
			return false;
		}
	}
	return true;
}

bool alert_text_append(struct growing *to, const char *text, const char *const values[TEXT_VARIABLES])
{
	bool good = growing_append(to, "", 0);

	while (good && *text != '\0') {
		size_t length = strcspn(text, "$");
		if (length > 0) {
			good = growing_append(to, text, length);
		} else if (text[1] != '{') {
			length = text[1] == '$' ? 2 : 1;
			good = growing_append(to, "$", 1);
		} else {
			int variable = variable_at(text, &length);
			if (variable < 0)
				return false;
			good = growing_append(to, values[variable], strlen(values[variable]));
		}
		text += length;
	}
	return good;
}
