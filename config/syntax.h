/* Where libconfig only says "syntax error": the line, a caret, and the habit that the mistake comes from. */
#ifndef TINYSUP_CONFIG_SYNTAX_H
#define TINYSUP_CONFIG_SYNTAX_H

#include <stdbool.h>

#include "config/errors.h"
#include "config/source.h"

/*
 * Adds the error that libconfig has found in a line of the source's text; `said` is libconfig's own word. show: the line
 * itself, which may hold a secret that somebody wrote out: for --check, not for logs.
 */
void syntax_error(const struct source *source, int line, const char *said, bool show, struct errors *errors);

#endif
