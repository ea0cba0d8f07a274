/* --emit=docker, compose and swarm. All three ask by `tinysup --probe`, as an image needs nothing else for it. */
#include <string.h>

#include "config/emit_writers.h"

/* A health check of Docker's. One success makes it healthy. */
struct health {
	const char *probe; /* NULL: none */
	int64_t period, failures, start;
};

#define USUAL_PERIOD   10
#define USUAL_FAILURES 3
#define USUAL_START    60 /* seconds for a start that nothing limits; "healthy" does not wait for their end */
#define MARGIN         10 /* seconds, of monitor */

/* Startup counts only where it is alone: its period is that of a short time, and each question costs a process. */
static int64_t shortest_period(const struct stanza *stanza)
{
	const struct stanza_probe *liveness = &stanza->probes[PROBE_LIVENESS], *readiness = &stanza->probes[PROBE_READINESS];

	if (!liveness->given && !readiness->given)
		return stanza->probes[PROBE_STARTUP].period;
	if (liveness->given && (!readiness->given || liveness->period < readiness->period))
		return liveness->period;
	return readiness->period;
}

/* All three verdicts, for who waits for service_healthy. Docker itself only shows the result. */
static struct health whole_health(const struct plan *plan, const struct stanza *stanza)
{
	int64_t start = stanza->ready + (stanza->probes[PROBE_STARTUP].given ? 0 : USUAL_START);

	if (emit_any_probe(stanza))
		return (struct health){"--probe", shortest_period(stanza), stanza_failures(1, 0), start};
	if (plan->checks.count > 0)
		return (struct health){"--probe", USUAL_PERIOD, USUAL_FAILURES, start};
	return (struct health){.probe = NULL};
}

static const char *policy(const struct stanza *stanza)
{
	return stanza->returns ? "unless-stopped" : "on-failure";
}

static void why_policy(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to)
{
	emit_exit_codes(plan, indent, to);
	if (stanza->returns)
		fprintf(to,
			"%s# unless-stopped comes back after a reboot, too, which journal, heartbeats and hold need; "
			"on-failure does not\n",
			indent);
	else
		fprintf(to,
			"%s# on-failure: 0 means done; unless-stopped restarts after 0, too, and after a reboot of the host\n",
			indent);
}

static void why_start(const struct stanza *stanza, const char *indent, FILE *to)
{
	if (!stanza->probes[PROBE_STARTUP].given)
		fprintf(to,
			"%s# start_period: nothing says how long a start may take, so %d s for it; they do not delay "
			"\"healthy\"\n",
			indent, USUAL_START);
	else
		fprintf(to, "%s# start_period: what comes before the app, and %s\n", indent, emit_start_limit(stanza));
}

static void why_health(const struct plan *plan, const struct stanza *stanza, const char *indent, FILE *to)
{
	if (!emit_any_probe(stanza))
		fprintf(to, "%s# the configuration has checks and no probes: each time, they are run\n", indent);
	else
		fprintf(to,
			"%s# started, live and ready; tinysup has applied its own thresholds, but an answer may be lost: 2 "
			"failures\n",
			indent);
	if (emit_any_probe(stanza) && stanza->busy > 0) {
		emit_why_busy(plan, stanza, indent, to);
		fprintf(to, "%s# so what acts on Docker's health (autoheal, Podman) needs --probe=live and %lld retries\n",
			indent, (long long)stanza_failures(shortest_period(stanza), stanza->busy));
	}
	why_start(stanza, indent, to);
}

void emit_docker(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	struct health health = whole_health(plan, stanza);

	fputc('\n', to);
	if (health.probe != NULL) {
		why_health(plan, stanza, "", to);
		fprintf(to,
			"HEALTHCHECK --interval=%llds --timeout=%ds --start-period=%llds --retries=%lld CMD "
			"[\"/sbin/tinysup\", \"%s\"]\n",
			(long long)health.period, STANZA_TIMEOUT, (long long)health.start, (long long)health.failures,
			health.probe);
	} else {
		fputs("# no HEALTHCHECK: the configuration has neither probes nor checks\n", to);
	}
	fprintf(to, "STOPSIGNAL %s\n\n", stanza->signal);
	fputs("# What an image cannot say, for docker run; its default for --stop-timeout is 10 s\n", to);
	emit_why_grace(plan, stanza, "", to);
	why_policy(plan, stanza, "", to);
	fprintf(to, "# docker run --stop-timeout=%lld --stop-signal=%s --restart=%s IMAGE\n", (long long)stanza->grace,
		stanza->signal, policy(stanza));
	if (health.probe == NULL)
		return;
	fputs("# Without HEALTHCHECK in the image, which then needs a shell, add\n", to);
	fprintf(to,
		"# --health-cmd='/sbin/tinysup %s' --health-interval=%llds --health-timeout=%ds --health-start-period=%llds "
		"--health-retries=%lld\n",
		health.probe, (long long)health.period, STANZA_TIMEOUT, (long long)health.start, (long long)health.failures);
}

