#include "init/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/readers/httpd.h"
#include "config/address.h"
#include "init/base/log.h"
#include "init/child/spawn.h"

#define BACKLOG 4096 /* limited by net.core.somaxconn */

static bool bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t length)
{
	const int yes = 1, no = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	/* IPV6_V6ONLY may be the system default */
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	return bind(fd, (const struct sockaddr *)address, length) == 0 && listen(fd, BACKLOG) == 0;
}

static int open_at(const struct sockaddr_storage *address, socklen_t length)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind_and_listen(fd, address, length))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int listener_open(const char *text)
{
	struct sockaddr_storage address;
	socklen_t length;

	if (!listen_address(text, &address, &length)) {
		errno = EINVAL;
		return -1;
	}
	int fd = open_at(&address, length);
	if (fd >= 0 || *text != ':' || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	/* no IPv6 here */
	char everywhere[32] = "0.0.0.0";
	strncat(everywhere, text, sizeof everywhere - strlen(everywhere) - 1);
	return listen_address(everywhere, &address, &length) ? open_at(&address, length) : -1;
}

void listener_init(struct listener *listener, const struct plan *plan, const struct signals_inherited *signals,
		   const struct page *page)
{
	*listener = (struct listener){.plan = plan, .signals = signals, .page = page, .fd = -1};
	listener->service.start_at = plan->listen != NULL && page != NULL ? 0 : INT64_MAX;
	if (plan->listen != NULL && page == NULL)
		log_fields(LOG_ERROR, "listener_error", NULL,
			   LOG_FIELDS(field_text("address", plan->listen), field_text("error", "no published status")),
			   "cannot serve %s: no published status", plan->listen);
}

static void serve(const void *context, int fd)
{
	const struct listener *listener = context;

	/* after changing the user, which clears it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	httpd_run(fd, listener->page, listener->plan);
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
	    .error = -1,
	    .work = serve,
	    .result = listener->fd,
	    .context = listener,
	};

	return spawn(&spec, NULL);
}

/* Logged once, not at every retry. */
static void fail(struct listener *listener, const char *what)
{
	if (!listener->error_logged)
		log_fields(LOG_ERROR, "listener_error", NULL,
			   LOG_FIELDS(field_text("address", listener->plan->listen), field_text("error", strerror(errno))),
			   "%s %s: %s; retrying", what, listener->plan->listen, strerror(errno));
	listener->error_logged = true;
}

void listener_tick(struct listener *listener, msec_t now)
{
	pid_t pid = -1;

	if (!service_due(&listener->service, now))
		return;
	if (listener->fd < 0)
		listener->fd = listener_open(listener->plan->listen);
	if (listener->fd < 0)
		fail(listener, "cannot listen on");
	else if ((pid = start(listener)) < 0)
		fail(listener, "cannot start the listener on");
	else
		listener->error_logged = false;
	service_started(&listener->service, pid, now);
}

bool listener_reaped(struct listener *listener, pid_t pid, msec_t now)
{
	if (!service_reaped(&listener->service, pid, now))
		return false;
	log_event(LOG_WARN, "listener_exit", NULL, "the listener exited; restarting it");
	return true;
}
