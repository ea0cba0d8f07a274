#include "init/child/step_facts.h"

#include <stdio.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/names.h"
#include "config/signame.h"
#include "probes/clock.h"

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
	if (!seq->app_gone)
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
		     const struct signals_inherited *signals)
{
	if (plan->shutdown.chain.count == 0)
		return; /* never used */
	facts->seq = seq;
	facts->signals = signals;
	gethostname(facts->host, sizeof facts->host - 1);
	facts->report.app = plan->app.name;
	facts->report.host = facts->host;
	facts->report.shutdown_id = facts->id;
	facts->report.deadline = plan->shutdown.effective;
}

void step_facts_start(struct shutdown_facts *facts)
{
	make_id(facts->id);
}

void step_facts_report(struct shutdown_facts *facts)
{
	const struct seq *seq = facts->seq;
	struct report *report = &facts->report;
	const struct plan_chain *chain = &seq->plan->shutdown.chain;
	msec_t now = clock_now();

	report->reason = name_of(&names_reasons, seq->reason);
	report->signal = seq->signal > 0 ? signal_name(seq->signal) : "";
	report->app_state = step_facts_app_text(seq, facts->app_state);
	report->elapsed = now - seq->started;
	report->step_count = chain->steps;
	for (size_t i = 0; i < chain->steps; i++) {
		const struct seq_step *step = &seq->steps[i];
		bool ran = step->state != STATE_PENDING;
		report->steps[i] = (struct report_step){
		    .name = plan_step_at(chain, i)->name,
		    .result = seq_state_name(step->state),
		    .took = !ran ? 0 : (step->ended > 0 ? step->ended : now) - step->started,
		};
	}
}
