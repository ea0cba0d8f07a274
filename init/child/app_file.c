#include "init/child/app_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line that was begun before the limit may go so far beyond it. */
#define LINE_ROOM 65536

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void app_file_init(struct app_file *file, const struct plan_output *plan)
{
	*file = (struct app_file){.plan = plan, .fd = -1};
}

static void close_file(struct app_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Continues a line that an earlier relay has begun. */
static bool ends_in_line(int fd, int64_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static bool open_file(struct app_file *file)
{
	struct stat status;

	/* non-blocking: a FIFO of this name must not hold us up */
	file->fd = open(file->plan->file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (file->fd < 0)
		return false;
	if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close_file(file);
		errno = EINVAL;
		return false;
	}
	file->size = status.st_size;
	file->in_line = ends_in_line(file->fd, file->size);
	return true;
}

/* Somebody may have moved it away or removed it: looked up once a second. */
static void look_up(struct app_file *file)
{
	struct stat there, ours;
	time_t now = seconds_now();

	if (file->fd < 0 || now == file->looked_at)
		return;
	file->looked_at = now;
	if (fstat(file->fd, &ours) != 0 || stat(file->plan->file, &there) != 0 || there.st_ino != ours.st_ino ||
	    there.st_dev != ours.st_dev)
		close_file(file);
}

static const char *rotated(const struct app_file *file, int number, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s.%d", file->plan->file, number);
	return name;
}

/* FILE.1 becomes FILE.2 and so on, over the oldest. A file that cannot be renamed (a bind mount) is emptied: it must not fill
 * the disk. */
static void rotate(struct app_file *file)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (int n = file->plan->keep - 1; n >= 1; n--)
		rename(rotated(file, n, from), rotated(file, n + 1, to));
	if (rename(file->plan->file, rotated(file, 1, to)) == 0) {
		close_file(file);
		return;
	}
	file->not_rotated = errno;
	if (ftruncate(file->fd, 0) == 0) {
		file->size = 0;
		file->in_line = false;
	}
}

/* How many bytes may be appended before the file is rotated, with whole lines where there are any; 0: rotate first. */
static size_t room_for(const struct app_file *file, const char *bytes, size_t length)
{
	int64_t room = file->plan->max_size - file->size;

	if (room >= (int64_t)length)
		return length;
	const char *end = room > 0 ? memrchr(bytes, '\n', (size_t)room) : NULL;
	if (end != NULL)
		return (size_t)(end - bytes) + 1;
	if (file->in_line && room > -LINE_ROOM) {
		size_t most = (size_t)(room + LINE_ROOM) < length ? (size_t)(room + LINE_ROOM) : length;
		end = memchr(bytes, '\n', most);
		return end != NULL ? (size_t)(end - bytes) + 1 : most;
	}
	/* an empty file takes a line that is longer than max_size */
	return file->size == 0 ? (size_t)file->plan->max_size : 0;
}

static bool write_all(struct app_file *file, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(file->fd, bytes, length);
		if (n <= 0) {
			file->dropped += length;
			file->error = n < 0 ? errno : ENOSPC;
			return false;
		}
		file->size += n;
		file->in_line = bytes[n - 1] != '\n';
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* Where it goes on after a gap. */
static bool tell_dropped(struct app_file *file)
{
	char line[128];
	uint64_t dropped = file->dropped;
	int error = file->error;

	if (dropped == 0)
		return true;
	int length = snprintf(line, sizeof line, "%s[tinysup: %llu bytes could not be written here: %s]\n",
			      file->in_line ? "\n" : "", (unsigned long long)dropped, strerror(error));
	if (!write_all(file, line, (size_t)length)) {
		file->dropped = dropped;
		return false;
	}
	file->dropped = 0;
	file->error = 0;
	return true;
}

size_t app_file_append(struct app_file *file, const char *bytes, size_t length)
{
	size_t room = 0;

	look_up(file);
	for (int i = 0; i < 2 && room == 0; i++) {
		if (i > 0)
			rotate(file);
		if (file->fd < 0 && !open_file(file)) {
			file->error = errno;
			file->dropped += length;
			return length;
		}
		room = room_for(file, bytes, length);
	}
	if (room == 0)
		room = length; /* it cannot be rotated: better too long than not there */
	if (tell_dropped(file))
		write_all(file, bytes, room);
	else
		file->dropped += room;
	return room;
}
