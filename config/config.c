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
#include "config/programs.h"
#include "config/read.h"
#include "config/signame.h"
#include "config/syntax.h"
#include "config/user.h"

static struct arena arena; /* one plan per process, for config_seal() */
/* Only needed while the plan is built: the plan does not point into them. */
static config_t the_tree;
static struct source the_source;

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
static void list_reserves(const struct plan_shutdown *shutdown, enum reason reason, const struct plan_step *stop, char *to,
			  size_t size)
{
	const struct plan_chain *chain = &shutdown->chain;
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
		snprintf(to + used, size - used, "kill_reserve %s", duration_format(shutdown->kill_reserve, time));
}

/* For every reason. */
static bool must_fit(struct reader *reader, const config_t *tree, const struct plan_shutdown *shutdown,
		     const struct plan_step *stop)
{
	char a[DURATION_TEXT], b[DURATION_TEXT], list[200], what[400];
	msec_t reported = 0;

	for (int reason = 0; reason < REASON_RECOVERY; reason++) {
		msec_t reserved = budget_reserved(shutdown, (enum reason)reason);
		if (reserved <= shutdown->effective || reserved == reported)
			continue;
		reported = reserved;
		list_reserves(shutdown, (enum reason)reason, stop, list, sizeof list);
		snprintf(what, sizeof what,
			 "the reserves and kill_reserve add up to %s, but the effective deadline is %s (reason %s: %s)",
			 duration_format(reserved, a), duration_format(shutdown->effective, b),
			 name_of(&names_reasons, (size_t)reason), list);
		report(reader, tree, shutdown->chained ? "shutdown.chain" : "shutdown.kill_reserve", what);
	}
	return reported == 0;
}

/* Computes the effective deadline and checks that all reserves fit. */
static void settle_deadline(struct reader *reader, const config_t *tree, struct plan_shutdown *shutdown)
{
	if (shutdown->grace == MSEC_AUTO)
		shutdown->grace = platform_grace(&shutdown->platform);
	else
		shutdown->platform = "platform_grace";
	shutdown->effective = platform_effective(shutdown->deadline, shutdown->grace);
	if (shutdown->effective <= 0) {
		report(reader, tree, "shutdown.platform_grace", "leaves no time: tinysup keeps a margin of 2 s");
		return;
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

/* Only if something will be started; not for a probe or --check by another user. */
static void settle_users(struct reader *reader, const config_t *tree, struct plan *plan)
{
	const struct plan_chain *chain = &plan->shutdown.chain;
	char why[256];

	if (!user_become(&plan->app.user, why)) {
		report(reader, tree, "app.user", why);
		return;
	}
	for (size_t i = 0; i < chain->count; i++)
		for (size_t j = 0; j < chain->stages[i].count; j++)
			if (!user_become((struct plan_user *)(uintptr_t)&chain->stages[i].steps[j].user, why))
				report(reader, tree, "shutdown.chain", why);
}

static void settle(struct reader *reader, config_t *tree, struct plan *plan, char *const *command)
{
	struct plan_shutdown *shutdown = &plan->shutdown;

	settle_app(&plan->app, command);
	probes_read(reader, tree, plan);
	if (reader->chain != NULL)
		chain_read(reader, reader->chain, plan, &shutdown->chain);
	shutdown->chained = shutdown->chain.count > 0;
	/* in a shell or REPL, Ctrl-C does not mean "exit" */
	if (!shutdown->chained && find(tree, "shutdown.signals") == NULL)
		shutdown->signals = SIGNAL_BIT(SIGTERM);
	if (shutdown->chained && find(tree, "shutdown.clean_exit_code") == NULL)
		shutdown->clean_exit_code = 0;
	if (!shutdown->chained && plan_may_restart(plan))
		chain_stop_only(reader->arena, &shutdown->chain);
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
	struct plan *plan = load(&reader, command);
	bool good = errors.count == 0;
	errors_print(&errors, "", err);
	errors_print(&warnings, "warning: ", err);
	return good ? plan : NULL;
}

const char *config_library(void)
{
	static char version[24];

	snprintf(version, sizeof version, "%d.%d.%d", LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
	return version;
}
