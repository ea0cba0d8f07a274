#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/child/jobs.h"
#include "init/base/log.h"
#include "init/narrate.h"
#include "init/supervisor_private.h"
#include "init/child/sweep.h"
#include "init/persona.h"
#include "probes/clock.h"

/* Signals per turn, so that a flood cannot starve the timer. */
#define SIGNALS_AT_ONCE 64
/* Messages of the journal per turn. */
#define MESSAGES_AT_ONCE 8
/* Children reaped per turn. */
#define CHILDREN_AT_ONCE 64
/* Processes that are not our children are looked for this often ... */
#define SCAN_PERIOD ((msec_t)50)
/* ... or, if scanning is slow, after this multiple of its duration. */
#define SCAN_SHARE 4

static void app_exited(struct supervisor *s, int status)
{
	struct event event = {.kind = EVENT_APP_EXIT, .wait_status = status};

	event.exec_errno = app_reaped(&s->app, status);
	bool crashed = s->seq.phase == PHASE_RUNNING && status != 0;
	remember_app_exit(&s->memory, status, crashed ? &s->output : NULL);
	if (supervisor_is_childless(s) && !s->manner->exit_at_once)
		s->app.group = 0; /* a subreaper without children has no process in that group */
	event.group_left = app_group_left(&s->app, true);
	if (event.exec_errno != 0)
		persona_exec_failed(s->manner->dialect, s->plan->app.command.argv[0], event.exec_errno);
	if (s->manner->term_at_end)
		app_signal_group(&s->app, SIGTERM);
	supervisor_feed(s, &event);
}

/* SIGCONT if the app turns out to be stopped after its stop signal. */
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
		supervisor_feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = id.index, .result = result});
		break;
	case JOB_CHECK:
		health_check_done(&s->health, id.index, result);
		supervisor_handle_health(s);
		break;
	case JOB_BEAT:
		heartbeats_done(&s->heartbeats, id.index, result);
		break;
	case JOB_NOTICE:
		announce_done(&s->announcer, id.index, result);
		break;
	case JOB_ABANDONED:
		break;
	}
}

static void child_ended(struct supervisor *s, pid_t pid, int status)
{
	struct check_result result;
	struct job_id id;
	msec_t now;

	if (jobs_reaped(pid, status, &id, &result)) {
		job_reaped(s, id, &result);
	} else if (!log_reaped(pid) && !journal_reaped(&s->memory.journal, pid)) {
		now = clock_now();
		if (listener_reaped(&s->listener, pid, now) || service_reaped(&s->health.notify.relay, pid, now) ||
		    service_reaped(&s->output.relay, pid, now))
			s->changed = true;
		else if (s->manner->warn_on_reap)
			persona_reaped(s->manner->dialect, pid);
	}
}

bool supervisor_is_childless(const struct supervisor *s)
{
	return s->childless && !jobs_any();
}

/* Reaps a bounded number of children. The exit of the app is handled last, when it is known what else is left. */
static void reap(struct supervisor *s)
{
	int status, app_status = 0;
	bool app_ended = false;
	pid_t pid = 0;

	for (int i = 0; i < CHILDREN_AT_ONCE && !s->over; i++) {
		pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
		if (pid <= 0)
			break;
		bool is_app = pid == s->app.pid;
		if (is_app && (WIFSTOPPED(status) || WIFCONTINUED(status))) {
			app_stopped(s, WIFSTOPPED(status));
		} else if (is_app) {
			app_ended = true;
			app_status = status;
		} else if (!WIFSTOPPED(status) && !WIFCONTINUED(status)) {
			child_ended(s, pid, status);
		}
	}
	s->reap_due = pid > 0;
	s->childless = pid < 0 && errno == ECHILD;
	s->since_reap = 0;
	if (app_ended && !s->over)
		app_exited(s, app_status);
}

void supervisor_handle_signal(struct supervisor *s, const struct signal_seen *seen)
{
	int number = s->plan->app.rewrite[seen->number];

	s->reap_due |= seen->number == SIGCHLD || ++s->since_reap >= SIGNALS_AT_ONCE;
	if (seen->number == SIGCHLD || seen->own)
		return; /* children are reaped after all signals; signals from our own writes are ignored */
	if ((SIGNAL_BIT(seen->number) & s->manner->withheld) != 0 || number == 0)
		return;
	bool terminal = seen->number == SIGTTIN || seen->number == SIGTTOU || seen->number == SIGTSTP;
	if (seen->kernel && terminal && !s->manner->suspends)
		return; /* meant for us, not the app */
	if ((s->app.ignore_once & SIGNAL_BIT(seen->number)) != 0) {
		s->app.ignore_once &= ~SIGNAL_BIT(seen->number);
		return;
	}
	supervisor_feed(s, &(struct event){.kind = EVENT_SIGNAL, .signal = number});
	if (terminal && s->manner->suspends)
		kill(getpid(), SIGSTOP);
}

