#include "init/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/duration.h"
#include "config/emit.h"
#include "config/signame.h"
#include "init/persona.h"
#include "init/usage.h"
#include "probes/probe_report.h"

#define REQUEST_TIMEOUT ((msec_t)10000)
#define PROBE_TIMEOUT   ((msec_t)900) /* below the second that Kubernetes gives a probe */

enum {
	OPT_PROBE = 256,
	OPT_STATUS,
	OPT_CHECK,
	OPT_HISTORY,
	OPT_STATE,
	OPT_STEP,
	OPT_REQUEST,
	OPT_SIGN,
	OPT_REHEARSE,
	OPT_EMIT,
	OPT_CONFIG,
	OPT_TIMEOUT,
	OPT_DIRECT,
	OPT_JSON,
	OPT_LOCATION,
	OPT_WATCH
};

static const struct option long_options[] = {
    {"probe", optional_argument, NULL, OPT_PROBE},
    {"status", optional_argument, NULL, OPT_STATUS},
    {"check", optional_argument, NULL, OPT_CHECK},
    {"history", optional_argument, NULL, OPT_HISTORY},
    {"state", required_argument, NULL, OPT_STATE},
    {"step", required_argument, NULL, OPT_STEP},
    {"request", no_argument, NULL, OPT_REQUEST},
    {"sign", required_argument, NULL, OPT_SIGN},
    {"rehearse", optional_argument, NULL, OPT_REHEARSE},
    {"emit", required_argument, NULL, OPT_EMIT},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"direct", no_argument, NULL, OPT_DIRECT},
    {"json", no_argument, NULL, OPT_JSON},
    {"location", no_argument, NULL, OPT_LOCATION},
    {"watch", no_argument, NULL, OPT_WATCH},
    {"single-child", no_argument, NULL, 'c'},
    {"rewrite", required_argument, NULL, 'r'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"license", no_argument, NULL, 'l'},
    {NULL, 0, NULL, 0},
};

/* dumb-init knows only these, and calls its -v --verbose */
static const struct option dumb_init_options[] = {
    {"single-child", no_argument, NULL, 'c'}, {"rewrite", required_argument, NULL, 'r'}, {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, 'V'},       {NULL, 0, NULL, 0},
};

static const struct option no_long_options[] = {{NULL, 0, NULL, 0}};

/* Whether --probe follows: then errors exit with 1, because Docker knows no other code. */
static bool has_probe_option(int argc, char **argv)
{
	static const char *const with_value[] = {"--config", "--timeout", "--check"};

	for (int i = 1; i < argc && *argv[i] == '-' && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--probe") == 0 || strncmp(argv[i], "--probe=", 8) == 0)
			return true;
		for (size_t n = 0; n < sizeof with_value / sizeof *with_value; n++) {
			if (strcmp(argv[i], with_value[n]) != 0)
				continue;
			i += i + 1 < argc && *argv[i + 1] != '-';
			break;
		}
	}
	return false;
}

static bool read_small(const char *text, long low, long high, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text != '\0' && *end == '\0' && *out >= low && *out <= high;
}

/* -e CODE */
static bool add_code(struct options *out, const char *text)
{
	long code;

	if (!read_small(text, 0, 255, &code))
		return false;
	out->zero_codes[code / 64] |= UINT64_C(1) << code % 64;
	return true;
}

/* -r S:R, by number or name; R 0 drops S */
static bool add_rewrite(struct options *out, const char *text)
{
	char from[16], to[16];

	if (sscanf(text, "%15[^:]:%15s", from, to) != 2)
		return false;
	int source = signal_number(from), replacement = signal_number(to);
	if (source == 0 || (replacement == 0 && strcmp(to, "0") != 0))
		return false;
	out->rewrite[source] = (uint8_t)replacement;
	return true;
}

static bool set_mode(struct options *out, enum mode mode)
{
	if (out->mode != MODE_SUPERVISE && out->mode != mode)
		return false;
	out->mode = mode;
	return true;
}

