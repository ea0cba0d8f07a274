/*
 * The memory the plan lives in: one mapping that only grows, and is made read-only when process 1 seals itself.
 */
#ifndef TINYSUP_CONFIG_ARENA_H
#define TINYSUP_CONFIG_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
	char *base;
	size_t used;
};

/* Reserves address space, not memory. False with errno set where the kernel refuses. */
bool arena_open(struct arena *arena);

/* Zeroed, aligned for any type, never freed. Ends the program with a clear message (exit 78) when the plan outgrows it. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* Read-only from here on: a stray write to the plan is a crash in a test, not a wrong order on an exchange. */
void arena_seal(const struct arena *arena);

#endif
