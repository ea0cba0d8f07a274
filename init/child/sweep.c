#include "init/child/sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/child/processes.h"

bool sweep_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

bool sweep_is_subreaper(void)
{
	int set = 0;

	return prctl(PR_GET_CHILD_SUBREAPER, &set) == 0 && set != 0;
}

bool sweep_descends(pid_t pid, pid_t ancestor)
{
	pid_t parent = process_parent(pid);

	for (int depth = 0; parent > 1 && parent != ancestor && depth < 1000; depth++)
		parent = process_parent(parent);
	return parent == ancestor;
}

/* All that may be left: a subreaper's are among its descendants. */
static bool each_process(processes_visitor *visit, void *context, msec_t until)
{
	if (getpid() != 1 && sweep_is_subreaper())
		return processes_descendants(visit, context, until);
	return processes_all(visit, context);
}

/*
 * How long a scan for a signal may take: processes that fork faster than we look would keep us past the deadline. SIGTERM is
 * sent once, and most should get it; SIGKILL is sent again and again.
 */
#define SCAN_TIME      ((msec_t)1000)
#define SCAN_KILL_TIME ((msec_t)200)

/* --- descendants --------------------------------------------------------------------------------------------------------- */

enum descent { DESCENT_UNKNOWN, DESCENT_OURS, DESCENT_LEFT, DESCENT_OTHER };

struct process {
	pid_t pid, parent, group;
	enum descent descent : 8;
	bool zombie;
	char name[16];
};

/* One scan of /proc: walking up from each process would read it once per level of a deep tree. */
static struct {
	size_t count;
	struct process items[PROCESSES_MAX]; /* by pid */
} the_scan;

static bool add_process(pid_t pid, const struct process_stat *stat, void *context)
{
	struct process *process = &the_scan.items[the_scan.count];

	(void)context;
	*process = (struct process){.pid = pid, .parent = stat->parent, .group = stat->group};
	process->zombie = stat->zombie;
	memcpy(process->name, stat->name, sizeof process->name);
	return ++the_scan.count < PROCESSES_MAX;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

static struct process *find(pid_t pid)
{
	const struct process key = {.pid = pid};

	return bsearch(&key, the_scan.items, the_scan.count, sizeof key, by_pid);
}

static enum descent descent_of(struct process *process, sweep_ours *ours)
{
	if (process == NULL || process->pid == getpid())
		return DESCENT_OTHER;
	if (process->descent != DESCENT_UNKNOWN)
		return process->descent;
	if (ours(process->pid))
		return DESCENT_OURS;
	return process->parent == getpid() ? DESCENT_LEFT : DESCENT_UNKNOWN;
}

/* Walks up to the first known ancestor and back: each process is visited at most twice. */
static void settle(struct process *process, sweep_ours *ours)
{
	struct process *top = process;
	enum descent descent;

	for (size_t i = 0; (descent = descent_of(top, ours)) == DESCENT_UNKNOWN && i < the_scan.count; i++)
		top = find(top->parent);
	if (descent == DESCENT_UNKNOWN)
		descent = DESCENT_OTHER; /* a cycle: pids were reused during the scan */
	for (; process != NULL && process->descent == DESCENT_UNKNOWN; process = process == top ? NULL : find(process->parent))
		process->descent = descent;
}

static void scan(sweep_ours *ours, msec_t until)
{
	the_scan.count = 0;
	each_process(add_process, NULL, until);
	for (size_t i = 0; i < the_scan.count; i++)
		settle(&the_scan.items[i], ours);
}

/* A subreaper without children has no descendants: the usual case, without scanning /proc. */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool is_left(const struct process *process)
{
	return process->descent == DESCENT_LEFT && !process->zombie;
}

static void send_signal(pid_t pid, int signal)
{
	kill(pid, signal);
	if (signal == SIGTERM)
		kill(pid, SIGCONT);
}

/* By its pid where pidfds are refused: old kernels do, and engines' filters of system calls. */
static void send_signal_by(int pidfd, pid_t pid, int signal)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) != 0 && errno != ESRCH)
		send_signal(pid, signal);
	else if (signal == SIGTERM)
		syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
}

