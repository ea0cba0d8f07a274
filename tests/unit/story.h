/* A single path through the sequencer, told event by event. */
#ifndef TINYSUP_TESTS_UNIT_STORY_H
#define TINYSUP_TESTS_UNIT_STORY_H

#include "tests/unit/walk.h"

static struct path story;

static inline void begin_story(void)
{
	memset(&story, 0, sizeof story);
	story.now = 5000;
	seq_init(&story.seq, &plan, false, 7);
}

static inline void happens(struct event event)
{
	story.now += 10;
	take(&story, &event);
}

static inline void step_brings(size_t step, enum outcome outcome)
{
	struct check_result result = {.outcome = outcome,
				      .failure = outcome == OUTCOME_OK ? FAILURE_NONE : FAILURE_EXEC,
				      .status = outcome == OUTCOME_OK ? 0 : 1,
				      .retry_after = MSEC_UNSET,
				      .sent = true};

	happens((struct event){.kind = EVENT_STEP_DONE, .step = step, .result = &result});
}

static inline void app_ends(int status)
{
	happens((struct event){.kind = EVENT_APP_EXIT, .wait_status = status});
}

static inline void nothing_is_left(void)
{
	happens((struct event){.kind = EVENT_NOTHING_LEFT});
}

static inline void stop_signal(void)
{
	happens((struct event){.kind = EVENT_SIGNAL, .signal = TERM});
}

#endif
