#include "config/encoding.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char base64_digits[] = ALPHABET "+/";
static const char base64url_digits[] = ALPHABET "-_";

static size_t write_hex(const unsigned char *from, size_t length, char *to)
{
	for (size_t i = 0; i < length; i++) {
		*to++ = hex_digits[from[i] >> 4];
		*to++ = hex_digits[from[i] & 15];
	}
	*to = '\0';
	return length * 2;
}

/* pad 0: none */
static size_t write_base64(const char *digits, char pad, const unsigned char *from, size_t length, char *to)
{
	char *begin = to;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned bits =
		    (unsigned)from[i] << 16 | (left > 1 ? (unsigned)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
		for (size_t digit = 0; digit < 4; digit++) {
			if (digit <= left)
				*to++ = digits[bits >> (18 - 6 * digit) & 63];
			else if (pad != 0)
				*to++ = pad;
		}
	}
	*to = '\0';
	return (size_t)(to - begin);
}

size_t encoding_write(enum encoding encoding, const unsigned char *from, size_t length, char *to)
{
	switch (encoding) {
	case ENCODING_HEX:
		return write_hex(from, length, to);
	case ENCODING_BASE64:
		return write_base64(base64_digits, '=', from, length, to);
	case ENCODING_BASE64URL:
		return write_base64(base64url_digits, 0, from, length, to);
	case ENCODING_RAW:
		break;
	}
	memcpy(to, from, length);
	to[length] = '\0';
	return length;
}

/* The value of a digit; -1: it is none. */
static int digit_value(const char *digits, char digit)
{
	const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

static bool read_hex(const char *text, unsigned char *to, size_t *length)
{
	size_t digits = strlen(text);

	for (size_t i = 0; i < digits; i++) {
		int value = digit_value(hex_digits, text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i]);
		if (value < 0)
			return false;
		to[i / 2] = (unsigned char)(i % 2 == 0 ? value << 4 : to[i / 2] | value);
	}
	*length = digits / 2;
	return digits % 2 == 0;
}

static bool read_base64(const char *digits, const char *text, unsigned char *to, size_t *length)
{
	size_t count = strcspn(text, "="), pad = strspn(text + count, "=");
	unsigned bits = 0;

	*length = 0;
	if (text[count + pad] != '\0' || count % 4 == 1 || (pad > 0 && (count + pad) % 4 != 0))
		return false;
	for (size_t i = 0; i < count; i++) {
		int value = digit_value(digits, text[i]);
		if (value < 0)
			return false;
		bits = bits << 6 | (unsigned)value;
		if (i % 4 != 0)
			to[(*length)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	return true;
}

bool encoding_read(enum encoding encoding, const char *text, unsigned char *to, size_t *length)
{
	switch (encoding) {
	case ENCODING_HEX:
		return read_hex(text, to, length);
	case ENCODING_BASE64:
		return read_base64(base64_digits, text, to, length);
	case ENCODING_BASE64URL:
		return read_base64(base64url_digits, text, to, length);
	case ENCODING_RAW:
		break;
	}
	*length = strlen(text);
	memcpy(to, text, *length);
	return true;
}
