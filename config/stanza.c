#include "config/stanza.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>

#include "config/address.h"
#include "config/platform.h"
#include "config/signame.h"

#define PERIOD_MOST  60
#define READY_PERIOD ((msec_t)5000) /* READY=1 is no check: nothing says how often */
#define SECONDS_MOST 1000000000     /* 30 years: as a count of failures it fits into 32 bits */
#define READ_TIME    ((msec_t)2000) /* for the journal, if nothing depends on it: init/machine/opening.c */

static int64_t seconds_of(msec_t time)
{
	int64_t seconds = (time + 999) / 1000;

	return seconds < SECONDS_MOST ? seconds : SECONDS_MOST;
}

int64_t stanza_failures(int64_t period, int64_t time)
{
	return time > 0 ? (time + period - 1) / period + 1 : 2;
}

/* --- names, signals, addresses ----------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Lower case; runs of anything else become one hyphen, of which none comes first or last. */
static void make_name(const char *from, char to[STANZA_NAME])
{
	size_t length = 0;

	for (; *from != '\0' && length < STANZA_NAME - 1; from++) {
		char c = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
		if (is_letter(c))
			to[length++] = c;
		else if (length > 0 && to[length - 1] != '-')
			to[length++] = '-';
	}
	while (length > 0 && to[length - 1] == '-')
		length--;
	to[length] = '\0';
	/* Nomad and Kubernetes' services want a letter first */
	if (length == 0 || (to[0] >= '0' && to[0] <= '9'))
		memcpy(to, "app", sizeof "app");
}

