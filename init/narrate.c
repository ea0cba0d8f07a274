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

static const char *app_name(const struct seq *seq)
{
	return seq->plan->app.name;
}

static const char *stop_signal(const struct seq *seq)
{
	return seq->signal > 0 ? signal_name(seq->signal) : NULL;
}

/* --- the chain and its steps ------------------------------------------------------------------------------------------- */

static void log_chain_start(const struct seq *seq)
{
	char time[DURATION_TEXT], app[48];
	bool restart = seq->reason == REASON_RESTART, gone = seq->app_gone && seq->exec_errno == 0;
	enum reason cause = restart ? seq->cause : seq->reason;
	enum log_level level = cause == REASON_STOP || cause == REASON_EXIT ? LOG_INFO : LOG_ERROR;
	const char *what = restart ? "restarting it" : "shutting down";
	const struct log_field fields[] = {
	    field_text("reason", name_of(&names_reasons, seq->reason)),
	    field_text("cause", restart ? name_of(&names_reasons, cause) : NULL),
	    field_text("signal", stop_signal(seq)),
	    field_if(gone && WIFEXITED(seq->app_status), field_number("exit_code", WEXITSTATUS(seq->app_status))),
	    field_text("exit_signal", gone && WIFSIGNALED(seq->app_status) ? signal_name(WTERMSIG(seq->app_status)) : NULL),
	    field_number("deadline_ms", seq->plan->shutdown.effective),
	};
	const size_t count = sizeof fields / sizeof *fields;

	duration_format(seq->plan->shutdown.effective, time);
	if (seq->reason == REASON_STOP)
		log_fields(level, "chain_start", NULL, fields, count, "%s: stopping %s within %s", signal_name(seq->signal),
			   app_name(seq), time);
	else if (cause == REASON_UNHEALTHY)
		log_fields(level, "chain_start", NULL, fields, count, "%s is unhealthy: %s within %s", app_name(seq), what,
			   time);
	else
		log_fields(level, "chain_start", NULL, fields, count, "%s %s (%s): %s within %s", app_name(seq),
			   step_facts_app_text(seq, app), name_of(&names_reasons, cause), what, time);
}

static void log_step_start(const struct seq *seq, const struct action *action)
{
	char time[DURATION_TEXT];
	const struct plan_step *step = plan_step_at(&seq->plan->shutdown.chain, action->step);
	int attempt = seq->steps[action->step].attempt;
	const struct log_field fields[] = {field_number("attempt", attempt), field_number("timeout_ms", action->time)};

	duration_format(action->time, time);
	if (attempt == 1)
		log_fields(LOG_INFO, "step_start", step->name, fields, 2, "started, timeout %s", time);
	else
		log_fields(step->kind == STEP_WAIT ? LOG_DEBUG : LOG_INFO, "step_attempt", step->name, fields, 2,
			   "attempt %d, timeout %s", attempt, time);
}

static void log_step_retry(const struct seq *seq, const struct action *action, const char *why)
{
	const char *step = plan_step_at(&seq->plan->shutdown.chain, action->step)->name;
	int attempt = seq->steps[action->step].attempt;
	const struct log_field fields[] = {field_number("attempt", attempt), field_number("delay_ms", action->time),
					   field_text("error", why)};
	char time[DURATION_TEXT];

	duration_format(action->time, time);
	if (attempt == 0)
		log_fields(LOG_WARN, "step_retry", step, fields, 3, "cannot start: %s; retrying in %s", why, time);
	else
		log_fields(LOG_WARN, "step_retry", step, fields, 3, "attempt %d failed: %s; retrying in %s", attempt, why,
			   time);
}

/* Exit code or HTTP status of the last attempt. */
static struct log_field status_field(const struct plan_step *plan, int status)
{
	bool program = plan->exec.argv != NULL;

	return field_if(status > 0, field_number(program ? "exit_code" : "http_status", status));
}

static void log_step_end(const struct seq *seq, const struct action *action, const char *why)
{
	static const char *const causes[] = {[WHY_RESULT] = NULL,      [WHY_REASON] = "when",  [WHY_NO_APP] = "app_gone",
					     [WHY_HURRY] = "optional", [WHY_TIME] = "no_time", [WHY_STOP] = "stop_signal"};
	static const char *const texts[] = {[WHY_REASON] = "its `when` does not include this reason",
					    [WHY_NO_APP] = "the app is not running",
					    [WHY_HURRY] = "optional (not required, no reserve)",
					    [WHY_TIME] = "no time left",
					    [WHY_STOP] = "a stop signal interrupted the restart"};
	const struct plan_step *plan = plan_step_at(&seq->plan->shutdown.chain, action->step);
	const struct seq_step *step = &seq->steps[action->step];
	enum step_state state = (enum step_state)action->code;
	bool bad = state != STATE_OK && state != STATE_SKIPPED, ran = step->attempt > 0;
	enum log_level level = !bad ? LOG_INFO : plan->required ? LOG_ERROR : LOG_WARN;
	const struct log_field fields[] = {
	    field_text("result", seq_state_name(state)),     field_text("cause", causes[action->why]),
	    field_number("took_ms", action->time),           field_number("attempt", step->attempt),
	    field_if(ran, status_field(plan, step->status)), field_text("error", bad && action->why == WHY_RESULT ? why : NULL),
	};
	const size_t count = sizeof fields / sizeof *fields;
	char time[DURATION_TEXT];

	if (action->why != WHY_RESULT)
		why = texts[action->why];
	if (why == NULL)
		why = "";
	duration_format(action->time, time);
	switch (state) {
	case STATE_OK:
		log_fields(level, "step_end", plan->name, fields, count, "ok after %s", time);
		break;
	case STATE_SKIPPED:
	case STATE_CUT:
		log_fields(level, "step_end", plan->name, fields, count, "%s: %s", seq_state_name(state), why);
		break;
	case STATE_TIMEOUT:
		if (plan->kind == STEP_STOP)
			log_fields(level, "step_end", plan->name, fields, count, "timeout after %s: killed", time);
		else
			log_fields(level, "step_end", plan->name, fields, count, "timeout after %s%s%s", time, *why ? ": " : "",
				   why);
		break;
	case STATE_FAILED:
	case STATE_PENDING:
	case STATE_RUNNING:
	case STATE_PAUSED:
		log_fields(level, "step_end", plan->name, fields, count, "failed after %s: %s", time, why);
		break;
	}
}

