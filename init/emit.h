/* --emit: what a platform has to be told so that it fits the configuration. */
#ifndef TINYSUP_INIT_EMIT_H
#define TINYSUP_INIT_EMIT_H

#include "init/options.h"

/* Returns the exit code. */
int emit_main(const struct options *options);

#endif
