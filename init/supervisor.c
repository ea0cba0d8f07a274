#include "init/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/config.h"
#include "config/signame.h"
#include "init/app.h"
#include "init/clock.h"
#include "init/exitcode.h"
#include "init/facts.h"
#include "init/jobs.h"
#include "init/log.h"
#include "init/narrate.h"
#include "init/seal.h"
#include "init/sequencer.h"
#include "init/sweep.h"
#include "init/voice.h"

/* What an epoll event is about, where it is no job's slot. */
#define ABOUT_SIGNALS UINT64_MAX
#define ABOUT_TIMER   (UINT64_MAX - 1)

/* Where processes may end without our hearing of it (not our children), they are looked for this often. */
#define LOOK_AGAIN ((msec_t)50)

/* Signals taken from the queue in one go, so that a flood of them cannot starve the timer. */
#define SIGNALS_AT_ONCE 64

struct supervisor {
	const struct plan *plan;
	const struct manner *manner;
	const struct signals_inherited *signals;
	int epoll, signal_fd, timer_fd;
	msec_t timer_at;
	bool reap_due; /* SIGCHLD came */

	struct app app;
	struct seq seq;
	struct shutdown_facts facts;
	char why[PLAN_STEPS_MAX][sizeof((struct check_result *)0)->message]; /* the last result's words, by step */
	bool over;
	int exit_code;
};

static void feed(struct supervisor *s, const struct event *event);

/* --- actions -------------------------------------------------------------------------------------------------------- */

static void start_step(struct supervisor *s, const struct action *action)
{
	struct check_result result = {.retry_after = MSEC_UNSET}; /* nothing was sent */
	enum step_kind kind = seq_step(&s->plan->shutdown.chain, action->step)->kind;

	if (kind == STEP_STOP || kind == STEP_SLEEP)
		return; /* nothing to run */
	if (kind == STEP_ALERT)
		facts_report(&s->facts);
	s->facts.app = s->app.pid;
	if (jobs_start(&s->facts, action->step, action->time, &result))
		return;
	memcpy(s->why[action->step], result.message, sizeof result.message);
	feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = action->step, .result = &result});
}

static void act(struct supervisor *s, const struct action *action)
{
	bool about_step = action->kind == ACTION_STEP_ENDED || action->kind == ACTION_STEP_AGAIN;

	narrate(&s->seq, action, about_step ? s->why[action->step] : "");
	switch (action->kind) {
	case ACTION_FORWARD:
		app_signal(&s->app, action->signal, (s->seq.stop_sent & SIGNAL_BIT(action->signal)) != 0);
		break;
	case ACTION_STOP_GROUP:
		app_signal_group(&s->app, action->signal);
		break;
	case ACTION_KILL_APP:
		app_kill(&s->app);
		break;
	case ACTION_STEP_START:
		start_step(s, action);
		break;
	case ACTION_STEP_KILL:
		jobs_kill(action->step);
		/* a wait step's last answer says more than that its last try was killed */
		if (seq_step(&s->plan->shutdown.chain, action->step)->kind != STEP_WAIT)
			strcpy(s->why[action->step], "killed");
		break;
	case ACTION_SWEEP_TERM:
		sweep_signal(SIGTERM);
		break;
	case ACTION_SWEEP_KILL:
		app_kill(&s->app);
		sweep_signal(SIGKILL);
		break;
	case ACTION_EXIT:
		s->over = true;
		s->exit_code = action->code;
		break;
	case ACTION_CHAIN_BEGUN:
	case ACTION_STEP_AGAIN:
	case ACTION_STEP_ENDED:
	case ACTION_HURRY:
		break;
	}
}

/* The actions are on the stack: a step that cannot be started feeds an event of its own while they are carried out. */
static void feed(struct supervisor *s, const struct event *event)
{
	struct actions actions;

	seq_event(&s->seq, clock_now(), event, &actions);
	for (size_t i = 0; i < actions.count && !s->over; i++)
		act(s, &actions.items[i]);
}

/* --- events --------------------------------------------------------------------------------------------------------- */

static void app_exited(struct supervisor *s, int status)
{
	struct event event = {.kind = EVENT_APP_EXIT, .wait_status = status};

	event.exec_errno = app_reaped(&s->app);
	event.group_left = app_group_left(&s->app);
	if (event.exec_errno != 0)
		voice_exec_failed(s->manner->voice, s->plan->app.command.argv[0], event.exec_errno);
	if (s->manner->term_at_end)
		app_signal_group(&s->app, SIGTERM);
	feed(s, &event);
}

/* We may hear that it is stopped only after it was asked to end. */
static void app_stopped(struct supervisor *s, bool stopped)
{
	s->app.stopped = stopped;
	if (stopped && s->seq.stop_sent != 0)
		app_signal_group(&s->app, SIGCONT);
}

static void job_reaped(struct supervisor *s, size_t step, const struct check_result *result)
{
	if (step == JOBS_ABANDONED)
		return;
	memcpy(s->why[step], result->message, sizeof result->message);
	feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = step, .result = result});
}

