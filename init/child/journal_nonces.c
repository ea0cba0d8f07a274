#include "init/child/journal_nonces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "config/plan_signer.h"

#define NAME      "nonces"
#define TEMPORARY "nonces.tmp"
#define LOCK      "nonces.lock"
#define LINE      40
#define ROOM      (NONCES_MAX * LINE * 4) /* of a file that others have written */
#define SAFELY    (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
/* Other instances hold the lock as long as the disk takes; what cannot be kept now is kept with the next record. */
#define LOCK_TRIES 50
#define LOCK_PAUSE 2000000 /* ns */

/* What is on file, as far as we know. */
static struct {
	uint64_t key, last;
} kept[NONCES_MAX];

static void load_text(char *text, struct nonces *nonces)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char *end;
		uint64_t key = strtoull(line, &end, 16);
		if (end != line + 16 || *end != ' ' || key == 0 || end[1] < '0' || end[1] > '9')
			continue;
		uint64_t last = strtoull(end + 1, &end, 10);
		if (*end == '\0')
			nonces_raise(nonces, key, last);
	}
}

void journal_load_nonces(const struct journal_file *file, struct nonces *nonces, struct journal_failure *failure)
{
	char text[ROOM];
	int fd = openat(file->directory, NAME, O_RDONLY | SAFELY);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

	if ((fd < 0 && errno != ENOENT) || length < 0)
		journal_fail(failure, "read", file->path, NAME, "");
	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	load_text(text, nonces);
}

static bool has_changed(struct nonces *nonces)
{
	for (size_t i = 0; i < NONCES_MAX; i++)
		if (nonces->items[i].key != kept[i].key || nonces->items[i].last != kept[i].last)
			return true;
	return false;
}

/* The table as text; it may change meanwhile. */
static size_t write_text(struct nonces *nonces, char text[NONCES_MAX * LINE])
{
	size_t length = 0;

	for (size_t i = 0; i < NONCES_MAX; i++) {
		kept[i].key = nonces->items[i].key;
		kept[i].last = nonces->items[i].last;
		if (kept[i].key != 0)
			length +=
			    (size_t)snprintf(text + length, LINE, "%016" PRIx64 " %" PRIu64 "\n", kept[i].key, kept[i].last);
	}
	return length;
}

static bool put_in_place(int directory, const char *text, size_t length)
{
	unlinkat(directory, TEMPORARY, 0);
	int fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | SAFELY, 0600);
	if (fd < 0)
		return false;
	bool good = write(fd, text, length) == (ssize_t)length && fdatasync(fd) == 0 &&
		    renameat(directory, TEMPORARY, directory, NAME) == 0;
	int error = errno;
	close(fd);
	if (!good)
		unlinkat(directory, TEMPORARY, 0);
	errno = error;
	return good;
}

static bool take_lock(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE};

	for (int n = 0; n < LOCK_TRIES; n++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

void journal_keep_nonces(const struct journal_file *file, struct nonces *nonces, struct journal_failure *failure)
{
	char text[NONCES_MAX * LINE];

	if (!has_changed(nonces))
		return;
	int lock = openat(file->directory, LOCK, O_RDWR | O_CREAT | SAFELY, 0600);
	if (lock < 0 || !take_lock(lock)) {
		journal_fail(failure, "lock", file->path, NAME, "");
	} else {
		/* what other instances have used */
		journal_load_nonces(file, nonces, failure);
		size_t length = write_text(nonces, text);
		if (!put_in_place(file->directory, text, length)) {
			journal_fail(failure, "write", file->path, NAME, "");
			memset(kept, 0, sizeof kept); /* to be tried again */
		}
	}
	if (lock >= 0)
		close(lock);
}

bool journal_checks_have_nonces(const struct plan *plan)
{
	const struct plan_checks *checks = &plan->checks;

	for (size_t i = 0; i < checks->count; i++)
		if (checks->items[i].http.signer != NULL && checks->items[i].http.signer->nonces != NULL)
			return true;
	return false;
}
