#include "init/readers/status.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/names.h"
#include "config/signame.h"
#include "init/base/tail.h"
#include "init/base/terminal.h"
#include "init/machine/sequencer.h"
#include "init/readers/page_view.h"
#include "init/readers/paint.h"
#include "probes/text.h"
#include "probes/clock.h"

static json_t *ms(int64_t duration)
{
	return json_integer((json_int_t)duration);
}

/* "" becomes null. */
static json_t *text_or_null(const char *text)
{
	return *text != '\0' ? text_json(text) : json_null();
}

static void set_age(json_t *object, const char *time, const char *age, int64_t at, int64_t now)
{
	json_object_set_new(object, time, at > 0 ? view_time(at, now) : json_null());
	json_object_set_new(object, age, at > 0 ? ms(now - at) : json_null());
}

/* --- the app -------------------------------------------------------------------------------------------------------------- */

static json_t *last_exit(const struct page_app *app)
{
	if (!app->ended)
		return json_null();
	if (WIFSIGNALED(app->wait_status))
		return json_pack("{s:n, s:s}", "code", "signal", signal_name(WTERMSIG(app->wait_status)));
	return json_pack("{s:i, s:n}", "code", WEXITSTATUS(app->wait_status), "signal");
}

static json_t *watchdog(const struct page_app *app, int64_t now)
{
	if (app->watchdog <= 0)
		return json_null();
	return json_pack("{s:I, s:o}", "period_ms", (json_int_t)app->watchdog, "age_ms",
			 app->watchdog_at > 0 ? ms(now - app->watchdog_at) : json_null());
}

static json_t *app_json(const struct page_head *head, int64_t now)
{
	const struct page_app *app = &head->app;
	bool waits = head->phase == PAGE_WAITING_TO_RESTART;

	return json_pack("{s:o, s:o, s:b, s:o, s:o, s:I, s:o, s:o, s:b, s:b, s:b, s:b, s:o, s:o}", "name",
			 text_json(head->app_name), "pid", app->pid > 0 ? json_integer(app->pid) : json_null(), "running",
			 app->pid > 0, "started", app->started > 0 ? view_unix_time(app->started_unix_ms) : json_null(),
			 "age_ms", app->started > 0 ? ms(now - app->started) : json_null(), "restarts",
			 (json_int_t)app->restarts, "restart_in_ms",
			 waits && app->restart_at > 0 ? ms(app->restart_at - now) : json_null(), "last_exit", last_exit(app),
			 "notify", app->notify, "ready", app->ready, "stopping", app->stopping, "reloading", app->reloading,
			 "watchdog", watchdog(app, now), "status", text_or_null(app->status));
}

/* --- probes and checks ---------------------------------------------------------------------------------------------------- */

static json_t *names_of(const struct page *copy, uint64_t checks)
{
	json_t *names = json_array();

	for (size_t i = 0; i < copy->head.checks; i++)
		if (checks & UINT64_C(1) << i)
			json_array_append_new(names, text_json(copy->check[i].name));
	return names;
}

static json_t *probe_json(const struct page *copy, enum probe_kind kind, int64_t now)
{
	const struct page_verdict *verdict = &copy->head.verdicts[kind];
	char why[PAGE_TEXT];
	bool healthy = page_healthy(copy, kind, now, why);
	json_t *object = json_pack("{s:b, s:b, s:b, s:o, s:o, s:{s:I, s:I, s:I}, s:I}", "configured", verdict->probed,
				   "healthy", healthy, "stale", verdict->healthy && !healthy, "why", text_or_null(why),
				   "checks", names_of(copy, verdict->checks), "rounds", "ok", (json_int_t)verdict->rounds_ok,
				   "failed", (json_int_t)verdict->rounds_failed, "error", (json_int_t)verdict->rounds_error,
				   "skipped", (json_int_t)verdict->skipped);

	set_age(object, "since", "since_ms", verdict->since, now);
	return object;
}

static json_t *check_json(const struct page_check *check, int64_t now)
{
	static const char *const states[] = {
	    [VIEW_NOT_RUN] = "unasked", [VIEW_OK] = "ok", [VIEW_FAILED] = "fail", [VIEW_STALE] = "stale"};
	bool has_result = check->has_result;
	json_t *object = json_pack(
	    "{s:o, s:s, s:b, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "name", text_json(check->name), "kind",
	    name_of(&names_check_kinds, check->kind), "soft", check->soft, "state", states[view_check(check, now)], "class",
	    has_result ? json_string(failure_name(check->failure)) : json_null(), "status",
	    has_result && check->status != 0 ? json_integer(check->status) : json_null(), "message",
	    text_or_null(check->message), "took_ms", has_result ? json_real((double)check->took_us / 1000) : json_null(), "ok",
	    (json_int_t)check->ok, "failed", (json_int_t)check->failed, "errors", (json_int_t)check->errors, "last_error",
	    text_or_null(check->error));

	set_age(object, "time", "age_ms", has_result ? check->at : 0, now);
	set_age(object, "since", "since_ms", has_result ? check->since : 0, now);
	return object;
}

