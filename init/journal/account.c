#include "init/journal/account.h"

#include <string.h>

void account_begin(struct account *account)
{
	memset(account, 0, sizeof *account);
	account->owed = OWED_NOTHING;
	account->reason = account->code = account->stop_reason = account->signal = RECORD_UNSET;
	account->after = account->deadline = account->grace = RECORD_UNSET;
	account->learned_grace = account->learned_before = RECORD_UNSET;
	account->chain.reason = account->chain.cause = account->chain.signal = RECORD_UNSET;
	account->chain.after = account->chain.deadline = RECORD_UNSET;
}

bool account_counts(const struct account *account)
{
	return account->runs > 0 && (!account->ended || account->reason == REASON_CRASH || account->reason == REASON_UNHEALTHY);
}

static void count_restart(struct account *account, int64_t time)
{
	account->restarts[account->restart_count++ % PLAN_RESTARTS_MAX] = time;
}

static void begin_run(struct account *account, const struct record *record)
{
	if (account_counts(account))
		count_restart(account, record->time);
	account->runs++;
	memcpy(account->run, record->run, sizeof account->run);
	account->number = 0;
	account->over = true; /* unless something is left to do, the app is next */
	account->ended = account->stopping = account->held = account->app_ran = false;
	account->reason = account->code = account->stop_reason = account->signal = RECORD_UNSET;
	account->after = account->deadline = account->grace = RECORD_UNSET;
	account->learned_before = account->learned_grace;
	account->learned_before_at = account->learned_at;
}

/* --- chains and steps --------------------------------------------------------------------------------------------------- */

