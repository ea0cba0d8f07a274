#include "init/child/journal_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/base/descriptors.h"
#include "init/child/journal.h"
#include "init/child/journal_kept.h"
#include "init/child/journal_nonces.h"
#include "init/child/journal_slot.h"
#include "init/child/journal_tail.h"
#include "probes/clock.h"

#define TICK         250                 /* ms */
#define OPEN_AGAIN   10000               /* ms between two attempts to open what could not be opened or compacted */
#define LOOK         1000                /* ms between two looks at nonces that no record tells of */
#define COMPACT_AT   ((size_t)1 << 20)   /* bytes */
#define COMPACT_STEP ((size_t)256 << 10) /* more than what the last compaction left */
#define LONGEST      ((size_t)4 << 20)   /* no longer file, even if it cannot be compacted */

/* Where our descriptors are. */
enum { SOCKET, OUTPUT, ERRORS, KEPT, KEPT_END, OTHERS };

static struct {
	const struct journal *journal;
	struct journal_shared *shared;
	int kept[2];
	struct journal_file file;
	msec_t open_at, compact_at; /* clock_now() of the next attempt */
	size_t compact_size;
	uint64_t number;     /* of this run's last record on file */
	struct record chain; /* that runs; RECORD_NONE: none */
	struct journal_tail tail;
	msec_t chain_seen, tick_at;
} the;

/* --- telling process 1 -------------------------------------------------------------------------------------------------- */

