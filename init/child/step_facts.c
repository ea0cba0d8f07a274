#include "init/child/step_facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/names.h"
#include "config/signame.h"
#include "probes/clock.h"

/* For the record of the id to reach the disk, at most. */
#define RECORD_TIME ((msec_t)2000)

static void make_id(char id[SHUTDOWN_ID_TEXT])
{
	uint64_t random[2];

	if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
		random[0] = (uint64_t)clock_now();
		random[1] = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
	}
	snprintf(id, SHUTDOWN_ID_TEXT, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
}

const char *step_facts_app_text(const struct seq *seq, char buffer[48])
{
	if (seq->opening != OPENING_NONE)
		snprintf(buffer, 48, "not started");
	else if (!seq->app_gone)
		snprintf(buffer, 48, "running");
	else if (seq->exec_errno != 0)
		snprintf(buffer, 48, "not executed");
	else if (WIFEXITED(seq->app_status))
		snprintf(buffer, 48, "exited with code %d", WEXITSTATUS(seq->app_status));
	else
		snprintf(buffer, 48, "killed by %s", signal_name(WTERMSIG(seq->app_status)));
	return buffer;
}

void step_facts_init(struct shutdown_facts *facts, const struct seq *seq, const struct plan *plan,
		     const struct signals_inherited *signals, const struct journal *journal, const struct app_output *output)
{
	if (plan->shutdown.chain.count == 0 && plan->start.chain.count == 0 && plan->heartbeats.count == 0 && !plan->notifies)
		return; /* never used */
	facts->journal = journal;
	facts->seq = seq;
	facts->signals = signals;
	gethostname(facts->host, sizeof facts->host - 1);
	facts->report.app = plan->app.name;
	facts->report.host = facts->host;
	facts->report.instance = plan->instance != NULL ? plan->instance : facts->host;
	facts->report.tail = "";
	facts->output = output;
	facts->report.shutdown_id = facts->id;
}

void step_facts_start(struct shutdown_facts *facts, const char *id)
{
	if (*id == '\0')
		make_id(facts->id);
	else
		memcpy(facts->id, id, sizeof facts->id);
}

msec_t step_facts_wait(const struct shutdown_facts *facts, msec_t time)
{
	msec_t begun = clock_now(), most = time / 4 < RECORD_TIME ? time / 4 : RECORD_TIME;

	journal_wait(facts->journal, facts->on_record, most);
	time -= clock_now() - begun;
	return time > 1 ? time : 1;
}

/* What an alert is about. */
static const char *event_of(enum reason reason)
{
	switch (reason) {
	case REASON_RECOVERY:
	case REASON_START:
	case REASON_HELD:
	case REASON_MANUAL:
		return name_of(&names_reasons, reason);
	case REASON_STOP:
	case REASON_EXIT:
	case REASON_CRASH:
	case REASON_UNHEALTHY:
	case REASON_RESTART:
	case REASON_COUNT:
		break;
	}
	return "shutdown";
}

void step_facts_report(struct shutdown_facts *facts, char why[][STEP_WHY_TEXT])
{
	const struct seq *seq = facts->seq;
	struct report *report = &facts->report;
	const struct plan_chain *chain = seq->chain;
	msec_t now = clock_now();

	bool exited = seq->opening == OPENING_NONE && seq->app_gone && seq->exec_errno == 0 && WIFEXITED(seq->app_status);

	facts->mark = app_output_mark(facts->output);
	report->event = event_of(seq->reason);
	report->notice = report->detail = "";
	report->reason = name_of(&names_reasons, seq->reason);
	report->exit_code = exited ? WEXITSTATUS(seq->app_status) : -1;
	report->signal = seq->signal > 0 ? signal_name(seq->signal) : "";
	report->app_state = step_facts_app_text(seq, facts->app_state);
	report->elapsed = now - seq->started;
	report->deadline = seq_deadline(seq->plan, seq->reason);
	report->step_count = chain->steps;
	for (size_t i = 0; i < chain->steps; i++) {
		const struct seq_step *step = &seq->steps[i];
		bool ran = step->state != STATE_PENDING;
		report->steps[i] = (struct report_step){
		    .name = plan_step_at(chain, i)->name,
		    .result = name_of(&names_step_states, step->state),
		    .took = !ran ? 0 : (step->ended > 0 ? step->ended : now) - step->started,
		    .why = plan_state_failed(step->state) ? why[i] : "",
		    .attempt = step->attempt,
		    .attempts = plan_step_at(chain, i)->retry.attempts,
		};
	}
}
