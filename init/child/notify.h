/*
 * sd_notify(3) for the app: a datagram socket without a place in the file system (a read-only root needs nothing), named in
 * NOTIFY_SOCKET. What comes from anybody but the app and its descendants is dropped. Protocol: systemd's sd_notify(3).
 */
#ifndef TINYSUP_INIT_CHILD_NOTIFY_H
#define TINYSUP_INIT_CHILD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/plan.h"
#include "init/machine/service.h"
#include "init/base/signals.h"

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

/* What the relay hands on. Smaller than PIPE_BUF: it arrives whole. */
struct notify_record {
	pid_t app; /* whose message it is: an app of an earlier life is not heard */
	pid_t sender;
	bool refused; /* too long, or not the app's: the message is empty */
	struct notify_message message;
};

/*
 * A relay process reads the socket: closing a descriptor that came with a message may block for as long as its sender likes
 * (SO_LINGER, FUSE), and finding out whose descendant a sender is takes time that the sender chooses. Process 1 reads records.
 */
struct notify {
	int socket;       /* -1: there is none. Process 1 only keeps it, so that nothing is lost between two relays */
	int in, out;      /* the records' pipe */
	char address[16]; /* "@00042", as NOTIFY_SOCKET has it */
	struct service relay;
	bool refusal_logged; /* that a message was refused */
};

/* Before the seal. False with errno set where there is no socket to be had. */
bool notify_open(struct notify *notify);

/* In the app's child, before exec. */
void notify_environment(const struct notify *notify, const struct plan_app *plan);

/* A new app: the relay for the old one ends, one for the new one is due. */
void notify_app_started(struct notify *notify);

/* Starts a relay where one is due. Heard are the app, its descendants and its process group. */
void notify_tick(struct notify *notify, const struct signals_inherited *signals, pid_t app, pid_t group, msec_t now);

/*
 * The next message; false where none is left. What is not the app's is as an empty one. A barrier's descriptor is closed by the
 * relay, so that its sender goes on.
 */
bool notify_receive(struct notify *notify, pid_t app, struct notify_message *message);

#endif
