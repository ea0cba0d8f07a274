/*
 * Inits side by side, each as process 1 of a fresh PID namespace, round by round, so that what else the machine does meets all.
 *
 *   bench --tinysup FILE --floor FILE --alias LINK --config FILE --noop FILE --helper FILE [--rounds N] [--cpu N]
 *
 * Prints one JSON object a line: first the contestants, then samples {"who", "what", "value"}. What they mean is table.py's.
 * LINK is the same tinysup under the name tini. With --cpu all run there: what it takes to wake another CPU, which is most of
 * it, depends on what else the machine does.
 */
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

#define STARTS      3    /* of the no-op, a round */
#define SIGNALS     8    /* a round */
#define ORPHANS     2000 /* a run */
#define ORPHAN_RUNS 5
#define IDLE_MS     3000
#define PATIENCE    20 /* seconds for anything at all */

/* Long enough for everybody to sleep again, short enough for a run of minutes. */
#define PAUSE_US 300

struct contestant {
	const char *name, *file;
	const char *words[3];
	bool absent;
	pid_t idle;
};

static const char *noop, *helper;

enum { FLOOR = 1, TINYSUP = 6, FULL, ALIAS, COUNT };

static struct contestant contestants[COUNT] = {
    {.name = "no init", .file = ""},
    [FLOOR] = {.name = "floor"},
    {.name = "tini-static", .file = "/usr/bin/tini-static", .words = {"--"}},
    {.name = "tini", .file = "/usr/bin/tini", .words = {"--"}},
    {.name = "dumb-init", .file = "/usr/bin/dumb-init", .words = {"--"}},
    {.name = "catatonit", .file = "/usr/bin/catatonit", .words = {"--"}},
    [TINYSUP] = {.name = "tinysup", .words = {"--"}},
    [FULL] = {.name = "tinysup, full configuration", .words = {"--config", "", "--"}},
    [ALIAS] = {.name = "tinysup as tini", .words = {"--"}},
};

/* Whom the alarm ends, so that nothing waits for ever; process 1 takes its namespace along. */
static volatile pid_t running[COUNT + 1];

static void end_all(int signal)
{
	(void)signal;
	for (int i = 0; i <= COUNT; i++)
		if (running[i] > 0)
			kill(running[i], SIGKILL);
}

static void sample(const struct contestant *who, const char *what, double value)
{
	printf("{\"who\": \"%s\", \"what\": \"%s\", \"value\": %.1f}\n", who->name, what, value);
}

static pid_t start(const struct contestant *who, int out, char *const *app)
{
	const char *argv[WORDS_MAX] = {who->file};
	size_t count = who->file[0] != '\0';

	for (size_t i = 0; i < sizeof who->words / sizeof *who->words && who->words[i] != NULL; i++)
		argv[count++] = who->words[i];
	while (*app != NULL)
		argv[count++] = *app++;
	const struct launch what = {.argv = (char *const *)(const void *)argv, .out = out, .first = true, .at_once = true};
	return launch(&what);
}

static void wait_for(pid_t pid, struct rusage *usage)
{
	int status;

	if (wait4(pid, &status, 0, usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fprintf(stderr, "bench: a contestant ended with status %#x\n", (unsigned)status);
}

/* --- a number from /proc -------------------------------------------------------------------------------------------------- */

static double proc_field(pid_t pid, const char *name, const char *label)
{
	char text[4096];

	read_proc(pid, name, text, sizeof text);
	const char *at = strstr(text, label);
	return at != NULL ? strtod(at + strlen(label), NULL) : 0;
}

static double context_switches(pid_t pid)
{
	return proc_field(pid, "status", "\nvoluntary_ctxt_switches:") +
	       proc_field(pid, "status", "\nnonvoluntary_ctxt_switches:");
}

/* User and system time in nanoseconds; /proc/PID/stat has it in ticks of 10 ms. */
static double cpu_time(pid_t pid)
{
	return proc_field(pid, "schedstat", "");
}

static int children(pid_t pid)
{
	char text[4096], name[64];
	int count = 0;

	snprintf(name, sizeof name, "task/%d/children", (int)pid);
	read_proc(pid, name, text, sizeof text);
	for (const char *at = text; (at = strchr(at, ' ')) != NULL; at++)
		count++;
	return count;
}

/* --- measures ------------------------------------------------------------------------------------------------------------- */

static bool read_stamp(int fd, nsec_t *stamp)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};

	return poll(&input, 1, PATIENCE * 1000) == 1 && read(fd, stamp, sizeof *stamp) == (ssize_t)sizeof *stamp;
}