/* With --probe, `--check NAME` selects a check; alone it prints the plan. */
static bool apply_check(struct options *out, int argc, char **argv)
{
	if (out->mode != MODE_PROBE)
		return optarg == NULL && set_mode(out, MODE_CHECK);
	out->probe.check = optarg != NULL ? optarg : optind < argc ? argv[optind++] : NULL;
	return out->probe.check != NULL;
}

static bool apply_option(struct options *out, int option, int argc, char **argv)
{
	switch (option) {
	case OPT_PROBE:
		out->probe.target = optarg;
		/* `--probe ready` in two words, wherever other options stand */
		if (optarg == NULL && optind < argc && *argv[optind] != '-')
			out->probe.target = argv[optind++];
		return set_mode(out, MODE_PROBE);
	case OPT_STATUS:
		out->argument = optarg;
		return set_mode(out, MODE_STATUS);
	case OPT_CHECK:
		return apply_check(out, argc, argv);
	case OPT_HISTORY:
		out->argument = optarg;
		return set_mode(out, MODE_HISTORY);
	case OPT_STATE:
		out->state_dir = optarg;
		return *optarg != '\0';
	case OPT_STEP:
		out->argument = optarg;
		return set_mode(out, MODE_STEP);
	case OPT_REQUEST:
		/* `--request URL`, wherever other options stand */
		if (optind < argc && *argv[optind] != '-')
			out->argument = argv[optind++];
		if (out->probe.timeout == PROBE_TIMEOUT)
			out->probe.timeout = REQUEST_TIMEOUT;
		return set_mode(out, MODE_REQUEST);
	case OPT_SIGN:
		out->sign = optarg;
		return out->mode == MODE_REQUEST;
	case 'X':
		out->method = optarg;
		return out->mode == MODE_REQUEST && *optarg != '\0';
	case 'd':
		out->body = optarg;
		return out->mode == MODE_REQUEST;
	case OPT_REHEARSE:
		out->argument = optarg;
		return set_mode(out, MODE_REHEARSE);
	case OPT_EMIT:
		out->argument = optarg;
		return set_mode(out, MODE_EMIT);
	case OPT_CONFIG:
		out->config = optarg;
		return true;
	case OPT_TIMEOUT:
		return duration_parse(optarg, &out->probe.timeout) && out->probe.timeout > 0;
	case OPT_DIRECT:
		out->probe.direct = true;
		return true;
	case OPT_JSON:
		out->probe.json = true;
		return true;
	case OPT_WATCH:
		out->watch = true;
		return true;
	case OPT_LOCATION:
		out->probe.location = true;
		return true;
	case 'c':
		out->single_child = true;
		return true;
	case 'g':
		out->group = true;
		return true;
	case 'h':
		return set_mode(out, MODE_HELP);
	case 'l':
		return set_mode(out, MODE_LICENSE);
	case 'V':
		return set_mode(out, MODE_VERSION);
	case 'r':
		return add_rewrite(out, optarg);
	case 'e':
		return add_code(out, optarg);
	case 'p':
		out->parent_death_signal = signal_number(optarg);
		return out->parent_death_signal != 0;
	case 's':
		out->subreaper = true;
		return true;
	case 'v':
		out->verbose++;
		return true;
	case 'w':
		out->warn_on_reap = true;
		return true;
	default:
		return false;
	}
}

/* tini's variables count if they are set, whatever their value. */
static void read_environment(struct options *out)
{
	const char *verbosity = getenv("TINI_VERBOSITY");
	long level;

	if (out->who->manner.dialect == DIALECT_DUMB_INIT) {
		const char *debug = getenv("DUMB_INIT_DEBUG"), *setsid = getenv("DUMB_INIT_SETSID");
		out->verbose += debug != NULL && strcmp(debug, "1") == 0;
		out->single_child |= setsid != NULL && strcmp(setsid, "0") == 0;
		return;
	}
	out->subreaper |= getenv("TINI_SUBREAPER") != NULL;
	out->group |= getenv("TINI_KILL_PROCESS_GROUP") != NULL;
	if (verbosity != NULL && read_small(verbosity, 0, 3, &level))
		out->verbose += (int)level - 1; /* tini's 1 shows warnings: the usual */
}

