#include "init/child/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config/nonces.h"
#include "init/child/journal_writer.h"
#include "probes/clock.h"

#define SOCKET_BYTES (1 << 20) /* as far as the system allows it: records wait there while a disk hangs */
#define STALL        2000      /* ms */
#define WAIT_SHORT   200000    /* ns */
#define WAIT_LONG    5000000

static void make_run_id(char run[RECORD_RUN_ID])
{
	uint64_t random;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = (uint64_t)clock_wall(clock_now()) << 22 ^ (uint64_t)getpid();
	snprintf(run, RECORD_RUN_ID, "%016llx", (unsigned long long)random);
}

static bool open_all(struct journal *journal)
{
	const int bytes = SOCKET_BYTES;

	journal->shared = mmap(NULL, sizeof *journal->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (journal->shared == MAP_FAILED)
		return false;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, journal->kept) == 0) {
		if (writer_open(&journal->writer, journal_write_on, journal)) {
			setsockopt(journal->writer.in, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
			return true;
		}
		close(journal->kept[0]);
		close(journal->kept[1]);
	}
	int error = errno;
	munmap(journal->shared, sizeof *journal->shared);
	errno = error;
	return false;
}

bool journal_open(struct journal *journal, const struct plan *plan, const struct relay_progress *output)
{
	*journal = (struct journal){0};
	errno = 0;
	if (plan->state_dir == NULL || !open_all(journal))
		return false;
	journal->plan = plan;
	journal->output = output;
	journal->writer.resident = true;
	if (plan->nonces != NULL)
		plan->nonces->awaited = true;
	make_run_id(journal->run);
	writer_start(&journal->writer);
	return true;
}

static bool send_record(struct journal *journal, struct record *record)
{
	int64_t time = clock_wall(clock_now());

	memcpy(record->run, journal->run, sizeof record->run);
	record->number = journal->number + 1;
	record->time = time > 0 ? time : 0;
	if (send(journal->writer.in, record, sizeof *record, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof *record)
		return false;
	journal->number++;
	return true;
}

static bool send_lost(struct journal *journal)
{
	struct record record = record_of(RECORD_LOST);

	if (journal->lost == 0)
		return true;
	record.count = (int64_t)journal->lost;
	if (!send_record(journal, &record))
		return false;
	journal->lost = 0;
	return true;
}

uint64_t journal_send(struct journal *journal, struct record *record)
{
	if (journal->plan == NULL)
		return 0;
	bool sent = send_lost(journal) && send_record(journal, record);
	journal->lost += !sent;
	writer_start(&journal->writer);
	return sent ? journal->number : 0;
}

bool journal_stalls(struct journal *journal, msec_t now)
{
	if (journal->plan == NULL || journal->stalled)
		return false;
	if (journal->shared->written >= journal->number || journal->shared->failing)
		journal->current = now;
	journal->stalled = now - journal->current >= STALL;
	return journal->stalled;
}

int journal_fd(const struct journal *journal)
{
	return journal->plan != NULL ? journal->writer.in : -1;
}

bool journal_receive(struct journal *journal, struct journal_message *message)
{
	if (journal->plan == NULL)
		return false;
	/* every writer tells the account; bounded: the rest is for the next call */
	for (int n = 0; n < 2; n++) {
		if (recv(journal->writer.in, message, sizeof *message, MSG_DONTWAIT) != (ssize_t)sizeof *message)
			return false;
		if (message->kind != JOURNAL_ACCOUNT || !journal->accounted) {
			journal->accounted |= message->kind == JOURNAL_ACCOUNT;
			return true;
		}
	}
	return false;
}

void journal_wait(const struct journal *journal, uint64_t number, msec_t limit)
{
	struct timespec pause = {.tv_nsec = WAIT_SHORT};
	msec_t until = clock_now() + limit;

	if (journal->plan == NULL)
		return;
	while (journal->shared->written < number && !journal->shared->failing && !journal->shared->hanging) {
		if (clock_now() >= until) {
			journal->shared->hanging = true;
			return;
		}
		nanosleep(&pause, NULL);
		pause.tv_nsec = pause.tv_nsec * 2 < WAIT_LONG ? pause.tv_nsec * 2 : WAIT_LONG;
	}
}

bool journal_reaped(struct journal *journal, pid_t pid)
{
	if (journal->plan == NULL || !writer_reaped(&journal->writer, pid))
		return false;
	if (journal->writer.pid == 0)
		journal->shared->failing = true; /* none could be started */
	return true;
}

void journal_finish(struct journal *journal, msec_t limit)
{
	if (journal->plan == NULL)
		return;
	writer_finish(&journal->writer, limit);
	journal->plan = NULL;
}
