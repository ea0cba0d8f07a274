/*
 * From a configuration file and a command line to the plan. The only part of tinysup that knows libconfig.
 */
#ifndef TINYSUP_CONFIG_CONFIG_H
#define TINYSUP_CONFIG_CONFIG_H

#include <stdio.h>

#include "config/plan.h"

#define CONFIG_DEFAULT_FILE "/etc/tinysup.conf"

/* Checks that other folders provide. Not used by process 1, which never calls libcurl; url.h is nearly as strict. */
struct config_checks {
	const char *(*url)(const char *url); /* returns what is wrong, or NULL. NULL: not checked */
	bool (*certificates)(void);          /* whether there are CA certificates; NULL: not checked */
	bool spares;                         /* missing secrets of signers, alerts and checks are for config_spared() */
	bool warns;                          /* files, users, secrets and programs that are missing are warnings */
};

/*
 * file NULL: defaults alone; "-": standard input. command NULL or empty: the configuration's app.command. Returns the plan,
 * which lives as long as the process, or NULL after writing every error as `FILE:LINE: path.of.setting: what is wrong` to
 * `err`. Nothing ends the process, whatever the configuration is; neither does it wait for anything. Uses malloc and the file
 * system: only before config_seal(); the caller may lay the command line's options over the plan until then.
 */
struct plan *config_load(const char *file, char *const *command, const struct config_checks *judges, FILE *err);

/* How many warnings config_load() has printed. */
size_t config_warnings(void);

/* What is missing of this part, "signers.main.": "signers.main.secret: cannot read ..."; NULL: nothing. */
const char *config_spared(const char *part);

/* The file that the user named: the option, else $TINYSUP_CONFIG, else NULL. */
const char *config_named(const char *option);

/* The file to load: the named one, else CONFIG_DEFAULT_FILE if it exists, else NULL. */
const char *config_find(const char *option);

/* The plan becomes read-only memory. */
void config_seal(void);

/* Frees what reading needed besides the plan. After the start of the app: it takes time. */
void config_release(void);

/* The version of the library that reads the syntax: "1.5.0". */
const char *config_library(void);

#endif
