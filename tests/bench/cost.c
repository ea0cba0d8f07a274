/*
 * What health checks cost.
 *
 *   cost once ROUNDS CONTESTANTS      programs that ask once and end, in turn
 *   cost standing MS CONTESTANTS      inits that ask again and again, all at the same time
 *
 * A line of the file CONTESTANTS is a name and the words of a command, tabs between; a word NAME=VALUE before the command is
 * its environment's. Prints one JSON object a line, {"who", "what", "value"}.
 *
 * The kernel counts a process's time in nanoseconds and only divides it into user and system time by ticks: their sum, which
 * is all that is told here, is exact.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "probes/page.h"

#define CONTESTANTS 24
#define ASKS        4  /* a round */
#define PATIENCE    20 /* seconds for anything at all */
#define SETTLE_US   1000000
#define STAGGER_US  10000 /* nobody asks right after somebody else, with the caches still warm */

struct contestant {
	const char *name, *variable;
	char *argv[WORDS_MAX + 1];
};

/* What there is to be known of an init that asks. */
struct standing {
	double cpu_ns, switches;
	uint64_t checks, bad;
};

static struct contestant contestants[CONTESTANTS];
static int count;
static volatile pid_t running[CONTESTANTS];

static void end_all(int signal)
{
	(void)signal;
	for (int i = 0; i < CONTESTANTS; i++)
		if (running[i] > 0)
			kill(running[i], SIGKILL);
}

static void sample(const struct contestant *who, const char *what, double value)
{
	printf("{\"who\": \"%s\", \"what\": \"%s\", \"value\": %.1f}\n", who->name, what, value);
}

static double cpu_us(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* --- once ----------------------------------------------------------------------------------------------------------------- */

static void ask_once(const struct contestant *who)
{
	const struct launch what = {.argv = who->argv, .extra = who->variable, .out = -1, .at_once = true};
	struct rusage usage;
	int status;
	nsec_t started = now();
	pid_t pid = running[0] = launch(&what);

	if (wait4(pid, &status, 0, &usage) != pid || status != 0)
		fail("%s ended with status %#x", who->name, (unsigned)status);
	sample(who, "wall_ns", (double)(now() - started));
	sample(who, "cpu_us", cpu_us(&usage));
	sample(who, "faults", (double)usage.ru_minflt);
	sample(who, "rss_kb", (double)usage.ru_maxrss);
}

/* The supervisor's first round of checks is over when what asks it succeeds. */
static void wait_until_ready(const struct contestant *who)
{
	const struct launch what = {.argv = who->argv, .out = -1};
	int status = -1;

	for (int i = 0; i < 500 && status != 0; i++) {
		usleep(10000);
		pid_t pid = running[0] = launch(&what);
		if (waitpid(pid, &status, 0) != pid)
			fail("%s cannot be waited for", who->name);
	}
}

static void run_rounds(long rounds)
{
	for (long i = 0; i < count; i++)
		if (strstr(contestants[i].name, "supervisor") != NULL)
			wait_until_ready(&contestants[i]);
	for (long round = 0; round < rounds; round++) {
		for (long i = 0; i < count; i++) {
			alarm(PATIENCE);
			for (int n = 0; n < ASKS; n++)
				ask_once(&contestants[(i + round) % count]);
			alarm(0);
		}
	}
}

/* --- standing ------------------------------------------------------------------------------------------------------------- */

static double field(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	return at != NULL ? strtod(at + strlen(label), NULL) : 0;
}

static void count_checks(pid_t pid, struct standing *to)
{
	static struct page copy;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, PAGE_FD);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct page *page = fd >= 0 ? page_map(fd) : NULL;
	if (page == NULL || !page_read(page, &copy))
		fail("no page at %s", path);
	close(fd);
	for (size_t i = 0; i < copy.head.checks; i++) {
		to->bad += copy.check[i].failed + copy.check[i].errors;
		to->checks += copy.check[i].ok + copy.check[i].failed + copy.check[i].errors;
	}
}

static struct standing look(pid_t pid)
{
	struct standing found = {0};
	char text[4096];

	read_proc(pid, "schedstat", text, sizeof text);
	found.cpu_ns = strtod(text, NULL);
	read_proc(pid, "status", text, sizeof text);
	found.switches = field(text, "\nvoluntary_ctxt_switches:");
	count_checks(pid, &found);
	return found;
}

/* "rest_us" is all that the namespace has used but for process 1: its end, the app and the workers, of which there are
 * "checks".
 */
static void tell(const struct contestant *who, pid_t pid, const struct standing *before)
{
	const struct standing after = look(pid);
	double checks = (double)(after.checks - before->checks);
	struct rusage usage;

	kill(pid, SIGKILL);
	if (wait4(pid, NULL, 0, &usage) != pid)
		fail("%s is gone", who->name);
	sample(who, "rest_us", cpu_us(&usage) - after.cpu_ns / 1000);
	sample(who, "checks", (double)after.checks);
	sample(who, "bad", (double)after.bad);
	if (checks < 1)
		return;
	sample(who, "first_us", (after.cpu_ns - before->cpu_ns) / 1000 / checks);
	sample(who, "wakeups", (after.switches - before->switches) / checks);
}

static void run_standing(long ms)
{
	struct standing before[CONTESTANTS];

	alarm((unsigned)(ms / 1000) + PATIENCE);
	for (int i = 0; i < count; i++) {
		struct contestant *who = &contestants[i];
		const struct launch what = {
		    .argv = who->argv, .extra = who->variable, .out = -1, .first = true, .own_proc = true, .at_once = true};
		running[i] = launch(&what);
		usleep(STAGGER_US);
	}
	usleep(SETTLE_US);
	for (int i = 0; i < count; i++)
		before[i] = look(running[i]);
	usleep((useconds_t)ms * 1000);
	for (int i = 0; i < count; i++) {
		tell(&contestants[i], running[i], &before[i]);
		running[i] = 0;
	}
}

/* --- the order of things -------------------------------------------------------------------------------------------------- */

static void take(struct contestant *who, char *line)
{
	size_t words = 0;

	line[strcspn(line, "\n")] = '\0';
	who->name = strsep(&line, "\t");
	if (line != NULL && strchr(line, '=') != NULL && strcspn(line, "=") < strcspn(line, "\t/"))
		who->variable = strsep(&line, "\t");
	while (line != NULL && words < WORDS_MAX)
		who->argv[words++] = strsep(&line, "\t");
	if (words == 0)
		fail("%s has no command", who->name);
}

static void read_contestants(const char *name)
{
	char line[4096];
	FILE *file = fopen(name, "re");

	if (file == NULL)
		fail("%s cannot be read", name);
	while (count < CONTESTANTS && fgets(line, sizeof line, file) != NULL)
		take(&contestants[count++], strdup(line));
	fclose(file);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("usage: see cost.c");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, end_all);
	read_contestants(argv[3]);
	if (strcmp(argv[1], "once") == 0)
		run_rounds(atol(argv[2]));
	else if (strcmp(argv[1], "standing") == 0)
		run_standing(atol(argv[2]));
	else
		return 64;
	return 0;
}
