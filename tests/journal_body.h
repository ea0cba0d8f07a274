/* Lines of a journal, made by hand. */
#ifndef TINYSUP_TESTS_JOURNAL_BODY_H
#define TINYSUP_TESTS_JOURNAL_BODY_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "init/journal/record.h"

/* Bit by bit, to have a second opinion. */
static inline uint32_t crc32_of(const char *bytes, size_t length)
{
	uint32_t sum = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		sum ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (0xedb88320 & -(sum & 1));
	}
	return ~sum;
}

/* Reads a line with this body and the right checksum. */
static inline bool read_body(const char *body, struct record *out)
{
	char line[2 * RECORD_LINE];
	int length = snprintf(line + 8, sizeof line - 8, " %s", body);
	char sum[9];

	snprintf(sum, sizeof sum, "%08x", crc32_of(line + 8, (size_t)length));
	memcpy(line, sum, 8);
	return record_read(line, (size_t)length + 8, out);
}

#endif
