/*
 * One SIGTERM at a random moment of the start, many times: none lost, none doubled.
 *
 *   race [--moments N] [--seed N] [--patience MS] [--linger MS] [--way TEXT] [--peers] --helper FILE --config FILE TINYSUP
 *
 * --way takes only those whose name begins so. Must be process 1 of a PID namespace with a /proc of its own, so that it can end
 * whatever a contestant leaves behind.
 *
 * From outside, the kernel drops a signal that process 1 of a namespace neither blocks nor handles. So contestants start with
 * all signals blocked: one that comes before their main() stays pending. tinysup hands the mask on, and the app counts at its
 * leisure. Of a signal such as SIGTERM no more than one can be pending: of two in a row the app may see one. So the chain's
 * stop signal is a real-time one, and the ways called queued send one. In the ways called open nothing is blocked, as in a
 * container, and the moments begin when the contestant blocks SIGTERM by itself; the app may then die of it before it counts.
 * Moments are uniform from 10 % of the start (clone to the app's first line, measured before) before the contestant's exec to
 * 50 % after its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

#define CALIBRATIONS 20
#define TELL_MAX     10 /* failures told in full */
#define WAYS_MAX     16
#define START_MS     10000
#define LOST_ENOUGH  100 /* then there is nothing left to learn: each costs our whole patience */
#define QUEUED       40  /* as in helper.c and race.conf */

struct way {
	const char *name;
	bool first; /* process 1 */
	bool open;  /* nothing is blocked */
	int signal;
	const char *words[3];
	const char *code; /* the app's own exit code */
	int expected;     /* the contestant's, for it */
	int died;         /* the contestant's, where the app died of SIGTERM; -1: cannot be */
};

struct contestant {
	const char *name, *file;
	const struct way *ways;
	size_t count;
};

struct tally {
	long moments, lost, doubled, wrong;
};

static const char *helper, *linger = "2", *only = "";
static long patience = 5000;
static uint64_t seed;
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

static nsec_t random_below(nsec_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (nsec_t)(seed % (uint64_t)(limit > 0 ? limit : 1));
}

