/* --step: steps of the shutdown's chain now, by a process of their own beside the running tinysup. */
#ifndef TINYSUP_INIT_STEP_H
#define TINYSUP_INIT_STEP_H

#include "init/base/signals.h"
#include "init/options.h"

/* Returns the exit code: 0 if all succeeded. */
int step_main(const struct options *options, const struct signals_inherited *signals);

/* The same for the steps that are `rehearsable`. */
int step_live(const struct options *options, const struct signals_inherited *signals);

#endif
