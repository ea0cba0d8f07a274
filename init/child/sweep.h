/*
 * Processes that are no children known by name: what the app left in its group, what is left when the chain or a life of the
 * app is over. As process 1 that is everything in the PID namespace, else tinysup's own descendants and nothing else on the
 * machine.
 *
 * `ours` tells the processes that tinysup runs for itself: neither they nor their descendants are left over.
 */
#ifndef TINYSUP_INIT_CHILD_SWEEP_H
#define TINYSUP_INIT_CHILD_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef bool sweep_ours(pid_t pid);

/* Adopt orphans where we are not process 1 and none who started us asked for it; without it they go to whoever does. */
bool sweep_subreaper(void);
bool sweep_is_subreaper(void);

/*
 * A signal to all that is left; SIGCONT follows a SIGTERM, which what is stopped could not act on. `but`: a process group that
 * was told already; 0: none. Not as process 1 and without /proc: to nobody.
 */
void sweep_signal(int signal, pid_t but, sweep_ours *ours);

/*
 * A signal (0: none) to our descendants but `ours`: adopted orphans too, and not what somebody brought in from outside (`docker
 * exec`). False where there are none. Without /proc nobody can tell: then there are none.
 */
bool sweep_old_life(int signal, sweep_ours *ours);

/* Our children but `ours`, for the log: "sleep (12), python (15) and more"; "" where there are none. Stops where it is full. */
void sweep_names(char *buffer, size_t size, sweep_ours *ours);

/* Whether `pid` descends from `ancestor`, as /proc has it. */
bool sweep_descends(pid_t pid, pid_t ancestor);

/* Whether we have a child but `ours`, a zombie included. Without /proc nobody can tell: then we have one. */
bool sweep_other_children(sweep_ours *ours);

/* Whether a process group has a member that is no zombie. Without /proc the kernel's word counts, zombies and all. */
bool sweep_group_lives(pid_t group);

#endif
