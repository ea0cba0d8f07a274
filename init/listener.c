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

void listener_init(struct listener *listener, const struct plan *plan, const struct signals_inherited *signals,
		   const struct page *page)
{
	*listener = (struct listener){.plan = plan, .signals = signals, .page = page, .fd = -1};
	listener->service.start_at = plan->listen != NULL && page != NULL ? 0 : INT64_MAX;
	if (plan->listen != NULL && page == NULL)
		log_event(LOG_ERROR, "listen", NULL, "nothing is served on %s: there is no memory to publish in", plan->listen);
}

static void serve(const void *context, int fd)
{
	const struct listener *listener = context;

	/* after the change of user, which clears it: without process 1 there is nothing to tell */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	httpd_run(fd, listener->page);
}

static pid_t start(const struct listener *listener)
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

	return spawn(&spec, NULL);
}

/* Said once: the same again in five seconds is no news. */
static void fail(struct listener *listener, const char *what)
{
	if (!listener->told)
		log_event(LOG_ERROR, "listen", NULL, "%s %s: %s; retrying", what, listener->plan->listen, strerror(errno));
	listener->told = true;
}

void listener_tick(struct listener *listener, msec_t now)
{
	pid_t pid = -1;

	if (!service_due(&listener->service, now))
		return;
	if (listener->fd < 0)
		listener->fd = listen_open(listener->plan->listen);
	if (listener->fd < 0)
		fail(listener, "cannot listen on");
	else if ((pid = start(listener)) < 0)
		fail(listener, "cannot start the listener on");
	else
		listener->told = false;
	service_started(&listener->service, pid, now);
}

bool listener_reaped(struct listener *listener, pid_t pid, msec_t now)
{
	if (!service_reaped(&listener->service, pid, now))
		return false;
	log_event(LOG_WARN, "listen", NULL, "the listener has ended");
	return true;
}
