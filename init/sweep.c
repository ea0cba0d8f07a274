#include "init/sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process.h"

/* As getdents64() writes it: linux/dirent.h is no user's header. */
struct kernel_dirent {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

bool sweep_subreaper(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

bool sweep_descends(pid_t pid, pid_t ancestor)
{
	pid_t parent = process_parent(pid);

	for (int depth = 0; parent > 1 && parent != ancestor && depth < 1000; depth++)
		parent = process_parent(parent);
	return parent == ancestor;
}

/* Calls back for every process there is, until that returns false. False: /proc is not there. */
static bool each_process(bool (*visit)(pid_t pid, void *context), void *context)
{
	char buffer[4096] __attribute__((aligned(8)));
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool on = proc >= 0;
	long n;

	if (proc < 0)
		return false;
	while (on && (n = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < n && on;) {
			const struct kernel_dirent *entry = (const struct kernel_dirent *)(const void *)(buffer + at);
			if (entry->name[0] >= '1' && entry->name[0] <= '9')
				on = visit((pid_t)strtol(entry->name, NULL, 10), context);
			at += entry->length;
		}
	}
	close(proc);
	return true;
}

static bool signal_descendant(pid_t pid, void *context)
{
	if (sweep_descends(pid, getpid()))
		kill(pid, *(const int *)context);
	return true;
}

static void signal_descendants(int signal)
{
	siginfo_t info;

	/* who adopts orphans and has no child has no descendant: the usual end, and no need to look through /proc */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
		return;
	each_process(signal_descendant, &signal);
}

struct search {
	pid_t known;
	bool found;
};

static bool is_other_child(pid_t pid, void *context)
{
	struct search *search = context;

	search->found = pid != search->known && process_parent(pid) == getpid();
	return !search->found;
}

bool sweep_other_children(pid_t known)
{
	struct search search = {.known = known};

	return !each_process(is_other_child, &search) || search.found;
}

bool sweep_old_life(int signal)
{
	(void)signal;
	return false;
}

void sweep_signal(int signal)
{
	if (getpid() == 1)
		kill(-1, signal);
	else
		signal_descendants(signal);
}
