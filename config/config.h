/*
 * From a configuration file and a command line to the plan. The only part of tinysup that knows libconfig.
 */
#ifndef TINYSUP_CONFIG_CONFIG_H
#define TINYSUP_CONFIG_CONFIG_H

#include <stdio.h>

#include "config/plan.h"

#define CONFIG_DEFAULT_FILE "/etc/tinysup.conf"

/*
 * file NULL: defaults alone. command NULL or empty: the configuration's app.command. Returns the plan, which lives as long as
 * the process, or NULL after writing every error as `FILE:LINE: path.of.setting: what is wrong` to `err`. Uses malloc and the
 * file system: only before config_seal(); the caller may lay the command line's options over the plan until then.
 */
struct plan *config_load(const char *file, char *const *command, FILE *err);

/* The file to load: the option, else $TINYSUP_CONFIG, else CONFIG_DEFAULT_FILE if it exists, else NULL. */
const char *config_find(const char *option);

/* The plan becomes read-only memory. */
void config_seal(void);

#endif