static json_t *heartbeat_json(const struct page_beat *beat, int64_t now)
{
	json_t *object =
	    json_pack("{s:o, s:b, s:b, s:b, s:i, s:I, s:I, s:o}", "name", text_json(beat->name), "wanted", beat->open, "armed",
		      beat->armed, "lost", beat->lost, "failures", beat->failures, "ok", (json_int_t)beat->ok, "failed",
		      (json_int_t)beat->failed, "last_error", text_or_null(beat->why));

	set_age(object, "time", "age_ms", beat->at, now);
	return object;
}

/* --- the chain ------------------------------------------------------------------------------------------------------------ */

static json_t *steps_json(const struct page *copy, int64_t now)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < copy->head.steps; i++) {
		const struct page_step *step = &copy->step[i];
		int64_t end = step->ended > 0 ? step->ended : now;
		json_array_append_new(steps, json_pack("{s:o, s:s, s:i, s:o}", "name", text_json(step->name), "state",
						       name_of(&names_step_states, step->state), "attempt", step->attempt,
						       "took_ms", step->started > 0 ? ms(end - step->started) : json_null()));
	}
	return steps;
}

static json_t *chain_json(const struct page *copy, int64_t now)
{
	const struct page_chain *chain = &copy->head.chain;
	const struct page_step *step = view_step(copy);

	if (!chain->ran)
		return json_null();
	int64_t left = chain->deadline > now ? chain->deadline - now : 0;
	return json_pack("{s:b, s:b, s:b, s:s, s:o, s:o, s:I, s:o, s:o, s:b, s:o}", "running", chain->running, "earlier_run",
			 chain->earlier, "cut_off", chain->cut_off, "reason", name_of(&names_reasons, chain->reason), "signal",
			 text_or_null(chain->signal), "started", view_unix_time(chain->unix_ms), "took_ms",
			 (json_int_t)((chain->running ? now : chain->ended) - chain->started), "remaining_ms",
			 chain->running ? ms(left) : json_null(), "step", step != NULL ? text_json(step->name) : json_null(),
			 "required_failed", chain->required_failed, "steps", steps_json(copy, now));
}

static json_t *chains_json(const struct page_head *head)
{
	json_t *chains = json_object();

	for (int reason = 0; reason < REASON_COUNT; reason++)
		json_object_set_new(chains, name_of(&names_reasons, (enum reason)reason),
				    json_pack("{s:I, s:I}", "run", (json_int_t)head->chains_run[reason], "failed",
					      (json_int_t)head->chains_failed[reason]));
	return chains;
}

/* --- all of it ------------------------------------------------------------------------------------------------------------ */

json_t *status_json(const struct page *copy, int64_t now)
{
	const struct page_head *head = &copy->head;
	json_t *probes = json_object(), *checks = json_array(), *heartbeats = json_array();

	for (int kind = 0; kind < PROBE_COUNT; kind++)
		json_object_set_new(probes, name_of(&names_probes, (size_t)kind), probe_json(copy, (enum probe_kind)kind, now));
	for (size_t i = 0; i < head->checks; i++)
		json_array_append_new(checks, check_json(&copy->check[i], now));
	for (size_t i = 0; i < head->beats; i++)
		json_array_append_new(heartbeats, heartbeat_json(&copy->beat[i], now));
	return json_pack("{s:o, s:i, s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "version",
			 text_json(head->tinysup), "pid", (int)head->supervisor, "phase", view_phase_name(head->phase),
			 "started", view_unix_time(head->started_unix_ms), "uptime_ms", (json_int_t)(now - head->started),
			 "last_change_ms", (json_int_t)(now - head->written), "app", app_json(head, now), "probes", probes,
			 "checks", checks, "heartbeats", heartbeats, "chain", chain_json(copy, now), "chains",
			 chains_json(head), "listener_restarts", (json_int_t)head->listener_restarts);
}

/* Not for the listener: what the app writes is nobody's business on the network. */
static json_t *output_json(const struct page_head *head)
{
	char tail[STATUS_TAIL], *rest = tail;
	json_t *lines = json_array();

	if (*head->output == '\0')
		return json_null();
	tail_read(head->output, head->output_tail, tail, sizeof tail);
	for (char *line; *tail != '\0' && (line = strsep(&rest, "\n")) != NULL;)
		json_array_append_new(lines, json_string(line));
	return json_pack("{s:s, s:o}", "file", head->output, "tail", lines);
}

static int print_json(const struct page *copy, int64_t now)
{
	json_t *root = status_json(copy, now);

	json_object_set_new(root, "output", output_json(&copy->head));

	if (root == NULL || json_dumpf(root, stdout, VIEW_JSON) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fputs("tinysup: cannot write the status\n", stderr);
		return EXIT_FAILURE;
	}
	json_decref(root);
	return EXIT_SUCCESS;
}

const struct page *status_find(const char *config)
{
	const struct page *page = page_find(config);

	if (page == NULL)
		fputs("tinysup: no running tinysup that this user may inspect, or several: choose one with --config\n", stderr);
	return page;
}

int status_main(const char *format, const char *config)
{
	static struct page copy; /* too large for a stack */
	const struct page *page = status_find(config);

	if (page == NULL)
		return EXIT_FAILURE;
	if (!page_read(page, &copy)) {
		fputs("tinysup: cannot read the published status: the supervisor stopped in the middle of an update\n", stderr);
		return EXIT_FAILURE;
	}
	if (format != NULL)
		return print_json(&copy, clock_now());
	status_text(stdout, terminal_has_colour(STDOUT_FILENO), &copy, clock_now());
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
