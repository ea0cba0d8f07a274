#include "init/child/job_worker.h"

#include "hooks/alert.h"
#include "init/child/step_env.h"
#include "probes/clock.h"
#include "probes/http.h"
#include "probes/tcp.h"

/* A worker times out a little before process 1 would kill it, so that it can report what was slow. */
#define HEAD_START ((msec_t)30)
/* For the app's last lines to reach the file. */
#define TAIL_TIME ((msec_t)300)
#define TAIL_MAX  2048 /* bytes of them in an alert */

static msec_t own_time(msec_t time)
{
	return time > 4 * HEAD_START ? time - HEAD_START : time * 3 / 4 + 1;
}

/* The report with the app's last lines, which may still be on their way to the file. */
static void send_alert(const struct shutdown_facts *facts, const struct plan_alert *alert, const struct plan_wording *wording,
		       msec_t time, struct check_result *result)
{
	struct report report = facts->report;
	msec_t begun = clock_now();
	char tail[TAIL_MAX];

	report.tail =
	    app_output_tail(facts->output->plan, &facts->mark, time / 4 < TAIL_TIME ? time / 4 : TAIL_TIME, tail, sizeof tail);
	alert_send(alert, wording, &report, own_time(time) - (clock_now() - begun), result);
}

void job_worker_run(const struct shutdown_facts *facts, const struct plan_step *plan, msec_t time, struct check_result *result)
{
	if (plan->idempotency_key)
		time = step_facts_wait(facts, time);
	msec_t own = own_time(time);
	char key[IDEMPOTENCY_KEY_TEXT];

	step_env_add(&plan->environment); /* SSL_CERT_FILE, say */
	if (plan->kind == STEP_ALERT)
		send_alert(facts, plan->alert, &plan->wording, time, result);
	else if (plan->tcp.host != NULL)
		tcp_run(&plan->tcp, own, result);
	else
		http_run(&plan->http, plan->idempotency_key ? step_env_key(facts, plan, key) : NULL, own, result);
}

void job_worker_tell(const struct shutdown_facts *facts, const struct plan_alert *alert, msec_t time,
		     struct check_result *result)
{
	static const struct plan_wording none; /* the channel's own */

	send_alert(facts, alert, &none, time, result);
}
