/* What --help, --version, --license and a wrong command line print. */
#ifndef TINYSUP_INIT_USAGE_H
#define TINYSUP_INIT_USAGE_H

#include "init/persona.h"

void usage_help(const struct persona *who);
void usage_version(const struct persona *who);
void usage_license(void);
/* One line on what is wrong with `which` (NULL: with nothing in particular), and the usage, on stderr. */
void usage_error(const struct persona *who, const char *argv0, const char *what, const char *which);

#endif
