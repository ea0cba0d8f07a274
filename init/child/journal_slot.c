#include "init/child/journal_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init/journal/text.h"

/* How long to wait for others that claim a slot in the same moment; without order, slots would only be numbered otherwise. */
#define TURN_TRIES 100
#define TURN_PAUSE 10000000 /* ns */

/* --- reading ------------------------------------------------------------------------------------------------------------ */

/* Where the ticks of a run's chain would go on. */
static void follow_chain(struct record *chain, const struct record *record)
{
	if (record->kind == RECORD_CHAIN_START) {
		*chain = *record;
	} else if (record->kind == RECORD_TICK) {
		chain->time = record->time;
		chain->after = record->after;
	} else if (record_ends_ticks(record)) {
		chain->kind = RECORD_NONE;
	}
}

static void feed(const struct record *record, const struct journal_reader *reader, struct journal_past *past)
{
	if (strcmp(record->run, reader->run) != 0) {
		account_feed(&past->account, record, reader->chain);
	} else {
		past->number = record->number > past->number ? record->number : past->number;
		follow_chain(&past->chain, record);
	}
}

/*
 * The last line, without a newline: returns how much of it stays. What is torn was not on disk, so neither an app nor a request
 * has followed it; but the newline itself may be what was damaged, or much more.
 */
static size_t fold_tail(const struct text_line *line, const struct journal_reader *reader, struct journal_past *past)
{
	struct record record;

	for (size_t length = line->length; length > 0 && length + 1 >= line->length; length--)
		if (record_read(line->bytes, length, &record)) {
			feed(&record, reader, past);
			return length;
		}
	if (text_lost(line) == 1)
		return 0;
	account_damaged(&past->account, text_lost(line));
	return line->length;
}

/* Returns its length without a torn end. */
static size_t fold(const char *text, size_t length, const struct journal_reader *reader, struct journal_past *past)
{
	struct text_line line;
	struct record record;
	size_t at = 0;

	while (text_next(text, length, &at, &line)) {
		if (at > length)
			return (size_t)(line.bytes - text) + fold_tail(&line, reader, past);
		if (record_read(line.bytes, line.length, &record))
			feed(&record, reader, past);
		else if (line.length > 0)
			account_damaged(&past->account, text_lost(&line));
	}
	return length;
}

/* Where it cannot be removed, the next record begins a line of its own. */
static void remove_torn_end(struct journal_file *file, const char *text, size_t length, size_t good)
{
	if (good < length && file->fd >= 0 && ftruncate(file->fd, (off_t)(file->size - (length - good))) == 0) {
		file->size -= length - good;
		length = good;
	}
	file->torn = length > 0 && text[length - 1] != '\n';
}

void journal_load(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
		  struct journal_failure *failure)
{
	size_t length = 0;
	char *text = NULL;
	int fd;

	*past = (struct journal_past){.chain = record_of(RECORD_NONE)};
	account_begin(&past->account);
	if (!journal_open_file(file, &fd, failure))
		return;
	if (fd >= 0 && (text = journal_read(fd, &length)) == NULL) {
		journal_fail(failure, "read", file->path, file->name, ".journal");
		close(fd);
		file->fd = -1;
		return;
	}
	past->known = true;
	remove_torn_end(file, text, length, fold(text, length, reader, past));
	free(text);
	if (fd >= 0 && fd != file->fd)
		close(fd);
}

/* --- locks -------------------------------------------------------------------------------------------------------------- */

/* gVisor's kernel knows no F_OFD_SETLK; flock() belongs to the open file, too. */
static bool set_lock(int fd, int command, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	if (fcntl(fd, command, &lock) == 0)
		return true;
	return errno == EINVAL &&
	       flock(fd, (type == F_RDLCK ? LOCK_SH : LOCK_EX) | (command == F_OFD_SETLKW ? 0 : LOCK_NB)) == 0;
}

