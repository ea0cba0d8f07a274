#include "init/child/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "init/child/step_env.h"
#include "init/base/log.h"
#include "init/child/spawn.h"
#include "init/child/sweep.h"

#define MESSAGE_MAX     4096
#define DESCRIPTORS_MAX 253 /* in one message: the kernel's limit, SCM_MAX_FD */

/* Autobind: the kernel chooses a free abstract address in this network namespace. */
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

static bool open_both(struct notify *notify)
{
	int on = 1, ends[2];

	notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->socket < 0 || setsockopt(notify->socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
	    !bind_anywhere(notify->socket, notify->address) || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	notify->in = ends[0];
	notify->out = ends[1];
	return fcntl(notify->in, F_SETFL, O_NONBLOCK) == 0;
}

bool notify_open(struct notify *notify)
{
	if (open_both(notify))
		return true;
	int error = errno;
	if (notify->socket >= 0)
		close(notify->socket);
	notify->socket = -1;
	errno = error;
	return false;
}

void notify_environment(const struct notify *notify, const struct plan_app *plan)
{
	if (notify->socket < 0)
		return;
	setenv("NOTIFY_SOCKET", notify->address, 1);
	unsetenv("WATCHDOG_USEC"); /* inherited ones belong to another socket */
	unsetenv("WATCHDOG_PID");
	if (plan->watchdog == 0)
		return;
	step_env_set_number("WATCHDOG_USEC", plan->watchdog * 1000);
	step_env_set_number("WATCHDOG_PID", getpid());
}

/* --- the relay ---------------------------------------------------------------------------------------------------------- */

/* A lingering socket would block close(), and with it all other messages. */
static void close_passed(int fd)
{
	const struct linger at_once = {0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(fd);
}

/* The sender's pid, from the kernel; 0: outside our PID namespace. Closes descriptors sent along. */
static pid_t parse_ancillary(struct msghdr *header)
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
				close_passed(fd);
			}
		}
	}
	return sender;
}

static bool is_the_apps(pid_t sender, pid_t app, pid_t group)
{
	return sender > 0 && (sender == app || (group > 0 && getpgid(sender) == group) || sweep_descends(sender, app));
}

struct relay {
	const struct notify *notify;
	pid_t app, group;
};

static bool receive(const struct relay *relay, struct notify_record *record)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
		struct cmsghdr align;
	} ancillary;
	char text[MESSAGE_MAX];
	struct iovec vector = {text, sizeof text};

	struct msghdr header = {
	    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary.bytes};
	ssize_t length = recvmsg(STDIN_FILENO, &header, MSG_CMSG_CLOEXEC);

	if (length < 0)
		return false;
	memset(record, 0, sizeof *record);
	record->app = relay->app;
	record->sender = parse_ancillary(&header);
	record->refused = !is_the_apps(record->sender, relay->app, relay->group) || (header.msg_flags & MSG_TRUNC) != 0;
	notify_parse(text, record->refused ? 0 : (size_t)length, &record->message);
	return true;
}

/* The relay process. Its socket is standard input. */
static void relay_on(const void *context, int out)
{
	struct notify_record record;
	struct signals_inherited before;

	signals_block(&before);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "tinysup-notify");
	for (;;)
		if (receive(context, &record) && write(out, &record, sizeof record) != (ssize_t)sizeof record)
			_exit(EXIT_FAILURE);
}

/* --- process 1 ---------------------------------------------------------------------------------------------------------- */

void notify_app_started(struct notify *notify)
{
	if (notify->socket < 0)
		return;
	if (notify->relay.pid > 0)
		kill(notify->relay.pid, SIGKILL);
	notify->relay.pid = 0;
	notify->relay.start_at = 0;
}

void notify_tick(struct notify *notify, const struct signals_inherited *signals, pid_t app, pid_t group, msec_t now)
{
	const struct relay relay = {notify, app, group};
	const struct spawn spec = {
	    .group = SPAWN_GROUP,
	    .signals = signals,
	    .umask = -1,
	    .input = notify->socket,
	    .output = -1,
	    .error = -1,
	    .work = relay_on,
	    .result = notify->out,
	    .context = &relay,
	};

	if (notify->socket >= 0 && service_due(&notify->relay, now))
		service_started(&notify->relay, spawn(&spec, NULL), now);
}

bool notify_receive(struct notify *notify, pid_t app, struct notify_message *message)
{
	struct notify_record record;

	if (read(notify->in, &record, sizeof record) != (ssize_t)sizeof record)
		return false;
	bool good = !record.refused && app > 0 && record.app == app;
	if (good)
		*message = record.message;
	else
		notify_parse("", 0, message);
	if (record.refused && !notify->refusal_logged)
		log_fields(LOG_WARN, "notify_drop", NULL, LOG_FIELDS(field_number("pid", record.sender)),
			   "dropped a message from process %d: too long, or not sent by the app", (int)record.sender);
	notify->refusal_logged |= record.refused;
	return true;
}
