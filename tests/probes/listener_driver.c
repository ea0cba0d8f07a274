/*
 * A supervisor's page without a supervisor, and the listener that serves it. Prints "PORT PID FD", then reads commands, one a
 * line, and answers each with a line ("ok", or what was asked for). The listener ends with the commands.
 *
 *   name TEXT
 *   verdict startup|liveness|readiness healthy|unhealthy VALID_MS [WHY]        VALID_MS -1: until something happens
 *   check NAME KIND hard|soft ok|fail|unasked TOOK_US AGE_MS VALID_MS [MESSAGE]  in every probe; KIND is enum check_kind
 *   app PID RESTARTS [STATUS]
 *   phase N
 *   chain running|over STEP SIGNAL LEFT_MS      step NAME STATE
 *   torn | whole                                the page as a writer leaves it that dies while it writes
 *   status                                      --status, ended by a line with a dot
 *   again                                       kills the listener and starts another: "PID"
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/readers/httpd.h"
#include "init/listener.h"
#include "init/readers/status.h"
#include "probes/clock.h"

static struct page *page;
static int memfd, listen_fd;
static pid_t child;

static void start_listener(void)
{
	child = fork();
	if (child != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* what a parent of threads or a shell may have left open would hide a leak */
	const struct page *mapped = page_map(memfd);
	close(memfd);
	close(STDIN_FILENO);
	if (mapped != NULL)
		httpd_run(listen_fd, mapped, NULL);
	_exit(2);
}

static void stop_listener(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void open_page(void)
{
	memfd = memfd_create(PAGE_MEMFD, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ftruncate(memfd, sizeof *page) != 0)
		exit(2);
	page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	memcpy(page->magic, PAGE_MAGIC, sizeof PAGE_MAGIC);
	page->version = PAGE_VERSION;
	page->size = sizeof *page;
	strcpy(page->head.app_name, "bot");
	strcpy(page->head.tinysup, "1.2.3");
	page->head.supervisor = getpid();
	page->head.started = page->head.written = clock_now();
	page->head.started_unix_ms = page->head.app.started_unix_ms = 1700000000000;
	page->head.app.pid = 7;
	page->head.app.started = page->head.started;
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		page->head.verdicts[kind] =
		    (struct page_verdict){.healthy = true, .probed = true, .valid_until = INT64_MAX, .since = clock_now()};
}

static int64_t until(long valid)
{
	return valid == -1 ? INT64_MAX : clock_now() + valid;
}

static bool take_verdict(const char *words)
{
	static const char *const kinds[PROBE_COUNT] = {"startup", "liveness", "readiness"};
	char name[16], how[16];
	long valid;
	int used = 0;

	if (sscanf(words, "%15s %15s %ld %n", name, how, &valid, &used) < 3)
		return false;
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		struct page_verdict *verdict = &page->head.verdicts[kind];
		if (strcmp(kinds[kind], name) != 0)
			continue;
		verdict->healthy = strcmp(how, "healthy") == 0;
		verdict->valid_until = until(valid);
		snprintf(verdict->why, PAGE_TEXT, "%s", words + used);
		return true;
	}
	return false;
}

static struct page_check *find_check(const char *name)
{
	size_t i = 0;

	while (i < page->head.checks && strcmp(page->check[i].name, name) != 0)
		i++;
	if (i == page->head.checks)
		page->head.checks++;
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		page->head.verdicts[kind].checks |= UINT64_C(1) << i;
	return &page->check[i];
}

static bool take_check(const char *words)
{
	char name[PAGE_NAME], soft[8], state[16];
	int kind, used = 0;
	long took, age, valid;

	if (sscanf(words, "%63s %d %7s %15s %ld %ld %ld %n", name, &kind, soft, state, &took, &age, &valid, &used) < 7)
		return false;
	struct page_check *check = find_check(name);
	*check = (struct page_check){
	    .kind = (enum check_kind)kind,
	    .soft = strcmp(soft, "soft") == 0,
	    .has_result = strcmp(state, "unasked") != 0,
	    .outcome = strcmp(state, "ok") == 0 ? OUTCOME_OK : OUTCOME_FAIL,
	    .took_us = took,
	    .at = clock_now() - age,
	    .since = clock_now() - age,
	    .valid_until = until(valid),
	    .ok = 3,
	    .failed = 1,
	    .errors = 2,
	    .total_us = 4 * took,
	};
	memcpy(check->name, name, sizeof name);
	snprintf(check->message, PAGE_TEXT, "%s", words + used);
	return true;
}

static bool take_app(const char *words)
{
	int pid, used = 0;
	unsigned long restarts;

	if (sscanf(words, "%d %lu %n", &pid, &restarts, &used) < 2)
		return false;
	page->head.app.pid = pid;
	page->head.app.restarts = restarts;
	snprintf(page->head.app.status, PAGE_TEXT, "%s", words + used);
	return true;
}

static bool take_chain(const char *words)
{
	struct page_chain *chain = &page->head.chain;
	char how[16];
	long left;

	if (sscanf(words, "%15s %zu %15s %ld", how, &chain->step, chain->signal, &left) < 4)
		return false;
	chain->ran = true;
	chain->running = strcmp(how, "running") == 0;
	chain->started = clock_now() - 1500;
	chain->ended = chain->running ? 0 : clock_now();
	chain->deadline = clock_now() + left;
	chain->unix_ms = 1700000001000;
	page->head.chains_run[chain->reason]++;
	return true;
}

static bool take_step(const char *words)
{
	struct page_step *step = &page->step[page->head.steps];
	unsigned state;

	if (page->head.steps == PLAN_STEPS_MAX || sscanf(words, "%63s %u", step->name, &state) < 2)
		return false;
	step->state = (uint8_t)state;
	step->started = state != 0 ? clock_now() - 200 : 0;
	page->head.steps++;
	return true;
}

static bool change(const char *command, const char *words)
{
	if (strcmp(command, "name") == 0) {
		snprintf(page->head.app_name, PAGE_NAME, "%s", words);
	} else if (strcmp(command, "phase") == 0) {
		page->head.phase = (enum page_phase)atoi(words);
	} else {
		return (strcmp(command, "verdict") == 0 && take_verdict(words)) ||
		       (strcmp(command, "check") == 0 && take_check(words)) ||
		       (strcmp(command, "app") == 0 && take_app(words)) ||
		       (strcmp(command, "chain") == 0 && take_chain(words)) ||
		       (strcmp(command, "step") == 0 && take_step(words));
	}
	return true;
}

static void take(const char *command, const char *words)
{
	if (strcmp(command, "again") == 0) {
		stop_listener();
		start_listener();
		printf("%d\n", (int)child);
	} else if (strcmp(command, "status") == 0) {
		status_text(stdout, false, page, clock_now());
		puts(".");
	} else if (strcmp(command, "torn") == 0 || strcmp(command, "whole") == 0) {
		atomic_fetch_add(&page->turn, 1);
		puts("ok");
	} else {
		atomic_fetch_add(&page->turn, 1);
		bool good = change(command, words);
		atomic_fetch_add(&page->turn, 1);
		puts(good ? "ok" : "what?");
	}
	fflush(stdout);
}

int main(void)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	char line[1024], command[16];

	open_page();
	listen_fd = listener_open("127.0.0.1:0");
	if (listen_fd < 0 || getsockname(listen_fd, (struct sockaddr *)&address, &length) != 0)
		return 2;
	start_listener();
	printf("%d %d %d\n", ntohs(address.sin_port), (int)child, memfd);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		int used = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%15s %n", command, &used) == 1)
			take(command, line + used);
	}
	stop_listener();
	return 0;
}
