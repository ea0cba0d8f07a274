/*
 * One program, three names: what differs between tinysup, tini and dumb-init is this table, and nothing else asks for the name.
 */
#ifndef TINYSUP_INIT_PERSONA_H
#define TINYSUP_INIT_PERSONA_H

#include <sys/types.h>

#include "init/base/manner.h"

struct persona {
	const char *name;
	const char *short_options; /* getopt's; "+": they end at the first word that is none */
	bool long_options;
	bool reads_config;
	int usage_code; /* exit code of a wrong command line */
	struct manner manner;
};

/* By the name the program was started under. */
const struct persona *persona_find(const char *argv0);

/* --- the few messages that scripts read, in the words of the program that tinysup was started as ----------------------- */

void persona_exec_failed(enum dialect dialect, const char *program, int error);
void persona_reaped(enum dialect dialect, pid_t pid);
/* Orphans will go to somebody else. */
void persona_no_reaper(enum dialect dialect);
/* While the command line is read, before there is a log. */
void persona_bad_value(enum dialect dialect, char option, const char *value);

#endif
