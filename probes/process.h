/* The check of the app's own process, from /proc. */
#ifndef TINYSUP_PROBES_PROCESS_H
#define TINYSUP_PROBES_PROCESS_H

#include <sys/types.h>

#include "config/plan.h"
#include "probes/result.h"

/* pid 0: nobody knows the app here, which is an error. What the kernel does not let us see is one too. */
void process_run(const struct plan_process *process, pid_t pid, struct check_result *result);

#endif
