/*
 * One program, three names: what differs between tinysup, tini and dumb-init is this table, and nothing else asks for the name.
 */
#ifndef TINYSUP_INIT_PERSONALITY_H
#define TINYSUP_INIT_PERSONALITY_H

#include "init/supervisor.h"

struct personality {
	const char *name;
	const char *short_options; /* getopt's; "+": they end at the first word that is none */
	bool long_options;
	bool reads_config;
	int usage_code; /* exit code of a wrong command line */
	struct manner manner;
};

/* By the name the program was started under. */
const struct personality *personality_find(const char *argv0);

#endif
