#include "init/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/config.h"
#include "config/signame.h"
#include "init/clock.h"
#include "init/exitcode.h"
#include "init/hookenv.h"
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

	pid_t app, app_group; /* app: 0 once reaped. app_group outlives it */
	int app_exec_error;
	bool app_stopped;     /* by a signal such as SIGSTOP */
	uint64_t ignore_once; /* what the kernel sends a session leader that gives up its terminal */

	struct seq seq;
	struct shutdown_facts facts;
	char why[PLAN_STEPS_MAX][sizeof((struct check_result *)0)->message]; /* the last result's words, by step */
	bool over;
	int exit_code;
};

static void feed(struct supervisor *s, const struct event *event);

/* --- actions -------------------------------------------------------------------------------------------------------- */

static void signal_group(const struct supervisor *s, int signal)
{
	if (s->app_group > 0)
		kill(-s->app_group, signal);
}

static void signal_app(const struct supervisor *s, int signal)
{
	if (s->app == 0)
		return; /* reaped: the number may be somebody else's by now */
	if (s->plan->app.signals != TARGET_GROUP || kill(-s->app, signal) != 0)
		kill(s->app, signal);
	if (s->app_stopped && (s->seq.stop_sent >> (signal - 1) & 1) != 0)
		signal_group(s, SIGCONT); /* a stopped process cannot stop in order */
}

static void fill_report(struct supervisor *s)
{
	static char app_state[48];
	struct report *report = &s->facts.report;
	const struct plan_chain *chain = &s->plan->shutdown.chain;
	msec_t now = clock_now();

	report->reason = seq_reason_name(s->seq.reason);
	report->signal = s->seq.signal > 0 ? signal_name(s->seq.signal) : "";
	report->app_state = narrate_app(&s->seq, app_state);
	report->elapsed = now - s->seq.begun;
	report->step_count = chain->steps;
	for (size_t i = 0; i < chain->steps; i++) {
		const struct seq_step *step = &s->seq.steps[i];
		bool ran = step->state != STATE_PENDING;
		report->steps[i] = (struct report_step){
		    .name = seq_step(chain, i)->name,
		    .result = seq_state_name(step->state),
		    .took = !ran ? 0 : (step->ended > 0 ? step->ended : now) - step->begun,
		};
	}
}

static void start_step(struct supervisor *s, const struct action *action)
{
	struct check_result result;
	enum step_kind kind = seq_step(&s->plan->shutdown.chain, action->step)->kind;

	if (kind == STEP_STOP || kind == STEP_SLEEP)
		return; /* nothing to run */
	if (kind == STEP_ALERT)
		fill_report(s);
	s->facts.app = s->app;
	if (jobs_start(&s->facts, action->step, action->time, &result))
		return;
	memcpy(s->why[action->step], result.message, sizeof result.message);
	feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = action->step, .result = &result});
}

static void make_id(struct supervisor *s)
{
	uint64_t random[2];

	if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
		random[0] = (uint64_t)clock_now();
		random[1] = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
	}
	snprintf(s->facts.id, sizeof s->facts.id, "%016llx%016llx", (unsigned long long)random[0],
		 (unsigned long long)random[1]);
}

