/* The account of histories that are generated, cut and damaged everywhere. */
#include "tests/unit/account.h"

#include <stdlib.h>

#include "init/journal/text.h"

static uint64_t seed;

static unsigned random_below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % limit;
}

/* A history, and what the last cut leaves owed: kept by the simulation itself. */
#define LINES 400 /* of most histories */
#define LONG  9000
static struct told {
	struct record record;
	enum owed owed;
	char id[RECORD_ID];
	uint64_t done;
} history[LONG];
static size_t told, most;

static struct told model;

static void tell(struct record record)
{
	if (told == most)
		return;
	record_put(record.run, sizeof record.run, run);
	record.number = ++number;
	record.time = now += random_below(1000);
	history[told] = model;
	history[told++].record = record;
}

static void simulate_steps(const char *id)
{
	for (unsigned i = 0; i < STEPS && random_below(8) > 0; i++) {
		struct record record = record_of(RECORD_STEP_END);
		record_put(record.id, sizeof record.id, id);
		record_put(record.name, sizeof record.name, step_names[i]);
		bool done = (model.done >> i & 1) != 0;
		record.state = done ? STATE_SKIPPED : random_below(3) ? STATE_OK : STATE_FAILED;
		record.after = random_below(10000);
		if (record.state == STATE_OK && strcmp(model.id, id) == 0)
			model.done |= UINT64_C(1) << i;
		tell(record);
	}
}

static void simulate_chain(int reason, bool same_id)
{
	static unsigned ids;
	struct record record = record_of(RECORD_CHAIN_START);

	if (same_id)
		record_put(record.id, sizeof record.id, model.id);
	else
		snprintf(record.id, sizeof record.id, "chain%u", ids++);
	record.reason = reason;
	record.signal = reason == REASON_STOP ? 15 : RECORD_UNSET;
	record.count = STEPS;
	if (reason != REASON_START && reason != REASON_HELD) {
		if (!same_id)
			model.done = 0;
		model.owed = OWED_REST;
		memcpy(model.id, record.id, sizeof model.id);
	}
	tell(record);
	simulate_steps(record.id);
	record.kind = RECORD_CHAIN_END;
	tell(record);
}

static void simulate_run(void)
{
	struct record record = record_of(RECORD_RUN);

	number = 0;
	snprintf(run, sizeof run, "%08x%08x", random_below(1u << 31), random_below(1u << 31));
	tell(record);
	if (model.owed != OWED_NOTHING && random_below(4) > 0)
		simulate_chain(REASON_RECOVERY, model.owed == OWED_REST);
	if (random_below(3) == 0)
		simulate_chain(REASON_START, false);
	for (unsigned lives = 1 + random_below(3); lives > 0; lives--) {
		record = record_of(RECORD_APP_START);
		model = (struct told){.owed = OWED_EVERYTHING};
		tell(record);
		while (random_below(3) > 0)
			tell(record_of(RECORD_PROBE));
		simulate_chain(lives > 1 ? REASON_RESTART : REASON_STOP, false);
	}
	record = record_of(RECORD_END);
	record.reason = REASON_STOP;
	record.unfinished = random_below(3) == 0;
	if (!record.unfinished)
		model = (struct told){.owed = OWED_NOTHING};
	tell(record);
}

/* Runs, each killed after some record. */
static void simulate(size_t lines)
{
	most = lines;
	told = 0;
	model = (struct told){.owed = OWED_NOTHING};
	while (told < most) {
		size_t from = told;
		simulate_run();
		if (random_below(2) == 0 && told < most && told > from) {
			told = from + 1 + random_below((unsigned)(told - from));
			model = history[told - 1];
		}
	}
}

static size_t write_history(char *to, size_t lines)
{
	size_t length = 0;

	for (size_t i = 0; i < lines; i++)
		length += record_write(&history[i].record, to + length);
	return length;
}

/* As the writer's process reads. */
static void fold(const char *bytes, size_t length)
{
	struct text_line line;
	struct record record;
	size_t at = 0;

	account_begin(&account);
	while (text_next(bytes, length, &at, &line)) {
		if (record_read(line.bytes, line.length, &record))
			account_feed(&account, &record, &chain);
		else if (line.length > 0 && (at <= length || text_lost(&line) > 1))
			account_damaged(&account, text_lost(&line));
	}
}

static char text[LONG * 200], other[LONG * 200];

