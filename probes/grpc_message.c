#include "probes/grpc_message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_HEAD   5 /* compressed or not, then four bytes of length, the highest first */
#define VARINT_MAX   10
#define FIELD_STATUS 1
#define FIELD_MAX    ((UINT64_C(1) << 29) - 1)
#define SERVICE_TAG  0x0a /* field 1, with a length */

enum wire_type { WIRE_VARINT, WIRE_64_BIT, WIRE_LENGTH, WIRE_GROUP, WIRE_GROUP_END, WIRE_32_BIT };

struct bytes {
	const unsigned char *at;
	size_t left;
};

char *grpc_request(const char *service, size_t *length)
{
	size_t size = strlen(service), used = FRAME_HEAD;
	unsigned char *message = calloc(1, FRAME_HEAD + 1 + VARINT_MAX + size);

	if (!message)
		return NULL;
	if (size) {
		message[used++] = SERVICE_TAG;
		for (size_t rest = size;; rest >>= 7) {
			message[used++] = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
			if (rest <= 0x7f)
				break;
		}
		while (*service)
			message[used++] = (unsigned char)*service++;
	}
	for (size_t i = 0; i < 4; i++)
		message[1 + i] = (unsigned char)((used - FRAME_HEAD) >> (24 - 8 * i));
	*length = used;
	return (char *)message;
}

static bool skip(struct bytes *bytes, uint64_t count)
{
	if (count > bytes->left)
		return false;
	bytes->at += count;
	bytes->left -= (size_t)count;
	return true;
}

static bool read_varint(struct bytes *bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < VARINT_MAX && bytes->left; i++) {
		unsigned char byte = *bytes->at;
		skip(bytes, 1);
		/* the tenth has room for one bit */
		if (i == VARINT_MAX - 1 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* Groups are older than proto3 and need a stack: they count as malformed. */
static bool skip_value(struct bytes *bytes, enum wire_type type)
{
	uint64_t value;

	switch (type) {
	case WIRE_VARINT:
		return read_varint(bytes, &value);
	case WIRE_64_BIT:
		return skip(bytes, 8);
	case WIRE_LENGTH:
		return read_varint(bytes, &value) && skip(bytes, value);
	case WIRE_32_BIT:
		return skip(bytes, 4);
	case WIRE_GROUP:
	case WIRE_GROUP_END:
		break;
	}
	return false;
}

static bool read_message(struct bytes bytes, uint64_t *status)
{
	uint64_t tag;

	*status = GRPC_UNKNOWN;
	while (bytes.left) {
		if (!read_varint(&bytes, &tag) || tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
			return false;
		if (tag == (FIELD_STATUS << 3 | WIRE_VARINT)) {
			if (!read_varint(&bytes, status))
				return false;
		} else if (!skip_value(&bytes, (enum wire_type)(tag & 7))) {
			return false;
		}
	}
	return true;
}

const char *grpc_parse_response(const char *data, size_t length, uint64_t *status)
{
	const unsigned char *at = (const unsigned char *)data;
	size_t size = 0;

	if (length == 0)
		return "no message in the response";
	if (length < FRAME_HEAD)
		return "truncated message";
	if (at[0] != 0)
		return "unexpected compressed message";
	for (size_t i = 1; i < FRAME_HEAD; i++)
		size = size << 8 | at[i];
	if (size > length - FRAME_HEAD)
		return "truncated message";
	if (size < length - FRAME_HEAD)
		return "more than one message in the response";
	if (!read_message((struct bytes){at + FRAME_HEAD, size}, status))
		return "malformed protobuf message";
	return NULL;
}
