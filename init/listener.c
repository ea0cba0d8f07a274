#include "init/listener.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "init/listen.h"
#include "init/httpd.h"
#include "init/log.h"
#include "init/spawn.h"

/* A child that ends at once is started again after this; the pause doubles up to the longest. */
#define SHORTEST_PAUSE ((msec_t)100)
#define LONGEST_PAUSE  ((msec_t)5000)
/* One that lived this long had no trouble with starting. */
#define LONG_LIFE ((msec_t)10000)

void listener_init(struct listener *listener, const struct plan *plan, const struct signals_inherited *signals,
		   const struct page *page)
{
	*listener = (struct listener){.plan = plan, .signals = signals, .page = page, .fd = -1, .again_at = INT64_MAX};
	listener->pause = SHORTEST_PAUSE;
	if (plan->listen != NULL && page != NULL)
		listener->again_at = 0;
	else if (plan->listen != NULL)
		log_event(LOG_ERROR, "listen", NULL, "nothing is served on %s: there is no memory to publish in", plan->listen);
}

static void serve(const void *context, int fd)
{
	const struct listener *listener = context;

	/* after the change of user, which clears it: without process 1 there is nothing to tell */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	httpd_run(fd, listener->page);
}

static bool start(struct listener *listener)
{
	const struct spawn spec = {
	    .group = SPAWN_GROUP,
	    .signals = listener->signals,
	    .user = &listener->plan->app.user,
	    .umask = -1,
	    .input = -1,
	    .output = -1,
	    .work = serve,
	    .result = listener->fd,
	    .context = listener,
	};
	int unused;
	pid_t pid = spawn(&spec, &unused);

	listener->pid = pid > 0 ? pid : 0;
	return pid > 0;
}

static void fail(struct listener *listener, msec_t now, const char *what)
{
	/* said once: the same again in five seconds is no news */
	if (!listener->told)
		log_event(LOG_ERROR, "listen", NULL, "%s %s: %s; tried on", what, listener->plan->listen, strerror(errno));
	listener->told = true;
	listener->again_at = now + LONGEST_PAUSE;
}

void listener_tick(struct listener *listener, msec_t now)
{
	if (now < listener->again_at)
		return;
	listener->again_at = INT64_MAX;
	if (listener->fd < 0)
		listener->fd = listen_open(listener->plan->listen);
	if (listener->fd < 0) {
		fail(listener, now, "cannot listen on");
		return;
	}
	listener->begun = now;
	if (start(listener))
		listener->told = false;
	else
		fail(listener, now, "no process to listen on");
}

bool listener_reaped(struct listener *listener, pid_t pid, msec_t now)
{
	if (listener->pid == 0 || pid != listener->pid)
		return false;
	listener->pid = 0;
	listener->restarts++;
	if (now - listener->begun >= LONG_LIFE)
		listener->pause = SHORTEST_PAUSE;
	log_event(LOG_WARN, "listen", NULL, "the listener has ended");
	listener->again_at = now + listener->pause;
	listener->pause = listener->pause * 2 < LONGEST_PAUSE ? listener->pause * 2 : LONGEST_PAUSE;
	return true;
}
