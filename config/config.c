#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/budget.h"
#include "config/read_chain.h"
#include "config/duration.h"
#include "config/names.h"
#include "config/platform.h"
#include "config/read_probes.h"
#include "config/channels.h"
#include "config/heartbeats.h"
#include "config/programs.h"
#include "config/read.h"
#include "config/signame.h"
#include "config/signers.h"
#include "config/syntax.h"
#include "config/user.h"

static struct arena arena; /* one plan per process, for config_seal() */
/* Only needed while the plan is built: the plan does not point into them. */
static config_t the_tree;
static struct source the_source;
static size_t the_warnings;
static struct errors the_spared;

const char *config_named(const char *option)
{
	const char *named = getenv("TINYSUP_CONFIG");

	if (option != NULL)
		return option;
	return named != NULL && *named != '\0' ? named : NULL;
}

const char *config_find(const char *option)
{
	const char *named = config_named(option);

	if (named != NULL)
		return named;
	return access(CONFIG_DEFAULT_FILE, F_OK) == 0 ? CONFIG_DEFAULT_FILE : NULL;
}

void config_seal(void)
{
	arena_seal(&arena);
}

/* libconfig gets text: it would block on a pipe and exit on a read error. */
static bool parse(config_t *tree, const struct reader *reader)
{
	if (config_read_string(tree, reader->source->text) == CONFIG_TRUE)
		return true;
	syntax_error(reader->source, config_error_line(tree), config_error_text(tree), reader->warnings != NULL,
		     reader->errors);
	return false;
}

/* NULL if it is not set or there is no file. */
static const config_setting_t *find(const config_t *tree, const char *path)
{
	return tree != NULL ? config_lookup(tree, path) : NULL;
}

/* Reports at the line of the setting, else of its section, else of the file. */
static void report(struct reader *reader, const config_t *tree, const char *path, const char *what)
{
	const config_setting_t *setting = find(tree, path);

	if (setting == NULL)
		setting = find(tree, "shutdown");
	if (setting != NULL)
		read_error(reader, setting, path, "%s", what);
	else
		errors_add(reader->errors, reader->file != NULL ? reader->file : "tinysup", 0, path, "%s", what);
}

/* Whether any step has a configured reserve. */
static bool promised(const struct plan_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		for (size_t j = 0; j < chain->stages[i].count; j++)
			if (chain->stages[i].steps[j].reserve > 0)
				return true;
	return false;
}

/* The stop step if it has no configured reserve, else NULL. */
static struct plan_step *stop_without_reserve(const struct plan_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (chain->stages[i].has_stop && chain->stages[i].steps[0].reserve == MSEC_UNSET)
			return (struct plan_step *)(uintptr_t)chain->stages[i].steps;
	return NULL;
}

/*
 * Default reserve of the stop step: 3 s, or its timeout if that is shorter. A short deadline reduces it, other reserves do not:
 * configured reserves must fit.
 */
static msec_t stop_reserve(const struct plan_shutdown *shutdown, const struct plan_step *stop)
{
	msec_t room = shutdown->effective - shutdown->kill_reserve;
	msec_t usual = stop->timeout != MSEC_UNSET && stop->timeout < CHAIN_STOP_RESERVE ? stop->timeout : CHAIN_STOP_RESERVE;

	if (promised(&shutdown->chain) || room >= usual)
		return usual;
	return room > 0 ? room : 0;
}

/* Lists reserves: "save 8 s, stop 3 s (default), kill_reserve 0.5 s". */
static void list_reserves(const struct plan_chain *chain, msec_t kill_reserve, enum reason reason, const struct plan_step *stop,
			  char *to, size_t size)
{
	char time[DURATION_TEXT];
	size_t used = 0;

	*to = '\0';
	for (size_t i = 0; i < chain->count && used < size; i++) {
		msec_t most = budget_reserve(&chain->stages[i], reason);
		const struct plan_step *step = chain->stages[i].steps;
		while (most > 0 && (!budget_runs(step, reason) || step->reserve != most))
			step++;
		if (most > 0)
			used += (size_t)snprintf(to + used, size - used, "%s %s%s, ", step->name, duration_format(most, time),
						 step == stop ? " (default)" : "");
	}
	if (used < size)
		snprintf(to + used, size - used, "kill_reserve %s", duration_format(kill_reserve, time));
}

