#include "init/remember.h"

#include <sys/wait.h>

#include "config/names.h"
#include "init/base/log.h"
#include "init/narrate.h"
#include "init/publish.h"
#include "probes/clock.h"
#include "probes/version.h"

static uint64_t keep(struct memory *memory, struct record *record)
{
	if (memory->page == NULL && memory->journal.plan == NULL)
		return 0;
	msec_t now = clock_now();

	if (record->time == 0)
		record->time = clock_wall(now);
	if (journal_stalls(&memory->journal, now))
		log_fields(LOG_WARN, "journal_stall", NULL,
			   LOG_FIELDS(field_number("waiting_ms", now - memory->journal.current)),
			   "the journal's disk hangs: going on without it");
	uint64_t number = journal_send(&memory->journal, record);
	if (memory->page != NULL)
		publish_event(memory->page, record);
	return number;
}

void remember_run(struct memory *memory, const struct plan *plan)
{
	struct record record = record_of(RECORD_RUN);

	record.deadline = plan->shutdown.effective;
	if (plan->shutdown.grace != MSEC_UNSET)
		record.grace = plan->shutdown.grace;
	record_put(record.name, sizeof record.name, plan->app.name);
	record_put(record.text, sizeof record.text, TINYSUP_VERSION);
	keep(memory, &record);
}

uint64_t remember_app_start(struct memory *memory, const struct seq *seq, msec_t started)
{
	struct record record = record_of(RECORD_APP_START);

	if (started > 0)
		record.time = clock_wall(started);
	record.count = (int64_t)seq->restarts;
	if (seq->restarts > 0)
		record.reason = seq->cause;
	return keep(memory, &record);
}

/* For the last lines to be read. Not only if there are bytes: the relay may just be taking them. */
static int64_t bytes_of(const struct app_output *output)
{
	const struct app_output_mark mark = app_output_mark(output);

	return mark.progress != NULL ? (int64_t)mark.written : RECORD_UNSET;
}

void remember_app_exit(struct memory *memory, int wait_status, const struct app_output *output)
{
	struct record record = record_of(RECORD_APP_EXIT);

	if (WIFSIGNALED(wait_status))
		record.signal = WTERMSIG(wait_status);
	else
		record.code = WEXITSTATUS(wait_status);
	if (output != NULL)
		record.count = bytes_of(output);
	keep(memory, &record);
}

void remember_stop(struct memory *memory, const struct seq *seq)
{
	struct record record = record_of(RECORD_CHAIN_START);

	record.reason = REASON_STOP;
	if (seq->signal > 0)
		record.signal = seq->signal;
	record.deadline = seq->plan->shutdown.effective;
	record.count = 0;
	keep(memory, &record);
}

/* --- the sequencer's actions --------------------------------------------------------------------------------------------- */

static struct record of_chain(const struct shutdown_facts *facts, enum record_kind kind)
{
	struct record record = record_of(kind);

	record_put(record.id, sizeof record.id, facts->id);
	record.after = clock_now() - facts->seq->started;
	return record;
}

static uint64_t keep_chain_start(struct memory *memory, const struct shutdown_facts *facts)
{
	const struct seq *seq = facts->seq;
	struct record record = of_chain(facts, RECORD_CHAIN_START);

	record.reason = seq->reason;
	if (seq->reason == REASON_RESTART)
		record.cause = seq->cause;
	if (seq->signal > 0)
		record.signal = seq->signal;
	record.deadline = seq_deadline(seq->plan, seq->reason);
	record.count = (int64_t)seq->chain->steps;
	return keep(memory, &record);
}

static uint64_t keep_chain_end(struct memory *memory, const struct shutdown_facts *facts)
{
	struct record record = of_chain(facts, RECORD_CHAIN_END);

	record.reason = facts->seq->reason;
	record.failed = facts->seq->required_failed;
	return keep(memory, &record);
}

