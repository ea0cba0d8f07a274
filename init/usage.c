#include "init/usage.h"

#include <curl/curl.h>
#include <jansson.h>
#include <libconfig.h>
#include <stdio.h>

#include "probes/version.h"

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
	      "  --json              print the result as JSON\n",
	      to);
}

void usage_help(const struct personality *who, const char *argv0)
{
	(void)who;
	(void)argv0;
	print_usage(stdout);
}

void usage_version(const struct personality *who)
{
	(void)who;
	printf("tinysup version %s\ncommit %s\n%s\njansson %s\nlibconfig %d.%d.%d\n", TINYSUP_VERSION, TINYSUP_COMMIT,
	       curl_version(), JANSSON_VERSION, LIBCONFIG_VER_MAJOR, LIBCONFIG_VER_MINOR, LIBCONFIG_VER_REVISION);
}

void usage_license(void)
{
	fwrite(license_text, 1, (size_t)license_size, stdout);
}

void usage_error(const struct personality *who, const char *argv0, const char *what, const char *which)
{
	(void)argv0;
	fprintf(stderr, "%s: %s: %s\n", who->name, which, what);
	print_usage(stderr);
}
