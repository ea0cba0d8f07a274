/* Parses the command line: tinysup(8). */
#ifndef TINYSUP_INIT_OPTIONS_H
#define TINYSUP_INIT_OPTIONS_H

#include "config/plan.h"
#include "init/persona.h"
#include "probes/probe.h"

enum mode {
	MODE_SUPERVISE,
	MODE_PROBE,
	MODE_STATUS,
	MODE_CHECK,
	MODE_HISTORY,
	MODE_STEP,
	MODE_REQUEST,
	MODE_REHEARSE,
	MODE_EMIT,
	MODE_HELP,
	MODE_VERSION,
	MODE_LICENSE
};

struct options {
	enum mode mode;
	const struct persona *who;
	const char *argv0;
	const char *config;               /* --config; NULL: not given */
	char *const *command;             /* after the options; command[0] is NULL if there is none */
	struct probe_options probe;       /* MODE_PROBE */
	const char *argument;             /* of --rehearse=, --emit=, --status=, --history= */
	const char *sign, *method, *body; /* MODE_REQUEST; NULL: not given */
	bool watch;                       /* MODE_STATUS */
	const char *state_dir;            /* --state: MODE_HISTORY; NULL: the configuration's */
	int verbose;                      /* how many -v, TINI_VERBOSITY counted in */
	bool group;                       /* -g */
	bool subreaper;                   /* -s */
	bool warn_on_reap;                /* -w */
	bool single_child;                /* -c */
	int parent_death_signal;          /* -p; 0: none */
	uint64_t zero_codes[4];           /* -e */
	uint8_t rewrite[65];              /* -r; itself where not given */
};

/* -1: continue. Else the exit code, after printing usage or an error. */
int options_parse(int argc, char **argv, struct options *out);

#endif
