#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/page.h"
#include "probes/process.h"

#define ANCESTORS 64 /* maximum number to search */

/* What a supervisor must share with us. */
struct want {
	bool has_mounts;    /* false: a kernel that names no mount namespaces (gVisor) */
	struct stat mounts; /* our mount namespace */
	bool has_config;
	struct stat config;
};

/* Whether a process is trusted: root, our own user, or process 1. Sets its owner. */
static bool is_trusted(pid_t pid, uid_t *owner)
{
	char path[32];
	struct stat status;

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	if (stat(path, &status) != 0 || (pid != 1 && status.st_uid != 0 && status.st_uid != geteuid()))
		return false;
	*owner = status.st_uid;
	return true;
}

static const struct page *open_page(pid_t pid, int fd)
{
	char path[48];
	uid_t owner;

	if (!is_trusted(pid, &owner))
		return NULL;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	int page = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (page < 0)
		return NULL;
	const struct page *found = page_map_of(page, owner);
	close(page);
	return found != NULL && !page_malformed(found) ? found : NULL;
}

static bool is_named(pid_t pid, const char *fd)
{
	char path[48], target[64];

	snprintf(path, sizeof path, "/proc/%d/fd/%.16s", (int)pid, fd);
	ssize_t length = readlink(path, target, sizeof target - 1);
	target[length > 0 ? length : 0] = '\0';
	return strncmp(target, "/memfd:" PAGE_MEMFD, sizeof("/memfd:" PAGE_MEMFD) - 1) == 0;
}

/* If the usual descriptor was taken. */
static const struct page *search_descriptors(pid_t pid)
{
	char path[32];
	const struct page *page = NULL;
	const struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	while (directory != NULL && page == NULL && (entry = readdir(directory)) != NULL)
		if (is_named(pid, entry->d_name))
			page = open_page(pid, (int)strtol(entry->d_name, NULL, 10));
	if (directory != NULL)
		closedir(directory);
	return page;
}

static bool is_tinysup(pid_t pid)
{
	char path[32], name[16] = "";

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
	if (fd >= 0)
		close(fd);
	return length > 0 && strcmp(name, "tinysup\n") == 0;
}

/* Limits the search for unusual descriptors. */
static const struct page *page_of(pid_t pid)
{
	char usual[8];

	snprintf(usual, sizeof usual, "%d", PAGE_FD);
	if (is_named(pid, usual))
		return open_page(pid, PAGE_FD);
	return pid == 1 || is_tinysup(pid) ? search_descriptors(pid) : NULL;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Excludes supervisors of other containers that share the PID namespace. */
static bool shares_mounts(pid_t pid, const struct want *want)
{
	char path[32];
	struct stat mounts;

	if (!want->has_mounts)
		return true;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	return stat(path, &mounts) == 0 && same(&mounts, &want->mounts);
}

static bool reads_config(const struct page *page, const struct want *want)
{
	return !want->has_config ||
	       (page->head.config_device == want->config.st_dev && page->head.config_inode == want->config.st_ino);
}

static const struct page *acceptable(pid_t pid, const struct want *want)
{
	const struct page *page = shares_mounts(pid, want) ? page_of(pid) : NULL;

	return page != NULL && reads_config(page, want) ? page : NULL;
}

/* For the app and its descendants: their own supervisor. */
static const struct page *among_ancestors(const struct want *want)
{
	pid_t pid = getppid();

	for (int i = 0; i < ANCESTORS && pid > 1; i++, pid = process_parent(pid)) {
		const struct page *page = acceptable(pid, want);
		if (page != NULL)
			return page;
	}
	return NULL;
}

/* The only one; NULL if there are several. */
static const struct page *anywhere(const struct want *want)
{
	DIR *proc = opendir("/proc");
	const struct page *found = NULL;
	const struct dirent *entry;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		pid_t pid = isdigit((unsigned char)*entry->d_name) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;
		if (pid <= 1 || pid == getpid())
			continue;
		const struct page *page = acceptable(pid, want);
		/* a worker that was just forked still has the supervisor's */
		if (page == NULL || (found != NULL && page->head.supervisor == found->head.supervisor))
			continue;
		if (found != NULL) {
			found = NULL;
			break;
		}
		found = page;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

const struct page *page_find(const char *config)
{
	struct want want = {.has_config = config != NULL && stat(config, &want.config) == 0};
	const struct page *page;

	want.has_mounts = stat("/proc/self/ns/mnt", &want.mounts) == 0;
	if (!want.has_mounts && errno != ENOENT)
		return NULL;
	/* process 1 is the container's supervisor, whatever its configuration */
	if (shares_mounts(1, &want) && (page = page_of(1)) != NULL)
		return page;
	page = among_ancestors(&want);
	return page != NULL ? page : anywhere(&want);
}