static void every_cut_of_a_history_owes_what_it_should(void **state)
{
	(void)state;
	for (uint64_t first = 1; first < 4; first++) {
		seed = first;
		simulate(LINES);
		for (size_t cut = 1; cut <= told; cut++) {
			fold(text, write_history(text, cut));
			owes(history[cut - 1].owed, history[cut - 1].id, history[cut - 1].done);
			assert_int_equal(account.damaged, 0);
			assert_int_equal(account.records, cut);
		}
	}
}

static void a_torn_tail_owes_what_it_did_before(void **state)
{
	(void)state;
	seed = 77;
	simulate(LINES);
	for (size_t cut = 1; cut < told; cut += 7) {
		size_t before = write_history(text, cut), length = write_history(text, cut + 1);
		for (size_t torn = before + 1; torn < length - 1; torn++) {
			fold(text, torn);
			owes(history[cut - 1].owed, history[cut - 1].id, history[cut - 1].done);
			assert_int_equal(account.damaged, 0);
		}
		fold(text, length - 1); /* all but the newline */
		owes(history[cut].owed, history[cut].id, history[cut].done);
	}
}

/* An ok record of this step and id is among the lines, without that one. */
static bool on_record(size_t lines, size_t without, const char *id, size_t step)
{
	for (size_t i = 0; i < lines; i++)
		if (i != without && history[i].record.kind == RECORD_STEP_END && history[i].record.state == STATE_OK &&
		    strcmp(history[i].record.id, id) == 0 && strcmp(history[i].record.name, step_names[step]) == 0)
			return true;
	return false;
}

static bool id_on_record(size_t lines, size_t without, const char *id)
{
	for (size_t i = 0; i < lines; i++)
		if (i != without && strcmp(history[i].record.id, id) == 0)
			return true;
	return false;
}

static void one_damaged_line_never_adds_a_success(void **state)
{
	(void)state;
	for (uint64_t first = 100; first < 104; first++) {
		seed = first;
		simulate(LINES);
		size_t lines = 40 + random_below(120), length = write_history(text, lines), at = 0;
		for (size_t damaged = 0; damaged < lines; damaged++) {
			char *line = text + at, *end = memchr(line, '\n', length - at);
			char *byte = line + random_below((unsigned)(end - line)), was = *byte;
			*byte = (char)(was ^ 1 << random_below(8));
			fold(text, length);
			*byte = was;
			for (size_t step = 0; step < PLAN_STEPS_MAX; step++)
				if (account.done >> step & 1)
					assert_true(step < STEPS && on_record(lines, damaged, account.id, step));
			if (account.owed == OWED_REST)
				assert_true(id_on_record(lines, damaged, account.id));
			else
				assert_true(account.id[0] == '\0' && account.done == 0);
			assert_true(account.damaged >= 1 && account.damaged <= 2);
			at = (size_t)(end - text) + 1;
		}
	}
}

/* However many lines are lost: that the app ran is not, nor is a step left out that did not succeed. */
static void damaged_lines_never_hide_an_app(void **state)
{
	(void)state;
	for (uint64_t first = 200; first < 2200; first++) {
		seed = first;
		simulate(LINES);
		size_t lines = 1 + random_below(60), length = write_history(text, lines), at = 0;
		const struct told *last = &history[lines - 1];
		for (unsigned often = 1 + random_below(12); at < length;) {
			if (random_below(often) == 0)
				text[at] = 'x';
			at = (size_t)((char *)memchr(text + at, '\n', length - at) - text) + 1;
		}
		fold(text, length);
		if (last->owed == OWED_EVERYTHING && !(account.runs == 0 && account.damaged < 2))
			assert_int_equal(account.owed, OWED_EVERYTHING);
		else if (last->owed == OWED_REST)
			assert_int_not_equal(account.owed, OWED_NOTHING);
		if (last->owed == OWED_REST && account.owed == OWED_REST) {
			assert_string_equal(account.id, last->id);
			assert_int_equal(account.done & ~last->done, 0);
		}
	}
}

/*
 * A bit of a newline makes one line of two, zeros or noise make one of many: neither hides what is before, behind or in it. But
 * what spoils the end of the last line alone looks like a line that is torn.
 */
