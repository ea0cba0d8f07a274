#include "init/readers/page_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "config/signame.h"
#include "init/base/line.h"
#include "probes/result.h"
#include "probes/clock.h"

enum view_check view_check(const struct page_check *check, int64_t now)
{
	if (!check->has_result)
		return VIEW_NOT_RUN;
	/* a check that no longer runs, such as a startup check, keeps its last result */
	if (check->valid_until > 0 && now > check->valid_until)
		return VIEW_STALE;
	return check->outcome == OUTCOME_OK ? VIEW_OK : VIEW_FAILED;
}

void view_check_why(const struct page_check *check, int64_t now, char why[PAGE_TEXT])
{
	char age[DURATION_TEXT];

	*why = '\0';
	switch (view_check(check, now)) {
	case VIEW_NOT_RUN:
		snprintf(why, PAGE_TEXT, "%s%s", *check->error ? "cannot run: " : "not checked yet", check->error);
		break;
	case VIEW_STALE:
		snprintf(why, PAGE_TEXT, "the last result is %s old", duration_format(now - check->at, age));
		break;
	case VIEW_FAILED:
		snprintf(why, PAGE_TEXT, "%s", *check->message ? check->message : failure_name(check->failure));
		break;
	case VIEW_OK:
		break;
	}
}

enum tone view_check_tone(const struct page_check *check, int64_t now)
{
	static const enum tone tones[] = {
	    [VIEW_NOT_RUN] = TONE_PLAIN, [VIEW_OK] = TONE_GOOD, [VIEW_FAILED] = TONE_BAD, [VIEW_STALE] = TONE_BAD};
	enum tone tone = tones[view_check(check, now)];

	return check->soft && tone == TONE_BAD ? TONE_WARNING : tone;
}

enum tone view_step_tone(unsigned state)
{
	switch ((enum step_state)state) {
	case STATE_OK:
		return TONE_GOOD;
	case STATE_FAILED:
	case STATE_TIMEOUT:
		return TONE_BAD;
	case STATE_CUT:
	case STATE_SKIPPED:
		return TONE_WARNING;
	case STATE_RUNNING:
		return TONE_STRONG;
	case STATE_PENDING:
	case STATE_PAUSED:
		break;
	}
	return TONE_PLAIN;
}

const char *view_beat(const struct page_beat *beat, enum tone *tone)
{
	*tone = beat->lost ? TONE_BAD : beat->armed ? TONE_GOOD : beat->open ? TONE_WARNING : TONE_PLAIN;
	return beat->lost ? "LOST" : beat->armed ? "armed" : beat->open ? "not armed" : "not wanted now";
}

const char *view_span(int64_t duration, char buffer[DURATION_TEXT])
{
	const int64_t s = duration / 1000;

	if (s >= 86400)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "d%" PRId64 "h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(buffer, DURATION_TEXT, "%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
	else
		duration_format(duration, buffer);
	return buffer;
}

/* The heartbeat that the app waits for; NULL: none. */
static const char *awaited(const struct page *copy)
{
	for (size_t i = 0; i < copy->head.beats; i++)
		if (copy->beat[i].start && copy->beat[i].open && !copy->beat[i].armed)
			return copy->beat[i].name;
	return NULL;
}

enum tone view_app(const struct page *copy, int64_t now, char text[PAGE_TEXT])
{
	const struct page_app *app = &copy->head.app;
	const enum page_phase phase = copy->head.phase;
	const char *heartbeat = awaited(copy);
	char time[DURATION_TEXT];

	if (app->pid > 0)
		snprintf(text, PAGE_TEXT, "pid %d, up %s", (int)app->pid, view_span(now - app->started, time));
	else if (heartbeat != NULL)
		snprintf(text, PAGE_TEXT, "waiting for heartbeat %s", heartbeat);
	else if (phase == PAGE_WAITING_TO_RESTART)
		snprintf(text, PAGE_TEXT, "restarting in %s",
			 view_span(app->restart_at > now ? app->restart_at - now : 0, time));
	else
		snprintf(text, PAGE_TEXT, "%s",
			 phase == PAGE_STARTING ? "not started yet"
			 : phase == PAGE_HELD   ? "HELD: restarted too often; not running until the container is restarted"
						: "not running");
	return app->pid <= 0 && heartbeat == NULL && phase == PAGE_HELD ? TONE_BAD : TONE_PLAIN;
}

const char *view_app_end(const struct page_app *app, char text[PAGE_NAME])
{
	if (!app->ended)
		return NULL;
	if (WIFSIGNALED(app->wait_status))
		snprintf(text, PAGE_NAME, "%s", signal_name(WTERMSIG(app->wait_status)));
	else
		snprintf(text, PAGE_NAME, "code %d", WEXITSTATUS(app->wait_status));
	return text;
}

const char *view_app_notify(const struct page_app *app)
{
	if (!app->notify)
		return NULL;
	return app->stopping ? "stopping" : app->reloading ? "reloading" : app->ready ? "ready" : "not ready";
}

const struct page_step *view_step(const struct page *copy)
{
	const struct page_chain *chain = &copy->head.chain;

	return chain->running && chain->step < copy->head.steps ? &copy->step[chain->step] : NULL;
}

void view_progress(const struct page *copy, int64_t now, char text[PAGE_TEXT])
{
	const struct page_chain *chain = &copy->head.chain;
	const struct page_step *step = view_step(copy);
	char left[DURATION_TEXT];

	*text = '\0';
	if (!chain->running)
		return;
	duration_format(chain->deadline > now ? chain->deadline - now : 0, left);
	if (step != NULL)
		snprintf(text, PAGE_TEXT, "at step %s (%zu of %zu), %s left", step->name, chain->step + 1, copy->head.steps,
			 left);
	else
		snprintf(text, PAGE_TEXT, "%s left", left);
}

bool view_healthy(const struct page *copy, enum probe_kind kind, int64_t now, char why[2 * PAGE_TEXT])
{
	char reason[PAGE_TEXT], progress[PAGE_TEXT];

	if (page_healthy(copy, kind, now, reason)) {
		*why = '\0';
		return true;
	}
	view_progress(copy, now, progress);
	bool tells = kind != PROBE_LIVENESS && *progress != '\0';
	snprintf(why, (size_t)2 * PAGE_TEXT, "%s%s%s", reason, tells ? ": " : "", tells ? progress : "");
	return false;
}

json_t *view_unix_time(int64_t unix_ms)
{
	const struct timespec time = {.tv_sec = unix_ms / 1000, .tv_nsec = unix_ms % 1000 * 1000000};
	struct text text;

	text_begin(&text, TEXT_MAX);
	text_add_time(&text, &time);
	return json_stringn_nocheck(text.bytes, text.length);
}

json_t *view_time(int64_t at, int64_t now)
{
	return view_unix_time(clock_wall(clock_now() - (now - at)));
}

const char *view_phase_name(enum page_phase phase)
{
	static const char *const names[] = {[PAGE_STARTING] = "starting",
					    [PAGE_RUNNING] = "running",
					    [PAGE_STOPPING] = "stopping",
					    [PAGE_WAITING_TO_RESTART] = "waiting_to_restart",
					    [PAGE_HELD] = "held"};

	return names[phase];
}
