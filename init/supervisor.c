#include "init/supervisor.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/config.h"
#include "init/clock.h"
#include "init/exitcode.h"
#include "init/jobs.h"
#include "init/log.h"
#include "init/seal.h"
#include "init/supervision.h"
#include "init/sweep.h"

/* Where processes may end without our hearing of it (not our children), they are looked for this often. */
#define LOOK_AGAIN ((msec_t)50)

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
	return supervision_must_look_again(s) ? sooner(at, clock_now() + LOOK_AGAIN) : at;
}

static void take_event(struct supervisor *s, uint64_t about)
{
	if (about == LOOP_SIGNALS)
		supervision_take_signals(s);
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
		supervision_take_signal(s, &seen);
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
		supervision_feed(s, &(struct event){.kind = EVENT_TIME});
	if (now >= prober_wake(&s->health.prober))
		health_event(&s->health, PROBER_TIME);
	supervision_heed_health(s);
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
			supervision_look_around(s);
		enum phase before = s->seq.phase;
		if (!s->over)
			tick(s);
		/* where the clock has ended the chain there may be nobody whose end would wake us */
		if (!s->over && s->seq.phase != before)
			supervision_look_around(s);
		supervision_publish(s);
	}
}

/* Everything that may fail for want of memory or descriptors. */
static bool prepare(struct supervisor *s)
{
	const struct page *shown = NULL;
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
		s->page = publish_open(s->plan, &shown);
		if (s->page == NULL)
			log_event(LOG_WARN, "page", NULL, "nothing can be published, --probe asks by itself: %s",
				  strerror(errno));
	}
	listener_init(&s->listener, s->plan, s->signals, shown);
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
	if (!supervision_start_app(&s))
		return EXIT_CANNOT_EXECUTE;
	if (s.page != NULL)
		publish(s.page, &s.sources);
	run(&s);
	return s.seq.exec_errno != 0 && manner->exec_code != 0 ? manner->exec_code : s.exit_code;
}
