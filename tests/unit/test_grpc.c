/* probes/grpc_message: what a health check sends, and every way its answer can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "probes/grpc_message.h"

#define TEST(name)  static void name(void **state __attribute__((unused)))
#define BYTES(text) (text), sizeof(text) - 1

/* The message in a frame; on the heap, so that a byte too far is seen. */
static const char *read_framed(const char *message, size_t length, uint64_t *status)
{
	unsigned char *data = malloc(5 + length);

	memcpy(data, "\0\0\0", 3);
	data[3] = (unsigned char)(length >> 8), data[4] = (unsigned char)length;
	memcpy(data + 5, message, length);
	const char *problem = grpc_parse_response((const char *)data, 5 + length, status);
	free(data);
	return problem;
}

static void expect_status(uint64_t expected, const char *message, size_t length)
{
	uint64_t status = 99;

	assert_null(read_framed(message, length, &status));
	assert_true(status == expected);
}

static void expect_malformed(const char *message, size_t length)
{
	uint64_t status;

	assert_string_equal(read_framed(message, length, &status), "malformed protobuf message");
}

TEST(test_request)
{
	char service[300];
	size_t length;
	char *request = grpc_request("", &length);

	assert_int_equal(length, 5);
	assert_memory_equal(request, "\0\0\0\0\0", 5);
	free(request);
	request = grpc_request("a.B", &length);
	assert_int_equal(length, 10);
	assert_memory_equal(request, "\0\0\0\0\5\x0a\3a.B", 10);
	free(request);
	memset(service, 'x', sizeof(service));
	service[299] = '\0';
	request = grpc_request(service, &length);
	assert_int_equal(length, 5 + 3 + 299);
	assert_memory_equal(request, "\0\0\0\1\x2e\x0a\xab\2x", 9);
	free(request);
	service[128] = '\0';
	request = grpc_request(service, &length);
	assert_memory_equal(request, "\0\0\0\0\x83\x0a\x80\1x", 9);
	free(request);
	service[127] = '\0';
	request = grpc_request(service, &length);
	assert_memory_equal(request, "\0\0\0\0\x81\x0a\x7fx", 8);
	free(request);
}

TEST(test_frames)
{
	static const struct {
		const char *data;
		size_t length;
		const char *problem;
	} cases[] = {
	    {BYTES(""), "no message in the response"},
	    {BYTES("\0"), "truncated message"},
	    {BYTES("\0\0\0\0"), "truncated message"},
	    {BYTES("\0\0\0\0\2\x08"), "truncated message"},
	    {BYTES("\0\xff\xff\xff\xff\x08\1"), "truncated message"},
	    {BYTES("\0\x80\0\0\0\x08\1"), "truncated message"},
	    {BYTES("\1\0\0\0\2\x08\1"), "unexpected compressed message"},
	    {BYTES("\xff\0\0\0\2\x08\1"), "unexpected compressed message"},
	    {BYTES("\0\0\0\0\2\x08\1x"), "more than one message in the response"},
	    {BYTES("\0\0\0\0\0\0\0\0\0\2\x08\1"), "more than one message in the response"},
	};
	uint64_t status;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(grpc_parse_response(cases[i].data, cases[i].length, &status), cases[i].problem);
	assert_null(grpc_parse_response(BYTES("\0\0\0\0\0"), &status));
	assert_true(status == GRPC_UNKNOWN);
}

TEST(test_statuses)
{
	expect_status(GRPC_UNKNOWN, BYTES(""));
	expect_status(GRPC_UNKNOWN, BYTES("\x08\0"));
	expect_status(GRPC_SERVING, BYTES("\x08\1"));
	expect_status(GRPC_NOT_SERVING, BYTES("\x08\2"));
	expect_status(GRPC_SERVICE_UNKNOWN, BYTES("\x08\3"));
	expect_status(GRPC_SERVING, BYTES("\x08\x81\x80\x80\0"));
	expect_status(UINT64_MAX, BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"));
	/* no SERVING by overflow of 32 bits */
	expect_status((UINT64_C(1) << 32) + 1, BYTES("\x08\x81\x80\x80\x80\x10"));
	/* the last one counts */
	expect_status(GRPC_NOT_SERVING, BYTES("\x08\1\x08\2"));
}

TEST(test_unknown_fields_are_skipped)
{
	expect_status(GRPC_SERVING, BYTES("\x10\x80\1\x08\1"));
	expect_status(GRPC_SERVING, BYTES("\x11"
					  "12345678"
					  "\x08\1"));
	expect_status(GRPC_SERVING, BYTES("\x12\5\x08\2\x08\2\x08\x08\1"));
	expect_status(GRPC_SERVING, BYTES("\x08\1\x12\0"));
	expect_status(GRPC_SERVING, BYTES("\x15"
					  "1234"
					  "\x08\1"));
	expect_status(GRPC_SERVING, BYTES("\xf8\xff\xff\xff\x0f\1\x08\1"));
	/* field 1 of another type */
	expect_status(GRPC_UNKNOWN, BYTES("\x0a\1\1"));
	expect_status(GRPC_UNKNOWN, BYTES("\x0d\1\0\0\0"));
}

TEST(test_malformed)
{
	expect_malformed(BYTES("\x08"));
	expect_malformed(BYTES("\x08\x80"));
	expect_malformed(BYTES("\x08\1\x08"));
	expect_malformed(BYTES("\x88"));
	expect_malformed(BYTES("\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"));
	expect_malformed(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"));
	expect_malformed(BYTES("\0\1"));
	expect_malformed(BYTES("\x80\x80\x80\x80\x10\1"));
	expect_malformed(BYTES("\x11"
			       "1234567"));
	expect_malformed(BYTES("\x15"
			       "123"));
	expect_malformed(BYTES("\x12\2x"));
	expect_malformed(BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"));
	expect_malformed(BYTES("\x12\xff\xff\xff\xff\x0f"));
	expect_malformed(BYTES("\x13\x14"));
	expect_malformed(BYTES("\x14"));
	expect_malformed(BYTES("\x0e\1"));
	expect_malformed(BYTES("\x0f\1"));
}

/* Whatever three bytes come: an answer, no read beyond them, and SERVING only where field 1 says so. */
TEST(test_all_short_messages)
{
	uint64_t status;

	for (unsigned value = 0; value < 1u << 24; value += 1 + (value >> 16 > 0x20) * 6) {
		const char message[] = {(char)(value >> 16), (char)(value >> 8), (char)value};
		for (size_t length = 1; length <= sizeof(message); length++) {
			if (!read_framed(message, length, &status) && status == GRPC_SERVING)
				assert_non_null(memchr(message, 0x08, length));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),   cmocka_unit_test(test_frames),
	    cmocka_unit_test(test_statuses),  cmocka_unit_test(test_unknown_fields_are_skipped),
	    cmocka_unit_test(test_malformed), cmocka_unit_test(test_all_short_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
