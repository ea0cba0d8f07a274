#include "init/child/journal_tail.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "init/base/descriptors.h"

/* Keeps no descriptor but its own: a lock of the journal's must not outlive the journal's process here. */
static _Noreturn void read_lines(int to, const struct plan_output *plan, const struct app_output_mark *mark)
{
	char text[JOURNAL_TAIL_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "tinysup-tail");
	if (dup2(to, STDIN_FILENO) < 0)
		_exit(EXIT_FAILURE);
	descriptors_close_from(STDIN_FILENO + 1);
	app_output_tail(plan, mark, JOURNAL_TAIL_TIME, text, sizeof text);
	_exit(write(STDIN_FILENO, text, strlen(text)) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE); /* at once: PIPE_BUF */
}

void journal_tail_start(struct journal_tail *tail, const struct plan_output *plan, const struct relay_progress *progress,
			const struct record *record)
{
	const struct app_output_mark mark = {progress, (uint64_t)record->count};
	int ends[2];

	if (tail->fd >= 0 || progress == NULL || plan->tail == 0 || record->count < 0 || pipe2(ends, O_CLOEXEC) != 0)
		return;
	signal(SIGCHLD, SIG_IGN); /* nobody reaps it */
	pid_t pid = fork();
	if (pid == 0)
		read_lines(ends[1], plan, &mark);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return;
	}
	tail->fd = ends[0];
	tail->said = *record;
}

bool journal_tail_read(struct journal_tail *tail, char text[JOURNAL_TAIL_MAX])
{
	ssize_t n = read(tail->fd, text, JOURNAL_TAIL_MAX - 1);

	close(tail->fd);
	tail->fd = -1;
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}
