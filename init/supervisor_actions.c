#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/child/jobs.h"
#include "init/base/log.h"
#include "init/narrate.h"
#include "init/supervisor_private.h"
#include "init/child/sweep.h"
#include "probes/clock.h"

/* The names of leftovers in a log line. */
#define NAMES_MAX 256

static void start_step(struct supervisor *s, const struct action *action)
{
	struct check_result result = {.retry_after = MSEC_UNSET}; /* nothing was sent */
	enum step_kind kind = seq_step_at(&s->seq, action->step)->kind;

	if (kind == STEP_STOP || kind == STEP_SLEEP)
		return; /* nothing to run */
	if (kind == STEP_ALERT)
		step_facts_report(&s->facts, s->why);
	if (s->seq.reason != REASON_MANUAL)
		s->facts.app = s->app.pid;
	if (jobs_start(&s->facts, action->step, action->time, &result))
		return;
	memcpy(s->why[action->step], result.message, sizeof result.message);
	s->pending.unstarted |= UINT64_C(1) << action->step;
}

bool supervisor_start_app(struct supervisor *s)
{
	uint64_t number = s->settled ? remember_app_start(&s->memory, &s->seq, 0) : 0;
	const struct app_links links = {&s->health.notify, &s->output, &s->memory.journal, number};

	if (!app_start(&s->app, &s->plan->app, s->manner, s->signals, &links)) {
		log_fields(LOG_ERROR, "app_start_error", NULL, LOG_FIELDS(field_text("error", strerror(errno))),
			   "cannot start %s: %s", s->plan->app.name, strerror(errno));
		return false;
	}
	s->childless = false;
	s->well = 0;
	health_event(&s->health, PROBER_APP_STARTED);
	return true;
}

/* Starts it for the first time or again. */
static void start_app(struct supervisor *s)
{
	bool started = supervisor_start_app(s);

	s->pending.kinds |= started ? 1u << EVENT_APP_STARTED : 1u << EVENT_NOT_STARTED;
}

static void clear_old_life(struct supervisor *s, int signal)
{
	if (!sweep_old_life(signal, supervisor_is_own_process))
		s->pending.kinds |= 1u << EVENT_CLEARED;
}

/* The app's process group does not get a second SIGTERM, and a heartbeat in flight none: its disarm has to wait for it. */
static void sweep(const struct supervisor *s)
{
	if (supervisor_is_childless(s))
		return;
	bool signalled = s->seq.group_signalled || (s->seq.stop_sent != 0 && s->plan->app.signals == TARGET_GROUP);

	sweep_signal(SIGTERM, signalled ? s->app.group : 0, jobs_any(), supervisor_is_own_process);
}

/* A recovery goes on under the id of the shutdown that it finishes, if that had one. */
static void start_chain(struct supervisor *s)
{
	step_facts_start(&s->facts, s->seq.reason == REASON_RECOVERY ? s->recovered : "");
	memset(s->why, 0, sizeof s->why);
}

/* Details for the log: why a step failed, names of leftover processes. */
static const char *log_details(const struct supervisor *s, const struct action *action, char names[NAMES_MAX])
{
	*names = '\0';
	switch (action->kind) {
	case ACTION_STEP_ENDED:
	case ACTION_STEP_RETRY:
		return s->why[action->step];
	case ACTION_SWEEP_TERM:
	case ACTION_SWEEP_KILL:
	case ACTION_CLEAR_TERM:
	case ACTION_CLEAR_KILL:
	case ACTION_NOT_CLEARED:
		if (!supervisor_is_childless(s))
			sweep_names(names, NAMES_MAX, supervisor_is_own_process);
		if (*names == '\0' && !supervisor_is_childless(s) && sweep_other_children(supervisor_is_own_process))
			snprintf(names, NAMES_MAX, getpid() == 1 ? "unknown" : "unknown, and out of reach without /proc");
		break;
	case ACTION_FORWARD:
	case ACTION_STOP_GROUP:
	case ACTION_KILL_APP:
	case ACTION_CHAIN_STARTED:
	case ACTION_CHAIN_ENDED:
	case ACTION_NO_ACCOUNT:
	case ACTION_REFUSED:
	case ACTION_STOP_OPENING:
	case ACTION_HELD:
	case ACTION_STEP_START:
	case ACTION_STEP_KILL:
	case ACTION_HURRY:
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_ARM:
	case ACTION_APP_START:
	case ACTION_CLOSE:
	case ACTION_EXIT:
		break;
	}
	return names;
}

