#include "config/scalar.h"

#include <stdio.h>
#include <signal.h>
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

/* "10240", "64KB", "50 MB", "1GiB": units of 1024, as those of memory and disks in Docker. */
static bool set_size(const struct key *key, const char *text, int64_t *out, char why[256])
{
	static const char units[] = "KMG";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits + strspn(text + digits, " ");
	char number[24];
	int shift = 0;

	snprintf(number, sizeof number, "%.*s", (int)digits, text);
	if (*unit != '\0' && *unit != 'B') {
		const char *known = strchr(units, *unit++);
		shift = known != NULL ? 10 * (int)(known - units + 1) : -1;
		unit += *unit == 'i';
	}
	unit += *unit == 'B';
	if (shift < 0 || *unit != '\0' || digits >= sizeof number || !whole_number(number, 10, out))
		return expected(why, "a number of bytes such as 65536, \"64KB\" or \"50MB\"");
	if (*out >= (key->min + (INT64_C(1) << shift) - 1) >> shift && *out <= key->max >> shift) {
		*out <<= shift;
		return true;
	}
	snprintf(why, 256, "must be between %lld and %lld bytes", (long long)key->min, (long long)key->max);
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

struct choices {
	struct nearest near;
	char words[256];
	size_t used;
};

static void offer(struct choices *choices, const char *word)
{
	nearest_offer(&choices->near, word);
	choices->used += (size_t)snprintf(choices->words + choices->used, sizeof choices->words - choices->used, "%s\"%s\"",
					  choices->used ? ", " : "", word);
}

/* The value; -1 with the choices and a suggestion in `why`. */
static int choice(const struct names *names, const char *text, char why[256])
{
	struct choices choices = {.near.typed = text};
	int value = name_find(names, text);

	if (value >= 0)
		return value;
	for (size_t i = 0; i < names->count; i++)
		if (names->words[i] != NULL)
			offer(&choices, names->words[i]);
	if (choices.near.best != NULL)
		snprintf(why, 256, "expected one of %.180s; did you mean \"%s\"?", choices.words, choices.near.best);
	else
		snprintf(why, 256, "expected one of %.200s", choices.words);
	return -1;
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
		return set_size(key, text, field, why);
	case KEY_DURATION:
		return set_duration(key, text, field, why);
	case KEY_STRING:
		*(const char **)field = text;
		return true;
	case KEY_CHOICE:
		small = choice(key->choices, text, why);
		if (small >= 0)
			*(unsigned *)field = (unsigned)small;
		return small >= 0;
	case KEY_CHOICES:
		small = choice(key->choices, text, why);
		if (small >= 0)
			*(unsigned *)field |= 1u << small;
		return small >= 0;
	case KEY_SIGNAL:
		return set_signal(text, field, why);
	case KEY_SIGNALS:
		if (!set_signal(text, &small, why))
			return false;
		if (small == SIGKILL || small == SIGSTOP || small == SIGCHLD)
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
	case KEY_WORDING:
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
