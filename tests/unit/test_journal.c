/*
 * Records of the journal as lines: what is written reads the same, and what was damaged does not read.
 */
#include "tests/unit/journal.h"

#include <limits.h>

static const char run_id[] = "9f3c21d07be45a10";

/* Every field set, to something that depends on `n`. */
static struct record full(enum record_kind kind, int n)
{
	struct record record = record_of(kind);

	record.number = 14 + (uint64_t)n;
	record.time = INT64_C(1763748137123) + n;
	record.failed = n & 1;
	record.unfinished = n & 2;
	record.reason = n % REASON_COUNT;
	record.cause = (n + 1) % REASON_COUNT;
	record.state = n % STATE_COUNT == STATE_PAUSED ? STATE_RUNNING : n % STATE_COUNT; /* both are "running" */
	record.signal = n % 65;
	record.code = n;
	record.attempt = n + 1;
	record.after = 812;
	record.took = 0;
	record.deadline = 30000;
	record.grace = INT64_C(1) << 40;
	record.count = 7;
	record_put(record.run, sizeof record.run, run_id);
	record_put(record.id, sizeof record.id, "4be1c0ffee0000004be1c0ffee000000");
	record_put(record.name, sizeof record.name, "cancel/all");
	record_put(record.text, sizeof record.text, "HTTP 503 = \"no\", 100 %\n\t\xc3\xa9\x7f");
	return record;
}

static size_t write_line(const struct record *record, char line[RECORD_LINE])
{
	size_t length = record_write(record, line);

	assert_true(length > 1 && length <= RECORD_LINE);
	assert_int_equal(line[length - 1], '\n');
	for (size_t i = 0; i + 1 < length; i++)
		assert_true(line[i] >= 32 && line[i] <= 126);
	return length - 1;
}

static void assert_same(const struct record *a, const struct record *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->unfinished, b->unfinished);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->cause, b->cause);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->signal, b->signal);
	assert_int_equal(a->code, b->code);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->after, b->after);
	assert_int_equal(a->took, b->took);
	assert_int_equal(a->deadline, b->deadline);
	assert_int_equal(a->grace, b->grace);
	assert_int_equal(a->count, b->count);
	assert_string_equal(a->run, b->run);
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->text, b->text);
}

static void assert_round_trip(const struct record *record)
{
	char line[RECORD_LINE];
	struct record back;
	size_t length = write_line(record, line);

	assert_true(record_valid(record));
	assert_true(record_read(line, length, &back));
	assert_same(record, &back);
}

static void every_kind_reads_as_it_was_written(void **state)
{
	(void)state;
	for (int kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
		struct record bare = record_of((enum record_kind)kind);
		record_put(bare.run, sizeof bare.run, run_id);
		assert_round_trip(&bare);
		assert_string_not_equal(record_kind_name((enum record_kind)kind), "unknown");
		for (int n = 0; n < 70; n++) {
			struct record record = full((enum record_kind)kind, n);
			assert_round_trip(&record);
		}
	}
}

static void a_line_is_as_the_header_shows_it(void **state)
{
	struct record record = record_of(RECORD_STEP_END);
	char line[RECORD_LINE];

	(void)state;
	record.number = 14;
	record.time = INT64_C(1763748137123);
	record_put(record.run, sizeof record.run, run_id);
	record_put(record.name, sizeof record.name, "cancel all");
	record.state = STATE_OK;
	record.attempt = 1;
	size_t length = write_line(&record, line);
	line[length] = '\0';
	assert_string_equal(line + 8, " 9f3c21d07be45a10 14 1763748137123 step_end name=cancel%20all state=ok attempt=1");
	/* as zlib has it */
	assert_memory_equal(line, "fee33d20", 8);
}

static void no_flipped_bit_goes_unseen(void **state)
{
	char line[RECORD_LINE], flipped[RECORD_LINE];
	struct record back;

	(void)state;
	for (int kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
		struct record record = full((enum record_kind)kind, kind);
		size_t length = write_line(&record, line);
		for (size_t bit = 0; bit < 8 * length; bit++) {
			memcpy(flipped, line, length);
			flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
			assert_false(record_read(flipped, length, &back));
		}
	}
}

static void a_cut_line_is_damaged(void **state)
{
	struct record record = full(RECORD_STEP_END, 3), back;
	char line[RECORD_LINE];
	size_t length = write_line(&record, line);

	(void)state;
	for (size_t n = 0; n < length; n++) {
		assert_false(record_read(line, n, &back));
		assert_false(record_read(line + length - n, n, &back));
	}
	assert_false(record_read(line, length + 1, &back)); /* with its newline */
}

static void what_is_not_known_is_passed_over(void **state)
{
	struct record back;

	(void)state;
	assert_true(read_body("9f3c21d07be45a10 2 3 eclipse name=moon", &back));
	assert_int_equal(back.kind, RECORD_NONE);
	assert_int_equal(back.number, 2);
	assert_true(read_body("9f3c21d07be45a10 2 3 end colour=red code=1 bare =x code2=7 reason=boredom signal=99", &back));
	assert_int_equal(back.kind, RECORD_END);
	assert_int_equal(back.code, 1);
	assert_int_equal(back.reason, RECORD_UNSET);
	assert_int_equal(back.signal, RECORD_UNSET);
	assert_true(
	    read_body("9f3c21d07be45a10 2 3 end  took=1.5 after=-4 count=253402300800000 code=99999999999 failed=2", &back));
	assert_int_equal(back.took, RECORD_UNSET);
	assert_int_equal(back.after, RECORD_UNSET);
	assert_int_equal(back.count, RECORD_UNSET);
	assert_int_equal(back.code, RECORD_UNSET);
	assert_false(back.failed);
	assert_true(read_body("9f3c21d07be45a10 2 3 end name=a%4 text=%00 id=%zz", &back));
	assert_string_equal(back.name, "");
	assert_string_equal(back.text, "");
	assert_string_equal(back.id, "");
}