static uint64_t keep_step(struct memory *memory, const struct shutdown_facts *facts, const struct action *action,
			  const char *why)
{
	const struct seq_step *step = &facts->seq->steps[action->step];
	struct record record = of_chain(facts, action->kind == ACTION_STEP_START ? RECORD_STEP_START : RECORD_STEP_END);

	record_put(record.name, sizeof record.name, seq_step_at(facts->seq, action->step)->name);
	record.attempt = step->attempt;
	if (action->kind == ACTION_STEP_ENDED) {
		record.state = action->code;
		record.took = action->time;
		if (action->why != WHY_RESULT)
			record_put(record.text, sizeof record.text, narrate_why(action->why));
		else if (action->code != STATE_OK)
			record_put(record.text, sizeof record.text, why);
	}
	return keep(memory, &record);
}

static uint64_t keep_held(struct memory *memory, const struct seq *seq)
{
	struct record record = record_of(RECORD_HELD);

	record.count = (int64_t)seq->restarts;
	return keep(memory, &record);
}

static uint64_t keep_end(struct memory *memory, const struct seq *seq, const struct action *action)
{
	struct record record = record_of(RECORD_END);

	record.reason = seq->stop_after ? REASON_STOP : seq->reason;
	record.code = action->code;
	record.failed = seq->required_failed;
	record.unfinished = seq->unfinished;
	record.after = clock_now() - seq->started;
	return keep(memory, &record);
}

uint64_t remember_action(struct memory *memory, const struct seq *seq, const struct shutdown_facts *facts,
			 const struct action *action, const char *why)
{
	switch (action->kind) {
	case ACTION_CHAIN_STARTED:
		return keep_chain_start(memory, facts);
	case ACTION_CHAIN_ENDED:
		return keep_chain_end(memory, facts);
	case ACTION_STEP_START:
		if (seq->steps[action->step].attempt > 1)
			break;
		return keep_step(memory, facts, action, why);
	case ACTION_STEP_ENDED:
		return keep_step(memory, facts, action, why);
	case ACTION_STOP_OPENING:
		if (seq->reason != REASON_MANUAL)
			remember_stop(memory, seq);
		break;
	case ACTION_HELD:
		return keep_held(memory, seq);
	case ACTION_EXIT:
		return keep_end(memory, seq, action);
	case ACTION_FORWARD:
	case ACTION_STOP_GROUP:
	case ACTION_KILL_APP:
	case ACTION_STEP_KILL:
	case ACTION_STEP_RETRY:
	case ACTION_HURRY:
	case ACTION_NO_ACCOUNT:
	case ACTION_REFUSED:
	case ACTION_SWEEP_TERM:
	case ACTION_SWEEP_KILL:
	case ACTION_CLEAR_TERM:
	case ACTION_CLEAR_KILL:
	case ACTION_NOT_CLEARED:
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_ARM:
	case ACTION_APP_START:
	case ACTION_CLOSE:
		break;
	}
	return 0;
}

void remember_probe(struct memory *memory, const struct health *health, enum probe_kind kind, const struct app_output *output)
{
	struct record record = record_of(RECORD_PROBE);
	const char *why;
	bool healthy = prober_healthy(&health->prober, kind, &why);

	record_put(record.name, sizeof record.name, name_of(&names_probes, kind));
	record.state = healthy ? STATE_OK : STATE_FAILED;
	record_put(record.text, sizeof record.text, healthy ? "" : why);
	if (!healthy && kind != PROBE_READINESS)
		record.count = bytes_of(output);
	keep(memory, &record);
}

void remember_heartbeat(struct memory *memory, const char *name, bool armed, const char *lost)
{
	struct record record = record_of(RECORD_HEARTBEAT);

	record_put(record.name, sizeof record.name, name);
	record.state = lost != NULL ? STATE_FAILED : STATE_OK;
	record.count = armed;
	record_put(record.text, sizeof record.text, lost != NULL ? lost : "");
	keep(memory, &record);
}