static void damage_across_lines_never_hides_an_app(void **state)
{
	(void)state;
	for (uint64_t first = 10000; first < 12000; first++) {
		seed = first;
		simulate(LINES);
		size_t lines = 1 + random_below(60), length = write_history(text, lines);
		size_t at = length - 1 - random_below(length < 400 ? (unsigned)length : 400), stretch = 1 + random_below(400);
		const struct told *last = &history[lines - 1];
		if (random_below(3) == 0) {
			at = (size_t)((char *)memchr(text + at, '\n', length - at) - text);
			text[at] ^= (char)(1 << random_below(7));
		} else {
			bool noise = random_below(2) == 0;
			for (size_t i = at; i < at + stretch && i < length; i++)
				text[i] = noise ? (char)random_below(256) : '\0';
		}
		for (int compacted = 0; compacted < 2; compacted++) {
			fold(text, length);
			if (account.damaged == 0 && at >= write_history(other, lines - 1))
				break;
			if (last->owed == OWED_EVERYTHING)
				assert_int_equal(account.owed, OWED_EVERYTHING);
			else if (last->owed == OWED_REST)
				assert_int_not_equal(account.owed, OWED_NOTHING);
			if (last->owed == OWED_REST && account.owed == OWED_REST)
				assert_int_equal(account.done & ~last->done, 0);
			length = text_compact(text, length);
		}
	}
}

/* --- compaction --- */

static size_t lines_of(const char *bytes, size_t length)
{
	struct text_line line;
	size_t at = 0, count = 0;

	while (text_next(bytes, length, &at, &line))
		count++;
	return count;
}

static void compaction_changes_nothing_that_is_owed(void **state)
{
	(void)state;
	for (uint64_t first = 1; first < 8; first++) {
		seed = first;
		simulate(LONG);
		for (size_t lines = LONG - 50; lines <= told; lines++) {
			size_t length = text_compact(text, write_history(text, lines));
			fold(text, length);
			owes(history[lines - 1].owed, history[lines - 1].id, history[lines - 1].done);
			assert_string_equal(account.run, history[lines - 1].record.run);
			assert_int_equal(account.number, history[lines - 1].record.number);
			assert_in_range(account.records, TEXT_KEPT, TEXT_KEPT + TEXT_OLD);
			assert_int_equal(text_compact(text, length), length);
		}
	}
}

static size_t put_line(char *to, enum record_kind kind, const char *id, uint64_t count)
{
	struct record record = record_of(kind);

	record_put(record.run, sizeof record.run, "aaaaaaaaaaaaaaaa");
	record_put(record.id, sizeof record.id, id);
	record.number = count;
	return record_write(&record, to);
}

static void compaction_keeps_what_a_damaged_line_may_be(void **state)
{
	(void)state;
	for (uint64_t first = 300; first < 340; first++) {
		seed = first;
		simulate(LINES);
		size_t lines = 40 + random_below(120), length = write_history(text, lines), at = 0;
		for (size_t damaged = 0; damaged < lines; damaged++) {
			char *end = memchr(text + at, '\n', length - at);
			text[at] = 'x';
			fold(text, length);
			const struct account before = account;
			memcpy(other, text, length);
			fold(other, text_compact(other, length));
			assert_int_equal(account.owed, before.owed);
			assert_string_equal(account.id, before.id);
			assert_int_equal(account.done, before.done);
			write_history(text, lines);
			at = (size_t)(end - text) + 1;
		}
	}
}

static void what_compaction_keeps(void **state)
{
	struct text_line line;
	struct record record;
	size_t length = 0, at = 0, ticks = 0, probes = 0;

	(void)state;
	for (unsigned n = 1; n <= 4000; n++) {
		length += put_line(text + length, n % 2 ? RECORD_PROBE : RECORD_APP_EXIT, "", n);
		if (n % 10 == 0)
			length += put_line(text + length, RECORD_CHAIN_START, n % 20 ? "A" : "B", n);
		length += put_line(text + length, RECORD_TICK, n / 10 % 2 ? "A" : "B", n);
	}
	length = text_compact(text, length);
	while (text_next(text, length, &at, &line)) {
		assert_true(record_read(line.bytes, line.length, &record));
		ticks += record.kind == RECORD_TICK;
		probes += record.kind == RECORD_PROBE;
	}
	/* of 11 records, one starts a chain and 5 are probes */
	assert_int_equal(probes, 454);
	assert_in_range(lines_of(text, length) - ticks, TEXT_KEPT + 1000, TEXT_KEPT + TEXT_OLD);
	assert_in_range(ticks, 390, 401);
}

