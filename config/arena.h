/* Memory of the plan: one mapping that only grows and becomes read-only at the seal. */
#ifndef TINYSUP_CONFIG_ARENA_H
#define TINYSUP_CONFIG_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct arena {
	char *base;
	size_t used;
	jmp_buf full; /* target of arena_alloc() if there is no room; set by the owner */
};

#define ARENA_SIZE ((size_t)16 << 20)

/* Reserves address space, not memory. False with errno set on failure. */
bool arena_open(struct arena *arena);

/* Zeroed, aligned for any type, never freed. Does not return if the arena is full: see `full`. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* Read-only from here on: a stray write to the plan is a crash in a test, not a wrong order on an exchange. */
void arena_seal(const struct arena *arena);

#endif
