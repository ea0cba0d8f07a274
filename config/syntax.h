/* Explains libconfig's "syntax error": the line, a caret and the likely mistake. */
#ifndef TINYSUP_CONFIG_SYNTAX_H
#define TINYSUP_CONFIG_SYNTAX_H

#include <stdbool.h>

#include "config/errors.h"
#include "config/source.h"

/* Adds a syntax error. said: libconfig's message. show: print the line; for --check only, because it may hold a secret. */
void syntax_error(const struct source *source, int line, const char *said, bool show, struct errors *errors);

#endif