/* Where a platform's default makes the deadline shorter than configured: what to do about it. */
static const char *cut_short(const struct plan_shutdown *shutdown, char to[200])
{
	char grace[DURATION_TEXT];

	*to = '\0';
	if (!shutdown->granted && shutdown->effective < shutdown->deadline)
		snprintf(to, 200, "; %s grants %s%s%s: say in shutdown.platform_grace what you have set there",
			 shutdown->platform, duration_format(shutdown->grace, grace),
			 shutdown->raise != NULL ? " without " : "", shutdown->raise != NULL ? shutdown->raise : "");
	return to;
}

/* For every reason of a shutdown. */
static bool must_fit(struct reader *reader, const config_t *tree, const struct plan_shutdown *shutdown,
		     const struct plan_step *stop)
{
	char a[DURATION_TEXT], b[DURATION_TEXT], c[200], list[200], what[600];
	msec_t reported = 0;

	for (int reason = 0; reason < REASON_RECOVERY; reason++) {
		msec_t reserved = budget_reserved(&shutdown->chain, (enum reason)reason) + shutdown->kill_reserve;
		if (reserved <= shutdown->effective || reserved == reported)
			continue;
		reported = reserved;
		list_reserves(&shutdown->chain, shutdown->kill_reserve, (enum reason)reason, stop, list, sizeof list);
		snprintf(what, sizeof what,
			 "the reserves and kill_reserve add up to %s, but the effective deadline is %s (reason %s: %s)%s",
			 duration_format(reserved, a), duration_format(shutdown->effective, b),
			 name_of(&names_reasons, (size_t)reason), list, cut_short(shutdown, c));
		report(reader, tree, shutdown->chained ? "shutdown.chain" : "shutdown.kill_reserve", what);
	}
	return reported == 0;
}

/* The same for recovery and start.chain, which have deadlines of their own. */
static void must_fit_in(struct reader *reader, const config_t *tree, const struct plan *plan, const struct plan_chain *chain,
			enum reason reason, msec_t deadline, const char *path)
{
	msec_t kill_reserve = plan->shutdown.kill_reserve, reserved = budget_reserved(chain, reason) + kill_reserve;
	char a[DURATION_TEXT], b[DURATION_TEXT], list[200], what[400];

	if (reserved <= deadline)
		return;
	list_reserves(chain, kill_reserve, reason, NULL, list, sizeof list);
	snprintf(what, sizeof what, "the reserves and kill_reserve add up to %s, but this is %s (%s)",
		 duration_format(reserved, a), duration_format(deadline, b), list);
	report(reader, tree, path, what);
}

static void settle_grace(struct plan_shutdown *shutdown)
{
	shutdown->granted = shutdown->grace != MSEC_AUTO;
	if (shutdown->granted) {
		shutdown->platform = "platform_grace";
		return;
	}
	const struct platform *platform = platform_find(getenv, &shutdown->grace);
	shutdown->platform = platform != NULL ? platform->name : NULL;
	shutdown->raise = platform != NULL ? platform->setting : NULL;
}

/* A platform that kills at once: the chain does what it can, and a crash or an unhealthy app leaves it all its time. */
static void warn_of_no_time(struct reader *reader, const config_t *tree, const struct plan_shutdown *shutdown)
{
	const config_setting_t *at = find(tree, "shutdown");
	char grace[DURATION_TEXT];

	if (at == NULL && tree != NULL)
		at = config_root_setting(tree);
	if (at == NULL) /* without a configuration there is no chain */
		return;
	read_warn(reader, at, "shutdown", PLATFORM_NO_TIME, shutdown->platform, duration_format(shutdown->grace, grace),
		  shutdown->raise, (long long)(platform_needed(shutdown->deadline) / 1000));
}

