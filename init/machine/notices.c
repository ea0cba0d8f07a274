#include "init/machine/notices.h"

#include <stdio.h>

#include "config/names.h"

/* The channels that want a kind. */
static uint64_t channels_of(const struct notices *notices, enum notice kind)
{
	const struct plan_alerts *alerts = &notices->plan->alerts;
	uint64_t channels = 0;

	for (size_t i = 0; i < alerts->count && i < 64; i++) {
		unsigned on = alerts->items[i].on != 0 ? alerts->items[i].on : notices->plan->notify_on;
		if ((on >> kind & 1) != 0)
			channels |= UINT64_C(1) << i;
	}
	return channels;
}

void notices_event(struct notices *notices, msec_t now, enum notice kind)
{
	struct notice_kind *state = &notices->kinds[kind];

	if (channels_of(notices, kind) == 0)
		return;
	bool unsettled = state->untold > 0 || (notices->flying && notices->order.kind == kind);
	if (state->total == 0 || (!unsettled && now - state->last >= NOTICE_EPISODE)) {
		state->total = 0;
		state->since = now;
	}
	if (state->untold == 0)
		state->waiting_since = now;
	state->untold++;
	state->total++;
	state->last = now;
}

/* When a kind that waits may be told. */
static msec_t due_at(const struct notices *notices, const struct notice_kind *state)
{
	return !state->told || notices->closing ? 0 : state->told_at + NOTICE_QUIET;
}

/* The kind that has waited longest of those that are due; -1: none. */
static int choose(const struct notices *notices, msec_t now)
{
	int chosen = -1;

	for (int kind = 0; kind < NOTICE_COUNT; kind++) {
		const struct notice_kind *state = &notices->kinds[kind];
		if (state->untold == 0 || due_at(notices, state) > now)
			continue;
		if (chosen < 0 || state->waiting_since < notices->kinds[chosen].waiting_since)
			chosen = kind;
	}
	return chosen;
}

static msec_t earlier(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

bool notices_next(struct notices *notices, msec_t now, struct notice_order *order)
{
	if (notices->flying || (notices->closing && now >= notices->closed))
		return false;
	int kind = choose(notices, now);
	if (kind < 0)
		return false;
	struct notice_kind *state = &notices->kinds[kind];
	msec_t until = now + NOTICE_TIMEOUT;
	*order = (struct notice_order){
	    .kind = (enum notice)kind,
	    .channels = channels_of(notices, (enum notice)kind),
	    .untold = state->untold,
	    .total = state->total,
	    .since = state->since,
	    .last = state->last,
	    .until = notices->closing ? earlier(until, notices->closed) : until,
	};
	state->untold = 0;
	state->told = true;
	state->told_at = now;
	notices->order = *order;
	notices->taken = false;
	notices->flying = true;
	return true;
}

/* No channel took it: what it told waits again, as if nothing had been told, but not for ever. */
static void take_back(struct notices *notices, struct notice_kind *state)
{
	if (++state->tries >= NOTICE_TRIES || notices->closing) {
		notices->lost += notices->order.untold;
		state->tries = 0;
		return;
	}
	state->untold += notices->order.untold;
	state->waiting_since = notices->order.last;
}

static void land(struct notices *notices)
{
	struct notice_kind *state = &notices->kinds[notices->order.kind];

	notices->flying = false;
	if (notices->taken)
		state->tries = 0;
	else
		take_back(notices, state);
}

void notices_done(struct notices *notices, size_t channel, bool taken)
{
	if (!notices->flying || channel >= 64 || (notices->order.channels >> channel & 1) == 0)
		return;
	notices->order.channels &= ~(UINT64_C(1) << channel);
	notices->taken |= taken;
	if (notices->order.channels == 0)
		land(notices);
}

uint64_t notices_expired(struct notices *notices, msec_t now)
{
	uint64_t channels = notices->order.channels;

	if (!notices->flying || now < notices->order.until)
		return 0;
	notices->order.channels = 0;
	land(notices);
	return channels;
}

msec_t notices_wake(const struct notices *notices)
{
	msec_t wake = INT64_MAX;

	if (notices->flying)
		return notices->order.until;
	for (int kind = 0; kind < NOTICE_COUNT; kind++)
		if (notices->kinds[kind].untold > 0)
			wake = earlier(wake, due_at(notices, &notices->kinds[kind]));
	return wake;
}

void notices_close(struct notices *notices, msec_t until)
{
	notices->closing = true;
	notices->closed = until;
	if (notices->flying)
		notices->order.until = earlier(notices->order.until, until);
}

bool notices_pending(struct notices *notices, msec_t now, msec_t *until)
{
	bool waits = notices->flying;

	*until = notices->closed;
	for (int kind = 0; kind < NOTICE_COUNT; kind++)
		waits |= notices->kinds[kind].untold > 0;
	if (!waits || now < notices->closed)
		return waits;
	notices_expired(notices, now);
	for (int kind = 0; kind < NOTICE_COUNT; kind++) {
		notices->lost += notices->kinds[kind].untold;
		notices->kinds[kind].untold = 0;
	}
	return false;
}

const char *notice_words(const struct notice_order *order, msec_t now, int64_t wall, char buffer[NOTICE_WORDS])
{
	const char *kind = name_of(&names_notices, order->kind);
	long long seconds = (now - order->since + 999) / 1000, last = wall - (now - order->last) / 1000;

	if (order->total == 1)
		snprintf(buffer, NOTICE_WORDS, "%s", kind);
	else
		snprintf(buffer, NOTICE_WORDS, "%s %llu times in the last %lld %s, last at %02lld:%02lld:%02lld UTC", kind,
			 (unsigned long long)order->total, seconds < 120 ? seconds : (seconds + 59) / 60,
			 seconds < 120 ? "s" : "min", last / 3600 % 24, last / 60 % 60, last % 60);
	return buffer;
}
