#include "init/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/config.h"
#include "config/signame.h"
#include "init/app.h"
#include "init/clock.h"
#include "init/exitcode.h"
#include "init/facts.h"
#include "init/health.h"
#include "init/jobs.h"
#include "init/listener.h"
#include "init/log.h"
#include "init/loop.h"
#include "init/narrate.h"
#include "init/publish.h"
#include "init/seal.h"
#include "init/sequencer.h"
#include "init/sweep.h"
#include "init/voice.h"

/* Where processes may end without our hearing of it (not our children), they are looked for this often. */
#define LOOK_AGAIN ((msec_t)50)

/* Signals taken from the queue in one go, so that a flood of them cannot starve the timer. */
#define SIGNALS_AT_ONCE 64

struct supervisor {
	const struct plan *plan;
	const struct manner *manner;
	const struct signals_inherited *signals;
	struct loop loop;
	bool reap_due; /* SIGCHLD came */

	struct app app;
	struct seq seq;
	struct health health;
	struct listener listener;
	struct page *page; /* NULL: nothing is published */
	struct sources sources;
	bool changed; /* since the page was written last */
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

static bool start_app(struct supervisor *s)
{
	if (!app_start(&s->app, &s->plan->app, s->manner, s->signals, &s->health.notify)) {
		log_event(LOG_ERROR, "start", NULL, "no process for %s: %s", s->plan->app.name, strerror(errno));
		return false;
	}
	health_event(&s->health, PROBER_APP_STARTED);
	return true;
}

static void start_app_again(struct supervisor *s)
{
	bool started = start_app(s);

	feed(s, &(struct event){.kind = started ? EVENT_APP_STARTED : EVENT_NOT_STARTED});
}

static void begin_chain(struct supervisor *s)
{
	facts_begin(&s->facts);
	memset(s->why, 0, sizeof s->why);
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
		jobs_kill((struct job_id){JOB_STEP, action->step});
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
		begin_chain(s);
		break;
	case ACTION_APP_START:
		start_app_again(s);
		break;
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_STEP_AGAIN:
	case ACTION_STEP_ENDED:
	case ACTION_HURRY:
		break;
	}
}

/* Probes end with the app they ask, before the first step of a chain begins. */
static void tell_health(struct supervisor *s, enum phase before)
{
	enum phase now = s->seq.phase;

	if (now == PHASE_RUNNING || now == before)
		return;
	if (now == PHASE_WAITING || (now == PHASE_CHAIN && s->seq.reason == REASON_RESTART))
		health_event(&s->health, PROBER_RESTARTING);
	else
		health_event(&s->health, PROBER_STOPPED);
}

/* The actions are on the stack: a step that cannot be started feeds an event of its own while they are carried out. */
static void feed(struct supervisor *s, const struct event *event)
{
	struct actions actions;
	enum phase before = s->seq.phase;
	enum reason reason = s->seq.reason;

	seq_event(&s->seq, clock_now(), event, &actions);
	tell_health(s, s->seq.reason == reason ? before : PHASE_RUNNING);
	s->changed |= s->seq.phase != PHASE_RUNNING || before != PHASE_RUNNING;
	for (size_t i = 0; i < actions.count && !s->over; i++)
		act(s, &actions.items[i]);
}

/* What the app said, and what its checks brought, may be the sequencer's business. */
static void heed_health(struct supervisor *s)
{
	enum unhealthy due = s->health.due;
	msec_t extend = s->health.extend;

	s->health.due = UNHEALTHY_NONE;
	s->health.extend = 0;
	if (due != UNHEALTHY_NONE)
		feed(s, &(struct event){.kind = EVENT_UNHEALTHY, .unhealthy = due});
	if (extend > 0)
		feed(s, &(struct event){.kind = EVENT_EXTEND, .time = extend});
}

/* --- events --------------------------------------------------------------------------------------------------------- */

