/*
 * Process 1 at work: the loop that turns what the kernel tells into events for the sequencer, and its actions into system
 * calls.
 */
#ifndef TINYSUP_INIT_SUPERVISOR_H
#define TINYSUP_INIT_SUPERVISOR_H

#include "config/plan.h"
#include "init/base/manner.h"
#include "init/base/signals.h"

/*
 * Starts the app and stays until there is nothing left to do. Returns the exit code. Everything that may fail for want of
 * memory or descriptors happens before the seal; it returns EX_OSERR after saying why.
 */
int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals);

#endif
