/*
 * The app under a contestant. Standard output is the driver's pipe.
 *
 *   helper answer              writes the time (8 bytes, CLOCK_MONOTONIC in ns) at its start and at SIGUSR1; SIGTERM ends it
 *   helper orphans N           the same, but before it answers SIGUSR1 it makes N orphans, which end at once
 *   helper count CODE LINGER   R at its start, T for every SIGTERM or 40; LINGER ms after the first it ends with CODE
 *
 * Started under the name lose, twice or wrong, as NAME [WORD...] -- COMMAND..., it is an init as it should not be, to see
 * whether the race's driver notices: it forwards nothing, or everything twice, or changes the exit code.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A real-time signal: of those two in a row are two. */
#define QUEUED 40

static void put(const void *bytes, size_t size)
{
	if (write(STDOUT_FILENO, bytes, size) < 0)
		_exit(99); /* the driver is gone */
}

static void stamp(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	int64_t now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
	put(&now, sizeof now);
}

/* Two forks an orphan: the one in the middle ends, and its child is process 1's. */
static void make_orphans(int count)
{
	while (count-- > 0) {
		pid_t middle = fork();
		if (middle == 0)
			_exit(fork() < 0);
		if (middle < 0 || waitpid(middle, NULL, 0) != middle)
			_exit(98);
	}
}

static int answer(const sigset_t *all, int orphans)
{
	int signal;

	stamp();
	for (;;) {
		if (sigwait(all, &signal) != 0)
			continue;
		if (signal == SIGTERM)
			return 0;
		if (signal != SIGUSR1)
			continue;
		make_orphans(orphans);
		stamp();
	}
}

static int count(const sigset_t *all, int code, long linger)
{
	const struct timespec wait = {.tv_sec = linger / 1000, .tv_nsec = linger % 1000 * 1000000};
	int signal;

	put("R", 1);
	do
		signal = sigwaitinfo(all, NULL);
	while (signal != SIGTERM && signal != QUEUED);
	do {
		if (signal == SIGTERM || signal == QUEUED)
			put("T", 1);
		signal = sigtimedwait(all, NULL, &wait);
	} while (signal > 0 || errno == EINTR);
	return code;
}

static int bad_init(const char *way, char **command, const sigset_t *all)
{
	int status, signal;
	pid_t pid = fork();

	if (pid == 0) {
		execv(command[0], command);
		_exit(127);
	}
	for (;;) {
		if (sigwait(all, &signal) != 0)
			continue;
		if (signal != SIGCHLD && strcmp(way, "lose") != 0) {
			kill(pid, signal);
			if (strcmp(way, "twice") == 0)
				kill(pid, QUEUED);
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WEXITSTATUS(status) + (strcmp(way, "wrong") == 0);
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash != NULL ? slash + 1 : argv[0];
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (strcmp(name, "lose") == 0 || strcmp(name, "twice") == 0 || strcmp(name, "wrong") == 0) {
		while (*argv != NULL && strcmp(*argv, "--") != 0)
			argv++;
		return *argv != NULL ? bad_init(name, argv + 1, &all) : 64;
	}
	if (argc == 2 && strcmp(argv[1], "answer") == 0)
		return answer(&all, 0);
	if (argc == 3 && strcmp(argv[1], "orphans") == 0)
		return answer(&all, atoi(argv[2]));
	if (argc == 4 && strcmp(argv[1], "count") == 0)
		return count(&all, atoi(argv[2]), atol(argv[3]));
	return 64;
}
