/* The processes that tinysup may have to end, as /proc has them. Nothing here allocates: process 1 calls it. */
#ifndef TINYSUP_INIT_CHILD_PROCESSES_H
#define TINYSUP_INIT_CHILD_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/clock.h"
#include "probes/process.h"

/* At most; a later call finds what is left out. */
#define PROCESSES_MAX 16384

typedef bool processes_visitor(pid_t pid, const struct process_stat *stat, void *context);

/*
 * Each calls visit() in the order of pids, once for a process, until it returns false. False: no /proc that tells of us.
 */
bool processes_all(processes_visitor *visit, void *context);

/*
 * These visit us, too. They read the kernel's lists of children: a machine may run thousands of other processes, and a deadline
 * has no time to look at each. A kernel without such lists (CONFIG_PROC_CHILDREN): all are visited.
 */
/* The first 512 at least. */
bool processes_children(processes_visitor *visit, void *context);
/* until: by clock_now(); where it comes first, the rest is left out. */
bool processes_descendants(processes_visitor *visit, void *context, msec_t until);

#endif
