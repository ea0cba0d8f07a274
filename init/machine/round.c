#include "init/machine/round.h"

#include <stdio.h>
#include <string.h>

#include "probes/process.h"

#define NO_ANSWER "timeout: no response within %lld ms"

static bool has_bit(uint64_t set, size_t check)
{
	return (set >> check & 1) != 0;
}

/* Timeout of a check: its own, else the probe's. */
static msec_t time_of(const struct prober *prober, enum probe_kind kind, size_t check)
{
	msec_t own = prober->plan->checks.items[check].timeout, probes = prober->plan->probes[kind].timeout;

	return own != MSEC_UNSET ? own : probes;
}

/* When a run is too late for a probe, counted from its start. Programs have no grace: process 1 kills them. */
static msec_t limit_of(const struct prober *prober, enum probe_kind kind, size_t check)
{
	return time_of(prober, kind, check) + (prober->plan->checks.items[check].kind == CHECK_EXEC ? 0 : PROBER_GRACE);
}

/* The longest timeout of all probes that use it: they may share a run. */
static msec_t longest_time_of(const struct prober *prober, size_t check)
{
	msec_t most = 0;

	for (int kind = 0; kind < PROBE_COUNT; kind++)
		if (has_bit(prober->plan->probes[kind].checks, check) && time_of(prober, (enum probe_kind)kind, check) > most)
			most = time_of(prober, (enum probe_kind)kind, check);
	return most;
}

msec_t round_expires(const struct prober *prober, enum probe_kind kind)
{
	const struct prober_round *round = &prober->rounds[kind];
	msec_t soonest = INT64_MAX;

	for (size_t i = 0; round->under_way && i < prober->plan->checks.count; i++)
		if (has_bit(round->open, i) && prober->checks[i].check_started + limit_of(prober, kind, i) < soonest)
			soonest = prober->checks[i].check_started + limit_of(prober, kind, i);
	return soonest;
}

/* A run that this probe has given up on still runs for another probe: the check cannot be started again, nor count twice. */
static bool must_wait(const struct prober *prober, msec_t now, enum probe_kind kind)
{
	for (size_t i = 0; i < prober->plan->checks.count; i++)
		if (has_bit(prober->plan->probes[kind].checks, i) && prober->checks[i].running &&
		    now >= prober->checks[i].check_started + limit_of(prober, kind, i))
			return true;
	return false;
}

msec_t round_longest(const struct prober *prober, enum probe_kind kind)
{
	msec_t most = 0;

	for (size_t i = 0; i < prober->plan->checks.count; i++)
		if (has_bit(prober->plan->probes[kind].checks, i) && time_of(prober, kind, i) > most)
			most = time_of(prober, kind, i);
	return most + PROBER_GRACE;
}

/* --- a round's end ----------------------------------------------------------------------------------------------------- */

static void set_verdict(struct prober *prober, enum probe_kind kind, enum verdict verdict, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	if (round->verdict == verdict)
		return;
	round->verdict = verdict;
	prober_push(out, (struct prober_action){.kind = PROBER_VERDICT, .probe = kind});
	if (verdict == VERDICT_FAILURE && kind != PROBE_READINESS)
		prober_push(out, (struct prober_action){.kind = PROBER_UNHEALTHY, .probe = kind});
}

static void on_failure(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	round->rounds_failed++;
	round->successes = 0;
	round->failures++;
	if (kind == PROBE_STARTUP && now < prober->extended)
		return; /* EXTEND_TIMEOUT_USEC */
	if (round->failures >= prober->plan->probes[kind].failure_threshold)
		set_verdict(prober, kind, VERDICT_FAILURE, out);
}

static void on_success(struct prober *prober, enum probe_kind kind, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	round->rounds_ok++;
	round->failures = 0;
	round->successes++;
	if (round->successes >= prober->plan->probes[kind].success_threshold)
		set_verdict(prober, kind, VERDICT_SUCCESS, out);
}

