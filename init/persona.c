#include "init/persona.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/base/log.h"

/* What tini leaves to the kernel: faults, and the terminal's signals to a background process. */
#define TINI_WITHHELD                                                                                                          \
	(SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |            \
	 SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU) | SIGNAL_BIT(SIGSYS))

static const struct persona personas[] = {
    [DIALECT_TINYSUP] =
	{
	    .name = "tinysup",
	    .short_options = "+:cghlr:e:p:svVwX:d:",
	    .long_options = true,
	    .reads_config = true,
	    .usage_code = EX_USAGE,
	    .manner = {.dialect = DIALECT_TINYSUP, .group = SPAWN_FOREGROUND, .publishes = true, .subreaper = true},
	},
    [DIALECT_TINI] =
	{
	    .name = "tini",
	    .short_options = "+:hvwgle:sp:",
	    .usage_code = 1,
	    .manner = {.dialect = DIALECT_TINI,
		       .group = SPAWN_FOREGROUND,
		       .exit_at_once = true,
		       .withheld = TINI_WITHHELD,
		       .shell_fallback = true},
	},
    [DIALECT_DUMB_INIT] =
	{
	    .name = "dumb-init",
	    .short_options = "+:chr:vV",
	    .long_options = true,
	    .usage_code = 1,
	    .manner = {.dialect = DIALECT_DUMB_INIT,
		       .exec_code = 2,
		       .group = SPAWN_SESSION,
		       .root_directory = true,
		       .exit_at_once = true,
		       .term_at_end = true,
		       .suspends = true,
		       .shell_fallback = true},
	},
};

const struct persona *persona_find(const char *argv0)
{
	static const struct {
		const char *name;
		enum dialect dialect;
	} names[] = {{"tini", DIALECT_TINI},
		     {"tini-static", DIALECT_TINI},
		     {"docker-init", DIALECT_TINI},
		     {"dumb-init", DIALECT_DUMB_INIT}};
	const char *slash = strrchr(argv0, '/'), *base = slash != NULL ? slash + 1 : argv0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(base, names[i].name) == 0)
			return &personas[names[i].dialect];
	return &personas[DIALECT_TINYSUP];
}

void persona_exec_failed(enum dialect dialect, const char *program, int error)
{
	switch (dialect) {
	case DIALECT_TINYSUP:
		log_fields(LOG_ERROR, "app_exec_error", NULL,
			   LOG_FIELDS(field_text("program", program), field_text("error", strerror(error))),
			   "cannot execute %s: %s", program, strerror(error));
		break;
	case DIALECT_TINI:
		log_raw(LOG_ERROR, "[FATAL tini (%d)] exec %s failed: %s", (int)getpid(), program, strerror(error));
		break;
	case DIALECT_DUMB_INIT:
		log_raw(LOG_ERROR, "[dumb-init] %s: %s", program, strerror(error));
		break;
	}
}

void persona_reaped(enum dialect dialect, pid_t pid)
{
	if (dialect == DIALECT_TINI)
		log_raw(LOG_WARN, "[WARN  tini (%d)] Reaped zombie process with pid=%d", (int)getpid(), (int)pid);
	else
		log_fields(LOG_WARN, "orphan_reap", NULL, LOG_FIELDS(field_number("pid", pid)),
			   "Reaped zombie process with pid=%d", (int)pid);
}

void persona_no_reaper(enum dialect dialect)
{
	if (dialect != DIALECT_TINI)
		return; /* dumb-init never adopts and says nothing; tinysup adopts */
	log_raw(
	    LOG_WARN,
	    "[WARN  tini (%d)] Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
	    "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.\n"
	    "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child "
	    "subreaper, or run Tini as PID 1.",
	    (int)getpid());
}

void persona_bad_value(enum dialect dialect, char option, const char *value)
{
	if (dialect == DIALECT_TINI)
		fprintf(stderr, "[FATAL tini (%d)] Not a valid option for -%c: %s\n", (int)getpid(), option, value);
	else if (dialect == DIALECT_DUMB_INIT)
		fputs("Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.\n"
		      "This option can be specified multiple times.\n"
		      "Use --help for full usage.\n",
		      stderr);
}