static void act(struct supervisor *s, const struct action *action)
{
	bool about_step = action->kind == ACTION_STEP_ENDED || action->kind == ACTION_STEP_AGAIN;

	narrate(&s->seq, action, about_step ? s->why[action->step] : "");
	switch (action->kind) {
	case ACTION_FORWARD:
		signal_app(s, action->signal);
		break;
	case ACTION_STOP_GROUP:
		signal_group(s, action->signal);
		break;
	case ACTION_KILL_APP:
		signal_group(s, SIGKILL);
		break;
	case ACTION_STEP_START:
		start_step(s, action);
		break;
	case ACTION_STEP_KILL:
		jobs_kill(action->step);
		break;
	case ACTION_SWEEP_TERM:
		sweep_signal(SIGTERM);
		break;
	case ACTION_SWEEP_KILL:
		signal_group(s, SIGKILL);
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

static bool group_left(const struct supervisor *s)
{
	return kill(-s->app_group, 0) == 0 || errno == EPERM;
}

static void app_reaped(struct supervisor *s, int status)
{
	struct event event = {.kind = EVENT_APP_EXIT, .wait_status = status};

	event.exec_errno = spawn_exec_error(s->app_exec_error);
	if (s->app_exec_error >= 0)
		close(s->app_exec_error);
	s->app = 0;
	event.group_left = group_left(s);
	if (event.exec_errno != 0)
		voice_exec_failed(s->manner->voice, s->plan->app.command.argv[0], event.exec_errno);
	if (s->manner->term_at_end)
		signal_group(s, SIGTERM);
	feed(s, &event);
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
			if (pid == s->app)
				s->app_stopped = WIFSTOPPED(status);
		} else if (pid == s->app) {
			app_reaped(s, status);
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

	if (seen->number == SIGCHLD || (seen->number == SIGPIPE && seen->own))
		return; /* children are looked for after every wake-up; a SIGPIPE of our own log is nobody's business */
	if ((SIGNAL_BIT(seen->number) & s->manner->withheld) != 0 || number == 0)
		return;
	bool terminal = seen->number == SIGTTIN || seen->number == SIGTTOU || seen->number == SIGTSTP;
	if (seen->kernel && terminal && !s->manner->suspends)
		return; /* the terminal means us, not the app */
	if ((s->ignore_once & SIGNAL_BIT(seen->number)) != 0) {
		s->ignore_once &= ~SIGNAL_BIT(seen->number);
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
	if (!s->seq.group_gone && s->seq.app_gone && !group_left(s))
		feed(s, &(struct event){.kind = EVENT_GROUP_GONE});
	if (s->seq.phase == PHASE_SWEEP && s->seq.kill_sent)
		sweep_signal(SIGKILL);
	while (!s->over && !reap(s) && s->seq.phase == PHASE_SWEEP)
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

static void run(struct supervisor *s)
{
	struct epoll_event events[16];

	while (!s->over) {
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
			look_around(s);
		if (!s->over)
			feed(s, &(struct event){.kind = EVENT_TIME});
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

static void prepare_app(const void *context)
{
	const struct plan *plan = context;

	hookenv_add(&plan->app.environment);
}

static bool start_app(struct supervisor *s)
{
	const struct plan_app *app = &s->plan->app;
	struct spawn spec = {
	    .group = s->manner->group,
	    .signals = s->signals,
	    .user = &app->user,
	    .directory = app->directory,
	    .umask = app->umask,
	    .input = -1,
	    .output = -1,
	    .shell_fallback = s->manner->shell_fallback,
	    .prepare = prepare_app,
	    .context = s->plan,
	    .argv = app->command.argv,
	};

	if (spec.group == SPAWN_SESSION && ioctl(STDIN_FILENO, TIOCNOTTY) == 0 && getsid(0) == getpid())
		s->ignore_once = SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT);
	s->app = s->app_group = spawn(&spec, &s->app_exec_error);
	if (s->manner->root_directory && chdir("/") != 0)
		log_event(LOG_DEBUG, "start", NULL, "cannot leave the working directory: %s", strerror(errno));
	return s->app > 0;
}

int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals)
{
	static struct supervisor s; /* zeroed, and most of its pages never touched */
	static char host[65];

	s.plan = plan;
	s.manner = manner;
	s.signals = signals;
	s.timer_at = INT64_MAX;
	if (!open_descriptors(&s)) {
		log_event(LOG_ERROR, "start", NULL, "cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	if (plan->shutdown.chain.count > 0) {
		make_id(&s);
		jobs_init(s.epoll);
		gethostname(host, sizeof host - 1);
	}
	s.facts.seq = &s.seq;
	s.facts.signals = signals;
	s.facts.report.app = plan->app.name;
	s.facts.report.host = host;
	s.facts.report.shutdown_id = s.facts.id;
	s.facts.report.deadline = plan->shutdown.effective;
	seq_init(&s.seq, plan, manner->exit_at_once, (uint64_t)clock_now() ^ (uint64_t)getpid() << 40);
	if (getpid() != 1 && !manner->subreaper)
		voice_no_reaper(manner->voice);
	else if (getpid() != 1 && !sweep_subreaper())
		log_event(LOG_WARN, "start", NULL, "cannot adopt orphans: %s", strerror(errno));
	config_seal();
	seal();
	if (!start_app(&s)) {
		log_event(LOG_ERROR, "start", NULL, "no process for %s: %s", plan->app.name, strerror(errno));
		return EXIT_CANNOT_EXECUTE;
	}
	run(&s);
	return s.seq.exec_errno != 0 && manner->exec_code != 0 ? manner->exec_code : s.exit_code;
}