static void log_skip_optional(const struct seq *seq)
{
	bool signal = seq->stop_signals >= 2;

	log_fields(LOG_WARN, "skip_optional", NULL, LOG_FIELDS(field_text("cause", signal ? "stop_signal" : "step_failed")),
		   "%s: skipping optional steps", signal ? "second stop signal" : "a step failed");
}

/* --- processes that are left, restarts, the end ------------------------------------------------------------------------ */

static void log_leftovers(const struct seq *seq, const struct action *action, const char *names)
{
	bool clearing = action->kind == ACTION_CLEAR_TERM || action->kind == ACTION_CLEAR_KILL;
	bool kill = action->kind == ACTION_SWEEP_KILL || action->kind == ACTION_CLEAR_KILL;

	if (kill)
		log_fields(LOG_WARN, "leftover_kill", NULL, LOG_FIELDS(field_text("processes", names)),
			   "sending SIGKILL to leftover processes: %s", *names != '\0' ? names : "unknown");
	else if (*names != '\0')
		log_fields(seq->plan->shutdown.chained || clearing ? LOG_INFO : LOG_DEBUG, "leftover_term", NULL,
			   LOG_FIELDS(field_text("processes", names)), "sending SIGTERM to leftover processes: %s", names);
}

static void log_restart(const struct seq *seq, const struct action *action, const char *names)
{
	const struct plan_restart *plan = &seq->plan->app.restart;
	char time[DURATION_TEXT];

	if (action->kind == ACTION_RESTART_IN)
		log_fields(LOG_WARN, "restart_wait", NULL,
			   LOG_FIELDS(field_text("cause", name_of(&names_reasons, seq->cause)),
				      field_number("delay_ms", action->time)),
			   "waiting %s before restarting %s", duration_format(action->time, time), app_name(seq));
	else if (action->kind == ACTION_APP_START)
		log_fields(LOG_INFO, "app_start", NULL, LOG_FIELDS(field_number("restarts", (long long)seq->restart.count)),
			   "starting %s (restart %llu)", app_name(seq), (unsigned long long)seq->restart.count);
	else if (action->kind == ACTION_GIVEN_UP)
		log_fields(LOG_ERROR, "restart_refuse", NULL,
			   LOG_FIELDS(field_text("cause", "limit"), field_number("max", plan->max),
				      field_number("within_ms", plan->within)),
			   "giving up: %s was restarted %d times within %s", app_name(seq), plan->max,
			   duration_format(plan->within, time));
	else
		log_fields(LOG_ERROR, "restart_refuse", NULL,
			   LOG_FIELDS(field_text("cause", "leftovers"), field_text("processes", names)),
			   "not restarting %s: cannot kill leftover processes: %s", app_name(seq), names);
}

static void log_exit(const struct seq *seq, int code)
{
	msec_t took = clock_now() - seq->started;
	char time[DURATION_TEXT];

	if (!seq->plan->shutdown.chained || seq->exec_errno != 0)
		return;
	log_fields(LOG_INFO, "exit", NULL,
		   LOG_FIELDS(field_text("reason", name_of(&names_reasons, seq->reason)),
			      field_text("signal", stop_signal(seq)), field_number("exit_code", code),
			      field_number("took_ms", took)),
		   "exit code %d, %s after the first stop event", code, duration_format(took, time));
}

void narrate(const struct seq *seq, const struct action *action, const char *why)
{
	switch (action->kind) {
	case ACTION_CHAIN_STARTED:
		log_chain_start(seq);
		break;
	case ACTION_STEP_START:
		log_step_start(seq, action);
		break;
	case ACTION_STEP_RETRY:
		log_step_retry(seq, action, why);
		break;
	case ACTION_STEP_ENDED:
		log_step_end(seq, action, why);
		break;
	case ACTION_HURRY:
		log_skip_optional(seq);
		break;
	case ACTION_KILL_APP:
		log_event(LOG_WARN, "app_kill", NULL, "%s did not stop in time: sending SIGKILL to its process group",
			  app_name(seq));
		break;
	case ACTION_SWEEP_TERM:
	case ACTION_CLEAR_TERM:
	case ACTION_SWEEP_KILL:
	case ACTION_CLEAR_KILL:
		log_leftovers(seq, action, why);
		break;
	case ACTION_NOT_CLEARED:
	case ACTION_RESTART_IN:
	case ACTION_GIVEN_UP:
	case ACTION_APP_START:
		log_restart(seq, action, why);
		break;
	case ACTION_EXIT:
		log_exit(seq, action->code);
		break;
	case ACTION_FORWARD:
		log_fields(LOG_DEBUG, "signal_forward", NULL, LOG_FIELDS(field_text("signal", signal_name(action->signal))),
			   "forwarding %s to %s", signal_name(action->signal), app_name(seq));
		break;
	case ACTION_STOP_GROUP:
	case ACTION_STEP_KILL:
		break;
	}
}
