/*
 * ${NAME}, ${NAME:-default}, ${file:/path} and $$ in a string of the configuration.
 */
#ifndef TINYSUP_CONFIG_EXPAND_H
#define TINYSUP_CONFIG_EXPAND_H

#include <stdbool.h>

#include "config/arena.h"

#define SECRET_FILE_MAX 65536 /* maximum size of a ${file:...} */

/* Stands for ${idempotency_key} until a worker knows the key: as long, and as harmless in a URL and in JSON. */
#define KEY_MARK        "0tinysup0idempotency0key0mark000"
#define KEY_MARK_LENGTH (sizeof KEY_MARK - 1)

/* What a text is expanded with, and what was found in it. */
struct expansion {
	const char *each; /* ${each}, of a step; NULL: it cannot be used */
	bool keyed;       /* ${idempotency_key} becomes KEY_MARK; false: it cannot be used */
	bool from_file;   /* out: a ${file:...} was expanded, so the text is a secret */
	bool used_each;   /* out: ${each} was expanded */
};

/*
 * Returns the expanded text, in the arena, or NULL with a message in `why`, without values. A `$` not followed by `{` or `$` is
 * literal, so that a regular expression may end in one.
 */
const char *expand(struct arena *arena, const char *text, struct expansion *with, char why[256]);

/* The same outside of process 1, malloc()ed: what a file holds now. To be freed by expand_free(), which wipes it. */
char *expand_now(const char *text, struct expansion *with, char why[256]);
void expand_free(char *text);

/* Whether an expanded text has a KEY_MARK. NULL: no. */
bool expand_is_keyed(const char *text);

/* Whether text could be expanded anywhere: every reference is closed and named. If not, `why` says what is wrong. */
bool expand_is_valid(const char *text, const struct expansion *with, char why[256]);

#endif
