/*
 * Leftover processes: in the app's process group, after the chain, or before a restart. As process 1, that is everything in the
 * PID namespace, otherwise tinysup's descendants only. ours(): whether tinysup runs a process for itself; those and their
 * descendants are not leftovers.
 */
#ifndef TINYSUP_INIT_CHILD_SWEEP_H
#define TINYSUP_INIT_CHILD_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef bool sweep_ours(pid_t pid);

/* Adopts orphans if not process 1. */
bool sweep_subreaper(void);
bool sweep_is_subreaper(void);

/*
 * Signals all leftover processes; SIGCONT follows SIGTERM. but: a process group that has the signal already; 0: none. spare:
 * ours are at work and do not get it; otherwise process 1 may signal them, too. Without /proc, only process 1 without `but` and
 * `spare` reaches anything.
 */
void sweep_signal(int signal, pid_t but, bool spare, sweep_ours *ours);

/*
 * Signals (0: only looks for) our descendants except `ours`, adopted orphans included, `docker exec` excluded. False if there
 * are none. Without /proc every child counts.
 */
bool sweep_old_life(int signal, sweep_ours *ours);

/* Our children except `ours`, for the log: "sleep (12), python (15) and more"; "" if none. */
void sweep_names(char *buffer, size_t size, sweep_ours *ours);

/* Whether `pid` descends from `ancestor`, as /proc has it. */
bool sweep_descends(pid_t pid, pid_t ancestor);

/* Whether we have a child other than `ours`, zombies included. True without /proc. */
bool sweep_other_children(sweep_ours *ours);

/* Whether a process group has a member that is not a zombie. True without /proc. */
bool sweep_group_lives(pid_t group);

#endif
