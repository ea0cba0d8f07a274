/* What a job does: an attempt of a step, a check, a heartbeat, an alert about an event. Each is a program, or work in a forked
 * worker. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "init/child/job_worker.h"
#include "init/child/jobs_private.h"
#include "init/child/step_env.h"
#include "probes/check.h"

/* proc_pid_oom_score_adj(5): 10 % of the memory there is. Not more: a leaking app is to go before a small worker. */
#define OOM_SCORE     100
#define OOM_SCORE_MAX 1000

struct context {
	const struct plan *plan;
	const struct shutdown_facts *facts; /* attempts and heartbeats */
	const struct plan_step *what;       /* the same */
	int attempt;                        /* 0: a heartbeat */
	const struct plan_alert *alert;     /* notices */
	const struct plan_check *check;
	pid_t app; /* checks */
	msec_t time;
	void (*work)(const struct context *context, struct check_result *result); /* in a worker */
};

/* In the worker: where memory runs out, the kernel takes it rather than process 1, with which everything would end. */
static void prefer_to_die(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	long score = read(fd, text, sizeof text - 1) > 0 ? strtol(text, NULL, 10) + OOM_SCORE : OOM_SCORE;
	int length = snprintf(text, sizeof text, "%ld", score < OOM_SCORE_MAX ? score : OOM_SCORE_MAX);
	/* without it the kernel decides by size alone */
	(void)!pwrite(fd, text, (size_t)length, 0);
	close(fd);
}

static void run(const void *context, int result_fd)
{
	const struct context *c = context;
	struct check_result result = {.retry_after = MSEC_UNSET};

	prefer_to_die();
	c->work(c, &result);
	if (write(result_fd, &result, sizeof result) != (ssize_t)sizeof result)
		_exit(1);
}

static void prepare_attempt(const void *context)
{
	const struct context *c = context;

	if (c->attempt > 0)
		step_env_set(c->facts, c->what, c->attempt, step_facts_wait(c->facts, c->time));
	else
		step_env_set_beat(c->facts, c->what, c->time);
}

static void do_attempt(const struct context *c, struct check_result *result)
{
	job_worker_run(c->facts, c->what, c->time, result);
}

static void do_notice(const struct context *c, struct check_result *result)
{
	job_worker_tell(c->facts, c->alert, c->time, result);
}

static void prepare_check(const void *context)
{
	const struct context *c = context;

	step_env_add(&c->plan->app.environment);
}

static void do_check(const struct context *c, struct check_result *result)
{
	check_run(c->check, c->app, c->time, result);
}

static struct spawn spawn_for(const struct context *context, const struct signals_inherited *signals,
			      const struct plan_user *user)
{
	return (struct spawn){
	    .group = SPAWN_GROUP,
	    .signals = signals,
	    .user = user,
	    .directory = context->plan->app.directory,
	    .umask = context->plan->app.umask,
	    .input = -1,
	    .output = -1,
	    .error = -1,
	    .close_others = true,
	    .context = context,
	};
}

static bool begin_attempt(const struct context *context, struct job_id id, struct check_result *result)
{
	struct spawn spec = spawn_for(context, context->facts->signals, &context->what->user);

	if (context->what->exec.argv != NULL) {
		spec.argv = context->what->exec.argv;
		spec.prepare = prepare_attempt;
	} else {
		spec.work = run;
	}
	return jobs_begin(&spec, id, context->what->name, result);
}

bool jobs_start(const struct shutdown_facts *facts, size_t step, msec_t time, struct check_result *result)
{
	struct context context = {
	    .plan = facts->seq->plan,
	    .facts = facts,
	    .what = seq_step_at(facts->seq, step),
	    .work = do_attempt,
	    .attempt = facts->seq->steps[step].attempt,
	    .time = time,
	};

	return begin_attempt(&context, (struct job_id){JOB_STEP, step}, result);
}

bool jobs_start_beat(const struct shutdown_facts *facts, size_t heartbeat, bool disarm, msec_t time,
		     struct check_result *result)
{
	const struct plan_heartbeat *plan = &facts->seq->plan->heartbeats.items[heartbeat];
	struct context context = {
	    .plan = facts->seq->plan,
	    .facts = facts,
	    .what = disarm ? &plan->disarm : &plan->beat,
	    .work = do_attempt,
	    .time = time,
	};

	return begin_attempt(&context, (struct job_id){JOB_BEAT, heartbeat}, result);
}

bool jobs_start_notice(const struct shutdown_facts *facts, size_t channel, msec_t time, struct check_result *result)
{
	const struct plan *plan = facts->seq->plan;
	struct context context = {
	    .plan = plan, .facts = facts, .alert = &plan->alerts.items[channel], .time = time, .work = do_notice};
	struct spawn spec = spawn_for(&context, facts->signals, &plan->app.user);

	spec.work = run;
	return jobs_begin(&spec, (struct job_id){JOB_NOTICE, channel}, NULL, result);
}

bool jobs_start_check(const struct plan *plan, const struct signals_inherited *signals, pid_t app, size_t check, msec_t time,
		      struct check_result *result)
{
	const struct plan_check *what = &plan->checks.items[check];
	struct context context = {.plan = plan, .check = what, .app = app, .time = time, .work = do_check};
	struct spawn spec = spawn_for(&context, signals, &plan->app.user);

	spec.prepare = prepare_check;
	/* a program needs no worker: process 1 watches it and kills its group at its timeout */
	if (what->kind == CHECK_EXEC)
		spec.argv = what->exec.argv;
	else
		spec.work = run;
	return jobs_begin(&spec, (struct job_id){JOB_CHECK, check}, NULL, result);
}
