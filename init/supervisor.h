/* The loop of process 1: turns kernel events into events of the sequencer, and its actions into system calls. */
#ifndef TINYSUP_INIT_SUPERVISOR_H
#define TINYSUP_INIT_SUPERVISOR_H

#include <sys/types.h>

#include "config/plan.h"
#include "init/base/manner.h"
#include "init/base/signals.h"

/* Starts the app and runs until the end. Returns the exit code. */
int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals);

/* The same for steps alone: --step. The plan holds nothing else. app: a process that is said to be the app; 0: none. */
int supervise_steps(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals, pid_t app);

#endif
