/*
 * What is left when the chain is over: as process 1 everything in the PID namespace, else tinysup's own descendants and nothing
 * else on the machine.
 */
#ifndef TINYSUP_INIT_SWEEP_H
#define TINYSUP_INIT_SWEEP_H

#include <stdbool.h>
#include <sys/types.h>

/* Adopt orphans where we are not process 1; without it they go to whoever is. False where the kernel refuses. */
bool sweep_subreaper(void);

/* Send a signal to all of them. Not as process 1 and without /proc: to nobody. */
void sweep_signal(int signal);

/*
 * Send a signal (and SIGCONT, so that who is stopped hears it; 0: none) to every process that the app's old life left: all our
 * descendants but workers and hooks of ours. Returns whether there was any.
 */
bool sweep_old_life(int signal);

/* Whether `pid` descends from `ancestor`, as /proc has it. */
bool sweep_descends(pid_t pid, pid_t ancestor);

/* Whether we have a child but `known`. Without /proc nobody can tell: then we have one. */
bool sweep_other_children(pid_t known);

#endif