static void app_exited(struct supervisor *s, int status)
{
	struct event event = {.kind = EVENT_APP_EXIT, .wait_status = status};

	event.exec_errno = app_reaped(&s->app, status);
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

static void job_reaped(struct supervisor *s, struct job_id id, const struct check_result *result)
{
	switch (id.kind) {
	case JOB_STEP:
		memcpy(s->why[id.index], result->message, sizeof result->message);
		feed(s, &(struct event){.kind = EVENT_STEP_DONE, .step = id.index, .result = result});
		break;
	case JOB_CHECK:
		health_answer(&s->health, id.index, result);
		heed_health(s);
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

	for (int i = 0; i < SIGNALS_AT_ONCE && !s->over && signals_next(s->loop.signal_fd, &seen); i++)
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
	bool left = reap(s);
	/* the listener answers to the end: it is nothing to wait for */
	if (left && s->listener.pid != 0 && !s->over && s->seq.phase == PHASE_SWEEP)
		left = sweep_other_children(s->listener.pid);
	if (!left && s->seq.phase == PHASE_SWEEP)
		feed(s, &(struct event){.kind = EVENT_NOTHING_LEFT});
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

static msec_t sooner(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

/* When to look up even if nothing comes. */
static msec_t wake_at(const struct supervisor *s)
{
	msec_t at = sooner(seq_wake(&s->seq), prober_wake(&s->health.prober));

	if (s->seq.phase != PHASE_SWEEP)
		at = sooner(at, s->listener.again_at);
	return must_look_again(s) ? sooner(at, clock_now() + LOOK_AGAIN) : at;
}

static void take_event(struct supervisor *s, uint64_t about)
{
	if (about == LOOP_SIGNALS)
		take_signals(s);
	else if (about == LOOP_NOTIFY)
		health_listen(&s->health);
	else
		jobs_readable(about);
}

/* While the app just runs there is no output to read: but for the app's messages, only signals can come. */
static void wait_for_signal(struct supervisor *s)
{
	msec_t at = wake_at(s), now = at == INT64_MAX ? 0 : clock_now();
	struct signal_seen seen;

	if (signals_wait(&seen, at == INT64_MAX ? INT64_MAX : at > now ? at - now : 0))
		take_signal(s, &seen);
}

static void wait_for_anything(struct supervisor *s)
{
	struct epoll_event events[LOOP_EVENTS];
	int count = loop_wait(&s->loop, wake_at(s), events);

	for (int i = 0; i < count; i++)
		take_event(s, events[i].data.u64);
}

/* What is due by the clock. */
static void tick(struct supervisor *s)
{
	msec_t now = clock_now();

	if (now >= seq_wake(&s->seq))
		feed(s, &(struct event){.kind = EVENT_TIME});
	if (now >= prober_wake(&s->health.prober))
		health_event(&s->health, PROBER_TIME);
	heed_health(s);
	if (s->seq.phase != PHASE_SWEEP && !s->over)
		listener_tick(&s->listener, now);
}

static void run(struct supervisor *s)
{
	while (!s->over) {
		bool quiet = s->seq.phase == PHASE_RUNNING || s->seq.phase == PHASE_WAITING;
		if (quiet && s->health.notify.fd < 0)
			wait_for_signal(s);
		else
			wait_for_anything(s);
		if (!s->over)
			look_around(s);
		if (!s->over)
			tick(s);
		if (s->page != NULL && (s->changed || s->health.changed))
			publish(s->page, &s->sources);
		s->changed = s->health.changed = false;
	}
}

/* Everything that may fail for want of memory or descriptors. */
static bool prepare(struct supervisor *s)
{
	uint64_t seed = (uint64_t)clock_now() ^ (uint64_t)getpid() << 40;

	if (!loop_open(&s->loop))
		return false;
	if (s->plan->shutdown.chain.count > 0 || s->plan->checks.count > 0)
		jobs_init(s->loop.epoll);
	facts_init(&s->facts, &s->seq, s->plan, s->signals);
	seq_init(&s->seq, s->plan, s->manner->exit_at_once, seed);
	health_init(&s->health, s->plan, s->signals, &s->app, seed);
	if (s->health.notify.fd >= 0 && !loop_watch(&s->loop, s->health.notify.fd, LOOP_NOTIFY))
		return false;
	if (s->manner->publishes) {
		s->page = publish_open(s->plan);
		if (s->page == NULL)
			log_event(LOG_WARN, "page", NULL, "nothing can be published, --probe asks by itself: %s", strerror(errno));
	}
	listener_init(&s->listener, s->plan, s->signals, s->page);
	s->sources = (struct sources){s->plan, &s->app, &s->health, &s->seq, &s->listener};
	return true;
}

int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals)
{
	static struct supervisor s; /* zeroed, and most of its pages never touched */

	s.plan = plan;
	s.manner = manner;
	s.signals = signals;
	if (!prepare(&s)) {
		log_event(LOG_ERROR, "start", NULL, "cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	if (getpid() != 1 && !manner->subreaper)
		voice_no_reaper(manner->voice);
	else if (getpid() != 1 && !sweep_subreaper())
		log_event(LOG_WARN, "start", NULL, "cannot adopt orphans: %s", strerror(errno));
	config_seal();
	seal();
	if (!start_app(&s))
		return EXIT_CANNOT_EXECUTE;
	if (s.page != NULL)
		publish(s.page, &s.sources);
	run(&s);
	return s.seq.exec_errno != 0 && manner->exec_code != 0 ? manner->exec_code : s.exit_code;
}
