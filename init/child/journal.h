/*
 * The journal of state_dir: process 1's side. A process of its own (journal_writer.h) reads and writes the files, because disks
 * may hang; process 1 sends records to its socket and never waits. The socket outlives that process, and so does its lock,
 * which process 1 keeps for it in another socket: the next one continues.
 */
#ifndef TINYSUP_INIT_CHILD_JOURNAL_H
#define TINYSUP_INIT_CHILD_JOURNAL_H

#include "init/base/writer.h"
#include "init/child/app_output.h"
#include "init/journal/account.h"

/*
 * What the writer tells process 1. Each cause of trouble comes once in a run. The account comes once, too; late, if the lock of
 * an instance had to be waited for. JOURNAL_UNREADABLE: there may be a journal, but no account will come of it.
 */
struct journal_message {
	enum { JOURNAL_ACCOUNT, JOURNAL_TROUBLE, JOURNAL_UNREADABLE } kind;
	int error;              /* JOURNAL_TROUBLE: errno */
	char what[200];         /* JOURNAL_TROUBLE: what failed, for the log: "cannot open /data/slot-1.journal" */
	struct account account; /* JOURNAL_ACCOUNT: of the runs before this one */
};

#define JOURNAL_CAUSES 256

/* In memory that all our children share. Two members are for all; the others are what one writer leaves to the next. */
struct journal_shared {
	_Atomic uint64_t written;              /* number of the last record that is on disk */
	_Atomic bool failing;                  /* the writer cannot write: nobody waits for it */
	_Atomic bool hanging;                  /* somebody has waited in vain: nobody does again, until it writes */
	_Atomic bool troubles[JOURNAL_CAUSES]; /* by errno: process 1 has been told */
	_Atomic uint64_t lost;                 /* what RECORD_LOSTs counted that could not be written */
};

struct journal {
	const struct plan *plan;             /* NULL: there is no journal */
	const struct relay_progress *output; /* of the app's output; NULL: it is not copied */
	struct writer writer;
	struct journal_shared *shared;
	int kept[2];     /* a socket pair that keeps the writer's locked file between two writers */
	uint64_t number; /* of the last record sent */
	uint64_t lost;   /* records that did not fit into the socket since the last RECORD_LOST */
	msec_t current;  /* when everything sent was last seen on disk */
	bool stalled;    /* journal_stalls() was true */
	bool accounted;  /* the account has come: others are passed over */
	char run[RECORD_RUN_ID];
};

/*
 * Before the seal; starts the writer. journal: stays where it is. False with errno set: there is no journal; 0: without
 * plan->state_dir there is none.
 */
bool journal_open(struct journal *journal, const struct plan *plan, const struct relay_progress *output);

/* Sends a record: fills in run, number and time. Never blocks. Returns its number; 0: lost, or there is no journal. */
uint64_t journal_send(struct journal *journal, struct record *record);

/* Whether a record waits for the disk longer than it should, before the next one is sent. True once in a run. */
bool journal_stalls(struct journal *journal, msec_t now);

/* The descriptor to watch for messages; -1: none. */
int journal_fd(const struct journal *journal);
/* The next message; false: none. Never blocks. */
bool journal_receive(struct journal *journal, struct journal_message *message);

/* In a child: waits until record `number` is on disk, the writer fails, or `limit` milliseconds have passed. */
void journal_wait(const struct journal *journal, uint64_t number, msec_t limit);

/* A child was reaped. False: it was not the writer. Starts the next one. */
bool journal_reaped(struct journal *journal, pid_t pid);

/* Waits up to `limit` milliseconds until everything is written. There is no journal afterwards. */
void journal_finish(struct journal *journal, msec_t limit);

#endif