static void measure_start(const struct contestant *who)
{
	char *const app[] = {(char *)(uintptr_t)noop, NULL};
	struct rusage usage;

	for (int i = 0; i < STARTS; i++) {
		nsec_t started = now();
		running[COUNT] = start(who, -1, app);
		wait_for(running[COUNT], &usage);
		sample(who, "start_ns", (double)(now() - started));
		sample(who, "start_cpu_us",
		       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
			   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
		sample(who, "start_faults", (double)usage.ru_minflt);
	}
}

static void measure_signals(const struct contestant *who, const int pipe_ends[2])
{
	char *const app[] = {(char *)(uintptr_t)helper, (char[]){"answer"}, NULL};
	nsec_t started = now(), stamp;
	pid_t pid = running[COUNT] = start(who, pipe_ends[1], app);

	if (!read_stamp(pipe_ends[0], &stamp))
		fail("%s does not start its child", who->name);
	sample(who, "main_ns", (double)(stamp - started));
	for (int i = 0; i < SIGNALS; i++) {
		usleep(PAUSE_US);
		started = now();
		kill(pid, SIGUSR1);
		if (!read_stamp(pipe_ends[0], &stamp))
			fail("%s does not pass on SIGUSR1", who->name);
		sample(who, "signal_ns", (double)(stamp - started));
	}
	usleep(PAUSE_US);
	started = now();
	kill(pid, SIGTERM);
	wait_for(pid, NULL);
	sample(who, "stop_ns", (double)(now() - started));
}

static void measure_orphans(const struct contestant *who, const int pipe_ends[2])
{
	char number[16];
	char *const app[] = {(char *)(uintptr_t)helper, (char[]){"orphans"}, number, NULL};
	nsec_t stamp;

	if (who->file[0] == '\0')
		return; /* nobody reaps them */
	snprintf(number, sizeof number, "%d", ORPHANS);
	pid_t pid = running[COUNT] = start(who, pipe_ends[1], app);
	if (!read_stamp(pipe_ends[0], &stamp))
		fail("%s does not start its child", who->name);
	usleep(2000);
	double before = cpu_time(pid);
	kill(pid, SIGUSR1);
	if (!read_stamp(pipe_ends[0], &stamp))
		fail("%s: no orphans", who->name);
	while (children(pid) > 1)
		usleep(1000);
	usleep(2000); /* the kernel books a process's time when it sleeps again */
	sample(who, "orphan_ns", (cpu_time(pid) - before) / ORPHANS);
	kill(pid, SIGTERM);
	wait_for(pid, NULL);
}

/* All at the same time: it is the waiting that takes long. */
static void measure_idle(const int pipe_ends[2])
{
	char *const app[] = {(char *)(uintptr_t)helper, (char[]){"answer"}, NULL};
	double before[COUNT];
	nsec_t stamp;

	for (int i = 0; i < COUNT; i++) {
		struct contestant *who = &contestants[i];
		if (who->absent)
			continue;
		running[i] = who->idle = start(who, pipe_ends[1], app);
		if (!read_stamp(pipe_ends[0], &stamp))
			fail("%s does not start its child", who->name);
	}
	usleep(300000);
	for (int i = 0; i < COUNT; i++)
		if (!contestants[i].absent)
			before[i] = context_switches(contestants[i].idle);
	usleep(IDLE_MS * 1000);
	for (int i = 0; i < COUNT; i++) {
		const struct contestant *who = &contestants[i];
		if (who->absent)
			continue;
		sample(who, "wakeups", context_switches(who->idle) - before[i]);
		sample(who, "rss_kb", proc_field(who->idle, "smaps_rollup", "\nRss:"));
		sample(who, "private_kb", proc_field(who->idle, "smaps_rollup", "\nPrivate_Dirty:"));
		kill(who->idle, SIGKILL);
		waitpid(who->idle, NULL, 0);
		running[i] = 0;
	}
}

/* --- the order of things -------------------------------------------------------------------------------------------------- */

/* A file that was just written counts its pages as private and dirty until they are on disk. */
static bool present(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return fd >= 0 && access(file, X_OK) == 0;
}

static void introduce(void)
{
	for (int i = 0; i < COUNT; i++) {
		struct contestant *who = &contestants[i];
		who->absent = who->file[0] != '\0' && !present(who->file);
		if (who->absent)
			fprintf(stderr, "bench: %s is not installed: left out\n", who->name);
		else
			printf("{\"contestant\": \"%s\", \"file\": \"%s\"}\n", who->name, who->file);
	}
}

static void run_rounds(long rounds, const int pipe_ends[2])
{
	long every = rounds > ORPHAN_RUNS ? rounds / ORPHAN_RUNS : 1;

	for (long round = 0; round < rounds; round++) {
		for (long i = 0; i < COUNT; i++) {
			const struct contestant *who = &contestants[(i + round) % COUNT];
			if (who->absent)
				continue;
			alarm(PATIENCE);
			measure_start(who);
			measure_signals(who, pipe_ends);
			if (round % every == 0)
				measure_orphans(who, pipe_ends);
			alarm(0);
		}
	}
	alarm(PATIENCE);
	measure_idle(pipe_ends);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		fail("CPU %d is not ours", cpu);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"tinysup", required_argument, NULL, 't'},
	    {"alias", required_argument, NULL, 'a'},
	    {"config", required_argument, NULL, 'c'},
	    {"floor", required_argument, NULL, 'f'},
	    {"noop", required_argument, NULL, 'n'},
	    {"helper", required_argument, NULL, 'h'},
	    {"rounds", required_argument, NULL, 'r'},
	    {"cpu", required_argument, NULL, 'u'},
	    {NULL, 0, NULL, 0},
	};
	int option, pipe_ends[2];
	long rounds = 60;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			contestants[TINYSUP].file = contestants[FULL].file = optarg;
		else if (option == 'f')
			contestants[FLOOR].file = optarg;
		else if (option == 'a')
			contestants[ALIAS].file = optarg;
		else if (option == 'c')
			contestants[FULL].words[1] = optarg;
		else if (option == 'n')
			noop = optarg;
		else if (option == 'h')
			helper = optarg;
		else if (option == 'r')
			rounds = atol(optarg);
		else if (option == 'u')
			stay_on(atoi(optarg));
		else
			return 64;
	}
	if (noop == NULL || helper == NULL || contestants[TINYSUP].file == NULL || contestants[ALIAS].file == NULL ||
	    contestants[FLOOR].file == NULL)
		fail("an option is missing");
	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		fail("no pipe");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, end_all);
	introduce();
	run_rounds(rounds, pipe_ends);
	return 0;
}