static void tell(const struct journal_message *message)
{
	send(SOCKET, message, sizeof *message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Once for each cause, by whichever writer of this run meets it. */
static void tell_trouble(const struct journal_failure *failure)
{
	struct journal_message message = {.kind = JOURNAL_TROUBLE, .error = failure->error};
	size_t cause = (size_t)failure->error % JOURNAL_CAUSES;

	if (failure->error == 0 || the.shared->troubles[cause])
		return;
	memcpy(message.what, failure->what, sizeof message.what);
	tell(&message);
	the.shared->troubles[cause] = true;
}

/*
 * A writer that follows a dead one tells it, too: that one may not have come to it. Process 1 listens to the first. Where there
 * may be a journal that cannot be read, it is told that.
 */
static void tell_past(const struct journal_past *past)
{
	struct journal_message message = {.kind = past->known ? JOURNAL_ACCOUNT : JOURNAL_UNREADABLE, .account = past->account};

	tell(&message);
}

static void note_failure(const char *verb)
{
	struct journal_failure failure = {0};

	journal_fail(&failure, verb, the.file.path, the.file.name, ".journal");
	the.shared->failing = true;
	tell_trouble(&failure);
}

/* --- opening ------------------------------------------------------------------------------------------------------------ */

static void compact(void)
{
	struct journal_failure failure = {0};
	msec_t now = clock_now();

	if (now < the.compact_at)
		return;
	if (!journal_compact(&the.file, &failure)) {
		the.compact_at = now + OPEN_AGAIN;
		tell_trouble(&failure);
		return;
	}
	the.compact_size = the.file.size + COMPACT_STEP > COMPACT_AT ? the.file.size + COMPACT_STEP : COMPACT_AT;
}

static void open_named(const struct journal_reader *reader, struct journal_past *past, struct journal_failure *failure)
{
	if (journal_find_kept(the.kept, &the.file)) {
		journal_load(&the.file, reader, past, failure);
		return;
	}
	record_put(the.file.name, sizeof the.file.name, the.journal->plan->instance != NULL ? the.journal->plan->instance : "");
	journal_claim(&the.file, reader, past, failure);
	if (the.file.lock < 0 && failure->error == EAGAIN && *the.file.name != '\0') {
		the.shared->failing = true;
		tell_trouble(failure);
		*failure = (struct journal_failure){0};
		if (journal_wait_for_lock(&the.file, failure))
			journal_load(&the.file, reader, past, failure);
	}
	if (the.file.lock >= 0)
		journal_keep(the.kept, &the.file);
}

/* Its time goes on where the last writer's ticks ended. */
static void resume_chain(const struct record *chain)
{
	int64_t since = clock_wall(clock_now()) - chain->time;

	the.chain = *chain;
	the.chain.after = (chain->after > 0 ? chain->after : 0) + (since > 0 ? since : 0);
	the.chain_seen = clock_now();
	the.tick_at = the.chain_seen + TICK;
}

/* Without them, nobody waits for them. */
static void load_nonces(void)
{
	struct nonces *nonces = the.journal->plan->nonces;
	struct journal_failure failure = {0};

	if (nonces == NULL)
		return;
	if (the.file.directory >= 0)
		journal_load_nonces(&the.file, nonces, &failure);
	nonces->loaded = true;
	tell_trouble(&failure);
}

/* Whether the journal can be written. */
static bool open_journal(void)
{
	const struct journal_reader reader = {the.journal->run, the.journal->plan->app.name,
					      &the.journal->plan->shutdown.chain};
	struct journal_past past = {.chain = record_of(RECORD_NONE)};
	struct journal_failure failure = {0};

	the.open_at = clock_now() + OPEN_AGAIN;
	account_begin(&past.account);
	if (journal_open_directory(&the.file, &past.known, &failure))
		open_named(&reader, &past, &failure);
	load_nonces();
	tell_trouble(&failure);
	tell_past(&past);
	if (the.file.fd < 0) {
		journal_close_files(&the.file);
		return false;
	}
	the.number = past.number;
	if (past.number > 0 && fdatasync(the.file.fd) == 0) /* the writer before may not have come to that */
		the.shared->written = past.number;
	if (the.chain.kind == RECORD_NONE && past.chain.kind != RECORD_NONE)
		resume_chain(&past.chain);
	the.compact_size = COMPACT_AT;
	if (past.number == 0) /* a new run */
		compact();
	return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------------ */

static bool write_record(const struct record *record)
{
	char line[RECORD_LINE];
	size_t length = record_write(record, line);

	errno = EFBIG;
	if (the.file.size > LONGEST || !journal_append(&the.file, line, length))
		return false;
	return true;
}

/* Process 1 numbers without gaps: what is missing before this record was discarded. */
static bool write_lost(const struct record *next)
{
	struct record lost = record_of(RECORD_LOST);

	if (next->number == the.number + 1)
		return true;
	memcpy(lost.run, next->run, sizeof lost.run);
	lost.number = next->number - 1;
	lost.time = next->time;
	lost.count = (int64_t)(lost.number - the.number + the.shared->lost);
	if (!write_record(&lost))
		return false;
	the.number = lost.number;
	the.shared->lost = 0;
	return true;
}

static void discard(const struct record *record)
{
	the.shared->failing = true;
	if (record->kind == RECORD_LOST && record->count > 0)
		the.shared->lost += (uint64_t)record->count - 1;
}

static void follow_chain(const struct record *record)
{
	if (record->kind == RECORD_CHAIN_START) {
		the.chain = *record;
		the.chain.after = record->after > 0 ? record->after : 0;
		the.chain_seen = clock_now();
		the.tick_at = the.chain_seen + TICK;
	} else if (record_ends_ticks(record)) {
		the.chain.kind = RECORD_NONE;
	}
}

static void keep_nonces(void)
{
	struct nonces *nonces = the.journal->plan->nonces;
	struct journal_failure failure = {0};

	if (nonces == NULL || the.file.directory < 0)
		return;
	journal_keep_nonces(&the.file, nonces, &failure);
	tell_trouble(&failure);
}

static void take(const struct record *record)
{
	bool opened = the.file.fd >= 0 || (clock_now() >= the.open_at && open_journal());

	if (record->number <= the.number)
		return; /* by the writer before */
	if (opened && journal_is_removed(&the.file)) {
		errno = ENOENT;
		note_failure("find");
		journal_close_files(&the.file);
		opened = open_journal();
	}
	follow_chain(record);
	if (!opened) {
		discard(record);
		return;
	}
	if (the.file.size > the.compact_size)
		compact();
	if (!write_lost(record) || !write_record(record)) {
		note_failure("write");
		discard(record);
		return;
	}
	the.number = record->number;
	if (fdatasync(the.file.fd) != 0) {
		note_failure("write");
		return;
	}
	the.shared->failing = the.shared->hanging = false;
	the.shared->written = record->number;
	if (record->kind == RECORD_APP_EXIT || record->kind == RECORD_PROBE)
		journal_tail_start(&the.tail, &the.journal->plan->app.output, the.journal->output, record);
}

/* Writes what has no number of its own. */
static void add(struct record *record, const struct record *to)
{
	memcpy(record->run, to->run, sizeof record->run);
	record->number = the.number;
	record->time = clock_wall(clock_now());
	if (the.file.fd >= 0 && !the.shared->failing)
		write_record(record);
}

/* The lines of the app have come. */
static void write_tail(void)
{
	struct record record = record_of(RECORD_OUTPUT);
	char text[JOURNAL_TAIL_MAX], *rest = text, *line;

	if (!journal_tail_read(&the.tail, text))
		return;
	record.count = (int64_t)the.tail.said.number;
	while ((line = strsep(&rest, "\n")) != NULL) {
		record_put(record.text, sizeof record.text, line);
		add(&record, &the.tail.said);
	}
}

/* How long the shutdown has lasted, for the next start to know if we are cut off. */
static void tick(void)
{
	struct record record = record_of(RECORD_TICK);
	msec_t now = clock_now();

	if (the.chain.kind == RECORD_NONE || now < the.tick_at)
		return;
	the.tick_at = now + TICK;
	memcpy(record.id, the.chain.id, sizeof record.id);
	record.after = the.chain.after + now - the.chain_seen;
	add(&record, &the.chain);
}

static int time_to_tick(void)
{
	msec_t left = the.tick_at - clock_now();

	if (the.chain.kind == RECORD_NONE)
		return journal_checks_have_nonces(the.journal->plan) ? LOOK : -1;
	return left > 0 ? (int)left : 0;
}

/* --- the process -------------------------------------------------------------------------------------------------------- */

/* Nothing of the container's is kept open. */
static void take_descriptors(int socket)
{
	int moved[] = {fcntl(socket, F_DUPFD, OTHERS), fcntl(the.journal->kept[0], F_DUPFD, OTHERS),
		       fcntl(the.journal->kept[1], F_DUPFD, OTHERS)};
	int null = open("/dev/null", O_RDWR);

	if (dup2(moved[0], SOCKET) < 0 || dup2(moved[1], KEPT) < 0 || dup2(moved[2], KEPT_END) < 0)
		_exit(EXIT_FAILURE);
	dup2(null >= 0 ? null : SOCKET, OUTPUT);
	dup2(null >= 0 ? null : SOCKET, ERRORS);
	descriptors_close_from(OTHERS);
	the.kept[0] = KEPT;
	the.kept[1] = KEPT_END;
}

static _Noreturn void finish(void)
{
	struct pollfd tail = {.fd = the.tail.fd, .events = POLLIN};

	keep_nonces();
	/* last: their file may hang, and process 1 waits so long only */
	if (the.tail.fd >= 0 && poll(&tail, 1, JOURNAL_TAIL_TIME) > 0)
		write_tail();
	if (the.file.fd >= 0)
		fdatasync(the.file.fd);
	_exit(EXIT_SUCCESS);
}

_Noreturn void journal_write_on(const void *context, int out, pid_t parent)
{
	struct record record;

	(void)parent; /* what waits is written even if it is gone */
	the.journal = context;
	the.shared = the.journal->shared;
	the.file = (struct journal_file){.path = the.journal->plan->state_dir, .directory = -1, .lock = -1, .fd = -1};
	the.chain = record_of(RECORD_NONE);
	the.tail.fd = -1;
	prctl(PR_SET_NAME, "tinysup-journal");
	take_descriptors(out);
	the.shared->failing = !open_journal();
	for (;;) {
		struct pollfd input[] = {{.fd = SOCKET, .events = POLLIN}, {.fd = the.tail.fd, .events = POLLIN}};
		poll(input, 2, time_to_tick());
		if (input[1].revents != 0)
			write_tail();
		if (input[0].revents != 0) {
			ssize_t n = recv(SOCKET, &record, sizeof record, MSG_PEEK);
			if (n <= 0)
				finish();
			if (n == (ssize_t)sizeof record && record_valid(&record))
				take(&record);
			recv(SOCKET, &record, sizeof record, 0);
		}
		keep_nonces();
		tick();
	}
}