static void set_reason(struct prober *prober, enum probe_kind kind, uint64_t which)
{
	size_t check = (size_t)__builtin_ctzll(which);
	char why[sizeof prober->rounds[kind].why];
	const char *name = prober->plan->checks.items[check].name;

	if (has_bit(prober->rounds[kind].late, check))
		snprintf(why, sizeof why, "%s: " NO_ANSWER, name, (long long)time_of(prober, kind, check));
	else
		snprintf(why, sizeof why, "%s: %s", name, prober->checks[check].last.message);
	memcpy(prober->rounds[kind].why, why, sizeof why);
}

/* Soft checks do not count. If a missing result could change the verdict, the round is an error. */
static void finish_round(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	const struct plan_probe *plan = &prober->plan->probes[kind];
	struct prober_round *round = &prober->rounds[kind];
	uint64_t deciding = plan->checks;

	for (size_t i = 0; i < prober->plan->checks.count; i++)
		if (prober->plan->checks.items[i].soft)
			deciding &= ~(UINT64_C(1) << i);
	uint64_t bad = round->failed & deciding, good = round->ok & deciding, unknown = deciding & ~bad & ~good;
	bool any = plan->mode == PROBE_ANY && deciding != 0;

	round->under_way = false;
	round->blamed = bad;
	if (kind == PROBE_STARTUP && prober->plan->app.notify && !prober->ready_came) {
		snprintf(round->why, sizeof round->why, "waiting for READY=1");
		on_failure(prober, now, kind, out);
	} else if (any ? good != 0 : (bad | unknown) == 0) {
		on_success(prober, kind, out);
	} else if (any ? unknown != 0 : bad == 0) {
		round->rounds_error++;
	} else {
		set_reason(prober, kind, bad);
		on_failure(prober, now, kind, out);
	}
}

/* --- answers ------------------------------------------------------------------------------------------------------------- */

static void record_result(struct prober *prober, msec_t now, size_t index, const struct check_result *result,
			  struct prober_actions *out)
{
	struct prober_check *check = &prober->checks[index];

	check->erring = result->outcome == OUTCOME_ERROR;
	if (check->erring) {
		check->errors++;
		memcpy(check->error, result->message, sizeof check->error);
		return;
	}
	bool changed = !check->has_result || check->last.outcome != result->outcome;
	check->last = *result;
	check->has_result = true;
	check->at = now;
	check->total_us += result->took_us;
	if (result->outcome == OUTCOME_OK)
		check->ok++;
	else
		check->failed++;
	if (!changed)
		return;
	check->since = now;
	prober_push(out, (struct prober_action){.kind = PROBER_CHANGED, .check = index});
}

static void update_round(struct prober *prober, msec_t now, enum probe_kind kind, size_t check, enum outcome outcome,
			 struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];
	uint64_t bit = UINT64_C(1) << check;

	prober->checks[check].waiting &= ~(1u << kind);
	if (!round->under_way || (round->open & bit) == 0)
		return;
	round->open &= ~bit;
	round->ok |= outcome == OUTCOME_OK ? bit : 0;
	round->failed |= outcome == OUTCOME_FAIL ? bit : 0;
	if (round->open == 0)
		finish_round(prober, now, kind, out);
}

/* A run may take as long as the most patient probe allows; for other probes that is a failure. */
static bool is_too_slow(const struct prober *prober, enum probe_kind kind, size_t check, const struct check_result *result)
{
	msec_t time = time_of(prober, kind, check);

	return result->outcome == OUTCOME_OK && time < longest_time_of(prober, check) && result->took_us > time * 1000;
}

void round_result(struct prober *prober, msec_t now, size_t index, const struct check_result *result,
		  struct prober_actions *out)
{
	struct prober_check *check = &prober->checks[index];
	unsigned waiting = check->waiting;

	check->running = false;
	record_result(prober, now, index, result, out);
	for (int kind = 0; kind < PROBE_COUNT; kind++) {
		bool slow = is_too_slow(prober, (enum probe_kind)kind, index, result);
		if ((waiting >> kind & 1) == 0)
			continue;
		prober->rounds[kind].late |= slow ? UINT64_C(1) << index : 0;
		update_round(prober, now, (enum probe_kind)kind, index, slow ? OUTCOME_FAIL : result->outcome, out);
	}
}

