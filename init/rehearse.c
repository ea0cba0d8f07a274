#include "init/rehearse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/budget.h"
#include "config/config.h"
#include "config/names.h"
#include "config/plan_chart.h"
#include "hooks/alert.h"
#include "init/step.h"
#include "init/usage.h"
#include "probes/http.h"
#include "probes/probe.h"
#include "probes/tcp.h"
#include "probes/tls.h"

/* For a name to be looked up and a server to be connected to. */
#define CONNECT_TIME ((msec_t)5000)

static size_t tell(const char *step, const struct check_result *result)
{
	if (result->outcome == OUTCOME_OK) {
		printf("  %-22s reached in %.0f ms\n", step, (double)result->took_us / 1000);
		return 0;
	}
	printf("  %-22s WRONG: %s\n", step, result->message);
	return 1;
}

static size_t reach_url(const char *step, const struct plan_http *http)
{
	struct check_result result = {.retry_after = MSEC_UNSET};

	http_connect(http, CONNECT_TIME, &result);
	return tell(step, &result);
}

static size_t reach_channel(const char *step, const struct plan_alert *alert)
{
	struct check_result result = {.retry_after = MSEC_UNSET};

	alert_connect(alert, CONNECT_TIME, &result);
	return tell(step, &result);
}

static size_t reach_port(const char *step, const struct plan_tcp *tcp)
{
	const struct plan_tcp port = {.host = tcp->host, .port = tcp->port}; /* nothing is sent */
	struct check_result result = {.retry_after = MSEC_UNSET};

	tcp_run(&port, CONNECT_TIME, &result);
	return tell(step, &result);
}

/* Programs were looked for when the configuration was read. */
static size_t look_at(const struct plan_step *step)
{
	if (step->alert != NULL)
		return reach_channel(step->name, step->alert);
	if (step->http.url.value != NULL)
		return reach_url(step->name, &step->http);
	if (step->tcp.host != NULL)
		return reach_port(step->name, &step->tcp);
	printf("  %-22s %s\n", step->name,
	       step->exec.shown != NULL ? step->exec.shown : name_of(&names_step_kinds, step->kind));
	return 0;
}

static size_t walk(const struct plan *plan, enum reason reason)
{
	const struct plan_chain *chain = reason == REASON_START ? &plan->start.chain : &plan->shutdown.chain;
	size_t wrong = 0;

	puts("\nnothing is run; servers are connected to, and nothing is sent:");
	for (size_t i = 0; i < chain->steps; i++)
		if (budget_runs(plan_step_at(chain, i), reason))
			wrong += look_at(plan_step_at(chain, i));
	for (size_t i = 0; i < plan->heartbeats.count; i++)
		wrong += look_at(&plan->heartbeats.items[i].beat);
	return wrong;
}

static int rehearse(const struct options *options, enum reason reason)
{
	static const struct config_checks judges = {.url = http_url_wrong, .certificates = tls_authorities, .warns = true};
	const struct plan *plan = config_load(probe_config(options->config), NULL, &judges, stderr);

	if (plan == NULL)
		return EXIT_FAILURE;
	size_t wrong = config_warnings();
	printf("rehearsal, reason %s:\n\n", name_of(&names_reasons, reason));
	size_t lost = plan_chart_reason(plan, reason, stdout);
	if (lost > 0)
		printf("WRONG: %zu required step%s would not run at all\n", lost, lost > 1 ? "s" : "");
	wrong += lost + walk(plan, reason);
	if (wrong > 0)
		printf("\n%zu thing%s wrong, those above on standard error included\n", wrong, wrong > 1 ? "s are" : " is");
	else
		puts("\nnothing is wrong");
	return fflush(stdout) == 0 && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What can be rehearsed: -1: an unknown word. */
static int reason_of(const char *word)
{
	int reason = word == NULL ? REASON_STOP : name_find(&names_reasons, word);

	return reason == REASON_HELD || reason == REASON_MANUAL ? -1 : reason;
}

int rehearse_main(const struct options *options, const struct signals_inherited *signals)
{
	if (options->argument != NULL && strcmp(options->argument, "live") == 0)
		return step_live(options, signals) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	int reason = reason_of(options->argument);
	if (reason < 0) {
		usage_error(options->who, options->argv0,
			    "unknown reason; use stop, exit, crash, unhealthy, restart, recovery, start or live",
			    options->argument);
		return options->who->usage_code;
	}
	signals_restore(signals);
	return rehearse(options, (enum reason)reason);
}
