/* A chain of a few steps, and the account of a journal that is about it. */
#ifndef TINYSUP_TESTS_UNIT_ACCOUNT_H
#define TINYSUP_TESTS_UNIT_ACCOUNT_H

#include "tests/unit/journal.h"

#include "init/journal/account.h"

#define STEPS 5

static struct plan_step steps[STEPS];
static const struct plan_stage stages[] = {
    {.steps = steps, .count = 2}, {.steps = steps + 2, .count = 2, .first = 2}, {.steps = steps + 4, .count = 1, .first = 4}};
static const struct plan_chain chain = {.stages = stages, .count = 3, .steps = STEPS};
static const char *const step_names[STEPS] = {"cancel", "flatten", "stop", "report", "tell/slack"};

static struct account account;
static char run[RECORD_RUN_ID];
static int64_t now;
static uint64_t number;

static inline int begin(void **state)
{
	(void)state;
	for (int i = 0; i < STEPS; i++)
		steps[i].name = step_names[i];
	account_begin(&account);
	now = 1000000;
	return 0;
}

static inline void owes(enum owed owed, const char *id, uint64_t done)
{
	assert_int_equal(account.owed, owed);
	assert_string_equal(account.id, id);
	assert_int_equal(account.done, done);
}

#endif
