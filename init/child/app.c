#include "init/child/app.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config/signame.h"
#include "init/child/step_env.h"
#include "init/base/log.h"
#include "init/child/spawn.h"
#include "init/child/sweep.h"
#include "probes/clock.h"

/* For the record of its start to reach the disk. */
#define RECORD_TIME ((msec_t)2000)

struct preparation {
	const struct plan_app *plan;
	const struct app_links *links;
};

static void prepare(const void *context)
{
	const struct preparation *preparation = context;

	journal_wait(preparation->links->journal, preparation->links->number, RECORD_TIME);
	notify_environment(preparation->links->notify, preparation->plan);
	step_env_add(&preparation->plan->environment);
}

bool app_start(struct app *app, const struct plan_app *plan, const struct manner *manner,
	       const struct signals_inherited *signals, const struct app_links *links)
{
	const struct preparation preparation = {plan, links};
	/* a later start must not wait for its exec: by then there is something to put in order */
	bool simple = app->starts == 0 && links->notify->socket < 0 && !plan->user.set && links->number == 0;
	char **environment = simple ? step_env_with(&plan->environment) : NULL;
	const struct spawn spec = {
	    .group = manner->group,
	    .signals = signals,
	    .user = &plan->user,
	    .directory = plan->directory,
	    .umask = plan->umask,
	    .input = -1,
	    .output = links->output->out[STREAM_OUT],
	    .error = links->output->out[STREAM_ERR],
	    .shell_fallback = manner->shell_fallback,
	    .until_exec = environment != NULL,
	    .environment = environment,
	    .prepare = environment != NULL ? NULL : prepare,
	    .context = &preparation,
	    .argv = plan->command.argv,
	};

	/* as dumb-init: the new session takes the terminal that we give up, for which the kernel sends us signals */
	if (spec.group == SPAWN_SESSION && ioctl(STDIN_FILENO, TIOCNOTTY) == 0 && getsid(0) == getpid())
		app->ignore_once = SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGCONT);
	app->plan = plan;
	app->stopped = false;
	pid_t pid = spawn(&spec, &app->exec);
	app->pid = app->group = pid > 0 ? pid : 0;
	app->started = clock_now();
	app->starts += pid > 0;
	if (manner->root_directory && chdir("/") != 0)
		log_event(LOG_DEBUG, "chdir_error", NULL, "cannot change directory to /: %s", strerror(errno));
	return app->pid > 0;
}

void app_signal_group(const struct app *app, int signal)
{
	if (app->group > 0)
		kill(-app->group, signal);
}

void app_stop_group(const struct app *app, int signal)
{
	app_signal_group(app, signal);
	app_signal_group(app, SIGCONT);
}

void app_signal(const struct app *app, int signal, bool stop)
{
	if (app->pid == 0)
		return;
	/* a session's group may not exist yet */
	bool group = app->plan->signals == TARGET_GROUP && kill(-app->pid, signal) == 0;
	if (!group)
		kill(app->pid, signal);
	if (stop && (group || app->stopped))
		app_signal_group(app, SIGCONT);
}

void app_kill(const struct app *app)
{
	app_signal_group(app, SIGKILL);
	if (app->pid > 0)
		kill(app->pid, SIGKILL);
}

/* Forgets an empty group, whose number may be reused. Zombies do not count if /proc is scanned. */
bool app_group_left(struct app *app, bool scan)
{
	if (app->group > 0 && ((kill(-app->group, 0) != 0 && errno != EPERM) || (scan && !sweep_group_lives(app->group))))
		app->group = 0;
	return app->group > 0;
}

int app_reaped(struct app *app, int wait_status)
{
	int error = spawn_exec_error(&app->exec);

	app->pid = 0;
	app->ended = true;
	app->wait_status = wait_status;
	return error;
}