/* Reap all there is. False once no child is left at all. */
static bool reap(struct supervisor *s)
{
	struct check_result result;
	size_t step;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) > 0) {
		if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
			if (pid == s->app.pid)
				app_stopped(s, WIFSTOPPED(status));
		} else if (pid == s->app.pid) {
			app_exited(s, status);
		} else if (jobs_reaped(pid, status, &step, &result)) {
			job_reaped(s, step, &result);
		} else if (s->manner->warn_on_reap) {
			voice_reaped(s->manner->voice, pid);
		}
		if (s->over)
			return true;
	}
	return pid == 0 || errno != ECHILD;
}

static void take_signal(struct supervisor *s, const struct signal_seen *seen)
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
	feed(s, &(struct event){.kind = EVENT_SIGNAL, .signal = number});
	if (terminal && s->manner->suspends)
		kill(getpid(), SIGSTOP);
}

/* A bounded number at a time; level-triggered epoll brings us back for the rest. */
static void take_signals(struct supervisor *s)
{
	struct signal_seen seen;

	for (int i = 0; i < SIGNALS_AT_ONCE && !s->over && signals_next(s->signal_fd, &seen); i++)
		take_signal(s, &seen);
}

/* After a SIGKILL to all, processes forked meanwhile may have escaped it; and what is no child of ours ends unheard. */
static bool must_look_again(const struct supervisor *s)
{
	if (s->seq.phase == PHASE_CHAIN)
		return s->seq.app_gone && !s->seq.group_gone;
	return s->seq.phase == PHASE_SWEEP && s->seq.kill_sent;
}

static void look_around(struct supervisor *s)
{
	if (!s->seq.group_gone && s->seq.app_gone && !app_group_left(&s->app))
		feed(s, &(struct event){.kind = EVENT_GROUP_GONE});
	if (s->seq.phase == PHASE_SWEEP && s->seq.kill_sent)
		sweep_signal(SIGKILL);
	if (s->over || (!s->reap_due && s->seq.phase != PHASE_SWEEP))
		return;
	s->reap_due = false;
	if (!reap(s) && s->seq.phase == PHASE_SWEEP)
		feed(s, &(struct event){.kind = EVENT_NOTHING_LEFT});
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

static void set_timer(struct supervisor *s)
{
	msec_t at = seq_wake(&s->seq);
	struct itimerspec when = {0};

	if (must_look_again(s) && clock_now() + LOOK_AGAIN < at)
		at = clock_now() + LOOK_AGAIN;
	if (at == s->timer_at)
		return;
	s->timer_at = at;
	if (at != INT64_MAX) {
		when.it_value.tv_sec = at / 1000;
		when.it_value.tv_nsec = at % 1000 * 1000000;
	}
	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void clear_timer(struct supervisor *s)
{
	uint64_t expirations;

	if (read(s->timer_fd, &expirations, sizeof expirations) > 0)
		s->timer_at = INT64_MAX;
}

/* Wait for what comes next, and take it. */
static void turn(struct supervisor *s)
{
	struct epoll_event events[16];

	set_timer(s);
	int count = epoll_wait(s->epoll, events, 16, -1);
	for (int i = 0; i < count; i++) {
		if (events[i].data.u64 == ABOUT_SIGNALS)
			take_signals(s);
		else if (events[i].data.u64 == ABOUT_TIMER)
			clear_timer(s);
		else
			jobs_readable(events[i].data.u64);
	}
	if (!s->over)
		feed(s, &(struct event){.kind = EVENT_TIME});
}

static void run(struct supervisor *s)
{
	struct signal_seen seen;

	while (!s->over) {
		/* while the app just runs there is no time to keep and nobody's output to read: only signals can come */
		if (s->seq.phase != PHASE_RUNNING)
			turn(s);
		else if (signals_wait(&seen))
			take_signal(s, &seen);
		if (!s->over)
			look_around(s);
	}
}

static bool watch(struct supervisor *s, int fd, uint64_t about)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = about};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool open_descriptors(struct supervisor *s)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->signal_fd = signals_open();
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return s->epoll >= 0 && s->signal_fd >= 0 && s->timer_fd >= 0 && watch(s, s->signal_fd, ABOUT_SIGNALS) &&
	       watch(s, s->timer_fd, ABOUT_TIMER);
}

int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals)
{
	static struct supervisor s; /* zeroed, and most of its pages never touched */

	s.plan = plan;
	s.manner = manner;
	s.signals = signals;
	s.timer_at = INT64_MAX;
	if (!open_descriptors(&s)) {
		log_event(LOG_ERROR, "start", NULL, "cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	if (plan->shutdown.chain.count > 0)
		jobs_init(s.epoll);
	facts_init(&s.facts, &s.seq, plan, signals);
	seq_init(&s.seq, plan, manner->exit_at_once, (uint64_t)clock_now() ^ (uint64_t)getpid() << 40);
	if (getpid() != 1 && !manner->subreaper)
		voice_no_reaper(manner->voice);
	else if (getpid() != 1 && !sweep_subreaper())
		log_event(LOG_WARN, "start", NULL, "cannot adopt orphans: %s", strerror(errno));
	config_seal();
	seal();
	if (!app_start(&s.app, &plan->app, manner, signals)) {
		log_event(LOG_ERROR, "start", NULL, "no process for %s: %s", plan->app.name, strerror(errno));
		return EXIT_CANNOT_EXECUTE;
	}
	run(&s);
	return s.seq.exec_errno != 0 && manner->exec_code != 0 ? manner->exec_code : s.exit_code;
}
