#include "config/emit.h"

#include <string.h>

#include "config/duration.h"
#include "config/emit_writers.h"
#include "config/platform.h"

static const struct {
	const char *word;
	emit_writer *write;
	const char *where; /* it belongs */
	int64_t most;      /* seconds that it grants; 0: any number */
} writers[] = {
    {"docker", emit_docker, "for the Dockerfile", 0},
    {"compose", emit_compose, "for compose.yaml: merge it into your service", 0},
    {"swarm", emit_swarm, "for the file of docker stack deploy: merge it into your service", 0},
    {"kubernetes", emit_kubernetes, "for spec.template.spec of a Deployment or StatefulSet: merge it into your container", 0},
    {"aca", emit_aca, "for az containerapp create --yaml: merge it into your container", EMIT_ACA_GRACE},
    {"nomad", emit_nomad, "for the group of a job: merge it into your task", 0},
};

#define ANY_GRACE 1000000000 /* seconds: more than shutdown.platform_grace may be */
#define WRITERS   (sizeof writers / sizeof *writers)

static size_t find(const char *platform)
{
	size_t i = 0;

	while (i < WRITERS && strcmp(writers[i].word, platform) != 0)
		i++;
	return i;
}

bool emit_knows(const char *platform)
{
	return find(platform) < WRITERS;
}

/* In a comment: whatever could end it is a question mark. */
static void put_path(const char *path, FILE *to)
{
	for (; *path != '\0'; path++)
		fputc((unsigned char)*path < ' ' || *path == 127 ? '?' : *path, to);
}

static void put_misfit(const struct plan *plan, const struct stanza *stanza, int64_t most, FILE *to)
{
	const struct plan_shutdown *shutdown = &plan->shutdown;
	char deadline[DURATION_TEXT], left[DURATION_TEXT];

	if (!shutdown->granted)
		fprintf(to, "# WARNING: shutdown.deadline needs %lld s, but the most is %lld s here", (long long)stanza->grace,
			(long long)most);
	else if (stanza->grace > most)
		fprintf(to, "# WARNING: platform_grace is %lld s, but the most is %lld s here", (long long)stanza->grace,
			(long long)most);
	else
		fprintf(to, "# WARNING: platform_grace leaves %s for a shutdown, but shutdown.deadline is %s",
			duration_format(stanza->deadline, left), duration_format(shutdown->deadline, deadline));
}

/* What does not fit, and what makes it fit: never more than the platform grants. */
static void put_warning(const struct plan *plan, const struct stanza *stanza, int64_t most, FILE *to)
{
	const struct plan_shutdown *shutdown = &plan->shutdown;
	int64_t needed = platform_needed(shutdown->deadline) / 1000;
	msec_t right = (needed > most || stanza->grace > most ? most : needed) * 1000;
	const char *before = ":";
	char deadline[DURATION_TEXT];

	if (stanza->grace <= most && stanza->deadline == shutdown->deadline)
		return;
	put_misfit(plan, stanza, most, to);
	if (shutdown->granted && right != shutdown->grace) {
		fprintf(to, "%s %s platform_grace to %llds", before, right > shutdown->grace ? "raise" : "lower",
			(long long)(right / 1000));
		before = " and";
	}
	if (needed > most)
		fprintf(to, "%s lower shutdown.deadline to %s", before,
			duration_format(platform_effective(shutdown->deadline, most * 1000), deadline));
	fputc('\n', to);
}

/* What tinysup itself has to be told. */
static void put_needs(const struct plan *plan, const struct stanza *stanza, int64_t most, FILE *to)
{
	if (!plan->shutdown.granted)
		fprintf(to, "# Say in the configuration what is granted here: shutdown: { platform_grace = \"%llds\"; };\n",
			(long long)(stanza->grace < most ? stanza->grace : most));
	put_warning(plan, stanza, most, to);
	if (plan->state_dir != NULL)
		fputs("# state_dir has to be on a volume that outlives the container.\n", to);
}

bool emit_stanza(const struct plan *plan, const char *platform, FILE *to)
{
	struct stanza stanza;
	size_t index = find(platform);

	if (index == WRITERS)
		return false;
	stanza_make(plan, &stanza);
	fprintf(to, "# tinysup --emit=%s, from ", platform);
	put_path(plan->file != NULL ? plan->file : "no configuration", to);
	fprintf(to, "; %s\n", writers[index].where);
	put_needs(plan, &stanza, writers[index].most > 0 ? writers[index].most : ANY_GRACE, to);
	writers[index].write(plan, &stanza, to);
	return true;
}

/* --- what they share --------------------------------------------------------------------------------------------------- */

/* YAML 1.1 and 1.2; a name never begins with a digit. */
const char *emit_quote(const struct stanza *stanza)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(stanza->name, words[i]) == 0)
			return "\"";
	return "";
}

void emit_why_grace(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to)
{
	char deadline[DURATION_TEXT];

	if (plan->shutdown.granted)
		fprintf(to, "%s# as shutdown.platform_grace says\n", indent);
	else
		fprintf(to, "%s# shutdown.deadline (%s) and a margin of 2 s or a tenth, whichever is more\n", indent,
			duration_format(stanza->deadline, deadline));
}

void emit_exit_codes(const struct plan *plan, const char *indent, FILE *to)
{
	fprintf(to,
		"%s# exit codes: 69 unhealthy or held, %d a required step failed, 78 invalid configuration, else the app's\n",
		indent, plan->shutdown.failed_exit_code);
}

void emit_why_busy(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to)
{
	char deadline[DURATION_TEXT], backoff[DURATION_TEXT];

	if (stanza->restarts)
		fprintf(to,
			"%s# tinysup restarts the app itself%s: that takes at most the deadline (%s) and backoff_max (%s)\n",
			indent, stanza->acts ? "" : " after a crash, which fails liveness, too",
			duration_format(stanza->deadline, deadline), duration_format(plan->app.restart.backoff_max, backoff));
	else if (stanza->acts)
		fprintf(to, "%s# tinysup shuts down itself and exits with 69: that takes at most the deadline (%s)\n", indent,
			duration_format(stanza->deadline, deadline));
}

const char *emit_probe_word(enum probe_kind kind)
{
	static const char *const words[] = {
	    [PROBE_STARTUP] = "startup", [PROBE_LIVENESS] = "live", [PROBE_READINESS] = "ready"};

	return words[kind];
}

const char *emit_start_limit(const struct stanza *stanza)
{
	return stanza->notified ? "the time for READY=1, a guess as probes.startup sets no limit" : "probes.startup";
}

bool emit_any_liveness(const struct stanza *stanza)
{
	return stanza->probes[PROBE_LIVENESS].given || (stanza->probes[PROBE_STARTUP].given && !stanza->notified);
}

bool emit_any_probe(const struct stanza *stanza)
{
	return stanza->probes[PROBE_STARTUP].given || stanza->probes[PROBE_LIVENESS].given ||
	       stanza->probes[PROBE_READINESS].given;
}
