#include "init/child/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/journal/text.h"

/* Room on the disk that is asked for ahead. */
#define ROOM 65536
/* Others may have put anything under our names: no link is followed, and no FIFO waited for. */
#define SAFELY (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

void journal_fail(struct journal_failure *failure, const char *verb, const char *directory, const char *name,
		  const char *suffix)
{
	if (failure->error != 0)
		return;
	failure->error = errno;
	snprintf(failure->what, sizeof failure->what, "cannot %s %s%s%s%s", verb, directory, *name ? "/" : "", name, suffix);
}

bool journal_open_directory(struct journal_file *file, bool *missing, struct journal_failure *failure)
{
	*missing = access(file->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR) && mkdir(file->path, 0700) != 0 &&
		   errno != EEXIST;
	if (*missing) {
		journal_fail(failure, "make", file->path, "", "");
		return false;
	}
	file->directory = open(file->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->directory < 0)
		journal_fail(failure, "open", file->path, "", "");
	return file->directory >= 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */

/* False with errno set. */
static bool is_file(int fd, size_t *size)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return false;
	*size = (size_t)status.st_size;
	errno = EINVAL;
	return S_ISREG(status.st_mode);
}

bool journal_open_file(struct journal_file *file, int *fd, struct journal_failure *failure)
{
	char name[JOURNAL_NAME + sizeof ".journal"];

	snprintf(name, sizeof name, "%s.journal", file->name);
	*fd = file->fd = openat(file->directory, name, O_RDWR | O_CREAT | O_APPEND | SAFELY, 0600);
	if (*fd < 0) {
		journal_fail(failure, "write", file->path, name, "");
		*fd = openat(file->directory, name, O_RDONLY | SAFELY);
		if (*fd < 0)
			return errno == ENOENT;
	}
	if (is_file(*fd, &file->size))
		return true;
	journal_fail(failure, "use", file->path, name, "");
	close(*fd);
	*fd = file->fd = -1;
	return false;
}

char *journal_read(int fd, size_t *length)
{
	size_t size, got = 0, from;
	char *text = NULL;

	if (!is_file(fd, &size))
		return NULL;
	from = size > JOURNAL_READ_MAX ? size - JOURNAL_READ_MAX : 0;
	size -= from;
	text = malloc(size + 1);
	while (text != NULL && got < size) {
		ssize_t n = pread(fd, text + got, size - got, (off_t)(from + got));
		if (n < 0) {
			int error = errno;
			free(text);
			errno = error;
			return NULL;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*length = got;
	return text;
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

/* *done: how much was written. */
static bool write_all(int fd, const char *bytes, size_t length, size_t *done)
{
	for (*done = 0; *done < length;) {
		ssize_t n = write(fd, bytes + *done, length - *done);
		if (n < 0)
			return false;
		*done += (size_t)n;
	}
	return true;
}

/* So that a disk that fills up later does not take the journal's last words. */
static void reserve_room(struct journal_file *file)
{
	if (file->size + ROOM / 4 < file->reserved)
		return;
	file->reserved = file->size + ROOM;
	fallocate(file->fd, FALLOC_FL_KEEP_SIZE, (off_t)file->size, ROOM); /* where that fails, it is as without */
}

bool journal_append(struct journal_file *file, const char *bytes, size_t length)
{
	size_t done;

	reserve_room(file);
	if (file->torn) {
		if (!write_all(file->fd, "\n", 1, &done))
			return false;
		file->torn = false;
		file->size++;
	}
	bool good = write_all(file->fd, bytes, length, &done);
	file->torn = !good && done > 0;
	file->size += done;
	return good;
}

/* The new file, written and in its place; -1 with errno set. */
static int put_in_place(const struct journal_file *file, const char *text, size_t length)
{
	char temporary[JOURNAL_NAME + sizeof ".tmp"], name[JOURNAL_NAME + sizeof ".journal"];
	size_t done;

	snprintf(temporary, sizeof temporary, "%s.tmp", file->name);
	snprintf(name, sizeof name, "%s.journal", file->name);
	unlinkat(file->directory, temporary, 0);
	int fd = openat(file->directory, temporary, O_RDWR | O_CREAT | O_EXCL | O_APPEND | SAFELY, 0600);
	if (fd < 0)
		return -1;
	if (write_all(fd, text, length, &done) && fdatasync(fd) == 0 &&
	    renameat(file->directory, temporary, file->directory, name) == 0) {
		fsync(file->directory);
		return fd;
	}
	int error = errno;
	close(fd);
	unlinkat(file->directory, temporary, 0);
	errno = error;
	return -1;
}

bool journal_compact(struct journal_file *file, struct journal_failure *failure)
{
	size_t length = 0;
	char *text = journal_read(file->fd, &length);
	int fd = -1;

	if (text != NULL) {
		size_t kept = text_compact(text, length);
		if (kept >= file->size) {
			free(text);
			return true;
		}
		fd = put_in_place(file, text, kept);
		length = kept;
	}
	if (fd < 0)
		journal_fail(failure, "compact", file->path, file->name, ".journal");
	free(text);
	if (fd < 0)
		return false;
	close(file->fd);
	file->fd = fd;
	file->size = length;
	file->reserved = 0;
	file->torn = false;
	return true;
}

bool journal_is_removed(const struct journal_file *file)
{
	struct stat status;

	return fstat(file->fd, &status) == 0 && status.st_nlink == 0;
}

void journal_close_files(struct journal_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->lock >= 0)
		close(file->lock);
	if (file->directory >= 0)
		close(file->directory);
	file->fd = file->lock = file->directory = -1;
}