/* A bounded number at a time; level-triggered epoll brings us back for the rest. */
void supervisor_handle_signals(struct supervisor *s)
{
	struct signal_seen seen;

	for (int i = 0; i < SIGNALS_AT_ONCE && !s->over && signals_next(s->loop.signal_fd, &seen); i++)
		supervisor_handle_signal(s, &seen);
}

/* Stop signals first: a flood by tgkill() or of lower numbers would hide them. */
void supervisor_handle_stop_signals(struct supervisor *s)
{
	struct signal_seen seen;

	if (s->reap_due && (++s->turns & 15) != 0)
		return; /* SIGCHLD is not a flood */
	for (int i = 0; i < 2 && !s->over && signals_take(s->plan->shutdown.signals, &seen); i++)
		supervisor_handle_signal(s, &seen);
}

/* --- the journal -----------------------------------------------------------------------------------------------------------
 */

static void on_account(struct supervisor *s, const struct account *account)
{
	narrate_account(account, s->plan);
	if (account->owed == OWED_REST)
		memcpy(s->recovered, account->id, sizeof s->recovered);
	if (s->memory.page != NULL)
		publish_earlier(s->memory.page, s->plan, &account->chain);
	supervisor_feed(s, &(struct event){.kind = EVENT_ACCOUNT, .account = account, .time = clock_wall(clock_now())});
}

void supervisor_handle_journal(struct supervisor *s)
{
	static struct journal_message message; /* too large for a stack */

	for (int i = 0; i < MESSAGES_AT_ONCE && !s->over && journal_receive(&s->memory.journal, &message); i++) {
		if (message.kind == JOURNAL_ACCOUNT)
			on_account(s, &message.account);
		else if (message.kind == JOURNAL_TROUBLE)
			log_fields(LOG_WARN, "journal_error", NULL, LOG_FIELDS(field_text("error", strerror(message.error))),
				   "%s: %s", message.what, strerror(message.error));
		else
			supervisor_feed(s, &(struct event){.kind = EVENT_ACCOUNT});
	}
}

/* Whether to scan: processes forked during a SIGKILL may have escaped, and others than our children end unnoticed. */
static bool must_scan(const struct supervisor *s)
{
	if (s->seq.phase == PHASE_CHAIN)
		return s->seq.app_gone && !s->seq.group_gone;
	return s->seq.phase == PHASE_CLEARING || (s->seq.phase == PHASE_SWEEP && s->seq.kill_sent);
}

msec_t supervisor_check_at(const struct supervisor *s)
{
	return must_scan(s) ? s->check_at : INT64_MAX;
}

/* Scans /proc from time to time; system calls are cheap enough for every turn. */
static void scan(struct supervisor *s)
{
	msec_t now = clock_now(), took;
	bool due = now >= s->check_at;

	if (s->seq.phase == PHASE_CHAIN && !app_group_left(&s->app, due))
		supervisor_feed(s, &(struct event){.kind = EVENT_GROUP_GONE});
	else if (s->seq.phase == PHASE_SWEEP && due)
		sweep_signal(SIGKILL, 0, false, supervisor_is_own_process);
	else if (s->seq.phase == PHASE_CLEARING && due &&
		 !sweep_old_life(s->seq.kill_sent ? SIGKILL : 0, supervisor_is_own_process))
		supervisor_feed(s, &(struct event){.kind = EVENT_CLEARED});
	if (!due)
		return;
	took = clock_now() - now;
	s->check_at = now + took + (took * SCAN_SHARE > SCAN_PERIOD ? took * SCAN_SHARE : SCAN_PERIOD);
}

/* Whether processes other than our own are left. */
static bool has_others_left(const struct supervisor *s)
{
	if (supervisor_is_childless(s))
		return false;
	/* all have got SIGKILL and none can fork; on a busy machine, hundreds that die would keep us past the deadline */
	if (s->seq.kill_sent && getpid() == 1)
		return false;
	if (s->listener.service.pid == 0 && s->health.notify.relay.pid == 0 && s->output.relay.pid == 0 && log_writer() == 0 &&
	    s->memory.journal.writer.pid == 0 && !jobs_any())
		return true;
	return sweep_other_children(supervisor_is_own_process);
}

void supervisor_check_children(struct supervisor *s)
{
	if (s->reap_due)
		reap(s);
	if (!s->over && must_scan(s))
		scan(s);
	else
		s->check_at = 0;
	/* last: the sweep may just have started, and no child may be left to wake us */
	if (!s->over && s->seq.phase == PHASE_SWEEP && !supervisor_is_childless(s))
		reap(s);
	if (!s->over && s->seq.phase == PHASE_SWEEP && !s->reap_due && !has_others_left(s))
		supervisor_feed(s, &(struct event){.kind = EVENT_NOTHING_LEFT});
}
