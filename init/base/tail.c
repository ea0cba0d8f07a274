#include "init/base/tail.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/utf8.h"

/* Reads the end of a file in front of what buffer + size - have holds. Returns what is there now. */
static size_t read_end(const char *path, char *buffer, size_t size, size_t have)
{
	struct stat status;
	size_t room = size - have;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		room = 0;
	else if (status.st_size < (off_t)room)
		room = (size_t)status.st_size;
	if (room > 0 && pread(fd, buffer + size - have - room, room, status.st_size - (off_t)room) != (ssize_t)room)
		room = 0; /* rotated meanwhile */
	if (fd >= 0)
		close(fd);
	return have + room;
}

/* Where the last `lines` lines begin. The newline at the end belongs to the last one. *missing: lines that are not there. */
static const char *last_lines(const char *bytes, size_t length, int lines, int *missing)
{
	const char *start = bytes + length;

	for (*missing = lines; *missing > 0 && start > bytes; --*missing) {
		const char *newline = memrchr(bytes, '\n', (size_t)(start - bytes) - 1);
		start = newline != NULL ? newline + 1 : bytes;
	}
	return start;
}

/* "\033[31m" and the like: its length; 0: none begins here. */
static size_t sequence_length(const char *at, const char *end)
{
	const char *p = at + 2;

	if (end - at < 2 || at[0] != '\033' || at[1] != '[')
		return 0;
	while (p < end && *p >= 0x20 && *p < 0x40)
		p++;
	return (size_t)(p - at) + (p < end);
}

/* For a terminal and for JSON. In place. */
static void make_plain(char *text)
{
	const char *at = text, *end = text + strlen(text);
	char *to = text;

	while (at < end) {
		size_t skip = sequence_length(at, end), length = utf8_length(at, (size_t)(end - at));
		bool control = (unsigned char)*at < ' ' && *at != '\n' && *at != '\t';
		if (skip > 0) {
			at += skip;
		} else if (*at == '\r') {
			at++; /* "\r\n", and what a progress bar writes */
		} else if (control || *at == 127 || length == 0) {
			*to++ = '?';
			at++;
		} else {
			memmove(to, at, length);
			to += length;
			at += length;
		}
	}
	*to = '\0';
}

const char *tail_read(const char *path, int lines, char *buffer, size_t size)
{
	char older[PATH_MAX];
	int missing = lines;
	size_t have = read_end(path, buffer, size - 1, 0);
	const char *end = buffer + size - 1, *start = last_lines(end - have, have, lines, &missing);

	if (missing > 0 && have < size - 1) {
		snprintf(older, sizeof older, "%s.1", path);
		have = read_end(older, buffer, size - 1, have);
		start = last_lines(end - have, have, lines, &missing);
	}
	size_t length = (size_t)(end - start);
	memmove(buffer, start, length);
	while (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	make_plain(buffer);
	return buffer;
}
