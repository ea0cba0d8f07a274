#include "init/sweep.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* The parent of a process, from /proc/PID/stat; 0 where it is gone. */
static pid_t parent_of(int proc, const char *pid)
{
	char path[32], stat[512];

	snprintf(path, sizeof path, "%.16s/stat", pid);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, stat, sizeof stat - 1);
	close(fd);
	if (n <= 0)
		return 0;
	stat[n] = '\0';
	const char *after_name = strrchr(stat, ')'); /* the name may hold anything */
	return after_name != NULL && strlen(after_name) > 4 ? (pid_t)strtol(after_name + 4, NULL, 10) : 0;
}

static bool descends(int proc, pid_t pid, pid_t ancestor)
{
	char text[16];

	snprintf(text, sizeof text, "%d", (int)pid);
	pid_t parent = parent_of(proc, text);
	for (int depth = 0; parent > 1 && parent != ancestor && depth < 1000; depth++) {
		snprintf(text, sizeof text, "%d", (int)parent);
		parent = parent_of(proc, text);
	}
	return parent == ancestor;
}

bool sweep_descends(pid_t pid, pid_t ancestor)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool found = proc >= 0 && descends(proc, pid, ancestor);

	if (proc >= 0)
		close(proc);
	return found;
}

/* Calls back for every process there is, until that returns false. False: /proc is not there. */
static bool each_process(bool (*visit)(int proc, pid_t pid, void *context), void *context)
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
				on = visit(proc, (pid_t)strtol(entry->name, NULL, 10), context);
			at += entry->length;
		}
	}
	close(proc);
	return true;
}

static bool signal_descendant(int proc, pid_t pid, void *context)
{
	if (descends(proc, pid, getpid()))
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

static bool is_other_child(int proc, pid_t pid, void *context)
{
	struct search *search = context;
	char text[16];

	snprintf(text, sizeof text, "%d", (int)pid);
	search->found = pid != search->known && parent_of(proc, text) == getpid();
	return !search->found;
}

bool sweep_other_children(pid_t known)
{
	struct search search = {.known = known};

	return !each_process(is_other_child, &search) || search.found;
}

void sweep_signal(int signal)
{
	if (getpid() == 1)
		kill(-1, signal);
	else
		signal_descendants(signal);
}
