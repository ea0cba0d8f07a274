#include "init/usage.h"

#include <stdio.h>

#include "probes/version.h"
#include "init/readers/libraries.h"

#ifndef TINYSUP_COMMIT
#define TINYSUP_COMMIT "unknown"
#endif

/* The LICENSE file itself. */
extern const char license_text[];
extern const int license_size;
__asm__(".pushsection .rodata\n"
	".global license_text, license_size\n"
	".hidden license_text, license_size\n"
	"license_text: .incbin \"LICENSE\"\n"
	".Llicense_end:\n"
	".balign 4\n"
	"license_size: .int .Llicense_end - license_text\n"
	".popsection\n");

static void print_usage(FILE *to)
{
	fputs("usage: tinysup [OPTIONS] [--] COMMAND [ARG...]    run COMMAND under supervision\n"
	      "       tinysup --probe[=live|ready|startup|NAME]  exit 0 if healthy, else 1\n"
	      "       tinysup --probe URL                        make one HTTP(S) request; needs no configuration\n"
	      "       tinysup --status[=json]                    print the state of the running tinysup\n"
	      "       tinysup --check                            validate the configuration and print the shutdown plan\n"
	      "       tinysup --emit=PLATFORM                    print probes and grace period: docker, compose, swarm, "
	      "kubernetes, "
	      "aca, nomad\n"
	      "       tinysup --history[=N]                      print what happened, the runs before included: N events, or "
	      "the last 3 runs\n"
	      "       tinysup --step NAME[,NAME...]              run steps of the shutdown's chain now\n"
	      "       tinysup --rehearse[=REASON|live]           walk the chain without running it; live: run what is "
	      "rehearsable\n"
	      "       tinysup --request [--sign NAME] [-X METHOD] [-d BODY] URL  make one request, print the response's body\n"
	      "       tinysup --help | --version | --license\n"
	      "\n"
	      "options:\n"
	      "  --config FILE       configuration file (default: $TINYSUP_CONFIG, then /etc/tinysup.conf if it exists)\n"
	      "  -g                  forward signals to the app's process group\n"
	      "  -c, --single-child  forward signals to the app only (default)\n"
	      "  -r, --rewrite S:R   forward signal R instead of S; R 0 drops S (repeatable)\n"
	      "  -e CODE             treat exit code CODE as 0 (repeatable)\n"
	      "  -p SIGNAL           send SIGNAL to tinysup when its parent dies\n"
	      "  -s                  adopt orphans if not PID 1 (default)\n"
	      "  -w                  warn when an orphan is reaped\n"
	      "  -v, --verbose       log more (repeatable)\n"
	      "with --probe:\n"
	      "  --timeout DURATION  time limit for the whole probe (default: 900ms)\n"
	      "  --check NAME        run this check only\n"
	      "  --direct            run the checks directly instead of asking the supervisor\n"
	      "  --json              print the result as JSON\n"
	      "  --location          URL: follow redirects\n"
	      "with --status:\n"
	      "  --watch             print it again every second, until tinysup has ended\n"
	      "with --history:\n"
	      "  --state DIR         directory of the journal (default: state_dir of the configuration)\n"
	      "  --json              print one JSON object a line\n",
	      to);
}

static void print_tini_usage(FILE *to)
{
	fputs("tini (tinysup " TINYSUP_VERSION ", started under tini's name)\n"
	      "Usage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"
	      "\n"
	      "  --version     print the version and exit\n"
	      "  -h            print this help and exit\n"
	      "  -s            register as a child subreaper\n"
	      "  -p SIGNAL     signal that tini gets when its parent dies\n"
	      "  -v            log more; up to three times\n"
	      "  -w            warn when a process is reaped\n"
	      "  -g            send signals to the child's process group\n"
	      "  -e EXIT_CODE  exit code EXIT_CODE (0 to 255) becomes 0\n"
	      "  -l            print the licence and exit\n"
	      "\n"
	      "environment: TINI_SUBREAPER (-s), TINI_VERBOSITY (default 1), TINI_KILL_PROCESS_GROUP (-g)\n",
	      to);
}

static void print_dumb_init_usage(FILE *to)
{
	fputs("dumb-init (tinysup " TINYSUP_VERSION ", started under dumb-init's name)\n"
	      "Usage: dumb-init [option] command [[arg] ...]\n"
	      "\n"
	      "  -c, --single-child  signals go to the child alone, which gets no session of its own\n"
	      "  -r, --rewrite s:r   send signal r for signal s; r 0 drops it (repeatable)\n"
	      "  -v, --verbose       log more\n"
	      "  -h, --help          print this help and exit\n"
	      "  -V, --version       print the version and exit\n",
	      to);
}

void usage_help(const struct persona *who)
{
	switch (who->manner.dialect) {
	case DIALECT_TINYSUP:
		print_usage(stdout);
		break;
	case DIALECT_TINI:
		print_tini_usage(stdout);
		break;
	case DIALECT_DUMB_INIT:
		print_dumb_init_usage(stderr); /* as dumb-init does */
		break;
	}
}

void usage_version(const struct persona *who)
{
	switch (who->manner.dialect) {
	case DIALECT_TINYSUP:
		printf("tinysup version %s\ncommit %s\n", TINYSUP_VERSION, TINYSUP_COMMIT);
		libraries_print(stdout);
		break;
	case DIALECT_TINI:
		/* dockerd parses `tini version`; it is the version of tini that is emulated */
		puts("tini version 0.19.0 - tinysup " TINYSUP_VERSION);
		break;
	case DIALECT_DUMB_INIT:
		fputs("dumb-init v1.2.5 (tinysup " TINYSUP_VERSION ")\n", stderr);
		break;
	}
}

void usage_license(void)
{
	fwrite(license_text, 1, (size_t)license_size, stdout);
}

void usage_error(const struct persona *who, const char *argv0, const char *what, const char *which)
{
	switch (who->manner.dialect) {
	case DIALECT_TINYSUP:
		fprintf(stderr, "tinysup: %s%s%s; see --help\n", which != NULL ? which : "", which != NULL ? ": " : "", what);
		return;
	case DIALECT_TINI:
		if (which != NULL)
			fprintf(stderr, "%s: %s %s\n", argv0, what, which); /* as getopt() prints it */
		print_tini_usage(stderr);
		return;
	case DIALECT_DUMB_INIT:
		if (which != NULL)
			fprintf(stderr, "%s: %s %s\n", argv0, what, which);
		else
			fprintf(stderr, "Usage: %s [option] program [args]\nTry %s --help for full usage.\n", argv0, argv0);
		return;
	}
}
