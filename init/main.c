/* main(): selects the mode. Process 1 is in supervisor.c, the shutdown in machine/sequencer.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/config.h"
#include "config/duration.h"
#include "config/plan_print.h"
#include "config/platform.h"
#include "init/base/log.h"
#include "init/emit.h"
#include "init/options.h"
#include "init/readers/history.h"
#include "init/readers/status.h"
#include "init/rehearse.h"
#include "init/request.h"
#include "init/step.h"
#include "init/supervisor.h"
#include "init/usage.h"
#include "probes/http.h"
#include "probes/probe.h"
#include "probes/probe_guard.h"
#include "probes/probe_report.h"
#include "probes/tls.h"

/* If 0, 1 or 2 are closed, opens placeholders, so that our own descriptors do not land there. They are close-on-exec. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/", O_PATH | O_CLOEXEC) != fd)
			return;
}

/* Command line options take precedence over the configuration. */
static void apply_options(const struct options *options, struct plan *plan, struct manner *manner)
{
	/* tini's default level is warn */
	int level = (int)(manner->dialect == DIALECT_TINI ? LOG_WARN : plan->log_level) + options->verbose;

	if (options->group || (manner->group == SPAWN_SESSION && !options->single_child))
		plan->app.signals = TARGET_GROUP;
	if (options->single_child)
		plan->app.signals = TARGET_CHILD;
	if (manner->group == SPAWN_SESSION && options->single_child)
		manner->group = SPAWN_SAME;
	/* the group of a new session is orphaned: the kernel ignores stop signals of the terminal there, except SIGSTOP */
	if (manner->group == SPAWN_SESSION)
		plan->app.rewrite[SIGTSTP] = plan->app.rewrite[SIGTTIN] = plan->app.rewrite[SIGTTOU] = SIGSTOP;
	for (size_t i = 0; i < 4; i++)
		plan->app.zero_codes[i] = options->zero_codes[i];
	for (int n = 0; n < 65; n++)
		if (options->rewrite[n] != n)
			plan->app.rewrite[n] = options->rewrite[n];
	plan->log_level = level < LOG_ERROR ? LOG_ERROR : level > LOG_TRACE ? LOG_TRACE : (enum log_level)level;
}

static void warn_of_no_time(const struct plan_shutdown *shutdown)
{
	char grace[DURATION_TEXT];

	duration_format(shutdown->grace, grace);
	log_fields(LOG_WARN, "grace_none", NULL, LOG_FIELDS(field_number("platform_grace_ms", shutdown->grace)),
		   PLATFORM_NO_TIME, shutdown->platform, grace, shutdown->raise,
		   (long long)(platform_needed(shutdown->deadline) / 1000));
}

/* Docker's default of 10 s cuts off most chains: warns until platform_grace is set. */
static void warn_of_grace(const struct plan *plan)
{
	char deadline[DURATION_TEXT], needed[DURATION_TEXT];

	if (plan->file != NULL && platform_effective(plan->shutdown.deadline, plan->shutdown.grace) <= 0)
		warn_of_no_time(&plan->shutdown);
	if (plan->file == NULL || plan->shutdown.grace != MSEC_UNSET ||
	    platform_effective(plan->shutdown.deadline, PLATFORM_DOCKER_GRACE) == plan->shutdown.deadline)
		return;
	duration_format(plan->shutdown.effective, deadline);
	duration_format(platform_needed(plan->shutdown.deadline), needed);
	log_fields(
	    LOG_WARN, "grace_unknown", NULL, LOG_FIELDS(field_number("deadline_ms", plan->shutdown.effective)),
	    "a shutdown may take %s, but Docker kills after 10 s by default: set stop_grace_period (Compose), --stop-timeout "
	    "(docker run) or terminationGracePeriodSeconds (Kubernetes) to at least %s, and shutdown.platform_grace to the "
	    "same "
	    "value; --emit prints the whole stanza",
	    deadline, needed);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), most = strlen(end);

	return length >= most && strcmp(text + length - most, end) == 0;
}

/* -c is --single-child, but users may expect it to name the configuration. */
static void hint_at_config(const struct options *options)
{
	const char *program = options->command[0];
	struct stat status;

	if (program == NULL || options->who->manner.dialect != DIALECT_TINYSUP || stat(program, &status) != 0 ||
	    !S_ISREG(status.st_mode))
		return;
	if (ends_in(program, ".conf") || (options->single_child && access(program, X_OK) != 0))
		fprintf(stderr,
			"tinysup: %s: running it as the command; to use it as the configuration, give --config FILE (-c is "
			"short for "
			"--single-child)\n",
			program);
}

static int run_supervisor(const struct options *options, const struct signals_inherited *signals)
{
	const char *file = options->who->reads_config ? config_find(options->config) : NULL;

	hint_at_config(options);
	struct plan *plan = config_load(file, options->command, NULL, stderr);

	if (plan == NULL)
		return EX_CONFIG;
	if (plan->app.command.argv == NULL) {
		usage_error(options->who, options->argv0, "no command given", NULL);
		return options->who->usage_code;
	}
	struct manner manner = options->who->manner;
	apply_options(options, plan, &manner);
	log_setup(plan->log_level, plan->log_format, plan->app.name);
	warn_of_grace(plan);
	manner.subreaper |= options->subreaper;
	manner.warn_on_reap |= options->warn_on_reap;
	if (options->parent_death_signal != 0)
		prctl(PR_SET_PDEATHSIG, options->parent_death_signal);
	/* no destructor of a library runs in process 1 */
	_exit(supervise(plan, &manner, signals));
}

