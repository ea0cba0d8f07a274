#include "init/child/processes.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As getdents64() writes it: linux/dirent.h is no user's header. */
struct kernel_dirent {
	uint64_t inode;
	int64_t offset;
	unsigned short length;
	unsigned char type;
	char name[];
};

/* Calls take() for each number among a directory's names until it returns false. */
static void each_number(const char *path, bool (*take)(pid_t number, void *context), void *context)
{
	char buffer[4096] __attribute__((aligned(8)));
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool on = directory >= 0;
	long n;

	while (on && (n = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
		for (long at = 0; at < n && on;) {
			const struct kernel_dirent *entry = (const struct kernel_dirent *)(const void *)(buffer + at);
			if (entry->name[0] >= '1' && entry->name[0] <= '9')
				on = take((pid_t)strtol(entry->name, NULL, 10), context);
			at += entry->length;
		}
	}
	if (directory >= 0)
		close(directory);
}

/* A /proc of another PID namespace has other processes under our numbers. */
static bool is_our_proc(void)
{
	char self[16];
	ssize_t length = readlink("/proc/self", self, sizeof self - 1);

	self[length > 0 ? length : 0] = '\0';
	return strtol(self, NULL, 10) == getpid();
}

/* --- by the lists of children -------------------------------------------------------------------------------------------- */

static struct {
	size_t count;
	pid_t pids[PROCESSES_MAX]; /* we, then each before its children; at last sorted */
} the_family;

static bool add(pid_t pid)
{
	if (the_family.count < PROCESSES_MAX)
		the_family.pids[the_family.count++] = pid;
	return the_family.count < PROCESSES_MAX;
}

/* Of our children: more than tinysup ever runs for itself. */
#define CHILDREN_LOOKED 512

/* A list misses some if its process reaps meanwhile: a later scan finds them. Ours is exact, as only we reap our children. */
static bool add_children(pid_t parent, pid_t thread, size_t limit, msec_t until)
{
	char path[64], buffer[4096];
	pid_t pid = 0; /* a read may end within a number */
	ssize_t length;
	bool on = true;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)thread);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	while (on && the_family.count < limit && clock_now() < until && (length = read(file, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			if (buffer[i] >= '0' && buffer[i] <= '9') {
				pid = pid * 10 + (buffer[i] - '0');
			} else if (pid > 0) {
				on = add(pid);
				pid = 0;
			}
		}
	}
	close(file);
	return true;
}

struct walk {
	pid_t parent;
	int lists; /* read so far: an app may have any number of threads */
	msec_t until;
};

static bool take_thread(pid_t thread, void *context)
{
	struct walk *walk = context;

	add_children(walk->parent, thread, PROCESSES_MAX, walk->until);
	return ++walk->lists < PROCESSES_MAX && clock_now() < walk->until;
}

static void add_grandchildren(msec_t until)
{
	struct walk walk = {.until = until};
	char path[32];

	for (size_t i = 1; i < the_family.count && walk.lists < PROCESSES_MAX && clock_now() < until; i++) {
		walk.parent = the_family.pids[i];
		snprintf(path, sizeof path, "/proc/%d/task", (int)walk.parent);
		each_number(path, take_thread, &walk);
	}
}

/* Shell's sort: glibc's qsort() allocates. */
static void sort(pid_t *pids, size_t count)
{
	for (size_t gap = PROCESSES_MAX / 2; gap > 0; gap /= 2) {
		for (size_t i = gap; i < count; i++) {
			pid_t pid = pids[i];
			size_t at = i;
			for (; at >= gap && pids[at - gap] > pid; at -= gap)
				pids[at] = pids[at - gap];
			pids[at] = pid;
		}
	}
}

/* --- visits --------------------------------------------------------------------------------------------------------------- */

struct visit {
	processes_visitor *visitor;
	void *context;
	bool any;
};

static bool visit_one(pid_t pid, void *context)
{
	struct visit *visit = context;
	struct process_stat stat;

	if (!process_stat(pid, &stat))
		return true;
	visit->any = true; /* an empty directory is not /proc */
	return visit->visitor(pid, &stat, visit->context);
}

static void visit_family(struct visit *visit, msec_t until)
{
	pid_t before = 0;

	sort(the_family.pids, the_family.count);
	for (size_t i = 0; i < the_family.count && clock_now() < until; i++) {
		/* one whose parent ended meanwhile is there twice */
		if (the_family.pids[i] != before && !visit_one(the_family.pids[i], visit))
			return;
		before = the_family.pids[i];
	}
}

bool processes_all(processes_visitor *visitor, void *context)
{
	struct visit visit = {.visitor = visitor, .context = context};

	if (is_our_proc())
		each_number("/proc", visit_one, &visit);
	return visit.any;
}

static bool visit_listed(processes_visitor *visitor, void *context, bool grandchildren, msec_t until)
{
	struct visit visit = {.visitor = visitor, .context = context};
	msec_t now = until == INT64_MAX ? 0 : clock_now(), part = (until - now) / 4;

	the_family.count = 0;
	add(getpid());
	if (!is_our_proc() || !add_children(getpid(), getpid(), grandchildren ? PROCESSES_MAX : CHILDREN_LOOKED, now + part))
		return processes_all(visitor, context);
	if (grandchildren)
		add_grandchildren(now + 2 * part);
	visit_family(&visit, until);
	return visit.any;
}

bool processes_children(processes_visitor *visitor, void *context)
{
	return visit_listed(visitor, context, false, INT64_MAX);
}

bool processes_descendants(processes_visitor *visitor, void *context, msec_t until)
{
	return visit_listed(visitor, context, true, until);
}
