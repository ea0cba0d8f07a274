/* Output of --help, --version and --license, and command line errors. */
#ifndef TINYSUP_INIT_USAGE_H
#define TINYSUP_INIT_USAGE_H

#include "init/persona.h"

void usage_help(const struct persona *who);
void usage_version(const struct persona *who);
void usage_license(void);
/*
 * Reports a command line error on stderr: one line, or what tini and dumb-init print under their names. which: the argument at
 * fault; NULL: none.
 */
void usage_error(const struct persona *who, const char *argv0, const char *what, const char *which);

#endif
