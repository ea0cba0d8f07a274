/* The last lines of a file that the app's output is copied to. Reads files: not for process 1. */
#ifndef TINYSUP_INIT_BASE_TAIL_H
#define TINYSUP_INIT_BASE_TAIL_H

#include <stddef.h>

/*
 * The last `lines` lines of `path`, and of `path`.1 where that has too few, as one string in `buffer`, without the newline at
 * its end. At most size - 1 bytes: of earlier lines, the end. Terminal sequences are left out; other control characters and
 * bytes that are not UTF-8 become "?". Returns buffer; "" where nothing can be read.
 */
const char *tail_read(const char *path, int lines, char *buffer, size_t size);

#endif