static void run_action(struct supervisor *s, const struct action *action)
{
	char names[NAMES_MAX];

	if (action->kind == ACTION_STEP_START && s->seq.steps[action->step].state != STATE_RUNNING)
		return; /* a parallel step has ended it already */
	const char *details = log_details(s, action, names);
	narrate(&s->seq, action, details);
	supervisor_tell(s, action);
	if (action->kind == ACTION_CHAIN_STARTED)
		start_chain(s); /* its id is in its records */
	uint64_t number = remember_action(&s->memory, &s->seq, &s->facts, action, details);
	if (action->kind == ACTION_CHAIN_STARTED)
		s->facts.on_record = number;
	switch (action->kind) {
	case ACTION_FORWARD:
		app_signal(&s->app, action->signal, (s->seq.stop_sent & SIGNAL_BIT(action->signal)) != 0);
		break;
	case ACTION_STOP_GROUP:
		app_stop_group(&s->app, action->signal);
		break;
	case ACTION_KILL_APP:
		app_kill(&s->app);
		break;
	case ACTION_STEP_START:
		start_step(s, action);
		break;
	case ACTION_STEP_KILL:
		jobs_kill((struct job_id){JOB_STEP, action->step});
		s->pending.unstarted &= ~(UINT64_C(1) << action->step);
		/* a wait step's last result says more than "killed" */
		if (seq_step_at(&s->seq, action->step)->kind != STEP_WAIT)
			strcpy(s->why[action->step], "killed");
		break;
	case ACTION_SWEEP_TERM:
		sweep(s);
		break;
	case ACTION_SWEEP_KILL:
		app_kill(&s->app);
		sweep_signal(SIGKILL, 0, false, supervisor_is_own_process);
		break;
	case ACTION_CLEAR_TERM:
		clear_old_life(s, SIGTERM);
		break;
	case ACTION_CLEAR_KILL:
		clear_old_life(s, SIGKILL);
		break;
	case ACTION_EXIT:
		heartbeats_leave(&s->heartbeats);
		s->over = true;
		s->exit_code = action->code;
		break;
	case ACTION_APP_START:
		start_app(s);
		break;
	case ACTION_CLOSE:
		heartbeats_close(&s->heartbeats, action->code != 0);
		announce_close(&s->announcer, s->seq.started + s->plan->shutdown.effective - s->plan->shutdown.kill_reserve);
		break;
	case ACTION_CHAIN_ENDED:
		s->pending.kinds |= 1u << EVENT_CHAIN_OVER;
		break;
	case ACTION_CHAIN_STARTED:
	case ACTION_ARM:
	case ACTION_NO_ACCOUNT:
	case ACTION_REFUSED:
	case ACTION_STOP_OPENING:
	case ACTION_HELD:
	case ACTION_NOT_CLEARED:
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_STEP_RETRY:
	case ACTION_HURRY:
		break;
	case ACTION_STEP_ENDED:
		if (action->why != WHY_RESULT) /* for alerts */
			snprintf(s->why[action->step], sizeof s->why[0], "%s", narrate_why(action->why));
		break;
	}
}

void supervisor_publish(struct supervisor *s)
{
	if (s->memory.page != NULL && !s->over && (s->changed || s->health.changed))
		publish(s->memory.page, &s->sources);
	s->changed = s->health.changed = false;
}

/* Probes stop before the first step of a chain starts. */
static void notify_health(struct supervisor *s)
{
	switch (seq_state(&s->seq)) {
	case SEQ_STARTING:
	case SEQ_RUNNING:
		break;
	case SEQ_RESTARTING:
		health_event(&s->health, PROBER_RESTARTING);
		break;
	case SEQ_HELD:
		health_event(&s->health, PROBER_HELD);
		break;
	case SEQ_STOPPING:
		health_event(&s->health, PROBER_STOPPED);
		break;
	}
}

