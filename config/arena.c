#include "config/arena.h"

#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

bool arena_open(struct arena *arena)
{
	void *base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return false;
	arena->base = base;
	arena->used = 0;
	return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	char *block = arena->base + arena->used;

	size = (size + align - 1) / align * align;
	if (size > ARENA_SIZE - arena->used)
		longjmp(arena->full, 1);
	arena->used += size;
	return block;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

void arena_seal(const struct arena *arena)
{
	mprotect(arena->base, ARENA_SIZE, PROT_READ);
	madvise(arena->base, ARENA_SIZE, MADV_DONTDUMP); /* it holds secrets */
}
