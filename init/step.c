#include "init/step.h"

#include <stdio.h>
#include <sysexits.h>

#include "config/config.h"
#include "config/nonces.h"
#include "config/select.h"
#include "init/base/log.h"
#include "init/supervisor.h"
#include "probes/page.h"
#include "probes/probe.h"

static struct page the_copy; /* too large for a stack */

/* What the supervisor says of its app; NULL: there is none to be seen. */
static const struct page_head *find_supervisor(const char *config)
{
	const struct page *page = page_find(config);

	return page != NULL && page_read(page, &the_copy) ? &the_copy.head : NULL;
}

/* Whether what the chosen steps need is there; the secrets of others may be missing. */
static bool is_complete(const struct plan *plan)
{
	const struct plan_chain *chain = &plan->shutdown.chain;
	char part[128];
	bool good = true;

	for (size_t i = 0; i < chain->steps; i++) {
		const struct plan_step *step = plan_step_at(chain, i);
		if (step->http.sign != NULL)
			snprintf(part, sizeof part, "signers.%s.", step->http.sign);
		else if (step->alert != NULL)
			snprintf(part, sizeof part, "alerts.%s.", step->alert->name);
		else
			continue;
		const char *missing = config_spared(part);
		if (missing != NULL)
			fprintf(stderr, "tinysup: --step: %s: %s\n", step->name, missing);
		good &= missing == NULL;
	}
	return good;
}

static int run(const struct options *options, const struct signals_inherited *signals, bool live)
{
	char *const nothing[] = {NULL}; /* steps start processes, as their users */
	const char *file = probe_config(options->config);
	static const struct config_checks judges = {.spares = true};
	struct manner manner = options->who->manner;
	char why[256];

	struct plan *plan = config_load(file, nothing, &judges, stderr);
	if (plan == NULL)
		return EX_CONFIG;
	const struct page_head *head = find_supervisor(file);
	pid_t app = head != NULL ? head->app.pid : 0;
	if (head != NULL) {
		plan->app.name = head->app_name; /* it may be its command's */
		if (plan->nonces != NULL)
			nonces_join(plan->nonces, head->supervisor);
	} else
		fprintf(stderr, "tinysup: no running tinysup that this user may inspect; the configuration is %s\n",
			file != NULL ? file : "empty");
	if (live ? !select_rehearsable(plan, app > 0, why) : !select_steps(plan, options->argument, app > 0, why)) {
		fprintf(stderr, "tinysup: %s: %s\n", live ? "--rehearse=live" : "--step", why);
		return EX_USAGE;
	}
	if (!is_complete(plan))
		return EX_CONFIG;
	manner.publishes = false;
	log_setup(plan->log_level, plan->log_format, plan->app.name);
	return supervise_steps(plan, &manner, signals, app);
}

int step_main(const struct options *options, const struct signals_inherited *signals)
{
	return run(options, signals, false);
}

int step_live(const struct options *options, const struct signals_inherited *signals)
{
	return run(options, signals, true);
}
