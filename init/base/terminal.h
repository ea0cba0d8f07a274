/* What a descriptor can show. */
#ifndef TINYSUP_INIT_BASE_TERMINAL_H
#define TINYSUP_INIT_BASE_TERMINAL_H

#include <stdbool.h>

/* Whether it is a terminal that shows colours, and the user wants them: neither NO_COLOR (no-color.org) nor TERM "dumb". */
bool terminal_has_colour(int fd);

#endif
