/* Hexadecimal and base64 (RFC 4648), for secrets and signatures. */
#ifndef TINYSUP_CONFIG_ENCODING_H
#define TINYSUP_CONFIG_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "config/plan_signer.h"

/* Bytes that `length` bytes take at most, encoded or decoded, the NUL included. */
#define ENCODING_ROOM(length) ((length)*2 + 5)

/* Writes `from` as a NUL-terminated text to `to`, which has ENCODING_ROOM(length). Returns its length. Raw: a copy. */
size_t encoding_write(enum encoding encoding, const unsigned char *from, size_t length, char *to);

/*
 * Reads a text into `to`, which has ENCODING_ROOM(strlen(text)). False if it is not in this encoding. Base64 may lack its
 * padding.
 */
bool encoding_read(enum encoding encoding, const char *text, unsigned char *to, size_t *length);

#endif