/* Computes the effective deadline and checks that all reserves fit. */
static void settle_deadline(struct reader *reader, const config_t *tree, struct plan_shutdown *shutdown)
{
	settle_grace(shutdown);
	shutdown->effective = platform_effective(shutdown->deadline, shutdown->grace);
	if (shutdown->effective <= 0 && shutdown->granted) {
		report(reader, tree, "shutdown.platform_grace", "leaves no time: tinysup keeps a margin of 2 s");
		return;
	}
	if (shutdown->effective <= 0) {
		warn_of_no_time(reader, tree, shutdown);
		shutdown->effective = shutdown->deadline;
	}
	struct plan_step *stop = stop_without_reserve(&shutdown->chain);
	if (stop != NULL)
		stop->reserve = 0;
	if (!must_fit(reader, tree, shutdown, stop) || stop == NULL)
		return;
	stop->reserve = stop_reserve(shutdown, stop);
	must_fit(reader, tree, shutdown, stop);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void settle_app(struct plan_app *app, char *const *command)
{
	if (command != NULL && command[0] != NULL)
		app->command = (struct plan_exec){command, NULL};
	if (app->name == NULL)
		app->name = app->command.argv != NULL ? base_name(app->command.argv[0]) : "app";
}

static void settle_users_of(struct reader *reader, const config_t *tree, const struct plan_chain *chain, const char *path)
{
	char why[256];

	for (size_t i = 0; i < chain->count; i++)
		for (size_t j = 0; j < chain->stages[i].count; j++)
			if (!user_become((struct plan_user *)(uintptr_t)&chain->stages[i].steps[j].user, why))
				report(reader, tree, path, why);
}

/* Only if something will be started; not for a probe or --check by another user. */
static void settle_users(struct reader *reader, const config_t *tree, struct plan *plan)
{
	char why[256];

	if (!user_become(&plan->app.user, why)) {
		report(reader, tree, "app.user", why);
		return;
	}
	settle_users_of(reader, tree, &plan->shutdown.chain, CHAIN_SHUTDOWN);
	settle_users_of(reader, tree, &plan->start.chain, CHAIN_START);
	settle_users_of(reader, tree, &plan->held, "alerts");
	for (size_t i = 0; i < plan->heartbeats.count; i++) {
		struct plan_heartbeat *heartbeat = (struct plan_heartbeat *)(uintptr_t)&plan->heartbeats.items[i];
		if (!user_become(&heartbeat->beat.user, why) || !user_become(&heartbeat->disarm.user, why))
			report(reader, tree, "heartbeats", why);
	}
}

/* Whether a step of the shutdown runs for this reason. */
static bool any_runs(const struct plan_chain *chain, enum reason reason)
{
	for (size_t i = 0; i < chain->steps; i++)
		if (budget_runs(plan_step_at(chain, i), reason))
			return true;
	return false;
}

/* What the journal is for. */
static void settle_memory(struct reader *reader, const config_t *tree, struct plan *plan)
{
	const struct plan_chain *chain = &plan->shutdown.chain;
	bool recovers = any_runs(chain, REASON_RECOVERY);

	plan->recovery.possible = recovers && plan->state_dir != NULL;
	if (plan->state_dir == NULL && recovers)
		read_warn(reader, find(tree, CHAIN_SHUTDOWN), CHAIN_SHUTDOWN,
			  "a `when` has \"recovery\", but nothing is recovered without state_dir");
	if (plan->state_dir != NULL && !recovers && find(tree, "recovery") != NULL)
		read_warn(reader, find(tree, "recovery"), "recovery", "no step has \"recovery\" in its `when`");
	if (plan->start.chain.count == 0 && find(tree, "start") != NULL)
		read_warn(reader, find(tree, "start"), "start", "has no chain");
	for (size_t i = 0; i < chain->steps; i++) {
		const struct plan_step *step = plan_step_at(chain, i);
		if (step->needs_app && (step->when >> REASON_RECOVERY & 1) != 0)
			read_warn(reader, find(tree, CHAIN_SHUTDOWN), CHAIN_SHUTDOWN,
				  "\"%s\" needs the app, which does not run in recovery: it is skipped there", step->name);
	}
	if (plan->app.restart.exhausted == EXHAUSTED_HOLD && plan->state_dir == NULL && !plan_may_restart(plan))
		read_warn(reader, find(tree, "app.restart.exhausted"), "app.restart.exhausted",
			  "has no effect: the app is never restarted, and restarts of the container count with state_dir only");
	if (plan->app.restart.exhausted == EXHAUSTED_HOLD)
		chain_alerts(reader->arena, plan, &plan->held);
	must_fit_in(reader, tree, plan, chain, REASON_RECOVERY, plan->recovery.deadline, "recovery.deadline");
	must_fit_in(reader, tree, plan, &plan->start.chain, REASON_START, plan->start.deadline, "start.deadline");
}

static void settle(struct reader *reader, config_t *tree, struct plan *plan, char *const *command)
{
	struct plan_shutdown *shutdown = &plan->shutdown;

	settle_app(&plan->app, command);
	if (!signers_share(plan))
		report(reader, tree, "signers", strerror(errno));
	probes_read(reader, tree, plan);
	if (reader->chain != NULL)
		chain_read(reader, reader->chain, plan, CHAIN_SHUTDOWN, &shutdown->chain);
	if (reader->start_chain != NULL)
		chain_read(reader, reader->start_chain, plan, CHAIN_START, &plan->start.chain);
	shutdown->chained = shutdown->chain.count > 0;
	/* in a shell or REPL, Ctrl-C does not mean "exit" */
	if (!shutdown->chained && find(tree, "shutdown.signals") == NULL)
		shutdown->signals = SIGNAL_BIT(SIGTERM);
	if (shutdown->chained && find(tree, "shutdown.clean_exit_code") == NULL)
		shutdown->clean_exit_code = 0;
	if (!shutdown->chained && plan_may_restart(plan))
		chain_stop_only(reader->arena, &shutdown->chain);
	settle_memory(reader, tree, plan);
	heartbeats_settle(reader, (config_setting_t *)(uintptr_t)find(tree, "heartbeats"), plan);
	channels_settle(reader, find(tree, "notify_on"), plan);
	if (command != NULL)
		settle_users(reader, tree, plan);
	if (reader->errors->count == 0)
		settle_deadline(reader, tree, shutdown);
}

static void load_file(struct reader *reader, struct plan *plan, char *const *command)
{
	config_init(&the_tree);
	if (source_read(reader->source, reader->file, reader->errors) && parse(&the_tree, reader)) {
		read_group(reader, &schema_root, config_root_setting(&the_tree), plan, "");
		settle(reader, &the_tree, plan, command);
		programs_look(reader, plan);
	}
}

void config_release(void)
{
	if (the_tree.root == NULL)
		return;
	config_destroy(&the_tree);
	source_free(&the_source);
	memset(&the_tree, 0, sizeof the_tree);
}

/* NULL if the path is useless to other processes. */
static const char *absolute(const char *file)
{
	char directory[PATH_MAX];

	if (file == NULL || strcmp(file, CONTENTS_STDIN) == 0 || *file == '/')
		return file != NULL && *file == '/' ? file : NULL;
	if (getcwd(directory, sizeof directory) == NULL)
		return NULL;
	char *whole = arena_alloc(&arena, strlen(directory) + strlen(file) + 2);
	stpcpy(stpcpy(stpcpy(whole, directory), "/"), file);
	return whole;
}

static struct plan *load(struct reader *reader, char *const *command)
{
	struct plan *plan = arena_alloc(reader->arena, sizeof *plan);

	reader->plan = plan;
	plan->file = reader->file;
	plan->path = absolute(reader->file);
	if (reader->file != NULL) {
		load_file(reader, plan, command);
	} else {
		read_group(reader, &schema_root, NULL, plan, "");
		settle(reader, NULL, plan, command);
	}
	return plan;
}

struct plan *config_load(const char *file, char *const *command, const struct config_checks *judges, FILE *err)
{
	static const struct config_checks nobody;
	static struct errors errors, warnings; /* locals would be indeterminate after longjmp() */

	if (!arena_open(&arena)) {
		fprintf(err, "tinysup: cannot allocate memory for the configuration: %s\n", strerror(errno));
		return NULL;
	}
	if (setjmp(arena.full) != 0) {
		errors_add(&errors, file != NULL ? file : "tinysup", 0, "", "too large: the plan needs more than %zu MiB",
			   ARENA_SIZE >> 20);
		errors_print(&errors, "", err);
		return NULL;
	}
	struct reader reader = {.arena = &arena,
				.source = &the_source,
				.errors = &errors,
				.file = file,
				.judges = judges != NULL ? judges : &nobody};
	reader.last_program = &reader.programs;
	reader.warnings = reader.judges->warns ? &warnings : NULL;
	reader.spared = reader.judges->spares ? &the_spared : NULL;
	struct plan *plan = load(&reader, command);
	bool good = errors.count == 0;
	errors_print(&errors, "", err);
	the_warnings = warnings.count;
	errors_print(&warnings, "warning: ", err);
	return good ? plan : NULL;
}

size_t config_warnings(void)
{
	return the_warnings;
}

const char *config_spared(const char *part)
{
	for (size_t i = 0; i < the_spared.kept; i++)
		if (strncmp(the_spared.items[i].text, part, strlen(part)) == 0)
			return the_spared.items[i].text;
	return NULL;
}

const char *config_library(void)
{
	static char version[24];

	snprintf(version, sizeof version, "%d.%d.%d", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
	return version;
}
