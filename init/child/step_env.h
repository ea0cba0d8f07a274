/* The environment of a step's program: tinysup.conf(5), THE CHAIN. */
#ifndef TINYSUP_INIT_CHILD_STEP_ENV_H
#define TINYSUP_INIT_CHILD_STEP_ENV_H

#include "init/child/jobs.h"

#define IDEMPOTENCY_KEY_TEXT 160

/* The id of the shutdown and the name of the step: the same in every attempt. Returns buffer. */
const char *step_env_key(const struct shutdown_facts *facts, const struct plan_step *step, char buffer[IDEMPOTENCY_KEY_TEXT]);

/* In the child: sets app.environment, the step's environment and TINYSUP_*. time: until this attempt is killed. */
void step_env_set(const struct shutdown_facts *facts, const struct plan_step *plan, int attempt, msec_t time);

/* The same for a heartbeat, which knows of no shutdown. */
void step_env_set_beat(const struct shutdown_facts *facts, const struct plan_step *plan, msec_t time);

/* In the child: one variable, a number. */
void step_env_set_number(const char *name, long long number);

/* In the child: variables of a plan. */
void step_env_add(const struct plan_pairs *pairs);

/*
 * Our environment with `pairs` in it, for a child that shares our memory; it is environ itself where there are none. Before the
 * seal; never freed. NULL: no memory.
 */
char **step_env_with(const struct plan_pairs *pairs);

#endif