/* Records hold the beginning of a long name: one that two steps share is nobody's. -1: no such step. */
static int find_step(const struct plan_chain *chain, const char *name)
{
	char own[RECORD_NAME];
	int found = -1;

	for (size_t i = 0; chain != NULL && i < chain->steps && i < PLAN_STEPS_MAX; i++) {
		record_put(own, sizeof own, plan_step_at(chain, i)->name);
		if (strcmp(own, name) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

static bool is_done(const struct account *account, size_t step)
{
	return (account->done >> step & 1) != 0;
}

static void begin_chain(struct account *account, const struct record *record)
{
	struct account_chain *chain = &account->chain;
	bool goes_on = account->owed == OWED_REST && strcmp(account->id, record->id) == 0;

	account->owed = OWED_REST;
	memcpy(account->id, record->id, sizeof account->id);
	if (!goes_on)
		account->done = strcmp(account->doubted, record->id) == 0 ? account->doubted_done : 0;
	for (size_t i = 0; i < PLAN_STEPS_MAX; i++)
		if (!is_done(account, i))
			chain->steps[i] = (struct account_step){.state = STATE_PENDING, .took = RECORD_UNSET};
	memcpy(chain->id, record->id, sizeof chain->id);
	account->over = false;
	chain->ran = true;
	chain->ended = chain->failed = false;
	chain->reason = record->reason;
	chain->cause = record->cause;
	chain->signal = record->signal;
	chain->time = record->time;
	chain->began = record->after > 0 ? record->after : 0;
	chain->after = 0;
	chain->deadline = record->deadline;
}

static bool is_of_the_chain(const struct account *account, const struct record *record)
{
	return account->chain.ran && record->id[0] != '\0' && strcmp(account->chain.id, record->id) == 0;
}

static bool is_stop_event(int reason)
{
	return reason == REASON_STOP || reason == REASON_EXIT || reason == REASON_CRASH || reason == REASON_UNHEALTHY;
}

static void feed_chain_start(struct account *account, const struct record *record)
{
	if (is_stop_event(record->reason)) {
		account->stopping = true;
		account->stop_reason = record->reason;
		account->signal = record->signal;
		account->after = RECORD_UNSET;
	}
	if (record->reason == REASON_START || record->reason == REASON_HELD) {
		memcpy(account->other, record->id, sizeof account->other);
		account->over = true; /* these come after the others */
	} else if (record->count > 0 && record->id[0] != '\0') {
		begin_chain(account, record);
	}
}

/* The line that began the shutdown is damaged: its id is in those of its steps, too. So it is with start.chain, before the app.
 */
static void adopt_chain(struct account *account, const struct record *record, const struct plan_chain *plan)
{
	struct record begin = record_of(RECORD_CHAIN_START);

	bool ours = account->app_ran || strcmp(account->doubted, record->id) == 0;

	if (account->owed != OWED_EVERYTHING || record->id[0] == '\0' || !ours || strcmp(account->other, record->id) == 0 ||
	    find_step(plan, record->name) < 0)
		return;
	memcpy(begin.id, record->id, sizeof begin.id);
	begin.time = record->time;
	begin_chain(account, &begin);
}

/* What has succeeded under this id stays so: a later chain of the same id skips it. */
static void feed_step(struct account *account, const struct record *record, const struct plan_chain *plan)
{
	adopt_chain(account, record, plan);
	int step = is_of_the_chain(account, record) ? find_step(plan, record->name) : -1;
	bool counts = account->owed == OWED_REST && strcmp(account->id, record->id) == 0;

	if (step < 0 || (counts && is_done(account, (size_t)step)))
		return;
	struct account_step *own = &account->chain.steps[step];
	if (record->kind == RECORD_STEP_START) {
		*own = (struct account_step){.state = STATE_RUNNING, .took = RECORD_UNSET};
		return;
	}
	own->state = record->state >= 0 ? (uint8_t)record->state : STATE_PENDING;
	own->attempt = record->attempt > 0 ? record->attempt : 0;
	own->took = record->took;
	if (counts && record->state == STATE_OK)
		account->done |= UINT64_C(1) << step;
}

/* --- times -------------------------------------------------------------------------------------------------------------- */

static void note_time(struct account *account, const struct record *record)
{
	if (record->after < 0)
		return;
	bool ticks_on = account->chain.ended && record->kind == RECORD_TICK; /* the stop goes on, not the chain */
	if (is_of_the_chain(account, record) && !ticks_on && record->after - account->chain.began > account->chain.after)
		account->chain.after = record->after - account->chain.began;
	if (!account->stopping)
		return;
	account->after = record->after;
	if (account->signal > 0 && !account->ended) {
		/* unless more follows: a run is cut off where its records end */
		account->learned_grace = record->after;
		account->learned_at = record->time;
	}
}

/* The run ended in order: the platform gave it at least the time it took. */
static void settle_grace(struct account *account)
{
	bool longer = account->signal > 0 && account->after > account->learned_before;

	account->learned_grace = longer ? RECORD_UNSET : account->learned_before;
	account->learned_at = longer ? 0 : account->learned_before_at;
}

static void owe(struct account *account, enum owed owed)
{
	account->owed = owed;
	account->done = 0;
	memset(account->id, 0, sizeof account->id);
}

static void feed_end(struct account *account, const struct record *record)
{
	account->ended = true;
	account->reason = record->reason;
	account->code = record->code;
	if (!record->unfinished)
		owe(account, OWED_NOTHING);
	if (account->held && record->reason == REASON_STOP)
		account->restart_count = 0;
}

/* The app may have run. */
static void doubt(struct account *account)
{
	memcpy(account->doubted, account->id, sizeof account->doubted);
	account->doubted_done = account->done;
	owe(account, OWED_EVERYTHING);
}

/*
 * A line that cannot be read may be the start of the app, where that could come next: after an end, the second; in a chain,
 * that after its end, which may be the first.
 */
static void lose_line(struct account *account)
{
	bool outside = account->runs == 0 || account->ended;

	account->unread++;
	if (account->owed == OWED_EVERYTHING || (outside && account->unread == 1))
		return;
	if (account->owed == OWED_NOTHING || account->over || outside)
		doubt(account);
	else
		account->over = true;
}

/*
 * Records may be missing, too: the disk was full. What only an app causes is evidence of it. An end in order settles it, and a
 * chain that goes on had not ended.
 */
static void suspect_app(struct account *account, const struct record *record)
{
	bool missing = record->number > account->number + account->unread + 1;
	bool evident = record->kind == RECORD_APP_EXIT || record->kind == RECORD_PROBE;

	account->unread = 0;
	if (account->owed == OWED_REST && strcmp(account->id, record->id) == 0) {
		account->over = false;
	} else if ((missing && (account->owed == OWED_NOTHING || (account->owed == OWED_REST && account->over))) ||
		   (evident && !account->app_ran)) {
		doubt(account);
		account->app_ran |= evident;
	}
}

void account_damaged(struct account *account, size_t lines)
{
	account->damaged++;
	for (size_t i = 0; i < lines; i++)
		lose_line(account);
}

void account_feed(struct account *account, const struct record *record, const struct plan_chain *chain)
{
	account->records++;
	if (strcmp(account->run, record->run) != 0)
		begin_run(account, record);
	suspect_app(account, record);
	if (record->number > account->number)
		account->number = record->number;
	account->last_time = record->time;
	switch (record->kind) {
	case RECORD_RUN:
		memcpy(account->name, record->name, sizeof account->name);
		account->deadline = record->deadline;
		account->grace = record->grace;
		break;
	case RECORD_APP_START:
		if (record->count > 0)
			count_restart(account, record->time);
		owe(account, OWED_EVERYTHING);
		account->app_ran = true;
		break;
	case RECORD_CHAIN_START:
		feed_chain_start(account, record);
		break;
	case RECORD_STEP_START:
	case RECORD_STEP_END:
		feed_step(account, record, chain);
		break;
	case RECORD_CHAIN_END:
		if (is_of_the_chain(account, record)) {
			account->over = account->chain.ended = true;
			account->chain.failed = record->failed;
		}
		break;
	case RECORD_HELD:
		account->held = true;
		break;
	case RECORD_END:
		feed_end(account, record);
		break;
	case RECORD_NONE:
	case RECORD_APP_EXIT:
	case RECORD_TICK:
	case RECORD_PROBE:
	case RECORD_OUTPUT:
	case RECORD_HEARTBEAT:
	case RECORD_LOST:
	case RECORD_KINDS:
		break;
	}
	note_time(account, record);
	if (record->kind == RECORD_END)
		settle_grace(account);
}
