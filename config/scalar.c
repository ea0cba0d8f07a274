#include "config/scalar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/duration.h"
#include "config/nearest.h"
#include "config/signame.h"
#include "config/user.h"

static bool expected(char why[256], const char *what)
{
	snprintf(why, 256, "expected %s", what);
	return false;
}

static bool whole_number(const char *text, int base, int64_t *out)
{
	char *end;

	*out = strtoll(text, &end, base);
	return end != text && *end == '\0';
}

static bool set_integer(const struct key *key, const char *text, int64_t *out, char why[256])
{
	if (!whole_number(text, 10, out))
		return expected(why, "a whole number");
	if (*out >= key->min && *out <= key->max)
		return true;
	snprintf(why, 256, "must be between %lld and %lld", (long long)key->min, (long long)key->max);
	return false;
}

static bool set_duration(const struct key *key, const char *text, msec_t *out, char why[256])
{
	char low[DURATION_TEXT], high[DURATION_TEXT];

	if ((key->flags & KEY_AUTO) && strcmp(text, "auto") == 0) {
		*out = MSEC_AUTO;
		return true;
	}
	if (!duration_parse(text, out))
		return expected(why, key->flags & KEY_AUTO ? "\"auto\" or a duration such as \"10s\""
							   : "a duration such as \"500ms\", \"10s\" or \"1m30s\"");
	if (*out >= key->min && *out <= key->max)
		return true;
	snprintf(why, 256, "must be between %s and %s", duration_format(key->min, low), duration_format(key->max, high));
	return false;
}

/* The index of text in key->choices; -1 where it is none of them, or not in this version. */
static int choice_index(const char *choices, const char *text, bool *later)
{
	size_t length = strlen(text);
	int index = 0;

	for (const char *word = choices; *word != '\0'; index++) {
		*later = *word == '!';
		word += *later;
		size_t end = strcspn(word, "|");
		if (end == length && memcmp(word, text, length) == 0)
			return *later ? -1 : index;
		word += end + (word[end] == '|');
	}
	*later = false;
	return -1;
}

/* What there is to choose from, and what may have been meant. */
static void list_choices(const struct key *key, const char *text, char why[256])
{
	struct nearest near = {.typed = text};
	char list[256], words[256] = "", *save = NULL;
	size_t used = 0;

	snprintf(list, sizeof list, "%s", key->choices);
	for (char *word = strtok_r(list, "|", &save); word != NULL; word = strtok_r(NULL, "|", &save)) {
		word += *word == '!';
		nearest_offer(&near, word);
		used += (size_t)snprintf(words + used, sizeof words - used, "%s\"%s\"", used ? ", " : "", word);
	}
	if (near.best != NULL)
		snprintf(why, 256, "expected one of %.180s; did you mean \"%s\"?", words, near.best);
	else
		snprintf(why, 256, "expected one of %.200s", words);
}

static int choice(const struct key *key, const char *text, char why[256])
{
	bool later;
	int index = choice_index(key->choices, text, &later);

	if (later)
		snprintf(why, 256, "\"%s\" is not supported in this version", text);
	else if (index < 0)
		list_choices(key, text, why);
	return index;
}

static bool set_ranges(struct arena *arena, const char *text, struct plan_ranges *out, char why[256])
{
	const char *p = text;
	struct plan_range ranges[16];
	size_t count = 0;

	for (;;) {
		char *end;
		long low = strtol(p, &end, 10), high = low;
		if (end == p || count == 16)
			return expected(why, "statuses such as \"200-299,304\"");
		if (*end == '-') {
			p = end + 1;
			high = strtol(p, &end, 10);
		}
		if (end == p || low < 100 || high > 599 || low > high || (*end != ',' && *end != '\0'))
			return expected(why, "statuses from 100 to 599, such as \"200-299,304\"");
		ranges[count++] = (struct plan_range){(int)low, (int)high};
		if (*end == '\0')
			break;
		p = end + 1;
	}
	struct plan_range *copy = arena_alloc(arena, count * sizeof *copy);
	memcpy(copy, ranges, count * sizeof *copy);
	*out = (struct plan_ranges){copy, count};
	return true;
}