static int probe_by_config(const struct probe_options *options, const char *file)
{
	static const struct config_checks judges = {.url = http_url_wrong};
	const struct plan *plan = config_load(file, NULL, &judges, stderr);
	if (plan != NULL)
		return probe_checks(plan, options);
	report_problem(options->json, "invalid configuration %s: run tinysup --check", file != NULL ? file : "");
	return EXIT_FAILURE;
}

/* The timeout covers finding the supervisor and reading the configuration, too. */
static int run_probe(const struct options *options)
{
	const char *named = config_named(options->config);
	const struct probe_options *probe = &options->probe;

	probe_guard(probe->timeout, probe->json);
	int code = probe->direct ? -1 : probe_supervisor(probe, named, config_find(NULL));
	if (code >= 0)
		return code;
	if (probe->check == NULL && probe->target != NULL && probe_is_url(probe->target))
		return probe_url(probe);
	return probe_by_config(probe, probe_config(named));
}

static int run_check(const struct options *options)
{
	static const struct config_checks judges = {.url = http_url_wrong, .certificates = tls_authorities, .warns = true};
	const struct plan *plan = config_load(config_find(options->config), NULL, &judges, stderr);

	if (plan == NULL)
		return EX_CONFIG;
	plan_print(plan, stdout);
	if (plan->state_dir != NULL)
		history_learned_grace(plan->state_dir, plan->instance, plan->shutdown.effective, stdout, stderr);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EX_IOERR;
}

/* The journal's directory, as the configuration says. False: that is invalid. */
static bool find_state_dir(const char *option, const char **directory)
{
	static const struct config_checks judges = {.warns = true};
	const char *file = probe_config(option);
	char *text = NULL;
	size_t length;
	FILE *said = open_memstream(&text, &length); /* warnings have no place here */

	const struct plan *plan = said != NULL ? config_load(file, NULL, &judges, said) : NULL;
	if (said != NULL)
		fclose(said);
	if (plan == NULL)
		fprintf(stderr, "%stinysup: invalid configuration %s: correct it, or give --state DIR\n",
			text != NULL ? text : "", file != NULL ? file : "");
	else
		*directory = plan->state_dir;
	free(text);
	return plan != NULL;
}

static int run_history(const struct options *options)
{
	const char *directory = options->state_dir;
	char *end = NULL;
	long last = options->argument != NULL ? strtol(options->argument, &end, 10) : 0;

	if (options->argument != NULL && (*options->argument == '\0' || *end != '\0' || last < 1)) {
		usage_error(options->who, options->argv0, "expected a number of events, such as --history=20",
			    options->argument);
		return options->who->usage_code;
	}
	if (directory == NULL && !find_state_dir(options->config, &directory))
		return EX_CONFIG;
	return history_main(directory, options->config, (size_t)last, options->probe.json);
}

static int run_status(const struct options *options)
{
	if (options->argument != NULL && strcmp(options->argument, "json") != 0) {
		usage_error(options->who, options->argv0, "unknown format; use --status or --status=json", options->argument);
		return options->who->usage_code;
	}
	if (options->watch && (options->probe.json || options->argument != NULL)) {
		usage_error(options->who, options->argv0, "--watch is for people: without json", options->argument);
		return options->who->usage_code;
	}
	if (options->watch)
		return status_watch(options->config);
	return status_main(options->probe.json ? "json" : options->argument, options->config);
}

int main(int argc, char **argv)
{
	struct signals_inherited signals;
	struct options options;

	signals_block(&signals);
	hold_standard_descriptors();
	int code = options_parse(argc, argv, &options);
	if (code >= 0)
		return code;
	if (options.mode == MODE_SUPERVISE)
		return run_supervisor(&options, &signals);
	if (options.mode == MODE_STEP)
		_exit(step_main(&options, &signals));
	if (options.mode == MODE_REQUEST)
		_exit(request_main(&options));
	if (options.mode == MODE_REHEARSE)
		exit(rehearse_main(&options, &signals));
	if (options.mode == MODE_PROBE) {
		_exit(run_probe(&options)); /* OpenSSL would free a hundred tables one by one */
	}
	signals_restore(&signals);
	switch (options.mode) {
	case MODE_CHECK:
		return run_check(&options);
	case MODE_HISTORY:
		return run_history(&options);
	case MODE_EMIT:
		return emit_main(&options);
	case MODE_STATUS:
		return run_status(&options);
	case MODE_HELP:
		usage_help(options.who);
		return EXIT_SUCCESS;
	case MODE_VERSION:
		usage_version(options.who);
		return EXIT_SUCCESS;
	case MODE_LICENSE:
		usage_license();
		return EXIT_SUCCESS;
	case MODE_REHEARSE:
	case MODE_PROBE:
	case MODE_STEP:
	case MODE_REQUEST:
	case MODE_SUPERVISE:
		break;
	}
	return EX_SOFTWARE; /* they have ended above */
}
