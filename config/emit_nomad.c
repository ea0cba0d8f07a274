/* --emit=nomad */
#include "config/emit_writers.h"

#define CLIENT_KILL_TIMEOUT 30 /* max_kill_timeout of a client, unless it is raised */
#define INTERVAL_LEAST      5  /* of restart */

/* attempts * delay has to fit into the interval: Nomad refuses it else. */
static void put_restart(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	int64_t delay = stanza->backoff > 1 ? stanza->backoff : 1;
	int64_t interval = stanza->within > INTERVAL_LEAST ? stanza->within : INTERVAL_LEAST;

	if (interval < stanza->attempts * delay)
		interval = stanza->attempts * delay;
	emit_exit_codes(plan, "", to);
	if (stanza->restarts)
		fprintf(to, "# as app.restart has it%s\n",
			delay == stanza->backoff && interval == stanza->within ? "" : ", as far as Nomad accepts it");
	fputs("# a service is restarted whatever the exit code was\n", to);
	fprintf(to, "# %s\n",
		stanza->single ? "delay: journal and lease stay on this node" : "fail: then Nomad tries another node");
	fprintf(to,
		"restart {\n"
		"  attempts = %d\n"
		"  interval = \"%llds\"\n"
		"  delay    = \"%llds\"\n"
		"  mode     = \"%s\"\n"
		"}\n\n",
		stanza->attempts, (long long)interval, (long long)delay, stanza->single ? "delay" : "fail");
}

static void put_question(const struct stanza *stanza, enum probe_kind kind, int64_t period, FILE *to)
{
	const char *word = emit_probe_word(kind);

	if (stanza->port > 0)
		fprintf(to,
			"      type     = \"http\"\n"
			"      path     = \"/%sz\"\n",
			word);
	else
		fprintf(to,
			"      type     = \"script\"\n"
			"      command  = \"/sbin/tinysup\"\n"
			"      args     = [ \"--probe=%s\" ]\n",
			word);
	fprintf(to,
		"      interval = \"%llds\"\n"
		"      timeout  = \"%ds\"\n",
		(long long)period, STANZA_TIMEOUT);
}

/* When Nomad restarts the task; not before the app has had its time to start up. */
static void put_check_restart(const struct plan *plan, const struct stanza *stanza, int64_t period, FILE *to)
{
	emit_why_busy(plan, stanza, "      ", to);
	fprintf(to,
		"      check_restart {\n"
		"        limit           = %lld\n"
		"        grace           = \"%llds\"\n"
		"        ignore_warnings = false\n"
		"      }\n",
		(long long)stanza_failures(period, stanza->busy),
		(long long)(stanza->startup > period ? stanza->startup : period));
}

static void put_check(const struct plan *plan, const struct stanza *stanza, enum probe_kind kind, int64_t period, FILE *to)
{
	fprintf(to, "    check {\n      name     = \"%s\"\n", emit_probe_word(kind));
	put_question(stanza, kind, period, to);
	if (kind == PROBE_LIVENESS)
		put_check_restart(plan, stanza, period, to);
	fputs("    }\n", to);
}

/* Nomad has no startup check; liveness fails if startup has. */
static void put_checks(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	const struct stanza_probe *probes = stanza->probes;

	if (probes[PROBE_LIVENESS].given)
		put_check(plan, stanza, PROBE_LIVENESS, probes[PROBE_LIVENESS].period, to);
	else if (emit_any_liveness(stanza))
		put_check(plan, stanza, PROBE_LIVENESS, probes[PROBE_STARTUP].period, to);
	if (probes[PROBE_READINESS].given)
		put_check(plan, stanza, PROBE_READINESS, probes[PROBE_READINESS].period, to);
}

static void put_service(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	if (!emit_any_probe(stanza)) {
		fputs("  # no checks: the configuration has no probes\n", to);
		return;
	}
	fprintf(to, "\n  service {\n    name     = \"%s\"\n", stanza->name);
	if (stanza->port > 0)
		fputs("    provider = \"nomad\"\n    port     = \"tinysup\"\n", to);
	else
		fprintf(
		    to,
		    "    # script checks need Consul, which takes exit code 1 for a warning: check_restart counts it; with\n"
		    "    # listen = \":9180\"%s checks are HTTP\n"
		    "    provider = \"consul\"\n",
		    stanza->loopback ? " instead of a loopback address" : "");
	put_checks(plan, stanza, to);
	fputs("  }\n", to);
}

void emit_nomad(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	if (stanza->port > 0 && emit_any_probe(stanza))
		fprintf(to,
			"# for the docker driver also: config { ports = [ \"tinysup\" ] }\n"
			"network {\n"
			"  port \"tinysup\" { to = %d }\n"
			"}\n\n",
			stanza->port);
	put_restart(plan, stanza, to);
	fprintf(to, "task \"%s\" {\n", stanza->name);
	emit_why_grace(plan, stanza, "  ", to);
	if (stanza->grace > CLIENT_KILL_TIMEOUT)
		fprintf(to, "  # a client cuts it to its own max_kill_timeout, which is %d s unless it is raised\n",
			CLIENT_KILL_TIMEOUT);
	fprintf(to, "  kill_timeout = \"%llds\"\n  kill_signal  = \"%s\"\n", (long long)stanza->grace, stanza->signal);
	put_service(plan, stanza, to);
	fputs("}\n", to);
}