static bool set_signal(const char *text, int *out, char why[256])
{
	struct nearest near = {.typed = text};

	*out = signal_number(text);
	if (*out != 0)
		return true;
	for (int n = 1; n <= SIGNAL_MAX; n++)
		nearest_offer(&near, signal_name(n));
	if (near.best != NULL)
		snprintf(why, 256, "unknown signal; did you mean \"%s\"?", near.best);
	else
		snprintf(why, 256, "expected a signal such as \"SIGTERM\" or \"SIGRTMIN+3\"");
	return false;
}

bool scalar_set(struct arena *arena, const struct key *key, const char *text, void *field, char why[256])
{
	int64_t number;
	int small;

	switch (key->type) {
	case KEY_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return expected(why, "true or false");
		*(bool *)field = *text == 't';
		return true;
	case KEY_INT:
		if (!set_integer(key, text, &number, why))
			return false;
		*(int *)field = (int)number;
		return true;
	case KEY_SIZE:
		return set_integer(key, text, field, why);
	case KEY_DURATION:
		return set_duration(key, text, field, why);
	case KEY_STRING:
		*(const char **)field = text;
		return true;
	case KEY_CHOICE:
		small = choice(key, text, why);
		if (small >= 0)
			*(unsigned *)field = (unsigned)small;
		return small >= 0;
	case KEY_CHOICES:
		small = choice(key, text, why);
		if (small >= 0)
			*(unsigned *)field |= 1u << small;
		return small >= 0;
	case KEY_SIGNAL:
		return set_signal(text, field, why);
	case KEY_SIGNALS:
		if (!set_signal(text, &small, why))
			return false;
		if (small == 9 || small == 19 || small == 17)
			return expected(why, "signals that can be caught: not SIGKILL, SIGSTOP or SIGCHLD");
		*(uint64_t *)field |= SIGNAL_BIT(small);
		return true;
	case KEY_UMASK:
		if (!whole_number(text, 8, &number) || number < 0 || number > 0777)
			return expected(why, "an octal mask in quotes such as \"022\"");
		*(int *)field = (int)number;
		return true;
	case KEY_USER:
		return user_resolve(arena, text, field, why);
	case KEY_RANGES:
		return set_ranges(arena, text, field, why);
	case KEY_CODES:
		if (!whole_number(text, 10, &number) || number < 0 || number > 255)
			return expected(why, "exit codes between 0 and 255");
		((uint64_t *)field)[number / 64] |= UINT64_C(1) << number % 64;
		return true;
	case KEY_TEXT:
	case KEY_PAIRS:
	case KEY_HEADERS:
	case KEY_EXEC:
	case KEY_NAMES:
	case KEY_VALUE:
	case KEY_VALUES:
	case KEY_REWRITE:
	case KEY_GROUP:
	case KEY_LIST:
	case KEY_MAP:
	case KEY_CHAIN:
	case KEY_CHECKS:
		break;
	}
	return false;
}

static void set_unset(const struct key *key, void *field)
{
	if (key->type == KEY_DURATION)
		*(msec_t *)field = MSEC_UNSET;
	else if (key->type == KEY_INT || key->type == KEY_UMASK)
		*(int *)field = -1;
	else if (key->type == KEY_REWRITE)
		for (int n = 0; n <= SIGNAL_MAX; n++)
			((uint8_t *)field)[n] = (uint8_t)n;
}

void scalar_default(struct arena *arena, const struct key *key, void *field)
{
	char why[256], list[128], *save = NULL;

	if (key->fallback == NULL) {
		set_unset(key, field);
		return;
	}
	bool many = key->type == KEY_CHOICES || key->type == KEY_SIGNALS || key->type == KEY_CODES;
	if (!many) {
		scalar_set(arena, key, key->fallback, field, why);
		return;
	}
	snprintf(list, sizeof list, "%s", key->fallback);
	for (char *word = strtok_r(list, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save))
		scalar_set(arena, key, word, field, why);
}
