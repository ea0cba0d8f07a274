#include "init/announce.h"

#include <stdio.h>
#include <string.h>

#include "config/names.h"
#include "init/base/log.h"
#include "probes/clock.h"

void announce_init(struct announcer *announcer, const struct plan *plan, struct shutdown_facts *facts,
		   char (*why)[STEP_WHY_TEXT])
{
	announcer->plan = plan;
	announcer->facts = facts;
	announcer->why = why;
	announcer->notices.plan = plan;
}

void announce(struct announcer *announcer, enum notice kind, const char *name, const char *detail)
{
	if (!announcer->plan->notifies)
		return;
	snprintf(announcer->detail[kind], ANNOUNCE_TEXT, "%s%s%s", name != NULL ? name : "",
		 name != NULL && detail != NULL ? ": " : "", detail != NULL ? detail : "");
	notices_event(&announcer->notices, clock_now(), kind);
}

static void log_failure(const struct announcer *announcer, size_t channel, const char *error)
{
	log_fields(LOG_WARN, "notice_fail", announcer->plan->alerts.items[channel].name, LOG_FIELDS(field_text("error", error)),
		   "alert not sent: %s", error);
}

/* A stop is told as its chain was; other events are short. */
static void fill_report(struct announcer *announcer, const struct notice_order *order)
{
	struct report *report = &announcer->facts->report;
	msec_t now = clock_now();

	step_facts_report(announcer->facts, announcer->why);
	report->event = name_of(&names_notices, order->kind);
	if (order->kind == NOTICE_STOP)
		return;
	report->reason = report->event;
	report->notice = notice_words(order, now, clock_wall(now) / 1000, announcer->words);
	report->detail = announcer->detail[order->kind];
	if (order->kind != NOTICE_STEP_FAILED)
		report->step_count = 0;
	if (announcer->facts->seq->phase == PHASE_RUNNING)
		report->elapsed = report->deadline = 0;
}

static void send(struct announcer *announcer, const struct notice_order *order, msec_t now)
{
	struct check_result result = {.retry_after = MSEC_UNSET};

	fill_report(announcer, order);
	for (size_t i = 0; i < announcer->plan->alerts.count; i++) {
		if ((order->channels >> i & 1) == 0 || jobs_start_notice(announcer->facts, i, order->until - now, &result))
			continue;
		log_failure(announcer, i, result.message);
		notices_done(&announcer->notices, i, false);
	}
}

void announce_tick(struct announcer *announcer, msec_t now)
{
	uint64_t late = notices_expired(&announcer->notices, now);
	struct notice_order order;

	for (size_t i = 0; late != 0 && i < announcer->plan->alerts.count; i++) {
		if ((late >> i & 1) == 0)
			continue;
		jobs_kill((struct job_id){JOB_NOTICE, i});
		log_failure(announcer, i, "timeout");
	}
	if (notices_next(&announcer->notices, now, &order))
		send(announcer, &order, now);
}

void announce_done(struct announcer *announcer, size_t channel, const struct check_result *result)
{
	bool taken = result->outcome == OUTCOME_OK;

	if (!taken)
		log_failure(announcer, channel, result->message);
	notices_done(&announcer->notices, channel, taken);
}

void announce_close(struct announcer *announcer, msec_t until)
{
	notices_close(&announcer->notices, until);
}

bool announce_pending(struct announcer *announcer, msec_t now)
{
	msec_t until;

	if (notices_pending(&announcer->notices, now, &until))
		return true;
	if (announcer->notices.lost > announcer->told_lost)
		log_fields(LOG_WARN, "notice_lost", NULL,
			   LOG_FIELDS(field_number("events", (long long)announcer->notices.lost)),
			   "no alert has told of %llu events", (unsigned long long)announcer->notices.lost);
	announcer->told_lost = announcer->notices.lost;
	return false;
}