static int open_lock(const struct journal_file *file, int flags)
{
	char name[JOURNAL_NAME + sizeof ".lock"];

	snprintf(name, sizeof name, "%s.lock", file->name);
	return openat(file->directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
}

enum locked { LOCK_OURS, LOCK_HELD, LOCK_NONE };

/* Where no lock can be made (read-only), nobody holds one either; but on another host the same may be writable. */
static enum locked look_at_lock(const struct journal_file *file)
{
	int fd = open_lock(file, O_RDONLY);
	bool held = fd >= 0 && !set_lock(fd, F_OFD_SETLK, F_RDLCK) && (errno == EAGAIN || errno == EACCES);

	if (fd >= 0)
		close(fd);
	return held ? LOCK_HELD : LOCK_NONE;
}

static enum locked take_lock(struct journal_file *file, struct journal_failure *failure)
{
	file->lock = open_lock(file, O_RDWR | O_CREAT);
	if (file->lock < 0) {
		journal_fail(failure, "write", file->path, file->name, ".lock");
		return look_at_lock(file);
	}
	if (set_lock(file->lock, F_OFD_SETLK, F_WRLCK))
		return LOCK_OURS;
	bool held = errno == EAGAIN || errno == EACCES;
	if (!held)
		journal_fail(failure, "lock", file->path, file->name, ".lock");
	close(file->lock);
	file->lock = -1;
	return held ? LOCK_HELD : LOCK_NONE;
}

bool journal_wait_for_lock(struct journal_file *file, struct journal_failure *failure)
{
	file->lock = open_lock(file, O_RDWR | O_CREAT);
	if (file->lock >= 0 && set_lock(file->lock, F_OFD_SETLKW, F_WRLCK))
		return true;
	journal_fail(failure, "lock", file->path, file->name, ".lock");
	if (file->lock >= 0)
		close(file->lock);
	file->lock = -1;
	return false;
}

/* --- slots -------------------------------------------------------------------------------------------------------------- */

static void let_go(struct journal_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->lock >= 0)
		close(file->lock);
	file->fd = file->lock = -1;
}

/* Without a lock what is there cannot be written, but often be read. */
static enum locked claim(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
			 struct journal_failure *failure)
{
	enum locked locked = take_lock(file, failure);

	if (locked == LOCK_HELD)
		return LOCK_HELD;
	journal_load(file, reader, past, failure);
	if (locked == LOCK_NONE && file->fd >= 0) {
		close(file->fd);
		file->fd = -1;
	}
	return locked;
}

static bool has_journal(const struct journal_file *file)
{
	char name[JOURNAL_NAME + sizeof ".journal"];
	struct stat status;

	snprintf(name, sizeof name, "%s.journal", file->name);
	return fstatat(file->directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* What was found so far. */
struct search {
	struct journal_file best;
	struct journal_past past;
	struct journal_failure failure;
	bool found, unreadable;
};

/*
 * `docker run IMAGE COMMAND` shares the volume, and so may other apps: what they left is not ours to finish. Where the name is
 * not on record any more, it may be.
 */
static bool is_foreign(const struct journal_past *past, const struct journal_reader *reader)
{
	char own[RECORD_NAME];

	record_put(own, sizeof own, reader->app);
	return past->known && past->account.name[0] != '\0' && strcmp(past->account.name, own) != 0;
}

/* Whether the search is over. */
static bool try_slot(struct search *search, const struct journal_file *directory, int number,
		     const struct journal_reader *reader)
{
	struct journal_file file = *directory;
	struct journal_past past;
	struct journal_failure failure = {0};

	snprintf(file.name, sizeof file.name, "slot-%d", number);
	if ((search->found && !has_journal(&file)) || claim(&file, reader, &past, &failure) == LOCK_HELD)
		return false;
	if (is_foreign(&past, reader)) {
		let_go(&file);
		return false;
	}
	bool unfinished = past.known && past.account.owed != OWED_NOTHING;
	search->unreadable |= !past.known;
	if (search->failure.error == 0)
		search->failure = failure;
	if (!past.known || (search->found && !unfinished)) {
		let_go(&file);
		return false;
	}
	if (search->found)
		let_go(&search->best);
	search->best = file;
	search->past = past;
	search->found = true;
	return unfinished;
}

static void find_slot(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
		      struct journal_failure *failure)
{
	struct search search = {.best = *file};

	for (int n = 1; n <= JOURNAL_SLOTS && !try_slot(&search, file, n, reader); n++)
		;
	*file = search.best;
	*past = search.past;
	if (search.failure.error != 0) {
		*failure = search.failure;
	} else if (!search.found) {
		errno = EAGAIN;
		journal_fail(failure, "use", file->path, "", ": all its journals are in use, or another app's");
	}
	/* what could not be read may owe something */
	past->known = !search.unreadable || (search.found && past->account.owed != OWED_NOTHING);
	if (!search.found)
		account_begin(&past->account);
}

/* Instances that start together look one after the other; where that is not possible, all at once. */
static void take_turn(int directory)
{
	const struct timespec pause = {.tv_nsec = TURN_PAUSE};

	for (int n = 0; n < TURN_TRIES && flock(directory, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; n++)
		nanosleep(&pause, NULL);
}

void journal_claim(struct journal_file *file, const struct journal_reader *reader, struct journal_past *past,
		   struct journal_failure *failure)
{
	*past = (struct journal_past){.chain = record_of(RECORD_NONE)};
	if (*file->name == '\0') {
		take_turn(file->directory);
		find_slot(file, reader, past, failure);
		flock(file->directory, LOCK_UN);
	} else if (claim(file, reader, past, failure) == LOCK_HELD) {
		failure->error = EAGAIN;
		snprintf(failure->what, sizeof failure->what, "the journal of instance %s is in use", file->name);
	}
}