/* No round waits any more: ends the run with a timeout. */
static void end_check(struct prober *prober, msec_t now, size_t index, msec_t time, struct prober_actions *out)
{
	struct prober_check *check = &prober->checks[index];
	struct check_result late = {.retry_after = MSEC_UNSET, .took_us = (now - check->check_started) * 1000, .sent = true};

	result_fail(&late, FAILURE_TIMEOUT, NO_ANSWER, (long long)time);
	record_result(prober, now, index, &late, out);
	check->running = false;
	prober_push(out, (struct prober_action){.kind = PROBER_KILL, .check = index});
}

void round_expire(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	for (size_t i = 0; i < prober->plan->checks.count && round->under_way; i++) {
		if (!has_bit(round->open, i) || now < prober->checks[i].check_started + limit_of(prober, kind, i))
			continue;
		if (prober->checks[i].waiting == 1u << kind)
			end_check(prober, now, i, time_of(prober, kind, i), out);
		round->late |= UINT64_C(1) << i;
		update_round(prober, now, kind, i, OUTCOME_FAIL, out);
	}
}

void round_abandon(struct prober *prober, enum probe_kind kind, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	for (size_t i = 0; i < prober->plan->checks.count && round->under_way; i++) {
		struct prober_check *check = &prober->checks[i];
		if (!has_bit(round->open, i))
			continue;
		check->waiting &= ~(1u << kind);
		if (check->waiting == 0 && check->running) {
			check->running = false;
			prober_push(out, (struct prober_action){.kind = PROBER_KILL, .check = i});
		}
	}
	round->under_way = round->pending = false;
	round->open = 0;
}

/* --- questions ----------------------------------------------------------------------------------------------------------- */

/* The age of the last WATCHDOG=1 is known: no process is needed. */
static void judge_notify(struct prober *prober, msec_t now, size_t check, struct prober_actions *out)
{
	msec_t last = prober->watchdog_at > prober->app_started ? prober->watchdog_at : prober->app_started;
	struct check_result result = {.retry_after = MSEC_UNSET};

	process_judge_age(&prober->plan->checks.items[check].notify, now - last, &result);
	round_result(prober, now, check, &result, out);
}

static void start_check(struct prober *prober, msec_t now, enum probe_kind kind, size_t index, struct prober_actions *out)
{
	struct prober_check *check = &prober->checks[index];

	check->waiting |= 1u << kind;
	if (check->running)
		return;
	if (prober->plan->checks.items[index].kind == CHECK_NOTIFY) {
		judge_notify(prober, now, index, out);
		return;
	}
	check->running = true;
	check->check_started = now;
	prober_push(out,
		    (struct prober_action){.kind = PROBER_START_CHECK, .check = index, .time = longest_time_of(prober, index)});
}

static void start_round(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	const struct plan_probe *plan = &prober->plan->probes[kind];
	struct prober_round *round = &prober->rounds[kind];

	round->under_way = true;
	round->started = now;
	round->open = plan->checks;
	round->ok = round->failed = round->late = 0;
	if (plan->checks == 0)
		finish_round(prober, now, kind, out);
	for (size_t i = 0; i < prober->plan->checks.count; i++)
		if (has_bit(plan->checks, i))
			start_check(prober, now, kind, i, out);
}

void round_tick(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	const struct plan_probe *plan = &prober->plan->probes[kind];
	struct prober_round *round = &prober->rounds[kind];
	bool busy = round->under_way || must_wait(prober, now, kind);

	round->due += plan->period;
	if (round->due <= now) { /* we overslept */
		round->skipped += (uint64_t)((now - round->due) / plan->period + 1);
		round->due += ((now - round->due) / plan->period + 1) * plan->period;
	}
	if (busy) { /* one round waits, as in the kubelet's ticker; further ones are skipped */
		round->skipped += round->pending;
		round->pending = true;
		return;
	}
	start_round(prober, now, kind, out);
}

void round_catch_up(struct prober *prober, msec_t now, enum probe_kind kind, struct prober_actions *out)
{
	struct prober_round *round = &prober->rounds[kind];

	if (!round->pending || round->under_way || must_wait(prober, now, kind))
		return;
	round->pending = false;
	start_round(prober, now, kind, out);
}
