/* The process check, and reading /proc. */
#ifndef TINYSUP_PROBES_PROCESS_H
#define TINYSUP_PROBES_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config/plan.h"
#include "probes/result.h"

/* pid 0: unknown, an error, as is what the kernel does not let us read. */
void process_run(const struct plan_process *process, pid_t pid, struct check_result *result);

/* age: since the last WATCHDOG=1, or the start of the app. */
void process_judge_age(const struct plan_notify *notify, msec_t age, struct check_result *result);

/* One line of /proc. */
struct process_stat {
	char name[16]; /* as the kernel cuts it; bytes of any kind */
	bool zombie;   /* it has ended, with all of its threads */
	pid_t parent;  /* 0: outside the PID namespace, as with `docker exec` */
	pid_t group;
};

/*
 * False if the process is gone or /proc cannot be read. Does not allocate: process 1 calls it. Reads `stat`, which takes no
 * lock of the process (cmdline does).
 */
bool process_stat(pid_t pid, struct process_stat *stat);

/* Parent of a process; 0 if it is gone. */
pid_t process_parent(pid_t pid);

#endif
