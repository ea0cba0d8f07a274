#include "init/readers/page_view.h"

#include <stdio.h>
#include <string.h>

#include "config/duration.h"
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
	bool tells = kind == PROBE_READINESS && *progress != '\0';
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
	static const char *const names[] = {
	    [PAGE_RUNNING] = "running", [PAGE_STOPPING] = "stopping", [PAGE_WAITING_TO_RESTART] = "waiting_to_restart"};

	return names[phase];
}
