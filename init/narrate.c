#include "init/narrate.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "config/names.h"
#include "config/duration.h"
#include "config/signame.h"
#include "init/base/log.h"
#include "init/child/step_facts.h"
#include "probes/clock.h"

static void log_chain_start(const struct seq *seq)
{
	char time[DURATION_TEXT], app[48];
	const struct plan_shutdown *shutdown = &seq->plan->shutdown;
	enum reason cause = seq->reason == REASON_RESTART ? seq->cause : seq->reason;

	duration_format(shutdown->effective, time);
	if (seq->reason == REASON_STOP)
		log_event(LOG_INFO, "chain_begin", NULL, "%s: stopping %s within %s", signal_name(seq->signal),
			  seq->plan->app.name, time);
	else if (cause == REASON_UNHEALTHY)
		log_event(LOG_ERROR, "chain_begin", NULL, "%s is unhealthy (%s): the chain has %s", seq->plan->app.name,
			  name_of(&names_reasons, seq->reason), time);
	else
		log_event(cause == REASON_EXIT ? LOG_INFO : LOG_ERROR, "chain_begin", NULL, "%s %s (%s): the chain has %s",
			  seq->plan->app.name, step_facts_app_text(seq, app), name_of(&names_reasons, seq->reason), time);
}

static void log_step_start(const struct seq *seq, const struct action *action)
{
	char time[DURATION_TEXT];
	const struct plan_step *step = plan_step_at(&seq->plan->shutdown.chain, action->step);
	int attempt = seq->steps[action->step].attempt;

	duration_format(action->time, time);
	if (attempt == 1)
		log_event(LOG_INFO, "step_start", step->name, "begun, %s at most", time);
	else
		log_event(step->kind == STEP_WAIT ? LOG_DEBUG : LOG_INFO, "step_try", step->name, "try %d, %s at most", attempt,
			  time);
}

static void log_step_end(const struct seq *seq, const struct action *action, const char *why)
{
	static const char *const reasons[] = {[WHY_REASON] = "not for this reason",
					      [WHY_NO_APP] = "the app is gone",
					      [WHY_HURRY] = "passed over, it is neither required nor has a reserve",
					      [WHY_TIME] = "no time is left for it",
					      [WHY_STOP] = "a stop came in between"};
	char time[DURATION_TEXT];
	const struct plan_step *plan = plan_step_at(&seq->plan->shutdown.chain, action->step);
	enum log_level level = plan->required ? LOG_ERROR : LOG_WARN;

	if (action->why != WHY_RESULT)
		why = reasons[action->why];
	duration_format(action->time, time);
	switch ((enum step_state)action->code) {
	case STATE_OK:
		log_event(LOG_INFO, "step_end", plan->name, "ok after %s", time);
		break;
	case STATE_SKIPPED:
		log_event(LOG_INFO, "step_end", plan->name, "skipped: %s", why);
		break;
	case STATE_CUT:
		log_event(level, "step_end", plan->name, "cut: %s", why);
		break;
	case STATE_TIMEOUT:
		if (plan->kind == STEP_STOP)
			log_event(level, "step_end", plan->name, "timeout after %s: killed", time);
		else
			log_event(level, "step_end", plan->name, "timeout after %s%s%s", time, *why ? ": " : "", why);
		break;
	case STATE_FAILED:
	case STATE_PENDING:
	case STATE_RUNNING:
	case STATE_PAUSED:
		log_event(level, "step_end", plan->name, "failed after %s: %s", time, why);
		break;
	}
}

static void log_exit(const struct seq *seq, int code)
{
	char time[DURATION_TEXT];

	if (!seq->plan->shutdown.chained || seq->exec_errno != 0)
		return;
	log_event(LOG_INFO, "exit", NULL, "exit code %d, %s after the first stop event", code,
		  duration_format(clock_now() - seq->started, time));
}

void narrate(const struct seq *seq, const struct action *action, const char *why)
{
	char time[DURATION_TEXT];
	const char *step =
	    action->kind == ACTION_STEP_RETRY ? plan_step_at(&seq->plan->shutdown.chain, action->step)->name : NULL;

	switch (action->kind) {
	case ACTION_CHAIN_STARTED:
		log_chain_start(seq);
		break;
	case ACTION_STEP_START:
		log_step_start(seq, action);
		break;
	case ACTION_STEP_RETRY:
		duration_format(action->time, time);
		if (seq->steps[action->step].attempt == 0)
			log_event(LOG_WARN, "step_again", step, "not begun: %s; again in %s", why, time);
		else
			log_event(LOG_WARN, "step_again", step, "try %d failed: %s; again in %s",
				  seq->steps[action->step].attempt, why, time);
		break;
	case ACTION_STEP_ENDED:
		log_step_end(seq, action, why);
		break;
	case ACTION_HURRY:
		log_event(LOG_WARN, "hurry", NULL, "on to the steps that are required or have a reserve: %s",
			  seq->stop_signals >= 2 ? "another stop signal came" : "a step failed");
		break;
	case ACTION_KILL_APP:
		log_event(LOG_WARN, "kill", NULL, "%s did not stop in its time: SIGKILL to its process group",
			  seq->plan->app.name);
		break;
	case ACTION_SWEEP_TERM:
	case ACTION_CLEAR_TERM:
		if (*why != '\0')
			log_event(seq->plan->shutdown.chained || action->kind == ACTION_CLEAR_TERM ? LOG_INFO : LOG_DEBUG,
				  "leftover", NULL, "SIGTERM to leftover processes: %s", why);
		break;
	case ACTION_SWEEP_KILL:
	case ACTION_CLEAR_KILL:
		log_event(LOG_WARN, "kill", NULL, "SIGKILL to leftover processes: %s", *why != '\0' ? why : "not known");
		break;
	case ACTION_NOT_CLEARED:
		log_event(LOG_ERROR, "restart", NULL, "not restarting %s: leftover processes cannot be killed: %s",
			  seq->plan->app.name, why);
		break;
	case ACTION_RESTART_IN:
		log_event(LOG_WARN, "restart", NULL, "%s is started again in %s", seq->plan->app.name,
			  duration_format(action->time, time));
		break;
	case ACTION_GIVEN_UP:
		log_event(LOG_ERROR, "restart", NULL, "%s was started again %d times within %s: given up", seq->plan->app.name,
			  seq->plan->app.restart.max, duration_format(seq->plan->app.restart.within, time));
		break;
	case ACTION_APP_START:
		log_event(LOG_INFO, "restart", NULL, "%s is started again", seq->plan->app.name);
		break;
	case ACTION_EXIT:
		log_exit(seq, action->code);
		break;
	case ACTION_FORWARD:
		log_event(LOG_DEBUG, "forward", NULL, "%s to %s", signal_name(action->signal), seq->plan->app.name);
		break;
	case ACTION_STOP_GROUP:
	case ACTION_STEP_KILL:
		break;
	}
}
