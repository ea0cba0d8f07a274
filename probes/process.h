/* The check of the app's own process, and what else /proc tells of one. */
#ifndef TINYSUP_PROBES_PROCESS_H
#define TINYSUP_PROBES_PROCESS_H

#include <sys/types.h>

#include "config/plan.h"
#include "probes/result.h"

/* pid 0: nobody knows the app here, which is an error. What the kernel does not let us see is one too. */
void process_run(const struct plan_process *process, pid_t pid, struct check_result *result);

/* The app's last sign of life (WATCHDOG=1, or its start) is `age` old. */
void process_judge_age(const struct plan_notify *notify, msec_t age, struct check_result *result);

/* One line of /proc. */
struct process_stat {
	char name[16]; /* as the kernel cuts it; bytes of any kind */
	char state;    /* 'Z': a zombie */
	pid_t parent;  /* 0: of another PID namespace, as what `docker exec` starts */
	pid_t group;
};

/*
 * False where the process is gone, or /proc cannot be read. Allocates nothing: process 1 calls it. Only `stat` is read, which
 * waits for no lock of the process (cmdline does).
 */
bool process_stat(pid_t pid, struct process_stat *stat);

/* The parent of a process; 0 where it is gone. */
pid_t process_parent(pid_t pid);

#endif
