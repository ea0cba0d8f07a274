/* Journals as files: read only, without a lock, while their writers write. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/duration.h"
#include "init/journal/account.h"
#include "init/journal/text.h"
#include "init/readers/history.h"

#define FILE_MAX ((off_t)8 << 20) /* the end of a larger file is read */

static const char suffix[] = ".journal";

struct reader {
	void (*take)(void *to, const struct record *record);
	void *to;
	size_t damaged; /* lines */
	bool in_use;    /* by a living instance */
};

/* Whether somebody holds the lock. Asking takes none, but where the kernel knows no F_OFD_GETLK (gVisor): for a moment. */
static bool is_locked(int directory, const char *name)
{
	char file[NAME_MAX + 1];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	snprintf(file, sizeof file, "%.*s.lock", (int)(strlen(name) - strlen(suffix)), name);
	int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return false;
	bool locked = fcntl(fd, F_OFD_GETLK, &lock) == 0
			  ? lock.l_type != F_UNLCK
			  : errno == EINVAL && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

/* A line without an end is being written, or was torn: its checksum tells. */
static void take_lines(struct reader *reader, const char *bytes, size_t length, bool from_start)
{
	struct text_line line;
	struct record record;
	size_t at = 0;

	if (!from_start)
		text_next(bytes, length, &at, &line);
	while (text_next(bytes, length, &at, &line)) {
		if (record_read(line.bytes, line.length, &record))
			reader->take(reader->to, &record);
		else if (line.length > 0 && (at <= length || !reader->in_use))
			reader->damaged++;
	}
}

/* The bytes to free, or NULL with errno. */
static char *read_end(int fd, size_t *length, bool *from_start)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return NULL;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return NULL;
	}
	off_t at = status.st_size > FILE_MAX ? status.st_size - FILE_MAX : 0;
	size_t room = (size_t)(status.st_size - at);
	char *bytes = malloc(room + 1);
	*from_start = at == 0;
	*length = 0;
	while (bytes != NULL && *length < room) {
		ssize_t n = pread(fd, bytes + *length, room - *length, at + (off_t)*length);
		if (n == 0)
			break;
		if (n > 0)
			*length += (size_t)n;
		else if (errno != EINTR) {
			int error = errno;
			free(bytes);
			errno = error;
			return NULL;
		}
	}
	return bytes;
}

/* Its records go to `reader`. False: errno. */
static bool read_journal(int directory, const char *name, struct reader *reader)
{
	size_t length;
	bool from_start;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return false;
	reader->in_use = is_locked(directory, name);
	char *bytes = read_end(fd, &length, &from_start);
	int error = errno;
	close(fd);
	errno = error;
	if (bytes == NULL)
		return false;
	/* it may have been claimed while we read */
	reader->in_use |= is_locked(directory, name);
	take_lines(reader, bytes, length, from_start);
	free(bytes);
	return true;
}

static int is_journal(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length >= sizeof suffix && *entry->d_name != '.' &&
	       strcmp(entry->d_name + length + 1 - sizeof suffix, suffix) == 0;
}

static void add_to_history(void *to, const struct record *record)
{
	history_add(to, record);
}

static void say_unreadable(FILE *err, const char *directory, const char *separator, const char *name)
{
	bool denied = errno == EACCES || errno == EPERM;

	fprintf(err, "tinysup: cannot read %s%s%s: %s%s\n", directory, separator, name,
		errno == EINVAL ? "it is not a regular file" : strerror(errno),
		denied ? ": run this as the user that tinysup runs as" : "");
}

/* False: errno. */
static bool read_into(struct history *history, int directory, const char *name, struct reader *reader)
{
	char shown[NAME_MAX + 1];

	snprintf(shown, sizeof shown, "%.*s", (int)(strlen(name) - strlen(suffix)), name);
	history_begin(history, shown);
	bool good = read_journal(directory, name, reader);
	history_end(history, good && !reader->in_use);
	return good;
}

static bool read_all(struct history *history, const char *path, int directory, struct dirent **names, int count, FILE *err)
{
	bool good = true;

	for (int i = 0; i < count; i++) {
		struct reader reader = {.take = add_to_history, .to = history};
		const char *name = names[i]->d_name;
		if (!read_into(history, directory, name, &reader)) {
			say_unreadable(err, path, "/", name);
			good = false;
		} else if (reader.damaged > 0)
			fprintf(err, "tinysup: %s/%s: %zu damaged line%s passed over\n", path, name, reader.damaged,
				reader.damaged > 1 ? "s" : "");
	}
	return good;
}

/* The journals in it; the caller frees them. -1: errno. */
static int list(const char *path, int *directory, struct dirent ***names)
{
	*names = NULL;
	*directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *directory == -1 ? -1 : scandir(path, names, is_journal, versionsort);
}

static void unlist(int directory, struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (directory != -1)
		close(directory);
}

bool history_read(struct history *history, const char *path, FILE *err)
{
	struct dirent **names;
	int directory, count = list(path, &directory, &names);
	bool good = count > 0;

	if (count < 0)
		say_unreadable(err, path, "", "");
	else if (count == 0)
		fprintf(err, "tinysup: %s: there is no journal (*.journal) in it\n", path);
	else
		good = read_all(history, path, directory, names, count, err);
	unlist(directory, names, count);
	return good;
}

/* --- --check ---------------------------------------------------------------------------------------------------------------
 */

static void add_to_account(void *to, const struct record *record)
{
	account_feed(to, record, NULL);
}

struct learned {
	int64_t grace, at; /* RECORD_UNSET: nothing */
};

/* The later of the two. A run that is alive has taught nothing yet. */
static void learn(int directory, const char *name, struct learned *learned)
{
	static struct account account; /* too large for a stack */
	struct reader reader = {.take = add_to_account, .to = &account};

	account_begin(&account);
	if (!read_journal(directory, name, &reader))
		return;
	const struct learned own = reader.in_use ? (struct learned){account.learned_before, account.learned_before_at}
						 : (struct learned){account.learned_grace, account.learned_at};
	if (own.grace >= 0 && (learned->grace < 0 || own.at > learned->at))
		*learned = own;
}

void history_learned_grace(const char *path, const char *instance, msec_t deadline, FILE *out, FILE *err)
{
	struct learned learned = {RECORD_UNSET, RECORD_UNSET};
	struct dirent **names;
	int directory, count = list(path, &directory, &names);
	char grace[DURATION_TEXT], effective[DURATION_TEXT], advised[DURATION_TEXT], at[HISTORY_TIME], own[NAME_MAX + 1];

	snprintf(own, sizeof own, "%s%s", instance != NULL ? instance : "", suffix);
	for (int i = 0; i < count; i++)
		if (instance == NULL || strcmp(names[i]->d_name, own) == 0)
			learn(directory, names[i]->d_name, &learned);
	unlist(directory, names, count);
	if (learned.grace < 0)
		return;
	duration_format(learned.grace, grace);
	duration_format(deadline, effective);
	fprintf(out, "%-15s%s: killed %s after a stop signal on %s; the deadline is %s\n", "learned grace", grace, grace,
		history_time(learned.at, at), effective);
	if (deadline > learned.grace)
		fprintf(err,
			"tinysup: warning: the platform killed an earlier run %s after a stop signal, before the deadline of "
			"%s: raise "
			"its grace period (" HISTORY_GRACE_SETTINGS ") to at least %s\n",
			grace, effective, duration_format(deadline + HISTORY_GRACE_MORE, advised));
}
