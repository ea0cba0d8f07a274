#include "init/child/step_env.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/names.h"
#include "config/signame.h"

const char *step_env_key(const struct shutdown_facts *facts, const struct plan_step *step, char buffer[IDEMPOTENCY_KEY_TEXT])
{
	snprintf(buffer, IDEMPOTENCY_KEY_TEXT, "%s-%s", facts->id, step->name);
	for (char *p = buffer; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			*p = '-'; /* it is also sent as a header */
	return buffer;
}

void step_env_add(const struct plan_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		setenv(pairs->items[i].name, pairs->items[i].value, 1);
}

static bool is_in(const struct plan_pairs *pairs, const char *variable)
{
	for (size_t i = 0; i < pairs->count; i++) {
		size_t length = strlen(pairs->items[i].name);
		if (strncmp(variable, pairs->items[i].name, length) == 0 && variable[length] == '=')
			return true;
	}
	return false;
}

char **step_env_with(const struct plan_pairs *pairs)
{
	size_t count = 0, size = 0;

	if (pairs->count == 0)
		return environ;
	while (environ[count] != NULL)
		count++;
	for (size_t i = 0; i < pairs->count; i++)
		size += strlen(pairs->items[i].name) + strlen(pairs->items[i].value) + 2;
	char **with = malloc((count + pairs->count + 1) * sizeof *with + size);
	if (with == NULL)
		return NULL;
	char *text = (char *)(with + count + pairs->count + 1);
	size_t used = 0;
	for (size_t i = 0; i < count; i++)
		if (!is_in(pairs, environ[i]))
			with[used++] = environ[i];
	for (size_t i = 0; i < pairs->count; i++) {
		with[used++] = text;
		text += sprintf(text, "%s=%s", pairs->items[i].name, pairs->items[i].value) + 1;
	}
	with[used] = NULL;
	return with;
}

void step_env_set_number(const char *name, long long number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", number);
	setenv(name, text, 1);
}

/* Always set, empty if they do not apply: hooks may use `set -u`. */
static void set_app(const struct shutdown_facts *facts)
{
	const struct seq *seq = facts->seq;
	int status = seq->app_status;

	setenv("TINYSUP_APP_PID", "", 1);
	setenv("TINYSUP_APP_EXIT_CODE", "", 1);
	setenv("TINYSUP_APP_EXIT_SIGNAL", "", 1);
	if (seq->opening != OPENING_NONE && facts->app == 0)
		return; /* none has run */
	if (!seq->app_gone || seq->opening != OPENING_NONE)
		step_env_set_number("TINYSUP_APP_PID", facts->app);
	else if (WIFEXITED(status))
		step_env_set_number("TINYSUP_APP_EXIT_CODE", WEXITSTATUS(status));
	else
		setenv("TINYSUP_APP_EXIT_SIGNAL", signal_name(WTERMSIG(status)), 1);
}

static void set_common(const struct shutdown_facts *facts, const struct plan_step *plan, msec_t time)
{
	step_env_add(&facts->seq->plan->app.environment);
	step_env_add(&plan->environment);
	step_env_set_number("TINYSUP_DEADLINE_MS", time);
	set_app(facts);
}

void step_env_set(const struct shutdown_facts *facts, const struct plan_step *plan, int attempt, msec_t time)
{
	const struct seq *seq = facts->seq;
	char key[IDEMPOTENCY_KEY_TEXT];

	set_common(facts, plan, time);
	setenv("TINYSUP_REASON", name_of(&names_reasons, seq->reason), 1);
	setenv("TINYSUP_SIGNAL", seq->signal > 0 ? signal_name(seq->signal) : "", 1);
	setenv("TINYSUP_STEP", plan->name, 1);
	step_env_set_number("TINYSUP_ATTEMPT", attempt);
	setenv("TINYSUP_SHUTDOWN_ID", facts->id, 1);
	setenv("TINYSUP_IDEMPOTENCY_KEY", step_env_key(facts, plan, key), 1);
}

void step_env_set_beat(const struct shutdown_facts *facts, const struct plan_step *plan, msec_t time)
{
	set_common(facts, plan, time);
	setenv("TINYSUP_HEARTBEAT", plan->name, 1);
}
