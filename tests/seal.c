/*
 * The malloc() of the sealed build: after seal() any allocation by the process that called it ends that process, loudly.
 * Children are free to allocate. glibc's own calls come here too, since a program's malloc() takes the place of the library's.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "init/base/seal.h"

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static pid_t sealed;

void seal(void)
{
	sealed = getpid();
}

static void check(void)
{
	static const char message[] = "tinysup: process 1 allocated memory after the seal\n";

	if (sealed == 0 || sealed != getpid())
		return;
	if (write(STDERR_FILENO, message, strlen(message)) < 0)
		_exit(100);
	_exit(99);
}

void *malloc(size_t size)
{
	check();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	check();
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	check();
	return __libc_realloc(memory, size);
}
