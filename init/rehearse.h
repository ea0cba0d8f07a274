/* --rehearse: the chain, walked without running it; =live runs the steps that are marked for it. */
#ifndef TINYSUP_INIT_REHEARSE_H
#define TINYSUP_INIT_REHEARSE_H

#include "init/base/signals.h"
#include "init/options.h"

/* Returns the exit code: 0 if nothing is wrong, else 1. */
int rehearse_main(const struct options *options, const struct signals_inherited *signals);

#endif
