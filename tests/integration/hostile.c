/*
 * Apps that mean no good to process 1: `hostile SUBCOMMAND [N]`. Each says "ready" in $TEST_DIR/ready. Bounded: none outlives
 * SECONDS, whatever becomes of the test.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS       60
#define STORM_SECONDS 12
#define FORKS         15000 /* a machine has other work to do */

static void ready(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/ready", getenv("TEST_DIR"));
	FILE *file = fopen(path, "w");
	if (file != NULL)
		fclose(file);
}

static _Noreturn void sleep_on(void)
{
	for (;;)
		pause();
}

/* orphans N: so many sleepers that belong to process 1, and two loops of double forks that make more of them. */
static void orphans(int count)
{
	for (int i = 0; i < count; i++) {
		if (fork() == 0) {
			setsid();
			alarm(SECONDS);
			if (fork() == 0) {
				alarm(SECONDS);
				signal(SIGTERM, SIG_IGN);
				sleep_on();
			}
			_exit(0);
		}
		while (wait(NULL) > 0)
			continue;
	}
	for (int i = 0; i < 2; i++) {
		if (fork() != 0)
			continue;
		setsid();
		alarm(SECONDS);
		signal(SIGTERM, SIG_IGN);
		for (int made = 0; made < FORKS; made++) {
			pid_t child = fork();
			if (child == 0) {
				if (fork() == 0)
					_exit(0);
				_exit(0);
			}
			if (child > 0)
				waitpid(child, NULL, 0);
		}
		_exit(0);
	}
	ready();
	sleep_on();
}

/* storm N: so many sessions, in each of which a process forks another and ends, as fast as it goes. */
static void storm(int count)
{
	time_t end = time(NULL) + STORM_SECONDS;

	for (int i = 0; i < count; i++) {
		if (fork() != 0)
			continue;
		setsid();
		signal(SIGTERM, SIG_IGN);
		while (time(NULL) < end)
			if (fork() > 0)
				_exit(0);
		_exit(0);
	}
	ready();
	sleep_on();
}

static void quit(int signal)
{
	(void)signal;
	_exit(0);
}

/* flood NUMBER: that signal to process 1's only thread, as fast as it goes. Ends of SIGTERM with 0. */
static void flood(int number)
{
	pid_t init = getppid();

	signal(SIGTERM, quit);
	signal(number, SIG_IGN); /* they come back as forwarded */
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			break;
	ready();
	for (;;)
		syscall(SYS_tgkill, init, init, number);
}

/* zombie: a member of our group that has ended, and whose parent, in a session of its own, never reaps it. */
static void zombie(void)
{
	int told[2];
	char byte;

	if (pipe(told) != 0 || fork() == 0) {
		pid_t group = getpgrp();
		alarm(SECONDS);
		pid_t child = fork();
		if (child == 0) {
			setpgid(0, group);
			_exit(0);
		}
		setpgid(0, 0);
		siginfo_t info;
		waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
		if (write(told[1], "", 1) == 1)
			sleep_on();
	}
	if (read(told[0], &byte, 1) == 1)
		ready();
	sleep_on();
}

/* stopped: a member of our group and a process of another session, both stopped. */
static void stopped(void)
{
	int status;
	pid_t member = fork();

	if (member == 0) {
		raise(SIGSTOP);
		sleep_on();
	}
	pid_t other = fork();
	if (other == 0) {
		setsid();
		raise(SIGSTOP);
		sleep_on();
	}
	waitpid(member, &status, WUNTRACED);
	waitpid(other, &status, WUNTRACED);
	ready();
	sleep_on();
}

/* deep N: a tree so deep, whose last process floods the notify socket. */
static void deep(int depth)
{
	for (int i = 0; i < depth; i++) {
		if (fork() != 0)
			sleep_on();
		setsid();
		alarm(SECONDS);
	}
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const char *address = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	strncpy(name.sun_path, address, sizeof name.sun_path - 1);
	name.sun_path[0] = '\0';
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
	signal(SIGTERM, SIG_IGN);
	ready();
	for (;;)
		sendto(fd, "WATCHDOG=1", 10, 0, (struct sockaddr *)&name, length);
}

int main(int argc, char **argv)
{
	int number = argc > 2 ? atoi(argv[2]) : 0;

	alarm(SECONDS);
	if (argc < 2)
		return 64;
	if (strcmp(argv[1], "orphans") == 0)
		orphans(number);
	else if (strcmp(argv[1], "storm") == 0)
		storm(number);
	else if (strcmp(argv[1], "flood") == 0)
		flood(number);
	else if (strcmp(argv[1], "zombie") == 0)
		zombie();
	else if (strcmp(argv[1], "stopped") == 0)
		stopped();
	else if (strcmp(argv[1], "deep") == 0)
		deep(number);
	return 64;
}