/* What apply_option() expected. */
static const char *expected_value(int option)
{
	switch (option) {
	case OPT_TIMEOUT:
		return "expected a duration such as 500ms, 2s or 1m30s";
	case 'r':
		return "expected S:R, two signals by name or number (R 0 drops S)";
	case 'e':
		return "exit code must be between 0 and 255";
	case 'p':
		return "expected a signal such as SIGTERM";
	case OPT_SIGN:
	case 'X':
	case 'd':
		return "only after --request";
	case OPT_CHECK:
		return "--check NAME must follow --probe; --check alone takes no name and no other mode";
	case OPT_STATE:
		return "expected a directory";
	default:
		return "choose one of --probe, --status, --check, --history, --emit, --help, --version and --license";
	}
}

static int command_line_error(const struct options *out, int argc, char **argv, const char *what, const char *which)
{
	/* a health check's output is one line */
	if (out->mode == MODE_PROBE || has_probe_option(argc, argv)) {
		report_problem(out->probe.json, "%s: %s", which != NULL ? which : argv[0], what);
		return EXIT_FAILURE;
	}
	usage_error(out->who, argv[0], what, which);
	return out->who->usage_code;
}

int options_parse(int argc, char **argv, struct options *out)
{
	const struct persona *who = persona_find(argc > 0 ? argv[0] : "");
	const struct option *longs = who->manner.dialect == DIALECT_TINYSUP ? long_options
				     : who->long_options                    ? dumb_init_options
									    : no_long_options;
	char letter[3] = "-?", quoted[4] = "'?'";
	int option;

	*out = (struct options){.who = who, .argv0 = argc > 0 ? argv[0] : "tinysup", .probe.timeout = PROBE_TIMEOUT};
	for (int n = 0; n <= SIGNAL_MAX; n++)
		out->rewrite[n] = (uint8_t)n;
	read_environment(out);
	/* tini's only long option, and only on its own */
	if (!who->long_options && argc == 2 && strcmp(argv[1], "--version") == 0) {
		out->mode = MODE_VERSION;
		return -1;
	}
	opterr = 0;
	for (;;) {
		int at = optind;
		option = getopt_long(argc, argv, who->short_options, longs, NULL);
		if (option == -1)
			break;
		letter[1] = quoted[1] = (char)optopt;
		const char *which = at < argc && strncmp(argv[at], "--", 2) == 0 ? argv[at] : letter;
		if (who->manner.dialect != DIALECT_TINYSUP && (option == '?' || option == ':'))
			return command_line_error(
			    out, argc, argv, option == '?' ? "invalid option --" : "option requires an argument --", quoted);
		if (option == '?')
			return command_line_error(out, argc, argv, "unknown option", which);
		if (option == ':')
			return command_line_error(
			    out, argc, argv,
			    optopt == OPT_EMIT ? "which platform? Use " EMIT_PLATFORMS : "option requires an argument", which);
		if (!apply_option(out, option, argc, argv)) {
			if (who->manner.dialect == DIALECT_TINYSUP)
				return command_line_error(out, argc, argv, expected_value(option),
							  argv[at < argc ? at : argc - 1]);
			persona_bad_value(who->manner.dialect, (char)option, optarg != NULL ? optarg : "");
			return who->usage_code;
		}
	}
	out->command = argv + optind;
	if (out->state_dir != NULL && out->mode == MODE_SUPERVISE)
		return command_line_error(
		    out, argc, argv, "goes with --history; the journal of a run is state_dir in the configuration", "--state");
	if (out->watch && out->mode != MODE_STATUS)
		return command_line_error(out, argc, argv, "goes with --status", "--watch");
	if (out->mode == MODE_PROBE && out->probe.target == NULL && optind < argc)
		out->probe.target = argv[optind++];
	if (out->mode == MODE_REQUEST && out->argument == NULL && optind < argc)
		out->argument = argv[optind++];
	if (out->mode != MODE_SUPERVISE && optind < argc && out->mode != MODE_HELP && out->mode != MODE_VERSION &&
	    out->mode != MODE_LICENSE)
		return command_line_error(out, argc, argv, "unexpected argument", argv[optind]);
	return -1;
}
