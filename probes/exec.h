/*
 * An exec check: exit code 0 means success. The program gets its own process group, /dev/null as 0, 1 and 2, and default
 * signals. When it exits or times out, the group gets SIGKILL.
 */
#ifndef TINYSUP_PROBES_EXEC_H
#define TINYSUP_PROBES_EXEC_H

#include "probes/result.h"

/* result->status: exit code. Blocks SIGCHLD meanwhile. result: zeroed. */
void exec_run(const struct plan_exec *exec, msec_t timeout, struct check_result *result);

#endif