/*
 * Its pid may have gone to another since the scan: to one of ours where we are process 1, else to anybody. The pidfd is opened
 * first, so what is looked at then gets the signal or nobody does.
 */
static void send_signal_to(const struct process *process, int signal)
{
	struct process_stat stat;
	int pidfd = getpid() == 1 ? -1 : (int)syscall(SYS_pidfd_open, process->pid, 0);

	if (pidfd < 0 && (getpid() == 1 || errno != ESRCH))
		send_signal(process->pid, signal);
	if (pidfd < 0)
		return;
	if (process_stat(process->pid, &stat) && (stat.parent == process->parent || stat.parent == getpid()))
		send_signal_by(pidfd, process->pid, signal);
	close(pidfd);
}

bool sweep_old_life(int signal, sweep_ours *ours)
{
	bool any = false;

	if (!has_children())
		return false;
	scan(ours, INT64_MAX);
	if (the_scan.count == 0) {
		/* no /proc: nobody can be told apart, so nobody may be left */
		if (signal != 0 && getpid() == 1)
			send_signal(-1, signal);
		return true;
	}
	for (size_t i = 0; i < the_scan.count; i++) {
		const struct process *process = &the_scan.items[i];
		if (!is_left(process))
			continue;
		any = true;
		if (signal != 0)
			send_signal_to(process, signal);
	}
	return any;
}

void sweep_signal(int signal, pid_t but, bool spare, sweep_ours *ours)
{
	if (getpid() == 1 && but == 0 && !spare) {
		send_signal(-1, signal);
		return;
	}
	if (!has_children())
		return;
	scan(ours, clock_now() + (signal == SIGKILL ? SCAN_KILL_TIME : SCAN_TIME));
	for (size_t i = 0; i < the_scan.count; i++) {
		const struct process *process = &the_scan.items[i];
		bool reached = is_left(process) || (getpid() == 1 && process->descent == DESCENT_OTHER && process->pid != 1);
		if (reached && (but == 0 || process->group != but))
			send_signal_to(process, signal);
	}
}

/* --- children and groups -------------------------------------------------------------------------------------------------- */

struct search {
	sweep_ours *ours;
	pid_t group;
	bool found;
};

static bool is_other_child(pid_t pid, const struct process_stat *stat, void *context)
{
	struct search *search = context;

	search->found = stat->parent == getpid() && !search->ours(pid);
	return !search->found;
}

bool sweep_other_children(sweep_ours *ours)
{
	struct search search = {.ours = ours};

	return !processes_children(is_other_child, &search) || search.found;
}

/* Among thousands of zombies, looking for a name that is left takes longer than the deadline allows. */
#define LOOKS_MAX 64

struct names {
	sweep_ours *ours;
	char *buffer;
	size_t size, length;
	int looks;
};

static bool add_name(pid_t pid, const struct process_stat *stat, void *context)
{
	struct names *names = context;
	size_t room = names->size - names->length;

	if (room < sizeof stat->name + sizeof ", and more" + 16 || ++names->looks > LOOKS_MAX) {
		snprintf(names->buffer + names->length, room, "%s", names->length > 0 ? " and more" : "many");
		return false;
	}
	if (stat->parent != getpid() || stat->zombie || names->ours(pid))
		return true;
	names->length += (size_t)snprintf(names->buffer + names->length, room, "%s%s (%d)", names->length > 0 ? ", " : "",
					  stat->name, (int)pid);
	return true;
}

void sweep_names(char *buffer, size_t size, sweep_ours *ours)
{
	struct names names = {.ours = ours, .buffer = buffer, .size = size};

	*buffer = '\0';
	if (has_children())
		processes_children(add_name, &names);
}

static bool is_live_member(pid_t pid, const struct process_stat *stat, void *context)
{
	struct search *search = context;

	(void)pid;
	search->found = stat->group == search->group && !stat->zombie;
	return !search->found;
}

bool sweep_group_lives(pid_t group)
{
	struct search search = {.group = group};

	return !each_process(is_live_member, &search, INT64_MAX) || search.found;
}
