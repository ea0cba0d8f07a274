#include "init/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/hookenv.h"
#include "init/log.h"
#include "init/sweep.h"

#define MESSAGE_MAX     4096
#define DESCRIPTORS_MAX 64 /* in one message; the kernel's own limit is 253 */

/* Bound to no name but a family, the kernel chooses an abstract address that is free in this network namespace. */
static bool bind_anywhere(int fd, char address[16])
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t length = sizeof name;

	if (bind(fd, (struct sockaddr *)&name, sizeof name.sun_family) != 0 ||
	    getsockname(fd, (struct sockaddr *)&name, &length) != 0)
		return false;
	snprintf(address, 16, "@%.*s", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1), name.sun_path + 1);
	return true;
}

bool notify_open(struct notify *notify)
{
	int on = 1;

	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return false;
	if (setsockopt(notify->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 && bind_anywhere(notify->fd, notify->address))
		return true;
	int error = errno;
	close(notify->fd);
	notify->fd = -1;
	errno = error;
	return false;
}

void notify_environment(const struct notify *notify, const struct plan_app *plan)
{
	if (notify->fd < 0)
		return;
	setenv("NOTIFY_SOCKET", notify->address, 1);
	unsetenv("WATCHDOG_USEC"); /* those of whoever started us go with another socket */
	unsetenv("WATCHDOG_PID");
	if (plan->watchdog == 0)
		return;
	hookenv_set_number("WATCHDOG_USEC", plan->watchdog * 1000);
	hookenv_set_number("WATCHDOG_PID", getpid());
}

/* The sender as the kernel vouches for it; 0: it is in no PID namespace of ours. All descriptors sent along are closed. */
static pid_t look_at_ancillary(struct msghdr *header)
{
	pid_t sender = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred credentials;
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
			sender = credentials.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < count; i++) {
				int fd;
				memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
				close(fd);
			}
		}
	}
	return sender;
}

static bool is_the_apps(pid_t sender, pid_t app, pid_t group)
{
	return sender > 0 && (sender == app || (group > 0 && getpgid(sender) == group) || sweep_descends(sender, app));
}

bool notify_receive(struct notify *notify, pid_t app, pid_t group, struct notify_message *message)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
		struct cmsghdr align;
	} ancillary;
	char text[MESSAGE_MAX];
	struct iovec vector = {text, sizeof text};

	struct msghdr header = {
	    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary.bytes};
	ssize_t length = recvmsg(notify->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (length < 0)
		return false;
	pid_t sender = look_at_ancillary(&header);
	bool good = app > 0 && is_the_apps(sender, app, group) && (header.msg_flags & MSG_TRUNC) == 0;
	notify_parse(text, good ? (size_t)length : 0, message);
	if (!good && notify->refused++ == 0)
		log_event(LOG_WARN, "notify", NULL, "a message of process %d was dropped: it is too long, or not the app's",
			  (int)sender);
	return true;
}
