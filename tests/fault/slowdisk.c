/*
 * Preloaded: to the journal's writer, the disk is slow, and what it writes gets there in two pieces. A kill in between tears a
 * record, and what process 1 has sent is on its way for long.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 4000000 /* nanoseconds */

static int is_writer(void)
{
	char name[17] = "";

	prctl(PR_GET_NAME, name);
	return strcmp(name, "tinysup-journal") == 0;
}

static long any(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_nsec / 1000 * 7919 % 104729;
}

static void wait_for_it(void)
{
	const struct timespec time = {.tv_nsec = any() * 40 % LONGEST};

	nanosleep(&time, NULL);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	size_t piece = is_writer() && length > 1 ? 1 + (size_t)any() % (length - 1) : length;

	if (piece < length)
		wait_for_it();
	ssize_t n = syscall(SYS_write, fd, bytes, piece);
	if (piece == length || n != (ssize_t)piece)
		return n;
	wait_for_it();
	ssize_t more = syscall(SYS_write, fd, (const char *)bytes + piece, length - piece);
	return more < 0 ? n : n + more;
}

int fdatasync(int fd)
{
	if (is_writer())
		wait_for_it();
	return (int)syscall(SYS_fdatasync, fd);
}
