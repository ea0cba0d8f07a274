/*
 * sd_notify(3) for the app: a datagram socket without a place in the file system (a read-only root needs nothing), named in
 * NOTIFY_SOCKET. What comes from anybody but the app and its descendants is dropped. Protocol: systemd's sd_notify(3).
 */
#ifndef TINYSUP_INIT_NOTIFY_H
#define TINYSUP_INIT_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/plan.h"

#define NOTIFY_STATUS 200 /* STATUS= is cut to this, its NUL included */

/* One message. What tinysup has no use for (MAINPID, ERRNO, FDSTORE, BARRIER ...) is passed over. */
struct notify_message {
	bool ready, stopping, reloading;
	bool watchdog, watchdog_trigger;
	msec_t watchdog_every; /* WATCHDOG_USEC; MSEC_UNSET: not said */
	msec_t extend;         /* EXTEND_TIMEOUT_USEC; MSEC_UNSET: not said */
	bool has_status;
	char status[NOTIFY_STATUS];
};

/* text: `length` bytes as they came. Fills in the whole message; what is malformed counts as not said. */
void notify_parse(const char *text, size_t length, struct notify_message *message);

struct notify {
	int fd;           /* -1: there is none */
	char address[16]; /* "@00042", as NOTIFY_SOCKET has it */
	unsigned long refused;
};

/* Before the seal. False with errno set where there is no socket to be had. */
bool notify_open(struct notify *notify);

/* In the app's child, before exec. */
void notify_environment(const struct notify *notify, const struct plan_app *plan);

/*
 * The next message; false where none is left. What is not from the app, a descendant, or somebody in its process group is as an
 * empty one. Descriptors that came along are closed, so that a barrier lets its sender go on.
 */
bool notify_receive(struct notify *notify, pid_t app, pid_t group, struct notify_message *message);

#endif
