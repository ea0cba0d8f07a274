/* UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing over U+10FFFF. */
#ifndef TINYSUP_PROBES_UTF8_H
#define TINYSUP_PROBES_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the character at the start of `length` bytes (at least 1); 0: invalid. */
size_t utf8_length(const char *bytes, size_t length);

/* Whether a string is UTF-8 without control characters but tabs. */
bool utf8_is_plain(const char *string);

#endif
