/*
 * What a journal says about the past: a fold over its records, in their order. Pure; the writer's process folds at start, and
 * the result goes to process 1.
 *
 * owed     nothing     the last run ended in order, or the app never ran
 *          everything  the app ran, and no shutdown had begun: its steps get a new id
 *          rest        a shutdown (`id`) had begun; steps in `done` have succeeded under its id
 *
 * app_start           -> everything; so do records that are missing where that may be next, and those that only an app causes
 * chain_start         -> rest, unless its reason is start or held; the same id keeps `done`
 * step_end, ok        adds to `done` if its id is that of the account
 * end                 -> nothing, unless it is `unfinished`
 */
#ifndef TINYSUP_INIT_JOURNAL_ACCOUNT_H
#define TINYSUP_INIT_JOURNAL_ACCOUNT_H

#include "init/journal/record.h"

enum owed { OWED_NOTHING, OWED_EVERYTHING, OWED_REST };

/* A step of the last chain, by its place in the plan's shutdown chain. */
struct account_step {
	uint8_t state; /* enum step_state */
	int attempt;
	int64_t took; /* milliseconds; RECORD_UNSET: it did not end */
};

/* The last chain with steps. */
struct account_chain {
	bool ran;
	char id[RECORD_ID];
	bool ended;  /* false: cut off */
	bool failed; /* a required step failed */
	int reason, cause, signal;
	int64_t time;     /* Unix milliseconds */
	int64_t began;    /* `after` at its start: a stop event may come before it */
	int64_t after;    /* its length as far as it is known; milliseconds */
	int64_t deadline; /* milliseconds */
	struct account_step steps[PLAN_STEPS_MAX];
};

struct account {
	enum owed owed;
	char id[RECORD_ID]; /* OWED_REST */
	uint64_t done;      /* bit n: step n of the plan's shutdown chain */
	bool over;          /* its chain may have ended, and the app start next */
	uint64_t unread;    /* lines since the last record that could not be read */

	uint64_t runs;           /* on record */
	char run[RECORD_RUN_ID]; /* the last one; "": none */
	char name[RECORD_NAME];  /* of its app */
	uint64_t number;         /* the last of its records */
	bool app_ran;            /* the app was started in it */
	bool ended;              /* it has an end; */
	int reason, code;        /* and its reason and exit code */
	bool stopping;           /* a stop event came before it ended or was cut off */
	int stop_reason, signal; /* of that */
	int64_t after;           /* how long after it something was last noted; RECORD_UNSET: unknown */
	int64_t deadline, grace; /* of that run; RECORD_UNSET: unknown */
	int64_t last_time;       /* of its last record; Unix milliseconds */
	struct account_chain chain;
	char doubted[RECORD_ID]; /* id of the shutdown that was owed before a record was missing; "": none */
	uint64_t doubted_done;   /* its `done`: it goes on if its id comes again */
	char other[RECORD_ID];   /* the last chain of start.chain or held */

	/*
	 * The time that the platform left us: of the last run cut off after a stop signal, unless a later one took longer and
	 * ended in order. RECORD_UNSET: not known
	 */
	int64_t learned_grace;
	int64_t learned_at;                        /* Unix milliseconds */
	int64_t learned_before, learned_before_at; /* the same, without the last run */

	/*
	 * Restarts, for the budget: Unix milliseconds, a ring. Restarts of the app, and each run whose predecessor ended by
	 * crash, unhealthy or not at all. A stop of a run that was held clears them.
	 */
	int64_t restarts[PLAN_RESTARTS_MAX];
	uint64_t restart_count;
	bool held; /* the last run was held */

	uint64_t records, damaged; /* lines; the second is counted by who reads them */
};

/* Nothing is known, and nothing owed. */
void account_begin(struct account *account);

/* The next record. chain: of the plan, to find steps by their name; NULL: `done` and steps are not kept. */
void account_feed(struct account *account, const struct record *record, const struct plan_chain *chain);
/* In the place of a record: a line that cannot be read. lines: as text_lost() has it. The start of the app may be among them.
 */
void account_damaged(struct account *account, size_t lines);

/* Whether a run that begins now is a restart: its predecessor crashed, was unhealthy, or has no end. Not in `restarts` yet. */
bool account_counts(const struct account *account);

#endif
