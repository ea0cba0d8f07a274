/*
 * Uses the journal as process 1 does, told by lines on its standard input, and prints what happens.
 *   journal_driver DIRECTORY [INSTANCE|-] [STEP...]
 * send KIND FIELD=VALUE ...   prints: sent NUMBER
 * flood COUNT MICROSECONDS    a probe record each time, prints: flooded LAST LOST
 * wait NUMBER MILLISECONDS    prints: waited MILLISECONDS
 * state                       prints: state WRITER WRITTEN FAILING, and the longest call to the journal in microseconds
 * finish MILLISECONDS         prints: finished MILLISECONDS, and exits
 * Messages: account OWED ID DONE RUNS RECORDS DAMAGED LAST-RUN COUNTS HELD RESTARTS AFTER LEARNED; trouble ERRNO TEXT
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/base/seal.h"
#include "init/base/signals.h"
#include "init/child/journal.h"
#include "probes/clock.h"
#include "tests/journal_body.h"

static struct journal journal;
static int64_t slowest; /* microseconds */

static struct {
	long left;
	int64_t pause, at; /* microseconds */
	uint64_t last;
	long lost;
} flood;

static int64_t began;

static void call_begins(void)
{
	began = clock_us();
}

static void call_ends(void)
{
	int64_t took = clock_us() - began;

	slowest = took > slowest ? took : slowest;
}

static uint64_t do_send(struct record record)
{
	call_begins();
	uint64_t sent = journal_send(&journal, &record);
	call_ends();
	return sent;
}

static void send_line(const char *text)
{
	char body[RECORD_LINE];
	struct record record;

	snprintf(body, sizeof body, "0000000000000000 0 0 %s", text);
	if (!read_body(body, &record))
		abort();
	printf("sent %llu\n", (unsigned long long)do_send(record));
}

static void flood_on(void)
{
	struct record record = record_of(RECORD_PROBE);

	for (int n = 0; n < 100 && flood.left > 0 && clock_us() >= flood.at; n++) {
		snprintf(record.name, sizeof record.name, "probe%ld", flood.left);
		uint64_t sent = do_send(record);
		flood.last = sent ? sent : flood.last;
		flood.lost += sent == 0;
		flood.at += flood.pause;
		if (--flood.left == 0)
			printf("flooded %llu %ld\n", (unsigned long long)flood.last, flood.lost);
	}
}

static int flood_timeout(void)
{
	int64_t left = flood.at - clock_us();

	if (flood.left == 0)
		return -1;
	return left > 0 ? (int)(left / 1000) : 0;
}

static void obey(char *line)
{
	unsigned long long number;
	long limit;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "send ", 5) == 0) {
		send_line(line + 5);
	} else if (sscanf(line, "flood %ld %ld", &flood.left, &limit) == 2) {
		flood.pause = limit;
		flood.at = clock_us();
		flood.lost = 0;
	} else if (sscanf(line, "wait %llu %ld", &number, &limit) == 2) {
		msec_t from = clock_now();
		journal_wait(&journal, number, limit);
		printf("waited %lld\n", (long long)(clock_now() - from));
	} else if (strcmp(line, "state") == 0) {
		printf("state %d %llu %d %lld\n", (int)journal.writer.pid, (unsigned long long)journal.shared->written,
		       (int)journal.shared->failing, (long long)slowest);
	} else if (sscanf(line, "finish %ld", &limit) == 1) {
		msec_t from = clock_now();
		journal_finish(&journal, limit);
		printf("finished %lld\n", (long long)(clock_now() - from));
		exit(0);
	}
}

static void show(const struct journal_message *message)
{
	static const char *const owed[] = {"nothing", "everything", "rest"};
	const struct account *account = &message->account;

	if (message->kind == JOURNAL_TROUBLE) {
		printf("trouble %d %s\n", message->error, message->what);
		return;
	}
	if (message->kind == JOURNAL_UNREADABLE) {
		puts("unreadable");
		return;
	}
	printf("account %s %s %llu %llu %llu %llu %s %d %d %llu %lld %lld\n", owed[account->owed],
	       *account->id ? account->id : "-", (unsigned long long)account->done, (unsigned long long)account->runs,
	       (unsigned long long)account->records, (unsigned long long)account->damaged, *account->run ? account->run : "-",
	       account_counts(account), account->held, (unsigned long long)account->restart_count, (long long)account->after,
	       (long long)account->learned_grace);
}

static void receive(void)
{
	struct journal_message message;

	call_begins();
	while (journal_receive(&journal, &message)) {
		call_ends();
		show(&message);
		call_begins();
	}
	call_ends();
}

static void reap(int signals)
{
	struct signal_seen seen;
	pid_t pid;

	while (signals_next(signals, &seen))
		if (seen.number == SIGTERM)
			exit(0);
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		call_begins();
		journal_reaped(&journal, pid);
		call_ends();
	}
}

/* One line at a time: what was read ahead would not be polled. */
static bool read_line(char *line, size_t size)
{
	size_t length = 0;

	while (length + 1 < size && read(STDIN_FILENO, line + length, 1) == 1)
		if (line[length++] == '\n')
			break;
	line[length] = '\0';
	return length > 0;
}

int main(int argc, char **argv)
{
	static struct plan_step steps[PLAN_STEPS_MAX];
	static struct plan_stage stage = {.steps = steps};
	static struct plan plan = {.app.name = "", .shutdown.chain.stages = &stage};
	struct signals_inherited inherited;
	char line[RECORD_LINE];

	if (argc < 2)
		return 2;
	plan.state_dir = argv[1];
	plan.instance = argc > 2 && strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
	for (int i = 3; i < argc && stage.count < PLAN_STEPS_MAX; i++)
		steps[stage.count++].name = argv[i];
	plan.shutdown.chain.count = stage.count > 0;
	plan.shutdown.chain.steps = stage.count;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signals_block(&inherited);
	int signals = signals_open();
	if (signals < 0 || !journal_open(&journal, &plan, NULL)) {
		printf("error %d\n", errno);
		return 1;
	}
	printf("run %s\n", journal.run);
	seal();
	struct pollfd inputs[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}, {journal_fd(&journal), POLLIN, 0}};
	for (;;) {
		poll(inputs, 3, flood_timeout());
		if (inputs[1].revents)
			reap(signals);
		if (inputs[2].revents)
			receive();
		flood_on();
		if (inputs[0].revents) {
			if (!read_line(line, sizeof line))
				return 0;
			obey(line);
		}
	}
}
