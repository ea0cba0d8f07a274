#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/clock.h"
#include "init/jobs.h"
#include "init/supervision.h"
#include "init/sweep.h"
#include "init/voice.h"

/* Signals taken from the queue in one go, so that a flood of them cannot starve the timer. */
#define SIGNALS_AT_ONCE 64

static void app_exited(struct supervisor *s, int status)
{
	struct event event = {.kind = EVENT_APP_EXIT, .wait_status = status};

	event.exec_errno = app_reaped(&s->app, status);
	event.group_left = app_group_left(&s->app);
	if (event.exec_errno != 0)
		voice_exec_failed(s->manner->voice, s->plan->app.command.argv[0], event.exec_errno);
	if (s->manner->term_at_end)
		app_signal_group(&s->app, SIGTERM);
	supervision_feed(s, &event);
}

/* We may hear that it is stopped only after it was asked to end. */
static void app_stopped(struct supervisor *s, bool stopped)
{
	s->app.stopped = stopped;
	if (stopped && s->seq.stop_sent != 0)
		app_signal_group(&s->app, SIGCONT);
}

static void job_reaped(struct supervisor *s, struct job_id id, const struct check_result *result)
{
	switch (id.kind) {
	case JOB_STEP:
		memcpy(s->why[id.index], result->message, sizeof result->message);
		supervision_feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = id.index, .result = result});
		break;
	case JOB_CHECK:
		health_answer(&s->health, id.index, result);
		supervision_heed_health(s);
		break;
	case JOB_ABANDONED:
		break;
	}
}

/* Reap all there is. False once no child is left at all. */
static bool reap(struct supervisor *s)
{
	struct check_result result;
	struct job_id id;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
			if (pid == s->app.pid)
				app_stopped(s, WIFSTOPPED(status));
		} else if (pid == s->app.pid) {
			app_exited(s, status);
		} else if (jobs_reaped(pid, status, &id, &result)) {
			job_reaped(s, id, &result);
		} else if (listener_reaped(&s->listener, pid, clock_now())) {
			s->changed = true;
		} else if (s->manner->warn_on_reap) {
			voice_reaped(s->manner->voice, pid);
		}
		if (s->over)
			return true;
	}
	return pid == 0 || errno != ECHILD;
}

void supervision_take_signal(struct supervisor *s, const struct signal_seen *seen)
{
	int number = s->plan->app.rewrite[seen->number];

	s->reap_due |= seen->number == SIGCHLD;
	if (seen->number == SIGCHLD || seen->own)
		return; /* children are looked for once all signals are taken; a SIGPIPE of our own log is nobody's business */
	if ((SIGNAL_BIT(seen->number) & s->manner->withheld) != 0 || number == 0)
		return;
	bool terminal = seen->number == SIGTTIN || seen->number == SIGTTOU || seen->number == SIGTSTP;
	if (seen->kernel && terminal && !s->manner->suspends)
		return; /* the terminal means us, not the app */
	if ((s->app.ignore_once & SIGNAL_BIT(seen->number)) != 0) {
		s->app.ignore_once &= ~SIGNAL_BIT(seen->number);
		return;
	}
	supervision_feed(s, &(struct event){.kind = EVENT_SIGNAL, .signal = number});
	if (terminal && s->manner->suspends)
		kill(getpid(), SIGSTOP);
}

/* A bounded number at a time; level-triggered epoll brings us back for the rest. */
void supervision_take_signals(struct supervisor *s)
{
	struct signal_seen seen;

	for (int i = 0; i < SIGNALS_AT_ONCE && !s->over && signals_next(s->loop.signal_fd, &seen); i++)
		supervision_take_signal(s, &seen);
}

/* After a SIGKILL to all, processes forked meanwhile may have escaped it; and what is no child of ours ends unheard. */
bool supervision_must_look_again(const struct supervisor *s)
{
	if (s->seq.phase == PHASE_CHAIN)
		return s->seq.app_gone && !s->seq.group_gone;
	return s->seq.phase == PHASE_SWEEP && s->seq.kill_sent;
}

void supervision_look_around(struct supervisor *s)
{
	if (!s->seq.group_gone && s->seq.app_gone && !app_group_left(&s->app))
		supervision_feed(s, &(struct event){.kind = EVENT_GROUP_GONE});
	if (s->seq.phase == PHASE_SWEEP && s->seq.kill_sent)
		sweep_signal(SIGKILL);
	if (s->over || (!s->reap_due && s->seq.phase != PHASE_SWEEP))
		return;
	s->reap_due = false;
	bool left = reap(s);
	/* the listener answers to the end: it is nothing to wait for */
	if (left && s->listener.pid != 0 && !s->over && s->seq.phase == PHASE_SWEEP)
		left = sweep_other_children(s->listener.pid);
	if (!left && s->seq.phase == PHASE_SWEEP)
		supervision_feed(s, &(struct event){.kind = EVENT_NOTHING_LEFT});
}
