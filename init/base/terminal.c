#include "init/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_has_colour(int fd)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fd) && (none == NULL || *none == '\0') && terminal != NULL && strcmp(terminal, "dumb") != 0;
}
