/* --emit=kubernetes and aca. The kubelet's probes read tinysup's verdicts, with as many failures as tinysup needs to act first.
 */
#include <sysexits.h>

#include "config/duration.h"
#include "config/emit_writers.h"
#include "config/platform.h"

/* Azure Container Apps: the reference of Microsoft.App/containerApps. */
#define ACA_PERIOD   240
#define ACA_FAILURES 10

static void why_probe(const struct plan *plan, const struct stanza *stanza, enum probe_kind kind, const char *indent, FILE *to)
{
	if (kind == PROBE_READINESS)
		fprintf(to, "%s# tinysup has applied its own thresholds\n", indent);
	else if (stanza->busy > 0)
		emit_why_busy(plan, stanza, indent, to);
	else
		fprintf(
		    to,
		    "%s# on_failure = \"none\": the platform restarts; tinysup has applied its own thresholds, but an answer "
		    "may be lost\n",
		    indent);
}

/* A start that waits for another instance has no end that a probe could know. */
static bool is_asked(const struct stanza *stanza, enum probe_kind kind)
{
	return stanza->probes[kind].given && !(kind == PROBE_STARTUP && stanza->arms);
}

static void why_not(const struct stanza *stanza, const char *indent, FILE *to)
{
	if (stanza->probes[PROBE_STARTUP].given && stanza->arms)
		fprintf(to,
			"%s# no startup probe: an instance waits for its heartbeat as long as it takes; liveness fails if "
			"probes.startup does\n",
			indent);
	if (!emit_any_probe(stanza))
		fprintf(to, "%s# no probes: the configuration has none\n", indent);
}

static void put_handler(const struct stanza *stanza, enum probe_kind kind, const char *indent, FILE *to)
{
	if (stanza->port > 0)
		fprintf(to, "%shttpGet: { path: /%sz, port: %d }\n", indent, emit_probe_word(kind), stanza->port);
	else
		fprintf(to, "%sexec: { command: [ \"/sbin/tinysup\", \"--probe=%s\" ] }\n", indent, emit_probe_word(kind));
}

/* --- Kubernetes ---------------------------------------------------------------------------------------------------------- */

static void why_startup(const struct stanza *stanza, FILE *to)
{
	fprintf(to, "    # at least %lld s: what comes before the app, and %s%s\n", (long long)stanza->startup,
		emit_start_limit(stanza),
		stanza->restarts ? "; tinysup may restart the app meanwhile"
		: stanza->acts   ? "; then tinysup shuts down"
				 : "");
}

static void put_kubernetes_probe(const struct plan *plan, const struct stanza *stanza, enum probe_kind kind, FILE *to)
{
	static const char *const names[] = {
	    [PROBE_STARTUP] = "startup", [PROBE_LIVENESS] = "liveness", [PROBE_READINESS] = "readiness"};
	int64_t period = stanza->probes[kind].period;
	int64_t time = kind == PROBE_STARTUP ? stanza->startup : kind == PROBE_LIVENESS ? stanza->busy : 0;

	if (!is_asked(stanza, kind))
		return;
	if (kind == PROBE_STARTUP)
		why_startup(stanza, to);
	else
		why_probe(plan, stanza, kind, "    ", to);
	fprintf(to, "    %sProbe:\n", names[kind]);
	put_handler(stanza, kind, "      ", to);
	fprintf(to,
		"      periodSeconds: %lld\n"
		"      failureThreshold: %lld\n"
		"      timeoutSeconds: %d\n",
		(long long)period, (long long)(kind == PROBE_READINESS ? 1 : stanza_failures(period, time)), STANZA_TIMEOUT);
}

static void put_rules(const struct plan *plan, FILE *to)
{
	int failed = plan->shutdown.failed_exit_code;

	fputs(
	    "    # Pods and Jobs may tell exit codes apart (Kubernetes 1.35): 0 and 78, an invalid configuration, stay as they "
	    "are;\n",
	    to);
	if (failed == 0 || failed == EX_CONFIG)
		fprintf(to, "    # so does a failed required step, as failed_exit_code is %d, while 69 wants a restart.\n",
			failed);
	else
		fprintf(to, "    # 69 and %d want a restart.\n", failed);
	fputs("    # Not for a Deployment, which replaces a failed pod at once.\n"
	      "    # restartPolicy: Never\n"
	      "    # restartPolicyRules:\n"
	      "    # - action: Restart\n"
	      "    #   exitCodes: { operator: NotIn, values: [ 0, 78 ] }\n",
	      to);
}

