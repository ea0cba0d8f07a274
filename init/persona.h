/* What differs between the names tinysup, tini and dumb-init. */
#ifndef TINYSUP_INIT_PERSONA_H
#define TINYSUP_INIT_PERSONA_H

#include <sys/types.h>

#include "init/base/manner.h"

struct persona {
	const char *name;
	const char *short_options; /* for getopt; "+": parsing stops at the first argument that is not an option */
	bool long_options;
	bool reads_config;
	int usage_code; /* exit code of a wrong command line */
	struct manner manner;
};

/* By the name in argv[0]. */
const struct persona *persona_find(const char *argv0);

/* --- the few messages that scripts read, in the words of the program that tinysup was started as ----------------------- */

void persona_exec_failed(enum dialect dialect, const char *program, int error);
void persona_reaped(enum dialect dialect, pid_t pid);
/* Warns that tinysup does not adopt orphans. */
void persona_no_reaper(enum dialect dialect);
/* Reports an invalid option value, before there is a log. */
void persona_bad_value(enum dialect dialect, char option, const char *value);

#endif
