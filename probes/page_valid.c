/* Validates pages. */
#include <string.h>
#include <sys/wait.h>

#include "probes/page.h"
#include "probes/utf8.h"

/* Bounds of times: sums and differences do not overflow. */
#define TIME_MAX INT64_C(253402300799999) /* the year 9999, from 1970 */

#define SIGNALS 64

/* A text that ends within its field, and can be printed as it is. */
static bool is_text(const char *field, size_t size)
{
	return memchr(field, '\0', size) != NULL && utf8_is_plain(field);
}

/* Reading a byte other than 0 or 1 as bool is undefined. */
static bool is_bool(const bool *field)
{
	unsigned char byte;

	memcpy(&byte, field, sizeof byte);
	return byte <= 1;
}

static bool is_time(int64_t time)
{
	return time >= 0 && time <= TIME_MAX;
}

/* What is never added to anything. */
static bool is_duration(int64_t time)
{
	return time >= 0;
}

static bool verdict_is_valid(const struct page_verdict *verdict)
{
	return is_bool(&verdict->healthy) && is_bool(&verdict->probed) && is_duration(verdict->valid_until) &&
	       is_time(verdict->since) && is_text(verdict->why, sizeof verdict->why);
}

static bool check_is_valid(const struct page_check *check)
{
	return is_text(check->name, sizeof check->name) && (unsigned)check->kind <= CHECK_PROCESS && is_bool(&check->soft) &&
	       is_bool(&check->has_result) && (unsigned)check->outcome <= OUTCOME_ERROR &&
	       (unsigned)check->failure <= FAILURE_INTERNAL && is_duration(check->took_us) && is_time(check->at) &&
	       is_time(check->since) && is_duration(check->valid_until) && is_duration(check->total_us) &&
	       is_text(check->message, sizeof check->message) && is_text(check->error, sizeof check->error);
}

static bool step_is_valid(const struct page_step *step)
{
	return is_text(step->name, sizeof step->name) && step->state < STATE_COUNT && is_time(step->started) &&
	       is_time(step->ended);
}

static bool beat_is_valid(const struct page_beat *beat)
{
	return is_text(beat->name, sizeof beat->name) && is_bool(&beat->start) && is_bool(&beat->open) &&
	       is_bool(&beat->armed) && is_bool(&beat->lost) && beat->failures >= 0 && is_time(beat->at) &&
	       is_text(beat->why, sizeof beat->why);
}

static bool chain_is_valid(const struct page_chain *chain, size_t steps)
{
	return is_bool(&chain->ran) && is_bool(&chain->running) && is_bool(&chain->earlier) && is_bool(&chain->cut_off) &&
	       (unsigned)chain->reason < REASON_COUNT && is_text(chain->signal, sizeof chain->signal) &&
	       is_time(chain->started) && is_time(chain->ended) && is_time(chain->deadline) && is_time(chain->unix_ms) &&
	       chain->step <= steps && is_bool(&chain->required_failed);
}

static bool app_is_valid(const struct page_app *app)
{
	return app->pid >= 0 && is_time(app->started) && is_time(app->started_unix_ms) && is_duration(app->restart_at) &&
	       is_bool(&app->ended) && (!WIFSIGNALED(app->wait_status) || WTERMSIG(app->wait_status) <= SIGNALS) &&
	       is_bool(&app->notify) && is_bool(&app->ready) && is_bool(&app->stopping) && is_bool(&app->reloading) &&
	       is_time(app->watchdog_at) && is_duration(app->watchdog) && is_text(app->status, sizeof app->status);
}

static bool head_is_valid(const struct page_head *head)
{
	return is_text(head->app_name, sizeof head->app_name) && is_text(head->tinysup, sizeof head->tinysup) &&
	       head->supervisor >= 0 && is_text(head->config, sizeof head->config) &&
	       is_text(head->output, sizeof head->output) && head->output_tail >= 0 && head->output_tail <= PLAN_TAIL_MAX &&
	       is_time(head->started) && is_time(head->started_unix_ms) && is_time(head->written) &&
	       (unsigned)head->phase < PAGE_PHASES && is_bool(&head->probes) && app_is_valid(&head->app) &&
	       head->checks <= PLAN_CHECKS_MAX && head->steps <= PLAN_STEPS_MAX && head->beats <= PLAN_HEARTBEATS_MAX &&
	       chain_is_valid(&head->chain, head->steps);
}

bool page_valid(const struct page *copy)
{
	if (!head_is_valid(&copy->head))
		return false;
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if (!verdict_is_valid(&copy->head.verdicts[kind]))
			return false;
	for (size_t i = 0; i < copy->head.checks; i++)
		if (!check_is_valid(&copy->check[i]))
			return false;
	for (size_t i = 0; i < copy->head.steps; i++)
		if (!step_is_valid(&copy->step[i]))
			return false;
	for (size_t i = 0; i < copy->head.beats; i++)
		if (!beat_is_valid(&copy->beat[i]))
			return false;
	for (size_t i = 0; i < page_events(copy); i++)
		if (!record_valid(&copy->event[i]))
			return false;
	return true;
}
