#include "moment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALIBRATIONS 20
#define TELL_MAX     10    /* failures told in full */
#define START_MS     10000 /* no start takes longer */
#define LINGER_MS    "2"   /* the app waits for a second signal */

static const char *helper;
static int out[2];
static volatile pid_t running;
static volatile sig_atomic_t late;

/* What is left over waits for the alarm, and is then ended with its namespace. */
static void end_it(int signal)
{
	(void)signal;
	late = 1;
	if (running > 0)
		kill(running, SIGKILL);
}

static void set_alarm(long msec)
{
	const struct itimerval when = {.it_value = {.tv_sec = msec / 1000, .tv_usec = msec % 1000 * 1000}};

	setitimer(ITIMER_REAL, &when, NULL);
}

static pid_t start(const struct contestant *who, const struct way *way, nsec_t pause)
{
	const char *argv[WORDS_MAX] = {who->file};
	size_t count = 1;

	for (size_t i = 0; i < sizeof way->words / sizeof *way->words && way->words[i] != NULL; i++)
		argv[count++] = way->words[i];
	const char *const app[] = {"--", helper, "count", way->code, LINGER_MS};
	memcpy(argv + count, app, sizeof app);
	const struct launch what = {.argv = (char *const *)(const void *)argv,
				    .out = out[1],
				    .first = way->first,
				    .blocked = !way->open,
				    .pause = pause};
	late = 0;
	return running = launch(&what);
}

/* The exit code of the contestant, 128 + N where a signal ended it. All others that end meanwhile are orphans: ours. */
static int finish(void)
{
	int status = 0, code = -1;
	pid_t pid;

	while ((pid = wait(&status)) != running)
		if (pid < 0 && errno != EINTR)
			fail("the contestant is not our child");
	code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	running = 0;
	set_alarm(0);
	kill(-1, SIGKILL); /* we are process 1: only what a contestant left behind, where that one was not */
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return code;
}

static int deliveries(void)
{
	char text[256];
	ssize_t n = read(out[0], text, sizeof text);
	int count = 0;

	for (ssize_t i = 0; i < n; i++)
		count += text[i] == 'T';
	return count;
}

/*
 * Does the contestant itself, not what launch() made of us, block SIGTERM? In sigwait() it shows as not blocked, though it is:
 * whoever sleeps waits for signals already.
 */
static bool blocks(const char *status)
{
	static char ours[64];

	if (ours[0] == '\0')
		snprintf(ours, sizeof ours, "Name:\t%s\n", program_invocation_short_name);
	if (strncmp(status, ours, strlen(ours)) == 0)
		return false;
	const char *mask = strstr(status, "\nSigBlk:");
	return strstr(status, "\nState:\tS") != NULL || (mask != NULL && (strtoull(mask + 8, NULL, 16) & 1 << 14) != 0);
}

static void await_block(const struct contestant *who, pid_t pid)
{
	char path[32], status[2048] = "";
	nsec_t end = now() + START_MS * INT64_C(1000000);

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	do {
		ssize_t n = pread(fd, status, sizeof status - 1, 0);
		status[n > 0 ? n : 0] = '\0';
		if (n <= 0 || now() > end)
			fail("%s does not block SIGTERM", who->name);
	} while (!blocks(status));
	close(fd);
}

static int compare(const void *a, const void *b)
{
	const nsec_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * The start's length: from the clone, or from the blocked SIGTERM, to the app's first line. The lower quartile: on a busy
 * machine the median is other people's time, and most moments would come after the start.
 */
nsec_t moment_calibrate(const struct contestant *who, const struct way *way)
{
	nsec_t took[CALIBRATIONS];
	char byte;

	for (int i = 0; i < CALIBRATIONS; i++) {
		nsec_t started = now();
		pid_t pid = start(who, way, 0);
		set_alarm(START_MS);
		if (way->open) {
			await_block(who, pid);
			started = now();
		}
		while (read(out[0], &byte, 1) != 1 && !late)
			spin_until(now() + 2000);
		took[i] = now() - started;
		kill(pid, SIGKILL);
		finish();
		deliveries(); /* whatever else was written */
		if (late)
			fail("%s (%s) does not start the app", who->name, way->name);
	}
	qsort(took, CALIBRATIONS, sizeof *took, compare);
	return took[CALIBRATIONS / 4];
}

void moment_try(const struct contestant *who, const struct way *way, nsec_t window, nsec_t moment, long patience,
		struct tally *tally)
{
	static int told;
	nsec_t started = now();
	pid_t pid = start(who, way, way->open ? 0 : window / 10);

	if (way->open) {
		await_block(who, pid);
		started = now();
	}
	spin_until(started + moment);
	kill(pid, way->signal);
	set_alarm(patience);
	int code = finish(), count = deliveries();
	bool died = count == 0 && code == way->died;
	const char *what = NULL;
	tally->moments++;
	if (late) {
		what = "lost";
		tally->lost++;
	} else if (count > 1) {
		what = "doubled";
		tally->doubled++;
	} else if (!died && (count != 1 || code != way->expected)) {
		what = "wrong";
		tally->wrong++;
	}
	if (what != NULL && told++ < TELL_MAX)
		fprintf(stderr, "race: %s (%s): %s: %lld us of %lld us, %d delivered, exit code %d%s\n", who->name, way->name,
			what, (long long)moment / 1000, (long long)window / 1000, count, code, late ? ", killed" : "");
}

void moment_prepare(const char *helper_file)
{
	helper = helper_file;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0)
		fail("no pipe");
	fcntl(out[1], F_SETFL, 0); /* the app's end blocks */
	signal(SIGALRM, end_it);
}
