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

/* Of a shutdown or a restart. */
static void say_chain_start(const struct seq *seq, enum reason cause, const struct log_field *fields, size_t count)
{
	bool restart = seq->reason == REASON_RESTART;
	enum log_level level = cause == REASON_STOP || cause == REASON_EXIT ? LOG_INFO : LOG_ERROR;
	const char *what = restart ? "restarting it" : seq->to_hold ? "cleaning up" : "shutting down";
	char time[DURATION_TEXT], app[48];

	duration_format(seq_deadline(seq->plan, seq->reason), time);
	if (seq->reason == REASON_STOP)
		log_fields(level, "chain_start", NULL, fields, count, "%s: stopping %s within %s", signal_name(seq->signal),
			   app_name(seq), time);
	else if (seq->reason == REASON_START)
		log_fields(LOG_INFO, "chain_start", NULL, fields, count, "preparing the start of %s within %s", app_name(seq),
			   time);
	else if (seq->reason == REASON_RECOVERY)
		log_fields(LOG_WARN, "chain_start", NULL, fields, count,
			   "recovery: finishing what the last run left, within %s", time);
	else if (seq->reason == REASON_MANUAL)
		log_fields(LOG_INFO, "chain_start", NULL, fields, count, "running %zu step%s within %s", seq->chain->steps,
			   seq->chain->steps == 1 ? "" : "s", time);
	else if (seq->reason == REASON_HELD)
		log_fields(LOG_INFO, "chain_start", NULL, fields, count, "sending alerts within %s", time);
	else if (cause == REASON_UNHEALTHY)
		log_fields(level, "chain_start", NULL, fields, count, "%s is unhealthy: %s within %s", app_name(seq), what,
			   time);
	else
		log_fields(level, "chain_start", NULL, fields, count, "%s %s (%s): %s within %s", app_name(seq),
			   step_facts_app_text(seq, app), name_of(&names_reasons, cause), what, time);
}

static void log_chain_start(const struct seq *seq)
{
	bool restart = seq->reason == REASON_RESTART;
	bool gone = seq->app_gone && seq->exec_errno == 0 && seq->opening == OPENING_NONE;
	enum reason cause = restart ? seq->cause : seq->reason;
	const struct log_field fields[] = {
	    field_text("reason", name_of(&names_reasons, seq->reason)),
	    field_text("cause", restart ? name_of(&names_reasons, cause) : NULL),
	    field_text("signal", stop_signal(seq)),
	    field_if(gone && WIFEXITED(seq->app_status), field_number("exit_code", WEXITSTATUS(seq->app_status))),
	    field_text("exit_signal", gone && WIFSIGNALED(seq->app_status) ? signal_name(WTERMSIG(seq->app_status)) : NULL),
	    field_number("deadline_ms", seq_deadline(seq->plan, seq->reason)),
	};

	say_chain_start(seq, cause, fields, sizeof fields / sizeof *fields);
}

