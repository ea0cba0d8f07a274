/*
 * Who writes which journal: an instance holds NAME.lock locked (F_OFD_SETLK) as long as it lives. Without `instance`, the name
 * is that of a slot: slot-1, slot-2 ... For the journal's own process: every call may block.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_SLOT_H
#define TINYSUP_INIT_CHILD_JOURNAL_SLOT_H

#include "init/child/journal_file.h"
#include "init/journal/account.h"

#define JOURNAL_SLOTS 64

/* What the file says. */
struct journal_past {
	bool known;             /* it could be read, or there is none */
	struct account account; /* of the runs before this one */
	uint64_t number;        /* the last of this run's records that is on file */
	struct record chain;    /* of this run, and not ended: where ticks go on; RECORD_NONE: none */
};

/* This run: its records are none of the account's. */
struct journal_reader {
	const char *run;
	const char *app; /* its name: slots of other apps are not ours */
	const struct plan_chain *chain;
};

/*
 * Opens the journal of file->name and reads it. file->fd < 0 afterwards: it cannot be written, and `failure` says why.
 */
void journal_load(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
		  struct journal_failure *failure);

/*
 * Claims file->name, or if it is empty a slot that no living instance holds: the first with unfinished work, else the first.
 * Loads it. Without a lock (read-only file system) it is read, too, unless another instance holds it. file->lock < 0
 * afterwards: not claimed, and `failure` says why; EAGAIN: held by others.
 */
void journal_claim(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
		   struct journal_failure *failure);

/* Waits for the lock of file->name. */
bool journal_wait_for_lock(struct journal_file *file, struct journal_failure *failure);

#endif