static void what_every_line_has_must_be_right(void **state)
{
	static const char *const wrong[] = {
	    "",
	    "9f3c21d07be45a10",
	    "9f3c21d07be45a10 1 2",
	    "9f3c21d07be45a1 1 2 end",
	    "9f3c21d07be45a100 1 2 end",
	    "9F3C21D07BE45A10 1 2 end",
	    "9f3c21d07be45a10  1 2 end",
	    "9f3c21d07be45a10 x 2 end",
	    "9f3c21d07be45a10 -1 2 end",
	    "9f3c21d07be45a10 1 253402300800000 end",
	    "9f3c21d07be45a10 99999999999999999999999 2 end",
	};
	struct record back;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(read_body(wrong[i], &back));
}

static void every_byte_survives_in_a_text(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		struct record record = full(RECORD_PROBE, 1);
		record.text[0] = record.name[3] = record.id[31] = (char)byte;
		assert_round_trip(&record);
	}
}

static void the_longest_line_fits(void **state)
{
	struct record record = full(RECORD_CHAIN_START, 0);

	(void)state;
	memset(record.id, '%', sizeof record.id - 1);
	memset(record.name, '\n', sizeof record.name - 1);
	memset(record.text, '\xff', sizeof record.text - 1);
	record.reason = record.cause = REASON_UNHEALTHY;
	record.state = STATE_RUNNING;
	record.signal = 64;
	record.code = record.attempt = INT_MAX;
	record.time = record.after = record.took = record.deadline = record.grace = record.count = INT64_C(253402300799999);
	record.number = UINT64_C(253402300799999);
	record.failed = record.unfinished = true;
	assert_round_trip(&record);
}

static void a_text_is_cut_between_characters(void **state)
{
	char field[8];

	(void)state;
	record_put(field, sizeof field, "1234567");
	assert_string_equal(field, "1234567");
	record_put(field, sizeof field, "12345678");
	assert_string_equal(field, "1234567");
	record_put(field, sizeof field, "123456\xc3\xa9");
	assert_string_equal(field, "123456");
	record_put(field, sizeof field, "1234\xf0\x9f\x99\x82");
	assert_string_equal(field, "1234");
	record_put(field, sizeof field, "12345\xc3\xa9");
	assert_string_equal(field, "12345\xc3\xa9");
	record_put(field, sizeof field, "\x80\x80\x80\x80\x80\x80\x80\x80\x80"); /* no character at all */
	assert_int_equal(strlen(field), 7);
	record_put(field, sizeof field, "");
	assert_memory_equal(field, "\0\0\0\0\0\0\0\0", 8);
}

static void a_text_too_long_is_cut(void **state)
{
	char body[RECORD_LINE];
	struct record back;

	(void)state;
	int length = snprintf(body, sizeof body, "9f3c21d07be45a10 2 3 probe name=");
	memset(body + length, 'x', 300);
	body[length + 300] = '\0';
	assert_true(read_body(body, &back));
	assert_int_equal(strlen(back.name), RECORD_NAME - 1);
	memset(body, 'x', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	assert_false(read_body(body, &back));
}

/* What others wrote into a record's memory. */
static void a_record_out_of_range_is_none(void **state)
{
	struct record record = {0}, good = full(RECORD_STEP_END, 1);
	char line[RECORD_LINE];

	(void)state;
	assert_true(record_valid(&record)); /* an empty place */
	assert_int_equal(record_write(&record, line), 0);
#define REFUSED(change)                                                                                                        \
	do {                                                                                                                   \
		record = good;                                                                                                 \
		change;                                                                                                        \
		assert_false(record_valid(&record));                                                                           \
		assert_int_equal(record_write(&record, line), 0);                                                              \
	} while (0)
	REFUSED(record.kind = RECORD_KINDS);
	REFUSED(record.reason = REASON_COUNT);
	REFUSED(record.cause = -2);
	REFUSED(record.state = STATE_COUNT);
	REFUSED(record.signal = 65);
	REFUSED(record.code = -2);
	REFUSED(record.attempt = INT_MIN);
	REFUSED(record.time = -1);
	REFUSED(record.time = INT64_MAX);
	REFUSED(record.number = UINT64_MAX);
	REFUSED(record.after = INT64_MIN);
	REFUSED(record.count = INT64_MAX);
	REFUSED(memset(record.run, 'a', sizeof record.run));
	REFUSED(memset(record.id, 'a', sizeof record.id));
	REFUSED(memset(record.name, 'a', sizeof record.name));
	REFUSED(memset(record.text, 'a', sizeof record.text));
	REFUSED(memset(&record.failed, 2, 1));
	REFUSED(memset(&record.unfinished, 0x80, 1));
	record = good;
	record_put(record.run, sizeof record.run, "not a run's id");
	assert_int_equal(record_write(&record, line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_reads_as_it_was_written), cmocka_unit_test(a_line_is_as_the_header_shows_it),
	    cmocka_unit_test(no_flipped_bit_goes_unseen),         cmocka_unit_test(a_cut_line_is_damaged),
	    cmocka_unit_test(what_is_not_known_is_passed_over),   cmocka_unit_test(what_every_line_has_must_be_right),
	    cmocka_unit_test(every_byte_survives_in_a_text),      cmocka_unit_test(the_longest_line_fits),
	    cmocka_unit_test(a_text_is_cut_between_characters),   cmocka_unit_test(a_text_too_long_is_cut),
	    cmocka_unit_test(a_record_out_of_range_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