static void compaction_of_what_is_no_journal(void **state)
{
	static const struct {
		const char *text, *kept;
	} texts[] = {{"", ""},       {"\n", ""},     {"\n\n\n", ""},        {"x", "x\n"},
		     {"x\n", "x\n"}, {"\nx", "x\n"}, {"x\n\ny\n", "x\ny\n"}};
	char bytes[RECORD_LINE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		memcpy(bytes, texts[i].text, strlen(texts[i].text));
		assert_int_equal(text_compact(bytes, strlen(texts[i].text)), strlen(texts[i].kept));
		assert_memory_equal(bytes, texts[i].kept, strlen(texts[i].kept));
	}
	size_t length = put_line(bytes, RECORD_RUN, "", 1);
	assert_int_equal(text_compact(bytes, length - 1), length); /* it gets its newline */
	assert_int_equal(bytes[length - 1], '\n');
}

/* --- any bytes at all --- */

static void check_bounds(void)
{
	assert_true(account.owed <= OWED_REST);
	assert_true(account.done >> STEPS == 0);
	assert_non_null(memchr(account.id, '\0', sizeof account.id));
	assert_non_null(memchr(account.run, '\0', sizeof account.run));
	assert_true(account.runs <= account.records);
	for (size_t i = 0; i < PLAN_STEPS_MAX; i++)
		assert_true(account.chain.steps[i].state < STATE_COUNT);
}

/* Bytes change, vanish, are doubled; the copy goes to memory of just that size. */
static void mutate_and_fold(const char *from, size_t length)
{
	char *copy = malloc(2 * length);

	memcpy(copy, from, length);
	for (unsigned changes = 1 + random_below(8); changes > 0 && length > 1; changes--) {
		size_t at = random_below((unsigned)length), n = 1 + random_below((unsigned)(length - at));
		switch (random_below(4)) {
		case 0:
			copy[at] = (char)random_below(256);
			break;
		case 1:
			memmove(copy + at, copy + at + n, length - at - n);
			length -= n;
			break;
		case 2:
			n = n < 300 ? n : 300;
			memmove(copy, copy + at, n);
			break;
		default:
			memset(copy + at, (int)random_below(2) * '\n', n < 40 ? n : 40);
		}
	}
	char *exact = malloc(length + 1);
	memcpy(exact, copy, length);
	free(copy);
	fold(exact, length);
	check_bounds();
	fold(exact, text_compact(exact, length));
	check_bounds();
	assert_true(account.damaged <= TEXT_DAMAGED);
	free(exact);
}

static void mutated_journals_are_read(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 3000; round++) {
		seed = 1000 + round;
		if (round % 100 == 0)
			simulate(LINES);
		mutate_and_fold(text, write_history(text, 1 + random_below(LINES)));
	}
}

/* Lines whose checksum is right, whatever they say. */
static void lines_that_say_anything_are_read(void **state)
{
	static const char *const words[] = {
	    "run",      "app_start", "chain_start", "step_start", "step_end", "chain_end", "tick",  "held",    "end",
	    "lost",     "count=",    "id=A",        "id=B",       "reason=",  "stop",      "start", "signal=", "name=cancel",
	    "state=ok", "after=",    "99999999",    "0",          "-",        "%",         "=",     "took=",   "unfinished=1"};
	char body[600];
	struct record record;

	(void)state;
	account_begin(&account);
	for (uint64_t first = 1; first < 100000; first += 2) {
		seed = first;
		size_t length = (size_t)snprintf(body, sizeof body, "%016x %u %u ", random_below(3), random_below(1u << 31),
						 random_below(1u << 31));
		for (unsigned n = random_below(12); n > 0; n--)
			length +=
			    (size_t)snprintf(body + length, sizeof body - length, "%s%s",
					     words[random_below(sizeof words / sizeof *words)], random_below(3) ? " " : "");
		if (read_body(body, &record)) {
			assert_true(record_valid(&record));
			account_feed(&account, &record, &chain);
			check_bounds();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(every_cut_of_a_history_owes_what_it_should, begin),
	    cmocka_unit_test_setup(a_torn_tail_owes_what_it_did_before, begin),
	    cmocka_unit_test_setup(one_damaged_line_never_adds_a_success, begin),
	    cmocka_unit_test_setup(damaged_lines_never_hide_an_app, begin),
	    cmocka_unit_test_setup(damage_across_lines_never_hides_an_app, begin),
	    cmocka_unit_test_setup(compaction_changes_nothing_that_is_owed, begin),
	    cmocka_unit_test_setup(compaction_keeps_what_a_damaged_line_may_be, begin),
	    cmocka_unit_test_setup(what_compaction_keeps, begin),
	    cmocka_unit_test_setup(compaction_of_what_is_no_journal, begin),
	    cmocka_unit_test_setup(mutated_journals_are_read, begin),
	    cmocka_unit_test_setup(lines_that_say_anything_are_read, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
