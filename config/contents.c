#include "config/contents.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_PATIENCE 10000 /* milliseconds without input before giving up on standard input */

static bool unfit(int *error, char why[256], const char *what)
{
	*error = 0;
	snprintf(why, 256, "%s", what);
	return false;
}

static bool failed(int *error, char why[256])
{
	*error = errno;
	snprintf(why, 256, "%s", strerror(errno));
	return false;
}

/* Files in /proc have size 0, too. */
static bool is_regular(mode_t mode, int *error, char why[256])
{
	if (S_ISREG(mode))
		return true;
	if (S_ISDIR(mode))
		return unfit(error, why, "is a directory (Docker creates one if the source of a bind mount is missing)");
	return unfit(error, why, S_ISFIFO(mode) ? "is a pipe, not a regular file" : "is not a regular file");
}

/* Doubles the buffer, up to one byte more than `most` to detect files that are too large. Wipes the old copy. */
static bool grow(struct contents *out, size_t *capacity, size_t most)
{
	size_t larger = *capacity * 2 < most + 2 ? *capacity * 2 : most + 2;
	char *text = malloc(larger);

	if (text == NULL)
		return false;
	memcpy(text, out->text, out->length);
	explicit_bzero(out->text, out->length);
	free(out->text);
	out->text = text;
	*capacity = larger;
	return true;
}

static ssize_t read_some(int fd, char *to, size_t room, bool input)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	ssize_t n;

	do {
		int ready = input ? poll(&poller, 1, INPUT_PATIENCE) : 1;
		if (ready == 0)
			errno = ETIMEDOUT;
		n = ready > 0 ? read(fd, to, room) : -1;
	} while (n < 0 && errno == EINTR);
	return n;
}

static bool read_all(int fd, size_t most, struct contents *out, bool input, int *error, char why[256])
{
	size_t capacity = most < 4096 ? most + 2 : 4096;
	ssize_t n;

	out->text = malloc(capacity);
	if (out->text == NULL)
		return failed(error, why);
	while ((n = read_some(fd, out->text + out->length, capacity - out->length - 1, input)) > 0) {
		out->length += (size_t)n;
		if (out->length > most) {
			snprintf(why, 256, "is larger than %zu bytes", most);
			*error = 0;
			return false;
		}
		if (out->length + 1 == capacity && !grow(out, &capacity, most))
			return failed(error, why);
	}
	if (n < 0)
		return failed(error, why);
	if (memchr(out->text, '\0', out->length) != NULL)
		return unfit(error, why, "contains a NUL byte");
	out->text[out->length] = '\0';
	return true;
}

bool contents_read(const char *path, size_t most, struct contents *out, int *error, char why[256])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	*out = (struct contents){.text = NULL};
	if (fd < 0)
		return failed(error, why);
	bool good = fstat(fd, &status) == 0 ? is_regular(status.st_mode, error, why) : failed(error, why);
	good = good && read_all(fd, most, out, false, error, why);
	close(fd);
	if (!good) {
		contents_free(out);
		return false;
	}
	out->device = status.st_dev;
	out->inode = status.st_ino;
	return true;
}

bool contents_read_input(size_t most, struct contents *out, int *error, char why[256])
{
	struct stat status;

	*out = (struct contents){.text = NULL};
	if (fstat(STDIN_FILENO, &status) != 0)
		return failed(error, why);
	bool stream = S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode);
	bool good = stream || is_regular(status.st_mode, error, why);
	if (good && read_all(STDIN_FILENO, most, out, true, error, why))
		return true;
	contents_free(out);
	return false;
}

void contents_free(struct contents *contents)
{
	if (contents->text != NULL)
		explicit_bzero(contents->text, contents->length);
	free(contents->text);
	*contents = (struct contents){.text = NULL};
}