static const char *stop_signal(uint64_t signals)
{
	int number = 1;

	/* every platform sends it unless it is told otherwise */
	if ((signals & SIGNAL_BIT(SIGTERM)) != 0 || signals == 0)
		return signal_name(SIGTERM);
	if ((signals & SIGNAL_BIT(SIGINT)) != 0)
		return signal_name(SIGINT);
	while ((signals & SIGNAL_BIT(number)) == 0)
		number++;
	return signal_name(number);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
	return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static void make_port(const char *listen, struct stanza *to)
{
	struct sockaddr_storage address;
	socklen_t length;

	if (listen == NULL || !listen_address(listen, &address, &length))
		return;
	to->loopback = is_loopback(&address);
	/* the port is at the same place in both */
	if (!to->loopback)
		to->port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

/* --- probes -------------------------------------------------------------------------------------------------------------- */

static int64_t period_of(msec_t period)
{
	int64_t seconds = period / 1000;

	return seconds < 1 ? 1 : seconds > PERIOD_MOST ? PERIOD_MOST : seconds;
}

static void make_probes(const struct plan *plan, struct stanza *to)
{
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		to->probes[kind] = (struct stanza_probe){plan->probes[kind].given, period_of(plan->probes[kind].period)};
	to->notified = plan->app.notify && !plan->probes[PROBE_STARTUP].given;
	/* startup and readiness are failed until READY=1 */
	for (int kind = 0; plan->app.notify && kind < PROBE_COUNT; kind++)
		if (kind != PROBE_LIVENESS && !plan->probes[kind].given)
			to->probes[kind] = (struct stanza_probe){true, period_of(READY_PERIOD)};
	/* WATCHDOG=1 is liveness, too */
	if (plan->app.watchdog > 0 && !plan->probes[PROBE_LIVENESS].given)
		to->probes[PROBE_LIVENESS] = (struct stanza_probe){true, period_of(plan->app.watchdog)};
}

/* The longest a round can take: its checks run side by side. */
static msec_t longest_check(const struct plan *plan, const struct plan_probe *probe)
{
	msec_t longest = 0;

	for (size_t i = 0; i < plan->checks.count; i++) {
		msec_t timeout = plan->checks.items[i].timeout;
		if ((probe->checks >> i & 1) == 0)
			continue;
		if (timeout == MSEC_UNSET)
			timeout = probe->timeout;
		if (timeout > longest)
			longest = timeout;
	}
	return longest;
}

/* From the app's start to the end of so many rounds. */
static msec_t rounds_take(const struct plan *plan, enum probe_kind kind, int rounds)
{
	const struct plan_probe *probe = &plan->probes[kind];
	msec_t longest = longest_check(plan, probe);

	return probe->initial_delay + probe->jitter + rounds * (probe->period > longest ? probe->period : longest);
}

static msec_t liveness_fails(const struct plan *plan)
{
	const struct plan_probe *liveness = &plan->probes[PROBE_LIVENESS];
	msec_t rounds = liveness->given ? rounds_take(plan, PROBE_LIVENESS, liveness->failure_threshold) : 0;

	return rounds > plan->app.watchdog ? rounds : plan->app.watchdog;
}

static msec_t opening_takes(const struct plan *plan)
{
	bool matters = plan->recovery.possible || plan->app.restart.exhausted == EXHAUSTED_HOLD;
	msec_t time = plan->start.chain.count > 0 ? plan->start.deadline : 0;

	if (plan->state_dir != NULL)
		time += matters ? plan->recovery.deadline : READ_TIME;
	if (plan->recovery.possible)
		time += plan->recovery.deadline;
	return time;
}

static bool any_action(const struct plan *plan)
{
	for (int kind = 0; kind < PROBE_READINESS; kind++)
		if ((plan->probes[kind].given || plan->app.watchdog > 0) && plan->probes[kind].on_failure != UNHEALTHY_NONE)
			return true;
	return false;
}

static void make_times(const struct plan *plan, struct stanza *to)
{
	const struct plan_probe *startup = &plan->probes[PROBE_STARTUP], *readiness = &plan->probes[PROBE_READINESS];
	/* the chain, and what the old app has left, are over within the deadline */
	msec_t busy = to->restarts ? to->deadline + plan->app.restart.backoff_max : to->acts ? to->deadline : 0;
	msec_t opening = opening_takes(plan), life = to->notified ? (msec_t)STANZA_READY * 1000 : 0, whole;

	if (startup->given)
		life = rounds_take(plan, PROBE_STARTUP, startup->failure_threshold);
	/* an app that does not start up may be restarted as often as an other; at last there is the shutdown */
	whole = opening + life;
	if (life > 0 && to->restarts)
		whole += plan->app.restart.max * (life + busy);
	if (life > 0 && to->acts)
		whole += to->deadline;
	to->opening = seconds_of(opening);
	to->start = seconds_of(opening + life);
	to->startup = seconds_of(whole);
	to->failing = seconds_of(liveness_fails(plan));
	to->ready =
	    seconds_of(whole + (readiness->given ? rounds_take(plan, PROBE_READINESS, readiness->success_threshold) : 0));
	to->busy = seconds_of(busy);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------
 */

/* What a stop must put in order is there once, and another instance would start beside it. */
static bool has_required_steps(const struct plan_chain *chain)
{
	for (size_t i = 0; i < chain->steps; i++) {
		const struct plan_step *step = plan_step_at(chain, i);
		if (step->required && step->kind != STEP_STOP)
			return true;
	}
	return false;
}

static void make_restarts(const struct plan *plan, struct stanza *to)
{
	const struct plan_restart *restart = &plan->app.restart;

	to->restarts = plan_may_restart(plan);
	to->acts = any_action(plan);
	to->arms = plan->heartbeats.arms;
	to->single = plan->state_dir != NULL || plan->heartbeats.count > 0 || plan->signers.count > 0 ||
		     has_required_steps(&plan->shutdown.chain);
	to->returns = restart->policy == RESTART_ALWAYS || restart->exhausted == EXHAUSTED_HOLD || plan->state_dir != NULL ||
		      plan->heartbeats.count > 0;
	to->attempts = restart->max;
	to->backoff = seconds_of(restart->backoff < restart->backoff_max ? restart->backoff : restart->backoff_max);
	to->within = seconds_of(restart->within);
}

void stanza_make(const struct plan *plan, struct stanza *to)
{
	const struct plan_shutdown *shutdown = &plan->shutdown;
	msec_t grace = shutdown->granted ? shutdown->grace : platform_needed(shutdown->deadline);

	*to = (struct stanza){.grace = seconds_of(grace), .signal = stop_signal(shutdown->signals)};
	to->deadline = platform_effective(shutdown->deadline, grace);
	make_name(plan->app.name, to->name);
	make_port(plan->listen, to);
	make_probes(plan, to);
	make_restarts(plan, to);
	make_times(plan, to);
}
