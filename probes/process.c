#include "probes/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* VmRSS in bytes; 0 for a zombie. -1 with errno set. */
static int64_t resident(pid_t pid)
{
	char path[32], line[256];
	int64_t kibibytes = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *status = fopen(path, "re");
	if (status == NULL)
		return -1;
	while (fgets(line, sizeof line, status) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kibibytes = strtol(line + 6, NULL, 10);
	fclose(status);
	return kibibytes * 1024;
}

/* -1 with errno set. */
static int descriptors(pid_t pid)
{
	char path[32];
	const struct dirent *entry;
	int count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	if (directory == NULL)
		return -1;
	while ((entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static void judge_memory(const struct plan_process *process, pid_t pid, struct check_result *result)
{
	int64_t bytes = resident(pid);

	if (bytes < 0)
		result_error(result, "process: cannot read its memory use: %s", strerror(errno));
	else if (bytes > process->max_rss)
		result_fail(result, FAILURE_PROCESS, "process: %" PRId64 " bytes resident, maximum %" PRId64, bytes,
			    process->max_rss);
}

static void judge_descriptors(const struct plan_process *process, pid_t pid, struct check_result *result)
{
	int count = descriptors(pid);

	if (count < 0)
		result_error(result, "process: cannot count its descriptors: %s", strerror(errno));
	else if (count > process->max_fds)
		result_fail(result, FAILURE_PROCESS, "process: %d open descriptors, maximum %d", count, process->max_fds);
}

void process_run(const struct plan_process *process, pid_t pid, struct check_result *result)
{
	if (pid <= 0) {
		result_error(result, "process: only the supervisor can run this check");
		return;
	}
	if (kill(pid, 0) != 0 && errno == ESRCH) {
		result_fail(result, FAILURE_PROCESS, "process: not running");
		return;
	}
	if (process->max_rss > 0)
		judge_memory(process, pid, result);
	if (result->outcome == OUTCOME_OK && process->max_fds > 0)
		judge_descriptors(process, pid, result);
}

void process_judge_age(const struct plan_notify *notify, msec_t age, struct check_result *result)
{
	if (age > notify->max_age)
		result_fail(result, FAILURE_AGE, "notify: the last WATCHDOG=1 was %" PRId64 " ms ago, maximum %" PRId64 " ms",
			    age, notify->max_age);
}

bool process_stat(pid_t pid, struct process_stat *stat)
{
	enum { PARENT, GROUP, THREADS = 16, FIELDS }; /* after the state: proc_pid_stat(5), from its field 4 on */
	char path[32], line[512];
	long fields[FIELDS];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, line, sizeof line - 1);
	close(fd);
	if (length <= 0)
		return false;
	line[length] = '\0';
	const char *name = strchr(line, '('), *end = strrchr(line, ')'); /* the name may hold anything */
	if (name == NULL || end == NULL || strlen(end) < 4)
		return false;
	char *at = line + (end - line) + 3;
	for (int i = 0; i < FIELDS; i++)
		fields[i] = strtol(at, &at, 10);
	snprintf(stat->name, sizeof stat->name, "%.*s", (int)(end - name - 1), name + 1);
	/* a process whose first thread has ended looks like a zombie while its others run on */
	stat->zombie = (end[2] == 'Z' || end[2] == 'X') && fields[THREADS] <= 1;
	stat->parent = (pid_t)fields[PARENT];
	stat->group = (pid_t)fields[GROUP];
	return true;
}

pid_t process_parent(pid_t pid)
{
	struct process_stat stat;

	return process_stat(pid, &stat) ? stat.parent : 0;
}