static void put_health(const struct health *health, FILE *to)
{
	fprintf(to,
		"    healthcheck:\n"
		"      test: [ \"CMD\", \"/sbin/tinysup\", \"%s\" ]\n"
		"      interval: %llds\n"
		"      timeout: %ds\n"
		"      start_period: %llds\n"
		"      retries: %lld\n",
		health->probe, (long long)health->period, STANZA_TIMEOUT, (long long)health->start,
		(long long)health->failures);
}

static void put_service(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	fprintf(to, "services:\n  %s%s%s:\n", emit_quote(stanza), stanza->name, emit_quote(stanza));
	emit_why_grace(plan, stanza, "    ", to);
	fprintf(to, "    stop_grace_period: %llds\n    stop_signal: %s\n", (long long)stanza->grace, stanza->signal);
}

void emit_compose(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	struct health health = whole_health(plan, stanza);

	put_service(plan, stanza, to);
	why_policy(plan, stanza, "    ", to);
	fprintf(to, "    restart: %s\n", policy(stanza));
	if (health.probe == NULL) {
		fputs("    # no healthcheck: the configuration has neither probes nor checks\n", to);
		return;
	}
	why_health(plan, stanza, "    ", to);
	put_health(&health, to);
}

/* Swarm replaces what is unhealthy: readiness must not count. Liveness includes a startup that has failed. */
static struct health swarm_health(const struct stanza *stanza)
{
	const struct stanza_probe *startup = &stanza->probes[PROBE_STARTUP], *liveness = &stanza->probes[PROBE_LIVENESS];
	int64_t period = liveness->given ? liveness->period : startup->period;

	if (!emit_any_liveness(stanza))
		return (struct health){.probe = NULL};
	return (struct health){"--probe=live", period, stanza_failures(period, stanza->busy), stanza->startup};
}

static void put_updates(const char *name, int64_t monitor, const struct stanza *stanza, FILE *to)
{
	const char *order = stanza->single ? "stop-first" : "start-first";

	fprintf(to,
		"      %s:\n"
		"        order: %s\n",
		name, order);
	if (strcmp(name, "update_config") == 0)
		fputs("        failure_action: rollback\n", to);
	fprintf(to, "        monitor: %llds\n", (long long)monitor);
}

/* A round begins a period after the end of the one before. */
static int64_t swarm_monitor(const struct stanza *stanza, const struct health *health)
{
	int64_t time = stanza->opening;

	if (health->probe != NULL)
		time = health->start + stanza->failing + health->failures * (health->period + STANZA_TIMEOUT);
	return time + stanza->grace + MARGIN;
}

static void put_restart_policy(const struct plan *plan, const struct stanza *stanza, bool checked, FILE *to)
{
	emit_exit_codes(plan, "      ", to);
	if (checked)
		fputs("      # any: Swarm stops what is unhealthy, and on-failure takes the 0 of a clean stop for done\n", to);
	fprintf(to,
		"      restart_policy:\n"
		"        condition: %s\n"
		"        delay: %llds\n",
		checked || stanza->returns ? "any" : "on-failure", (long long)(stanza->backoff > 5 ? stanza->backoff : 5));
}

void emit_swarm(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	struct health health = swarm_health(stanza);
	int64_t monitor = swarm_monitor(stanza, &health);

	put_service(plan, stanza, to);
	if (health.probe != NULL) {
		fputs("    # Swarm replaces what is unhealthy: liveness alone, as readiness fails with every database\n", to);
		emit_why_busy(plan, stanza, "    ", to);
		put_health(&health, to);
	} else {
		fputs("    # no healthcheck: the configuration has neither liveness nor startup, and readiness must not "
		      "replace a task\n",
		      to);
	}
	fputs("    deploy:\n", to);
	fprintf(to, "      # %s\n",
		stanza->single ? "stop-first: journal, lease, exchange or required steps belong to one instance at a time"
			       : "start-first: nothing is shared, so the new task may start beside the old one");
	fprintf(to, "      # monitor: longer than a new task can take to %s\n",
		health.probe != NULL ? "start up, be found unhealthy and stop" : "get to the app's start, and to stop");
	put_updates("update_config", monitor, stanza, to);
	put_updates("rollback_config", monitor, stanza, to);
	put_restart_policy(plan, stanza, health.probe != NULL, to);
}
