/*
 * An exec check: exit code 0 is a success. The program gets a process group of its own, /dev/null for its three standard
 * descriptors, default signals; whatever is left of the group when it ends, or when its time is up, gets SIGKILL.
 */
#ifndef TINYSUP_PROBES_EXEC_H
#define TINYSUP_PROBES_EXEC_H

#include "probes/result.h"

/* result->status is the exit code. Blocks SIGCHLD while it waits. `result` must be a fresh one. */
void exec_run(const struct plan_exec *exec, msec_t timeout, struct check_result *result);

#endif