static pid_t start(const struct contestant *who, const struct way *way, nsec_t pause)
{
	const char *argv[WORDS_MAX] = {who->file};
	size_t count = 1;

	for (size_t i = 0; i < sizeof way->words / sizeof *way->words && way->words[i] != NULL; i++)
		argv[count++] = way->words[i];
	const char *const app[] = {"--", helper, "count", way->code, linger};
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

/* Until the contestant itself, not what launch() made of us, blocks SIGTERM. */
static void await_block(const struct contestant *who, pid_t pid)
{
	char path[32], text[2048], ours[64];
	nsec_t end = now() + START_MS * INT64_C(1000000);
	bool blocked = false;

	snprintf(ours, sizeof ours, "Name:\t%s\n", program_invocation_short_name);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !blocked && now() < end) {
		ssize_t n = pread(fd, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		const char *mask = strstr(text, "\nSigBlk:");
		blocked =
		    mask != NULL && strncmp(text, ours, strlen(ours)) != 0 && (strtoull(mask + 8, NULL, 16) & 1 << 14) != 0;
	}
	close(fd);
	if (!blocked)
		fail("%s does not block SIGTERM", who->name);
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
static nsec_t calibrate(const struct contestant *who, const struct way *way)
{
	nsec_t took[CALIBRATIONS];
	char byte;

	for (int i = 0; i < CALIBRATIONS; i++) {
		nsec_t begun = now();
		pid_t pid = start(who, way, 0);
		set_alarm(START_MS);
		if (way->open) {
			await_block(who, pid);
			begun = now();
		}
		while (read(out[0], &byte, 1) != 1 && !late)
			spin_until(now() + 2000);
		took[i] = now() - begun;
		kill(pid, SIGKILL);
		finish();
		deliveries(); /* whatever else was written */
		if (late)
			fail("%s (%s) does not start the app", who->name, way->name);
	}
	qsort(took, CALIBRATIONS, sizeof *took, compare);
	return took[CALIBRATIONS / 4];
}

static void one_moment(const struct contestant *who, const struct way *way, nsec_t window, struct tally *tally)
{
	static int told;
	nsec_t begun = now(), moment = random_below(way->open ? window * 3 / 2 : window * 8 / 5);
	pid_t pid = start(who, way, way->open ? 0 : window / 10);

	if (way->open) {
		await_block(who, pid);
		begun = now();
	}
	spin_until(begun + moment);
	kill(pid, way->signal);
	set_alarm(patience);
	int code = finish(), count = deliveries();
	tally->moments++;
	const char *what = NULL;
	bool died = count == 0 && code == way->died;
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
			what, (long long)(moment - (way->open ? 0 : window / 10)) / 1000, (long long)window / 1000, count, code,
			late ? ", killed" : "");
}

static struct tally race(const struct contestant *who, long moments)
{
	struct tally tally = {0};
	nsec_t windows[16];

	for (size_t i = 0; i < who->count; i++) {
		windows[i] = calibrate(who, &who->ways[i]);
		fprintf(stderr, "race: %s (%s): starts in %lld us\n", who->name, who->ways[i].name,
			(long long)windows[i] / 1000);
	}
	for (long i = 0; i < moments && tally.lost < LOST_ENOUGH; i++)
		one_moment(who, &who->ways[i % (long)who->count], windows[i % (long)who->count], &tally);
	return tally;
}

static void print(const char *name, const struct tally *tally)
{
	printf("race: %s%s%ld moments, %ld lost, %ld doubled, %ld wrong\n", name, name[0] != '\0' ? ": " : "", tally->moments,
	       tally->lost, tally->doubled, tally->wrong);
	fflush(stdout);
}

/* Peers need not hand on the mask: their app may always die before it counts. */
#define PEER(name, ...)                                                                                                        \
	static const struct way name[] = {                                                                                     \
	    {"forward", true, false, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                           \
	    {"queued", true, false, QUEUED, {__VA_ARGS__}, "7", 7, 128 + QUEUED},                                              \
	    {"not process 1", false, false, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                    \
	    {"open", true, true, SIGTERM, {__VA_ARGS__}, "7", 7, 128 + SIGTERM},                                               \
	}

static void race_peers(long moments)
{
	PEER(plain, NULL);
	PEER(tini_group, "-g");
	PEER(dumb_init_child, "-c");
	const struct contestant peers[] = {
	    {"tini-static", "/usr/bin/tini-static", plain, 4}, {"tini-static -g", "/usr/bin/tini-static", tini_group, 4},
	    {"dumb-init", "/usr/bin/dumb-init", plain, 4},     {"dumb-init -c", "/usr/bin/dumb-init", dumb_init_child, 4},
	    {"catatonit", "/usr/bin/catatonit", plain, 4},     {"catatonit -g", "/usr/bin/catatonit", tini_group, 4},
	};

	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		if (access(peers[i].file, X_OK) != 0) {
			fprintf(stderr, "race: %s is not installed: left out\n", peers[i].name);
			continue;
		}
		struct tally tally = race(&peers[i], moments);
		print(peers[i].name, &tally);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"moments", required_argument, NULL, 'm'},
	    {"seed", required_argument, NULL, 's'},
	    {"helper", required_argument, NULL, 'h'},
	    {"patience", required_argument, NULL, 't'},
	    {"config", required_argument, NULL, 'c'},
	    {"linger", required_argument, NULL, 'l'},
	    {"way", required_argument, NULL, 'w'},
	    {"peers", no_argument, NULL, 'p'},
	    {NULL, 0, NULL, 0},
	};
	const char *config = NULL;
	long moments = 2000;
	bool peers = false;
	int option;

	seed = (uint64_t)now();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			moments = atol(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			helper = optarg;
			break;
		case 't':
			patience = atol(optarg);
			break;
		case 'c':
			config = optarg;
			break;
		case 'l':
			linger = optarg;
			break;
		case 'w':
			only = optarg;
			break;
		case 'p':
			peers = true;
			break;
		default:
			return 64;
		}
	}
	if (helper == NULL || config == NULL || optind != argc - 1 || seed == 0)
		fail("usage: see race.c");
	if (getpid() != 1)
		fail("must be process 1 of a PID namespace: unshare --pid --fork --kill-child --mount-proc race ...");
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0)
		fail("no pipe");
	fcntl(out[1], F_SETFL, 0); /* the app's end blocks */
	signal(SIGALRM, end_it);
	const struct way ways[] = {
	    {"forward", true, false, SIGTERM, {NULL}, "7", 7, -1},
	    {"chain", true, false, SIGTERM, {"--config", config}, "143", 0, -1},
	    {"group", true, false, SIGTERM, {"-g"}, "7", 7, -1},
	    {"queued", true, false, QUEUED, {NULL}, "7", 7, -1},
	    {"queued, group", true, false, QUEUED, {"-g"}, "7", 7, -1},
	    {"not process 1", false, false, SIGTERM, {NULL}, "7", 7, -1},
	    {"not process 1, chain", false, false, SIGTERM, {"--config", config}, "143", 0, -1},
	    {"open", true, true, SIGTERM, {NULL}, "7", 7, 128 + SIGTERM},
	    {"open, chain", true, true, SIGTERM, {"--config", config}, "143", 0, 0},
	    {"open, group", true, true, SIGTERM, {"-g"}, "7", 7, 128 + SIGTERM},
	};
	const struct contestant tinysup = {"tinysup", argv[optind], ways, sizeof ways / sizeof *ways};
	fprintf(stderr, "race: seed %llu\n", (unsigned long long)seed);
	struct tally tally = race(&tinysup, moments);
	print("", &tally);
	if (peers) {
		patience = 250; /* there is nothing to prove */
		race_peers(moments < 2000 ? moments : 2000);
	}
	return tally.lost + tally.doubled + tally.wrong > 0;
}
