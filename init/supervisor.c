#include "init/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "init/machine/exitcode.h"
#include "init/child/jobs.h"
#include "init/base/log.h"
#include "init/base/seal.h"
#include "init/persona.h"
#include "init/supervisor_private.h"
#include "init/child/sweep.h"
#include "probes/clock.h"

/* After this, set up what the start of the app did not need. */
#define SETTLE_AFTER ((msec_t)2)
/* For the writers of the journal and of the log to finish at the end. */
#define FINISH_TIME   ((msec_t)1000)
#define FINAL_MARGIN  ((msec_t)200)
#define OUTPUT_MARGIN ((msec_t)100)

static msec_t min_time(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

/* Nothing that serves the app is started any more. */
static bool is_ending(const struct supervisor *s)
{
	return s->seq.phase == PHASE_SWEEP || s->seq.phase == PHASE_CLOSING;
}

/* When to wake up even without an event. */
static msec_t wake_at(const struct supervisor *s)
{
	msec_t at = min_time(min_time(seq_wake(&s->seq), prober_wake(&s->health.prober)), supervisor_check_at(s));

	if (s->reap_due)
		return 0;
	at = min_time(at, min_time(beats_wake(&s->heartbeats.beats), notices_wake(&s->announcer.notices)));
	at = min_time(at, service_wake(&s->output.relay));
	if (is_ending(s))
		return at;
	return min_time(at, min_time(service_wake(&s->listener.service), service_wake(&s->health.notify.relay)));
}

static void handle_event(struct supervisor *s, uint64_t about)
{
	if (about == LOOP_SIGNALS)
		supervisor_handle_signals(s);
	else if (about == LOOP_NOTIFY)
		health_receive(&s->health);
	else if (about == LOOP_JOURNAL)
		supervisor_handle_journal(s);
	else
		jobs_readable(about);
}

/* While the app is running, only signals (and messages of the app) can arrive. */
static void wait_for_signal(struct supervisor *s)
{
	msec_t at = wake_at(s), now = at == INT64_MAX ? 0 : clock_now();
	struct signal_seen seen;

	if (signals_wait(&seen, at == INT64_MAX ? INT64_MAX : at > now ? at - now : 0))
		supervisor_handle_signal(s, &seen);
}

static void wait_for_anything(struct supervisor *s)
{
	struct epoll_event events[LOOP_EVENTS];
	int count = loop_wait(&s->loop, wake_at(s), events);

	for (int i = 0; i < count; i++)
		handle_event(s, events[i].data.u64);
}

/* Does what is due by time. */
static void tick(struct supervisor *s)
{
	msec_t now = clock_now();

	if (now >= seq_wake(&s->seq))
		supervisor_feed(s, &(struct event){.kind = EVENT_TIME});
	if (now >= prober_wake(&s->health.prober))
		health_event(&s->health, PROBER_TIME);
	supervisor_handle_health(s);
	announce_tick(&s->announcer, now);
	if (s->plan->heartbeats.count > 0 || s->seq.phase == PHASE_CLOSING)
		supervisor_feed(s, &(struct event){.kind = EVENT_TIME}); /* health may have opened or closed a heartbeat */
	if (!s->over)
		app_output_tick(&s->output, s->signals, now);
	if (is_ending(s) || s->over)
		return;
	listener_tick(&s->listener, now);
	notify_tick(&s->health.notify, s->signals, s->app.pid, s->app.group, now);
}

/* --- what the app's start need not wait for ------------------------------------------------------------------------------ */

/* Whether anything but signals may come while the app runs. */
static bool listens(const struct supervisor *s)
{
	return s->health.notify.socket >= 0 || journal_fd(&s->memory.journal) >= 0 || s->plan->heartbeats.count > 0;
}

/* Opens epoll if hooks' output, the app's messages or the journal need it. Retried each turn. */
static bool has_loop(struct supervisor *s)
{
	const struct plan *plan = s->plan;

	if (s->loop.open)
		return true;
	if ((!plan->shutdown.chained && plan->start.chain.count == 0 && !listens(s)) || !loop_open(&s->loop))
		return false;
	jobs_set_epoll(s->loop.epoll);
	if (s->health.notify.socket >= 0)
		loop_watch(&s->loop, s->health.notify.in, LOOP_NOTIFY);
	if (journal_fd(&s->memory.journal) >= 0)
		loop_watch(&s->loop, journal_fd(&s->memory.journal), LOOP_JOURNAL);
	return true;
}

static void open_page(struct supervisor *s)
{
	const struct page *shown = NULL;

	s->sources = (struct sources){s->plan, &s->app, &s->health, &s->seq, &s->listener, &s->heartbeats};
	if (s->manner->publishes) {
		s->memory.page = publish_open(s->plan, &shown);
		if (s->memory.page == NULL)
			log_fields(LOG_WARN, "publish_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
				   "cannot publish the status; --probe will run checks directly: %s", strerror(errno));
	}
	listener_init(&s->listener, s->plan, s->signals, shown);
	remember_run(&s->memory, s->plan);
	if (s->app.starts > 0)
		remember_app_start(&s->memory, &s->seq, s->app.started);
	if (s->memory.page != NULL)
		publish(s->memory.page, &s->sources);
}

static void settle_in(struct supervisor *s)
{
	s->settled = true;
	config_release();
	config_seal();
	if (s->plan->shutdown.chain.count > 0 || s->plan->start.chain.count > 0 || s->plan->checks.count > 0 ||
	    s->plan->heartbeats.count > 0 || s->plan->notifies)
		jobs_init();
	has_loop(s);
	open_page(s);
}

/* Waits while the app starts: an app that exits at once needs no more. */
static void wait_a_moment(struct supervisor *s)
{
	struct signal_seen seen;
	bool came = signals_wait(&seen, SETTLE_AFTER);

	if (!came || seen.number != SIGCHLD || s->plan->shutdown.chain.count > 0)
		settle_in(s);
	if (came)
		supervisor_handle_signal(s, &seen);
}

static void wait(struct supervisor *s)
{
	enum phase phase = s->seq.phase;
	bool quiet = !listens(s) && (phase == PHASE_RUNNING || phase == PHASE_WAITING || phase == PHASE_HELD);

	if (!s->settled)
		wait_a_moment(s);
	else if (quiet || !has_loop(s))
		wait_for_signal(s);
	else
		wait_for_anything(s);
}

/* From here on process 1 must not exit because something fails: it logs, retries or goes without. */
static void run(struct supervisor *s)
{
	while (!s->over) {
		wait(s);
		supervisor_handle_stop_signals(s);
		if (!s->over)
			supervisor_check_children(s);
		enum phase before = s->seq.phase;
		if (!s->over)
			tick(s);
		/* if time has ended the chain, no child may be left to wake us */
		if (!s->over && s->seq.phase != before)
			supervisor_check_children(s);
		supervisor_publish(s);
	}
}

static struct supervisor the_supervisor; /* zeroed, and most of its pages never touched */

bool supervisor_is_own_process(pid_t pid)
{
	const struct supervisor *s = &the_supervisor;

	return pid == s->listener.service.pid || pid == s->health.notify.relay.pid || pid == s->output.relay.pid ||
	       pid == log_writer() || pid == s->memory.journal.writer.pid || jobs_has(pid);
}

static void become_reaper(const struct manner *manner)
{
	if (getpid() == 1 || (!manner->subreaper && sweep_is_subreaper()))
		return;
	if (!manner->subreaper)
		persona_no_reaper(manner->dialect);
	else if (!sweep_subreaper())
		log_fields(LOG_WARN, "subreaper_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
			   "cannot adopt orphans: %s", strerror(errno));
}

/* What comes before the app: the journal, recovery, start.chain. */
static void open_life(struct supervisor *s, bool manual)
{
	bool journal = s->plan->state_dir != NULL && journal_open(&s->memory.journal, s->plan, s->output.progress);

	if (s->plan->state_dir != NULL && !journal)
		log_fields(LOG_ERROR, "journal_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
			   "cannot start the journal: %s", strerror(errno));
	settle_in(s);
	supervisor_feed(s, &(struct event){.kind = EVENT_OPEN, .journal = journal, .manual = manual});
	supervisor_check_children(s); /* it may be over at once, and no child is left to wake us */
	supervisor_publish(s);
}

static int start_and_run(struct supervisor *s, bool manual)
{
	uint64_t seed = (uint64_t)clock_now() ^ (uint64_t)getpid() << 40;

	s->listener.service.start_at = INT64_MAX;
	step_facts_init(&s->facts, &s->seq, s->plan, s->signals, &s->memory.journal, &s->output);
	seq_init(&s->seq, s->plan, s->manner->exit_at_once, seed);
	health_init(&s->health, s->plan, s->signals, &s->app, seed);
	heartbeats_init(&s->heartbeats, &s->seq, &s->health.prober, &s->facts, &s->memory);
	app_output_init(&s->output, &s->plan->app.output);
	if (!manual && !app_output_open(&s->output))
		log_fields(LOG_ERROR, "output_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
			   "cannot copy the app's output: %s", strerror(errno));
	announce_init(&s->announcer, s->plan, &s->facts, s->why);
	become_reaper(s->manner);
	if (s->plan->heartbeats.arms || s->plan->state_dir != NULL || s->plan->start.chain.count > 0 || manual)
		open_life(s, manual);
	else if (!supervisor_start_app(s))
		return EXIT_CANNOT_EXECUTE;
	seal();
	run(s);
	return s->seq.exec_errno != 0 && s->manner->exec_code != 0 ? s->manner->exec_code : s->exit_code;
}

/* Time for the journal, and for the log: not beyond the deadline. */
static msec_t finish_time(const struct supervisor *s)
{
	/* a short kill_reserve has to be enough for the journal, too: without its end, the run counts as killed */
	msec_t margin = min_time(FINAL_MARGIN, s->plan->shutdown.kill_reserve * 2 / 5);
	msec_t left = s->seq.started + s->plan->shutdown.effective - clock_now() - margin;

	if (s->manner->exit_at_once || s->seq.phase != PHASE_OVER)
		return FINISH_TIME;
	return left < 0 ? 0 : min_time(left, FINISH_TIME);
}

/* Time for the app's last output: some is left to the journal and the log. */
static msec_t output_time(const struct supervisor *s)
{
	msec_t time = finish_time(s) - OUTPUT_MARGIN;

	return time < 0 ? 0 : time;
}

static int supervise_all(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals,
			 bool manual)
{
	struct supervisor *s = &the_supervisor;

	s->plan = plan;
	s->manner = manner;
	s->signals = signals;
	int code = start_and_run(s, manual);
	app_output_finish(&s->output, signals, output_time(s));
	journal_finish(&s->memory.journal, finish_time(s));
	log_finish(finish_time(s));
	return code;
}

int supervise(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals)
{
	return supervise_all(plan, manner, signals, false);
}

int supervise_steps(const struct plan *plan, const struct manner *manner, const struct signals_inherited *signals, pid_t app)
{
	the_supervisor.facts.app = app;
	return supervise_all(plan, manner, signals, true);
}