static void feed_one(struct supervisor *s, const struct event *event)
{
	struct actions actions;
	enum phase before = s->seq.phase;

	seq_event(&s->seq, clock_now(), event, &actions);
	notify_health(s);
	s->changed |= s->seq.phase != PHASE_RUNNING || before != PHASE_RUNNING;
	if (before == PHASE_RUNNING && s->changed)
		supervisor_publish(s); /* readiness must fail before the first step runs */
	if (before == PHASE_RUNNING && event->kind == EVENT_APP_EXIT)
		supervisor_tell_end(s);
	if (before == PHASE_RUNNING && s->seq.phase == PHASE_DRAINING)
		remember_stop(&s->memory, &s->seq);
	for (size_t i = 0; i < actions.count && !s->over; i++)
		run_action(s, &actions.items[i]);
}

/* What the app's life means to the heartbeats, and what becomes of them to its life. */
static void handle_heartbeats(struct supervisor *s)
{
	struct heartbeats *heartbeats = &s->heartbeats;

	heartbeats_tick(heartbeats, s->app.pid);
	s->changed |= heartbeats->changed;
	heartbeats->changed = false;
	if (s->seq.phase == PHASE_ARMING && beats_armed(&heartbeats->beats))
		s->pending.kinds |= 1u << EVENT_ARMED;
	if (seq_heeds_loss(&s->seq) && beats_lost(&heartbeats->beats))
		s->pending.kinds |= 1u << EVENT_LOST;
	for (size_t i = 0; heartbeats->lost != 0; i++, heartbeats->lost >>= 1)
		if ((heartbeats->lost & 1) != 0)
			announce(&s->announcer, NOTICE_HEARTBEAT, s->plan->heartbeats.items[i].beat.name, heartbeats->why[i]);
	if (s->seq.phase == PHASE_CLOSING && heartbeats->closed && !announce_pending(&s->announcer, clock_now()))
		s->pending.kinds |= 1u << EVENT_CLOSED;
}

/* The next event caused by an action. False if there is none. */
static bool next_pending(struct supervisor *s, struct event *event, struct check_result *result)
{
	*event = (struct event){.result = result};
	*result = (struct check_result){.outcome = OUTCOME_ERROR, .failure = FAILURE_INTERNAL, .retry_after = MSEC_UNSET};
	if (s->pending.unstarted != 0) {
		event->kind = EVENT_STEP_DONE;
		event->step = (size_t)__builtin_ctzll(s->pending.unstarted);
		s->pending.unstarted &= s->pending.unstarted - 1;
		return true;
	}
	if (s->pending.kinds == 0)
		return false;
	event->kind = (enum event_kind)__builtin_ctz(s->pending.kinds);
	s->pending.kinds &= s->pending.kinds - 1;
	return true;
}

/* Carries out all actions of an event before the next one, including events caused by actions. */
void supervisor_feed(struct supervisor *s, const struct event *event)
{
	struct check_result result;
	struct event next = *event;

	do {
		feed_one(s, &next);
		handle_heartbeats(s);
	} while (!s->over && next_pending(s, &next, &result));
}

void supervisor_handle_health(struct supervisor *s)
{
	enum unhealthy due = s->health.due;
	msec_t extend = s->health.extend;

	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		if ((s->health.judged >> kind & 1) == 0)
			continue;
		remember_probe(&s->memory, &s->health, (enum probe_kind)kind, &s->output);
		supervisor_tell_verdict(s, (enum probe_kind)kind);
	}
	s->health.judged = 0;
	s->health.due = UNHEALTHY_NONE;
	s->health.extend = 0;
	if (due != UNHEALTHY_NONE)
		supervisor_feed(s, &(struct event){.kind = EVENT_UNHEALTHY, .unhealthy = due});
	if (extend > 0)
		supervisor_feed(s, &(struct event){.kind = EVENT_EXTEND, .time = extend});
}
