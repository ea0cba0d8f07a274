#include "init/usage.h"

#include <stdio.h>

#include "probes/version.h"
#include "init/readers/libraries.h"

#ifndef TINYSUP_COMMIT
#define TINYSUP_COMMIT "unknown"
#endif

/* The LICENSE file itself, so that the two cannot differ. */
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
	fputs("usage: tinysup [OPTIONS] [--] COMMAND [ARG...]    run COMMAND, and stop it in order\n"
	      "       tinysup --probe[=live|ready|startup|NAME]  healthy? exit code 0 yes, 1 no\n"
	      "       tinysup --probe URL                        one HTTP(S) request, no configuration needed\n"
	      "       tinysup --status[=json]                    what the running tinysup knows\n"
	      "       tinysup --check                            read the configuration, print the plan and its time budget\n"
	      "       tinysup --help | --version | --license\n"
	      "\n"
	      "options:\n"
	      "  --config FILE       configuration; else $TINYSUP_CONFIG, else /etc/tinysup.conf where it exists\n"
	      "  -g                  signals go to the app's process group\n"
	      "  -c, --single-child  signals go to the app alone\n"
	      "  -r, --rewrite S:R   send signal R for signal S; R 0 drops it (repeatable)\n"
	      "  -e CODE             exit code CODE counts as 0 (repeatable)\n"
	      "  -p SIGNAL           signal that tinysup gets when its parent dies\n"
	      "  -s                  adopt orphans where tinysup is not process 1 (it does anyway)\n"
	      "  -w                  warn when an orphan is reaped\n"
	      "  -v, --verbose       log more (repeatable)\n"
	      "with --probe:\n"
	      "  --timeout DURATION  for it all (default 900ms)\n"
	      "  --check NAME        this check alone\n"
	      "  --direct            ask the app itself, not the supervisor\n"
	      "  --json              print the result as JSON\n"
	      "  --location          URL: follow redirects\n",
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
		/* dockerd reads `tini version` from its init; the version is the tini whose ways are meant */
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
	bool own = who->manner.dialect == DIALECT_TINYSUP;

	if (own)
		fprintf(stderr, "tinysup: %s%s%s\n", which != NULL ? which : "", which != NULL ? ": " : "", what);
	else if (which != NULL)
		fprintf(stderr, "%s: %s %s\n", argv0, what, which); /* as getopt() of those programs puts it */
	if (own)
		print_usage(stderr);
	else if (who->manner.dialect == DIALECT_TINI)
		print_tini_usage(stderr);
	else if (which == NULL)
		fprintf(stderr, "Usage: %s [option] program [args]\nTry %s --help for full usage.\n", argv0, argv0);
}
