/*
 * ${NAME}, ${NAME:-default}, ${file:/path} and $$ in a string of the configuration.
 */
#ifndef TINYSUP_CONFIG_EXPAND_H
#define TINYSUP_CONFIG_EXPAND_H

#include <stdbool.h>

#include "config/arena.h"

#define SECRET_FILE_MAX 65536 /* bytes; a larger ${file:...} is refused */

/*
 * Returns the expanded text, in the arena, or NULL with one sentence in `why` (which never holds a value). A `$` before
 * anything but `{` and `$` stands for itself, so that a regular expression may end in one. *from_file tells whether a
 * ${file:...} went in: such a text is a secret.
 */
const char *expand(struct arena *arena, const char *text, bool *from_file, char why[256]);

#endif
