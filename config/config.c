#include "config/config.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/budget.h"
#include "config/chain.h"
#include "config/duration.h"
#include "config/platform.h"
#include "config/probes.h"
#include "config/read.h"
#include "config/signame.h"
#include "config/user.h"

static struct arena arena; /* one plan a process: config_seal() has to find it */

const char *config_find(const char *option)
{
	const char *named = getenv("TINYSUP_CONFIG");

	if (option != NULL)
		return option;
	if (named != NULL && *named != '\0')
		return named;
	return access(CONFIG_DEFAULT_FILE, F_OK) == 0 ? CONFIG_DEFAULT_FILE : NULL;
}

void config_seal(void)
{
	arena_seal(&arena);
}

/* Parses the file into `tree`. Includes are looked for beside the file. */
static bool parse(config_t *tree, const char *file, struct errors *errors)
{
	FILE *stream = fopen(file, "re");

	if (stream == NULL) {
		errors_add(errors, file, 0, "", "cannot read it: %s", strerror(errno));
		return false;
	}
	char *copy = strdup(file);
	if (copy != NULL)
		config_set_include_dir(tree, dirname(copy));
	free(copy);
	bool good = config_read(tree, stream);
	if (!good) {
		const char *where = config_error_file(tree);
		errors_add(errors, where != NULL ? where : file, config_error_line(tree), "", "%s", config_error_text(tree));
	}
	fclose(stream);
	return good;
}

/* NULL where it is not given, or there is no file at all. */
static const config_setting_t *find(const config_t *tree, const char *path)
{
	return tree != NULL ? config_lookup(tree, path) : NULL;
}

/* The place to report a setting at, given or not: its own line, else its section's, else the file. */
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

/* A stop step without a reserve of its own has 3 s, or what the others leave of the deadline where that is less. */
static void reserve_stop(struct plan_shutdown *shutdown)
{
	for (size_t i = 0; i < shutdown->chain.count; i++) {
		const struct plan_stage *stage = &shutdown->chain.stages[i];
		if (!stage->has_stop || stage->steps[0].reserve != MSEC_UNSET)
			continue;
		struct plan_step *step = (struct plan_step *)(uintptr_t)stage->steps;
		step->reserve = 0;
		msec_t room = shutdown->effective - budget_reserved(shutdown, REASON_STOP);
		msec_t most =
		    step->timeout != MSEC_UNSET && step->timeout < CHAIN_STOP_RESERVE ? step->timeout : CHAIN_STOP_RESERVE;
		step->reserve = room < most ? (room > 0 ? room : 0) : most;
	}
}

/* The deadline in effect, and whether all that was promised fits into it. */
static void settle_deadline(struct reader *reader, const config_t *tree, struct plan_shutdown *shutdown)
{
	char a[DURATION_TEXT], b[DURATION_TEXT], what[256];

	if (shutdown->grace == MSEC_AUTO)
		shutdown->grace = platform_grace(&shutdown->platform);
	else
		shutdown->platform = "platform_grace";
	shutdown->effective = platform_effective(shutdown->deadline, shutdown->grace);
	if (shutdown->effective <= 0) {
		report(reader, tree, "shutdown.platform_grace", "leaves no time: 2 s of it are kept as a margin");
		return;
	}
	reserve_stop(shutdown);
	for (int reason = 0; reason < REASON_RECOVERY; reason++) {
		msec_t reserved = budget_reserved(shutdown, (enum reason)reason);
		if (reserved <= shutdown->effective)
			continue;
		snprintf(what, sizeof what, "the reserves and kill_reserve add up to %s, but the deadline in effect is %s",
			 duration_format(reserved, a), duration_format(shutdown->effective, b));
		report(reader, tree, shutdown->chained ? "shutdown.chain" : "shutdown.kill_reserve", what);
		return;
	}
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

/* Where something is to be started; a probe or --check of somebody else's becomes nobody. */
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
	/* Ctrl-C is no order to end by a deadline for a shell or a REPL */
	if (!shutdown->chained && find(tree, "shutdown.signals") == NULL)
		shutdown->signals = SIGNAL_BIT(15);
	if (shutdown->chained && find(tree, "shutdown.clean_exit_code") == NULL)
		shutdown->clean_exit_code = 0;
	if (!shutdown->chained && probes_may_restart(plan))
		chain_stop_only(reader->arena, &shutdown->chain);
	if (command != NULL)
		settle_users(reader, tree, plan);
	if (reader->errors->count == 0)
		settle_deadline(reader, tree, shutdown);
}

/* The tree is only needed while the plan is made: nothing of the plan points into it. */
static void load_file(struct reader *reader, struct plan *plan, char *const *command)
{
	config_t tree;

	config_init(&tree);
	if (parse(&tree, reader->file, reader->errors)) {
		read_group(reader, &schema_root, config_root_setting(&tree), plan, "");
		settle(reader, &tree, plan, command);
	}
	config_destroy(&tree);
}

struct plan *config_load(const char *file, char *const *command, FILE *err)
{
	struct errors errors = {0};

	if (!arena_open(&arena)) {
		fprintf(err, "tinysup: no memory for the configuration: %s\n", strerror(errno));
		return NULL;
	}
	struct reader reader = {.arena = &arena, .errors = &errors, .file = file};
	struct plan *plan = arena_alloc(&arena, sizeof *plan);
	plan->file = file;
	if (file != NULL) {
		load_file(&reader, plan, command);
	} else {
		read_group(&reader, &schema_root, NULL, plan, "");
		settle(&reader, NULL, plan, command);
	}
	bool good = errors.count == 0;
	errors_print(&errors, err);
	return good ? plan : NULL;
}
