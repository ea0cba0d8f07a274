#include "init/child/job_worker.h"

#include "hooks/alert.h"
#include "init/child/step_env.h"
#include "probes/http.h"

/* A worker times out a little before process 1 would kill it, so that it can report what was slow. */
#define HEAD_START ((msec_t)30)

void job_worker_run(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result)
{
	const struct plan_step *plan = plan_step_at(&facts->seq->plan->shutdown.chain, step);
	msec_t own = time > 4 * HEAD_START ? time - HEAD_START : time * 3 / 4 + 1;
	char key[IDEMPOTENCY_KEY_TEXT];

	step_env_add(&plan->environment); /* SSL_CERT_FILE, say */
	if (plan->kind == STEP_ALERT)
		alert_send(plan->alert, &facts->report, own, result);
	else
		http_run(&plan->http, plan->idempotency_key ? step_env_key(facts, plan, key) : NULL, own, result);
}
