/*
 * ${NAME}, ${NAME:-default}, ${file:/path} and $$ in a string of the configuration.
 */
#ifndef TINYSUP_CONFIG_EXPAND_H
#define TINYSUP_CONFIG_EXPAND_H

#include <stdbool.h>

#include "config/arena.h"

#define SECRET_FILE_MAX 65536 /* maximum size of a ${file:...} */

/*
 * Returns the expanded text, in the arena, or NULL with a message in `why`, without values. A `$` not followed by `{` or `$` is
 * literal, so that a regular expression may end in one. *from_file: a ${file:...} was expanded, so the text is a secret.
 */
const char *expand(struct arena *arena, const char *text, bool *from_file, char why[256]);

/* Whether text could be expanded anywhere: every reference is closed and named. If not, `why` says what is wrong. */
bool expand_is_valid(const char *text, char why[256]);

#endif