static void log_step_start(const struct seq *seq, const struct action *action)
{
	char time[DURATION_TEXT];
	const struct plan_step *step = seq_step_at(seq, action->step);
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
	const char *step = seq_step_at(seq, action->step)->name;
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

const char *narrate_why(enum why why)
{
	static const char *const texts[] = {[WHY_RESULT] = NULL,
					    [WHY_REASON] = "its `when` does not include this reason",
					    [WHY_NO_APP] = "the app is not running",
					    [WHY_HURRY] = "optional (not required, no reserve)",
					    [WHY_TIME] = "no time left",
					    [WHY_STOP] = "interrupted by a stop signal",
					    [WHY_REFUSED] = "a required step failed",
					    [WHY_LOST] = "a heartbeat was lost",
					    [WHY_DONE] = "it succeeded before tinysup was killed"};

	return texts[why];
}

static void log_step_end(const struct seq *seq, const struct action *action, const char *why)
{
	static const char *const causes[] = {[WHY_RESULT] = NULL,           [WHY_REASON] = "when",  [WHY_NO_APP] = "app_gone",
					     [WHY_HURRY] = "optional",      [WHY_TIME] = "no_time", [WHY_STOP] = "stop_signal",
					     [WHY_REFUSED] = "step_failed", [WHY_DONE] = "done",    [WHY_LOST] = "heartbeat"};
	const struct plan_step *plan = seq_step_at(seq, action->step);
	const struct seq_step *step = &seq->steps[action->step];
	enum step_state state = (enum step_state)action->code;
	bool bad = state != STATE_OK && state != STATE_SKIPPED, ran = step->attempt > 0;
	enum log_level level = !bad ? LOG_INFO : plan->required ? LOG_ERROR : LOG_WARN;
	const struct log_field fields[] = {
	    field_text("result", name_of(&names_step_states, state)),
	    field_text("cause", causes[action->why]),
	    field_number("took_ms", action->time),
	    field_number("attempt", step->attempt),
	    field_if(ran, status_field(plan, step->status)),
	    field_text("error", bad && action->why == WHY_RESULT ? why : NULL),
	};
	const size_t count = sizeof fields / sizeof *fields;
	char time[DURATION_TEXT];

	if (action->why != WHY_RESULT)
		why = narrate_why(action->why);
	if (why == NULL)
		why = "";
	duration_format(action->time, time);
	switch (state) {
	case STATE_OK:
		log_fields(level, "step_end", plan->name, fields, count, "ok after %s", time);
		break;
	case STATE_SKIPPED:
	case STATE_CUT:
		log_fields(level, "step_end", plan->name, fields, count, "%s: %s", name_of(&names_step_states, state), why);
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

	if (*names == '\0')
		return; /* none but our own */
	if (kill)
		log_fields(LOG_WARN, "leftover_kill", NULL, LOG_FIELDS(field_text("processes", names)),
			   "sending SIGKILL to leftover processes: %s", names);
	else
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
	else if (action->kind == ACTION_APP_START && seq->restarts > 0)
		log_fields(LOG_INFO, "app_start", NULL, LOG_FIELDS(field_number("restarts", (long long)seq->restarts)),
			   "starting %s (restart %llu)", app_name(seq), (unsigned long long)seq->restarts);
	else if (action->kind == ACTION_APP_START)
		log_fields(LOG_INFO, "app_start", NULL, LOG_FIELDS(field_number("restarts", 0)), "starting %s", app_name(seq));
	else if (action->kind == ACTION_GIVEN_UP)
		log_fields(LOG_ERROR, "restart_refuse", NULL,
			   LOG_FIELDS(field_text("cause", "limit"), field_number("max", plan->max),
				      field_number("within_ms", plan->within)),
			   "giving up: %s was restarted %d time%s within %s", app_name(seq), plan->max,
			   plan->max == 1 ? "" : "s", duration_format(plan->within, time));
	else
		log_fields(LOG_ERROR, "restart_refuse", NULL,
			   LOG_FIELDS(field_text("cause", "leftovers"), field_text("processes", names)),
			   "not restarting %s: cannot kill leftover processes: %s", app_name(seq), names);
}

/* --- before the app was started, and held ------------------------------------------------------------------------------ */

static void log_opening(const struct seq *seq, const struct action *action)
{
	char time[DURATION_TEXT];
	bool recovers = action->kind == ACTION_STOP_OPENING && seq->stop_after;
	const char *recovery = seq->reason == REASON_RECOVERY ? "recovery" : "start.chain";

	if (action->kind == ACTION_NO_ACCOUNT)
		log_fields(LOG_ERROR, "journal_timeout", NULL, LOG_FIELDS(field_number("took_ms", clock_now() - seq->started)),
			   "the journal could not be read: it is unknown whether the last run left work undone");
	else if (action->kind == ACTION_REFUSED)
		log_fields(LOG_ERROR, "start_refuse", NULL,
			   LOG_FIELDS(field_text("reason", name_of(&names_reasons, seq->reason))), "not starting %s: %s failed",
			   app_name(seq), recovery);
	else if (seq->reason == REASON_MANUAL)
		log_fields(LOG_WARN, "stop_opening", NULL, LOG_FIELDS(field_text("signal", stop_signal(seq))),
			   "%s: breaking off", stop_signal(seq));
	else if (recovers)
		log_fields(LOG_INFO, "stop_opening", NULL, LOG_FIELDS(field_text("signal", stop_signal(seq))),
			   "%s: %s will not be started; finishing recovery within %s", stop_signal(seq), app_name(seq),
			   duration_format(seq->plan->shutdown.effective, time));
	else if (action->kind == ACTION_STOP_OPENING)
		log_fields(LOG_INFO, "stop_opening", NULL, LOG_FIELDS(field_text("signal", stop_signal(seq))),
			   "%s: %s will not be started", stop_signal(seq), app_name(seq));
	else
		log_fields(LOG_ERROR, "held", NULL, LOG_FIELDS(field_number("restarts", (long long)seq->restarts)),
			   "holding: tinysup stays up without %s; find the cause, then restart the container", app_name(seq));
}

void narrate_account(const struct account *account, const struct plan *plan)
{
	bool known = account->after >= 0;
	char after[DURATION_TEXT] = "", grace[DURATION_TEXT];
	const char *signal = account->signal > 0 ? signal_name(account->signal) : NULL;
	const struct log_field fields[] = {
	    field_text("cause", account->stopping ? name_of(&names_reasons, (size_t)account->stop_reason) : NULL),
	    field_text("signal", signal),
	    field_if(known, field_number("after_ms", account->after)),
	    field_number("deadline_ms", account->deadline),
	};

	if (account->damaged > 0)
		log_fields(LOG_WARN, "journal_damaged", NULL, LOG_FIELDS(field_number("lines", (int64_t)account->damaged)),
			   "damaged lines in the journal: %llu; what they may have left undone is done again",
			   (unsigned long long)account->damaged);
	if (account->runs == 0 || account->ended)
		return;
	if (known)
		duration_format(account->after, after);
	/* as platform_effective() has it: the platform's grace period is longer than the deadline */
	duration_format(plan->shutdown.effective + 2000, grace);
	if (account->held)
		log_fields(LOG_WARN, "cut_off", NULL, fields, 4, "the last run was killed while it held");
	else if (account->stopping && signal != NULL)
		log_fields(
		    LOG_WARN, "cut_off", NULL, fields, 4,
		    "the last run was killed %s%safter %s, before its shutdown was over: raise the platform's grace period "
		    "to at least %s (stop_grace_period, --stop-timeout, terminationGracePeriodSeconds)",
		    after, known ? " " : "", signal, grace);
	else if (account->stopping)
		log_fields(LOG_WARN, "cut_off", NULL, fields, 4, "the last run was killed %s%safter its shutdown began (%s)",
			   after, known ? " " : "", name_of(&names_reasons, (size_t)account->stop_reason));
	else
		log_fields(LOG_WARN, "cut_off", NULL, fields, 4,
			   "the last run was killed without a stop signal (SIGKILL, out of memory, power)");
}

static void log_exit(const struct seq *seq, int code)
{
	msec_t took = clock_now() - seq->started;
	char time[DURATION_TEXT];

	bool stopped = seq->signal > 0 || seq->opening == OPENING_NONE;

	if (seq->reason == REASON_MANUAL || (seq->exec_errno != 0 && !seq->to_hold) ||
	    (!seq->plan->shutdown.chained && seq->opening == OPENING_NONE && !seq->to_hold))
		return;
	log_fields(LOG_INFO, "exit", NULL,
		   LOG_FIELDS(field_text("reason", name_of(&names_reasons, seq->reason)),
			      field_text("signal", stop_signal(seq)), field_number("exit_code", code),
			      field_number("took_ms", took)),
		   stopped ? "exit code %d, %s after the first stop event" : "exit code %d", code, duration_format(took, time));
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
	case ACTION_NO_ACCOUNT:
	case ACTION_REFUSED:
	case ACTION_STOP_OPENING:
	case ACTION_HELD:
		log_opening(seq, action);
		break;
	case ACTION_FORWARD:
		log_fields(LOG_DEBUG, "signal_forward", NULL, LOG_FIELDS(field_text("signal", signal_name(action->signal))),
			   "forwarding %s to %s", signal_name(action->signal), app_name(seq));
		break;
	case ACTION_ARM:
	case ACTION_CLOSE:
	case ACTION_STOP_GROUP:
	case ACTION_STEP_KILL:
	case ACTION_CHAIN_ENDED:
		break;
	}
}