void emit_kubernetes(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	if (stanza->single)
		fputs("# One instance at a time (journal, heartbeats, exchange or required steps): a StatefulSet, or strategy: "
		      "{ type: "
		      "Recreate } in spec of a Deployment.\n",
		      to);
	emit_why_grace(plan, stanza, "", to);
	fprintf(to, "terminationGracePeriodSeconds: %lld\n", (long long)stanza->grace);
	emit_exit_codes(plan, "", to);
	fputs("# Deployments and StatefulSets know no other policy; a Job whose 0 means done has OnFailure\n"
	      "restartPolicy: Always\n"
	      "containers:\n",
	      to);
	fprintf(to, "  - name: %s%s%s\n", emit_quote(stanza), stanza->name, emit_quote(stanza));
	fprintf(to, "    # the image's STOPSIGNAL has to be %s\n", stanza->signal);
	if (stanza->port == 0 && emit_any_probe(stanza))
		fprintf(to, "    # by program: cheaper by HTTP, with listen = \":9180\"%s\n",
			stanza->loopback ? " instead of a loopback address, which the kubelet cannot reach" : "");
	why_not(stanza, "    ", to);
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		put_kubernetes_probe(plan, stanza, (enum probe_kind)kind, to);
	put_rules(plan, to);
}

/* --- Azure Container Apps --------------------------------------------------------------------------------------------------
 */

/* The shortest period, not below the probe's, that fits this time into the failures there are. */
static void put_aca_numbers(enum probe_kind kind, int64_t period, int64_t time, FILE *to)
{
	int64_t least = (time + ACA_FAILURES - 2) / (ACA_FAILURES - 1), failures;

	period = period > least ? period : least;
	if (period > ACA_PERIOD) {
		period = ACA_PERIOD;
		fprintf(to, "            # WARNING: needs %lld s, but no probe may fail for more than %d s here\n",
			(long long)time, (ACA_FAILURES - 1) * ACA_PERIOD);
	}
	failures = kind == PROBE_READINESS ? 1 : stanza_failures(period, time);
	fprintf(to,
		"            periodSeconds: %lld\n"
		"            failureThreshold: %lld\n"
		"            timeoutSeconds: %d\n",
		(long long)period, (long long)(failures < ACA_FAILURES ? failures : ACA_FAILURES), STANZA_TIMEOUT);
}

static void put_aca_probe(const struct plan *plan, const struct stanza *stanza, enum probe_kind kind, FILE *to)
{
	static const char *const types[] = {
	    [PROBE_STARTUP] = "Startup", [PROBE_LIVENESS] = "Liveness", [PROBE_READINESS] = "Readiness"};

	int64_t time = kind == PROBE_STARTUP ? stanza->start : kind == PROBE_LIVENESS ? stanza->busy : 0;

	if (!is_asked(stanza, kind))
		return;
	if (kind == PROBE_STARTUP)
		fprintf(to, "          # at least %lld s: what comes before the app, and %s, once: %d failures are the most\n",
			(long long)time, emit_start_limit(stanza), ACA_FAILURES);
	else
		why_probe(plan, stanza, kind, "          ", to);
	fprintf(to, "          - type: %s\n", types[kind]);
	put_handler(stanza, kind, "            ", to);
	put_aca_numbers(kind, stanza->probes[kind].period, time, to);
}

static void put_aca_probes(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	bool any = false;

	for (int kind = 0; kind < PROBE_COUNT; kind++)
		any |= is_asked(stanza, (enum probe_kind)kind);
	why_not(stanza, "        ", to);
	if (any && stanza->port == 0) {
		fprintf(to, "        # no probes: here they are HTTP or TCP only; set listen = \":9180\"%s\n",
			stanza->loopback ? " instead of a loopback address" : "");
		return;
	}
	if (!any)
		return;
	fputs("        probes:\n", to);
	for (int kind = 0; kind < PROBE_COUNT; kind++)
		put_aca_probe(plan, stanza, (enum probe_kind)kind, to);
}

void emit_aca(const struct plan *plan, const struct stanza *stanza, FILE *to)
{
	fputs("properties:\n  template:\n", to);
	if (stanza->grace > EMIT_ACA_GRACE)
		fputs("    # the most there is here\n", to);
	else
		emit_why_grace(plan, stanza, "    ", to);
	fprintf(to, "    terminationGracePeriodSeconds: %lld\n",
		(long long)(stanza->grace < EMIT_ACA_GRACE ? stanza->grace : EMIT_ACA_GRACE));
	if (stanza->single)
		fputs("    # one instance at a time (journal, heartbeats, exchange or required steps): scale: { minReplicas: "
		      "1, maxReplicas: 1 "
		      "}; but a new\n"
		      "    # revision starts beside the old one\n",
		      to);
	fprintf(to, "    containers:\n      - name: %s%s%s\n", emit_quote(stanza), stanza->name, emit_quote(stanza));
	fprintf(to, "        # the image's STOPSIGNAL has to be %s; a container that exits is always restarted\n",
		stanza->signal);
	emit_exit_codes(plan, "        ", to);
	put_aca_probes(plan, stanza, to);
}
